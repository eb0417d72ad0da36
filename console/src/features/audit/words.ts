/** What the audit names, in words. */
import type { Choice } from '../../ui/Select.tsx';

/** Who: what stands before the colon of an actor. */
export const actorChoices = [
  { id: 'anybody', name: 'Anybody' },
  { id: 'person', name: 'People' },
  { id: 'token', name: 'Tokens' },
  { id: 'vendor', name: 'Vendors' },
  { id: 'countersign', name: 'Countersign itself' },
] as const satisfies readonly Choice[];

/** What: what stands before the dot of an action. */
const kinds: Record<string, string> = {
  approval: 'Approvals',
  card: 'Cards',
  account: 'Account mapping',
  service: 'Service mapping',
  product: 'Products fed by several services',
  customer: 'New customers',
  customers: 'Linked customers',
  sync: 'Runs',
  incomplete: 'Incomplete lists accepted',
  alert: 'Alerts',
  alerts: 'Alert settings',
  migration: 'Migration to alerts',
  integration: 'Integrations',
  schedule: 'Schedules',
  psaConnection: 'PSA connections',
  psa: 'Reads of the PSA',
  member: 'Members',
  invitation: 'Invitations',
  person: 'Signing in',
  token: 'Tokens',
};

export const kindChoices: readonly Choice[] = [
  { id: 'anything', name: 'Anything' },
  ...Object.entries(kinds).map(([id, name]) => ({ id, name })),
];

/** "psaConnection.signOutEverywhere" → "PSA connections: sign out everywhere". */
export function wordsOfAction(action: string): string {
  const [kind = '', what = ''] = action.split('.');
  return `${kinds[kind] ?? apart(kind)}: ${apart(what)}`;
}

/** "agreement_line" → "agreement line". */
export const apart = (name: string) =>
  name
    .replaceAll('_', ' ')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();

/** What changed, in a line: only what is other than before. */
export function wordsOfChange(before: unknown, after: unknown): string {
  if (!isRecord(before) || !isRecord(after))
    return [before, after]
      .filter((each) => each != null)
      .map(text)
      .join(' → ');
  return Object.keys(after)
    .filter((name) => text(before[name]) !== text(after[name]))
    .map((name) => `${apart(name)}: ${text(before[name])} → ${text(after[name])}`)
    .join(' · ');
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function text(value: unknown): string {
  if (value === undefined || value === null) return '—';
  if (isRecord(value))
    return Object.entries(value)
      .map(([name, each]) => `${apart(name)} ${text(each)}`)
      .join(', ');
  return Array.isArray(value) ? value.map(text).join(', ') : String(value);
}
