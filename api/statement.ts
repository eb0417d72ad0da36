/** What the API, health and the metrics say of a step: the same statement as in the Temporal UI, as plain text. */
import { nameOfVendor, settingsOf } from '../connectors/registry.ts';
import type { KnownStep } from '../db/queries/stepFacts.ts';
import { remedyOf } from '../domain/process/remedies.ts';
import { plainly, sayStep, type Statement } from '../domain/process/statement.ts';
import { valuesByName, type Environment } from '../environment.ts';

type Settings = Pick<Environment, 'VENDOR_NAMES' | 'RETRYING_SHOWN_MS'>;

/** Says what a step does, waits for, or is blocked by, and what to do. */
export function sayKnown(environment: Settings, step: KnownStep): Statement {
  const { facts, whose } = named(environment, step);
  const { title, words, code } = sayStep(facts, whose, environment.RETRYING_SHOWN_MS);
  return { title, words: plainly(words), ...(code === undefined ? {} : { code }) };
}

/** Says what to do about a blocked step. */
export function todoOf(environment: Settings, step: KnownStep): string {
  const { facts, whose } = named(environment, step);
  return plainly(remedyOf({ ...facts, code: facts.problem ?? 'unexpected' }, whose));
}

function named({ VENDOR_NAMES }: Settings, { whose, ...facts }: KnownStep) {
  const { psaKind, ...rest } = whose ?? {};
  const vendor = rest.vendor === undefined ? {} : { vendor: nameOfVendor(rest.vendor, valuesByName(VENDOR_NAMES)) };
  return {
    facts: { ...facts, ...(facts.missing ? { missing: settingsOf(psaKind, facts.missing) } : {}) },
    whose: whose && { ...rest, ...vendor },
  };
}
