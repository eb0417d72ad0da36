/** The titles of steps, and whom they wait for. */
import type { Failing, StepName } from './steps.ts';

/** Whom a step waits for while nothing is wrong. */
export type Who = 'person' | 'vendor' | 'psa' | 'countersign';

/** A title for each step, and whom it waits for, in words a stranger understands; shown in the Temporal UI, API and console. */
export const stepLabels: Record<StepName, { who: Who; title: string; waitsFor: string }> = {
  issueKey: {
    who: 'person',
    title: 'Issue the integration key',
    waitsFor: 'a person to create the key in Countersign',
  },
  enable: { who: 'vendor', title: 'Enable in the vendor console', waitsFor: 'the vendor to accept the key' },
  credentials: { who: 'person', title: 'Vendor credentials', waitsFor: 'a person to give the reseller id and API key' },
  verifyCredentials: { who: 'vendor', title: 'Try the vendor credentials', waitsFor: 'the vendor to answer' },
  linkCustomers: { who: 'person', title: 'Link customers', waitsFor: 'a person to choose which customers to link' },
  checkPermissions: { who: 'psa', title: 'Check PSA permissions for alerts', waitsFor: 'the PSA to answer' },
  chooseBoard: { who: 'person', title: 'Choose the PSA board', waitsFor: 'a person to choose a board' },
  psa: { who: 'psa', title: 'Read the PSA', waitsFor: 'the PSA refresh to finish' },
  matchExactly: { who: 'countersign', title: 'Match equal names', waitsFor: 'the match to run' },
  mapAccounts: { who: 'person', title: 'Map accounts', waitsFor: 'a person to map accounts and declare it complete' },
  mapServices: { who: 'person', title: 'Map services', waitsFor: 'a person to map services and declare it complete' },
  finish: { who: 'person', title: 'Review and finish', waitsFor: 'a person to review and press Finish' },
  firstSync: { who: 'countersign', title: 'First sync', waitsFor: 'the first sync to finish' },
  checkPsaPermissions: { who: 'psa', title: 'Check PSA permissions', waitsFor: 'the PSA to answer' },
  pullPsa: { who: 'psa', title: 'Read companies, products, agreements and lines', waitsFor: 'the PSA to answer' },
  applyPsa: { who: 'countersign', title: 'Make the PSA data visible', waitsFor: 'the database' },
  counts: {
    who: 'vendor',
    title: 'Counts from the vendor',
    waitsFor: 'the vendor to send its counts (Update Counts in the vendor console)',
  },
  quiet: { who: 'vendor', title: 'Let the counts come in', waitsFor: 'the counts to stop coming for a few seconds' },
  pullVendor: { who: 'vendor', title: 'Read usage from the vendor', waitsFor: 'the vendor to answer' },
  freshPsa: { who: 'psa', title: 'Read the PSA afresh', waitsFor: 'the PSA refresh to finish' },
  checkComplete: {
    who: 'vendor',
    title: 'List the customers again, and read who was missed',
    waitsFor: 'the vendor to answer',
  },
  guard: { who: 'countersign', title: 'Compare with the last run', waitsFor: 'the database' },
  apply: { who: 'countersign', title: 'Make the counts visible', waitsFor: 'the database' },
  deriveAlerts: { who: 'vendor', title: 'Look for alerts', waitsFor: 'the vendor to answer' },
  close: { who: 'countersign', title: 'Note that it is over', waitsFor: 'the database' },
  write: { who: 'psa', title: 'Write approved quantities to the PSA', waitsFor: 'the PSA to answer' },
  settle: { who: 'psa', title: 'Read uncertain lines again', waitsFor: "the PSA's search lag to pass" },
  requestMigration: { who: 'person', title: 'Migrate to Alerts', waitsFor: 'a person to press Migrate to Alerts' },
  updateAccountMapping: {
    who: 'person',
    title: 'Update Account Mapping',
    waitsFor: 'a person to map accounts and press Back To Overview',
  },
  updateCounts: {
    who: 'vendor',
    title: 'Update Counts',
    waitsFor: 'the counts to arrive (Update Counts in the vendor console)',
  },
  resolveAccount: { who: 'countersign', title: 'Find the PSA account', waitsFor: 'the database' },
  writeTicket: { who: 'psa', title: 'Find or create the ticket', waitsFor: 'the PSA to answer' },
  settleTicket: { who: 'psa', title: 'Look for the ticket again', waitsFor: "the PSA's search lag to pass" },
  recordDelivery: { who: 'countersign', title: 'Record the delivery', waitsFor: 'the database' },
  detect: { who: 'countersign', title: 'Find the new customer', waitsFor: 'the next sync' },
  mapCustomer: {
    who: 'person',
    title: 'Map the customer',
    waitsFor: 'a person to map it to a PSA account, or to exclude it',
  },
  pullCustomer: { who: 'vendor', title: "Read the customer's usage from the vendor", waitsFor: 'the vendor to answer' },
  showCards: { who: 'countersign', title: 'Show its cards', waitsFor: 'the database' },
};

/** The title of a step, as people read it. */
export function titleOfStep(step: string): string {
  return stepLabels[step as StepName]?.title ?? step;
}

export function whoIn(step: string): Who {
  return stepLabels[step as StepName]?.who ?? 'countersign';
}

/**
 * Describes a step that is retried for so long that it is to be seen: `retries since 03:02 UTC: 503, /resellers/{id}`.
 *
 * @returns undefined for a step that works
 */
export function describeRetrying(failing: Failing | null | undefined, shownMs: number): string | undefined {
  if (!failing || failing.forMs < shownMs) return undefined;
  return `retries since ${failing.since} UTC: ${describeCall(failing)}`;
}

/** What a call failed with, in our words: its status (or our code) and its route template. */
export function describeCall({ code, status, route }: Pick<Failing, 'code' | 'status' | 'route'>): string {
  return [status ?? code, ...(route ? [route] : [])].join(', ');
}

/** Describes a step that rests because the vendor or PSA asked for a pause. @param until UTC, HH:MM */
export function describePause(step: string, until: string): string {
  return `waits until ${until} UTC, because ${whoIn(step) === 'vendor' ? 'the vendor' : 'the PSA'} asked for a pause`;
}

/** What is said of a step whose activity somebody has paused in the Temporal UI. */
export const pausedThere = 'paused in the Temporal UI. Unpause it there (Pending Activities); nothing else starts it';
