/** The titles of steps, and whom they wait for. */
import type { StepName } from './steps.ts';

/** A title for each step, and whom it waits for, in words a stranger understands; shown in the Temporal UI, API and console. */
export const stepLabels: Record<StepName, { title: string; waitsFor: string }> = {
  issueKey: { title: 'Issue the integration key', waitsFor: 'a person to create the key in Countersign' },
  enable: { title: 'Enable in the vendor console', waitsFor: 'the vendor to accept the key' },
  credentials: { title: 'Vendor credentials', waitsFor: 'a person to give the reseller id and API key' },
  verifyCredentials: { title: 'Try the vendor credentials', waitsFor: 'the vendor to answer' },
  linkCustomers: { title: 'Link customers', waitsFor: 'a person to choose which customers to link' },
  checkPermissions: { title: 'Check PSA permissions for alerts', waitsFor: 'the PSA to answer' },
  chooseBoard: { title: 'Choose the PSA board', waitsFor: 'a person to choose a board' },
  psa: { title: 'Read the PSA', waitsFor: 'the PSA refresh to finish' },
  matchExactly: { title: 'Match equal names', waitsFor: 'the match to run' },
  mapAccounts: { title: 'Map accounts', waitsFor: 'a person to map accounts and declare it complete' },
  mapServices: { title: 'Map services', waitsFor: 'a person to map services and declare it complete' },
  finish: { title: 'Review and finish', waitsFor: 'a person to review and press Finish' },
  firstSync: { title: 'First sync', waitsFor: 'the first sync to finish' },
  checkPsaPermissions: { title: 'Check PSA permissions', waitsFor: 'the PSA to answer' },
  pullPsa: { title: 'Read companies, products, agreements and lines', waitsFor: 'the PSA to answer' },
  applyPsa: { title: 'Make the PSA data visible', waitsFor: 'the database' },
  counts: {
    title: 'Counts from the vendor',
    waitsFor: 'the vendor to send its counts (Update Counts in the vendor console)',
  },
  quiet: { title: 'Let the counts come in', waitsFor: 'the counts to stop coming for a few seconds' },
  pullVendor: { title: 'Read usage from the vendor', waitsFor: 'the vendor to answer' },
  freshPsa: { title: 'Read the PSA afresh', waitsFor: 'the PSA refresh to finish' },
  checkComplete: { title: 'Check that every page arrived', waitsFor: 'the database' },
  guard: { title: 'Compare with the last run', waitsFor: 'the database' },
  apply: { title: 'Make the counts visible', waitsFor: 'the database' },
  deriveAlerts: { title: 'Look for alerts', waitsFor: 'the vendor to answer' },
  close: { title: 'Close', waitsFor: 'the database' },
  write: { title: 'Write approved quantities to the PSA', waitsFor: 'the PSA to answer' },
  settle: { title: 'Read uncertain lines again', waitsFor: "the PSA's search lag to pass" },
  requestMigration: { title: 'Migrate to Alerts', waitsFor: 'a person to press Migrate to Alerts' },
  updateAccountMapping: {
    title: 'Update Account Mapping',
    waitsFor: 'a person to map accounts and press Back To Overview',
  },
  updateCounts: { title: 'Update Counts', waitsFor: 'the counts to arrive (Update Counts in the vendor console)' },
  resolveAccount: { title: 'Find the PSA account', waitsFor: 'the database' },
  writeTicket: { title: 'Find or create the ticket', waitsFor: 'the PSA to answer' },
  settleTicket: { title: 'Look again for an uncertain ticket', waitsFor: "the PSA's search lag to pass" },
  recordDelivery: { title: 'Record the delivery', waitsFor: 'the database' },
  detect: { title: 'Find the new customer', waitsFor: 'the next sync' },
  mapCustomer: {
    title: 'Map the customer',
    waitsFor: 'a person to map it to a PSA account, or to exclude it',
  },
  pullCustomer: { title: "Read the customer's usage from the vendor", waitsFor: 'the vendor to answer' },
  showCards: { title: 'Show its cards', waitsFor: 'the database' },
};

/** Whom a step waits for while nothing is wrong. */
export type Who = 'person' | 'vendor' | 'psa' | 'countersign';

const personsSteps = new Set<string>([
  'issueKey',
  'credentials',
  'linkCustomers',
  'chooseBoard',
  'mapAccounts',
  'mapServices',
  'finish',
  'requestMigration',
  'updateAccountMapping',
  'mapCustomer',
]);
const vendorsSteps = new Set<string>([
  'enable',
  'counts',
  'quiet',
  'verifyCredentials',
  'pullVendor',
  'updateCounts',
  'deriveAlerts',
  'pullCustomer',
]);
const psasSteps = new Set<string>([
  'checkPsaPermissions',
  'pullPsa',
  'checkPermissions',
  'write',
  'settle',
  'writeTicket',
  'settleTicket',
  'psa',
  'freshPsa',
]);

export function whoIn(step: string): Who {
  if (personsSteps.has(step)) return 'person';
  if (vendorsSteps.has(step)) return 'vendor';
  return psasSteps.has(step) ? 'psa' : 'countersign';
}

/** Describes a step that rests because the vendor or PSA asked for a pause. @param until UTC, HH:MM */
export function describePause(step: string, until: string): string {
  return `waits until ${until} UTC, because ${whoIn(step) === 'vendor' ? 'the vendor' : 'the PSA'} asked for a pause`;
}
