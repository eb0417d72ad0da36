/** What a person types in the console to connect the simulators: made up, and good on this machine alone. */
import { fieldsOf } from '../../connectors/fields.ts';
import { psaOf, vendors } from '../../connectors/registry.ts';
import { consolePassword, firstManagers } from '../../simulators/mailprotector/managers.ts';
import { simulatedPsa } from '../../simulators/psas.ts';
import { goodCredentials } from '../walkthrough/guide.ts';

/**
 * @param simulators where each simulator runs, by name
 * @param psa the kind of the simulated PSA
 * @returns a heading for each form, and below it a line for each of its fields, called as the console calls them
 */
export function credentialLines(simulators: Readonly<Record<string, string>>, psa: string): string[] {
  const entry = psaOf(psa);
  const { mailprotector } = vendors;
  const [manager] = firstManagers({ id: 500, name: '' });
  return [
    'Your PSA',
    ...(entry ? linesOf(fieldsOf(entry.credentials), simulatedPsa(psa).credentials(simulators[psa] ?? '')) : []),
    `${mailprotector.name}, when Countersign reads the counts`,
    ...linesOf(fieldsOf(mailprotector.credentials), goodCredentials.vendor),
    `The ${mailprotector.words.portal.name}, simulated: ${simulators['mailprotector'] ?? ''}`,
    line('E-mail address', manager?.email ?? ''),
    line('Password', consolePassword),
  ];
}

const linesOf = (fields: readonly { name: string; label: string }[], values: Readonly<Record<string, unknown>>) =>
  fields.flatMap(({ name, label }) => (values[name] === undefined ? [] : [line(label, String(values[name]))]));

const line = (label: string, value: string) => `  ${label.padEnd(16)}${value}`;
