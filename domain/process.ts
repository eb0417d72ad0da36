/**
 * The step model: a process is a list of named steps that live in rows; a workflow only drives them (design.md
 * "Processes as workflows"). Pure: shared by workflows, activities and API.
 */

export type ProcessKind =
  | 'connect'
  | 'refreshPsa'
  | 'sync'
  | 'approveUsage'
  | 'migrateToAlerts'
  | 'deliverAlert'
  | 'onboardCustomer'
  | 'startOnboardings';
export type StepState = 'waiting' | 'running' | 'blocked' | 'done' | 'skipped';

export const stepsOf = {
  connect: [
    'issueKey',
    'enable',
    'credentials',
    'verifyCredentials',
    'linkCustomers',
    'checkPermissions',
    'chooseBoard',
    'psa',
    'matchExactly',
    'mapAccounts',
    'mapServices',
    'finish',
    'firstSync',
  ],
  refreshPsa: ['checkPsaPermissions', 'pullPsa', 'applyPsa'],
  sync: ['counts', 'quiet', 'pullVendor', 'freshPsa', 'checkComplete', 'guard', 'apply', 'deriveAlerts', 'close'],
  approveUsage: ['write', 'settle', 'close'],
  migrateToAlerts: [
    'requestMigration',
    'linkCustomers',
    'updateAccountMapping',
    'updateCounts',
    'checkPermissions',
    'chooseBoard',
  ],
  deliverAlert: ['resolveAccount', 'writeTicket', 'settleTicket', 'recordDelivery'],
  onboardCustomer: ['detect', 'mapCustomer', 'pullCustomer', 'counts', 'showCards'],
  // It only wakes others, and has no steps of its own.
  startOnboardings: [],
} as const satisfies Record<ProcessKind, readonly string[]>;

export type StepOf<K extends ProcessKind> = (typeof stepsOf)[K][number];
export type StepName = StepOf<ProcessKind>;

const workflowPrefixes: Record<ProcessKind, string> = {
  connect: 'connect',
  refreshPsa: 'psa',
  sync: 'sync',
  approveUsage: 'approve',
  migrateToAlerts: 'migrate',
  deliverAlert: 'alert',
  onboardCustomer: 'onboard',
  startOnboardings: 'onboardings',
};

/** Workflow id of a process: the business id, so that starting it twice joins the one that is open. */
export function workflowIdOf(kind: ProcessKind, id: string): string {
  return `${workflowPrefixes[kind]}/${id}`;
}

/** What a process's workflow is started with: its own id, under the name of what it is. */
export function workflowInputOf(kind: ProcessKind, id: string) {
  switch (kind) {
    case 'connect':
    case 'sync':
    case 'migrateToAlerts':
    case 'startOnboardings':
      return { integrationId: id };
    case 'refreshPsa':
      return { psaConnectionId: id };
    case 'approveUsage':
      return { batchId: id };
    case 'deliverAlert':
      return { alertRowId: id };
    case 'onboardCustomer':
      return onboardingOf(id);
  }
}

/** The business id of a customer's onboarding: an integration's id has no slash, a vendor's own id may have some. */
export function onboardingId({ integrationId, vendorAccountId }: OnboardingKey): string {
  return `${integrationId}/${vendorAccountId}`;
}

/** The other way round. */
export function onboardingOf(id: string): OnboardingKey {
  const slash = id.indexOf('/');
  return { integrationId: id.slice(0, slash), vendorAccountId: id.slice(slash + 1) };
}

export interface OnboardingKey {
  integrationId: string;
  vendorAccountId: string;
}

/** The Temporal task queue a process's workflow runs on. */
export const workflowTaskQueue = 'countersign';
/** The task queue of long pulls, with slots of their own. */
export const bulkTaskQueue = 'countersign-bulk';

/** Steps an integration does not need begin `skipped`. */
export function skippedConnectSteps(integration: {
  intake: 'push' | 'pull';
  modules: readonly ('billing' | 'alerts')[];
}): StepOf<'connect'>[] {
  const skipped: StepOf<'connect'>[] = [];
  if (integration.intake === 'pull') skipped.push('issueKey', 'enable');
  else skipped.push('credentials', 'verifyCredentials');
  if (!integration.modules.includes('alerts')) skipped.push('checkPermissions', 'chooseBoard');
  if (!integration.modules.includes('billing')) skipped.push('mapServices', 'firstSync');
  return skipped;
}

/**
 * Steps that are done anew when an integration that was disconnected is connected again: the vendor's access, what was
 * read, and what had not been done when it was disconnected. What a person decided is not asked again.
 *
 * @param steps of connect, as they stand
 */
export function reconnectSteps(
  integration: Parameters<typeof skippedConnectSteps>[0] & { hasBoard: boolean },
  steps: readonly { step: string; state: StepState }[],
): StepOf<'connect'>[] {
  const unneeded = new Set<string>(skippedConnectSteps(integration));
  if (integration.hasBoard) unneeded.add('chooseBoard');
  const anew = new Set([
    'issueKey',
    'enable',
    'credentials',
    'verifyCredentials',
    'checkPermissions',
    'psa',
    'firstSync',
  ]);
  const skipped = new Set(steps.filter(({ state }) => state === 'skipped').map(({ step }) => step));
  return stepsOf.connect.filter((step) => !unneeded.has(step) && (anew.has(step) || skipped.has(step)));
}

/** What a vendor pushes is not read, and what is read is not waited for. */
export function skippedOnboardingSteps(intake: 'push' | 'pull'): StepOf<'onboardCustomer'>[] {
  return intake === 'push' ? ['pullCustomer'] : ['counts'];
}

/** Who a step waits for, in words a stranger understands; shown in the Temporal UI, the API and the console. */
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

/** What a step does that the other side asked for a pause. @param until UTC, HH:MM */
export function describePause(step: string, until: string): string {
  return `waits until ${until} UTC, because ${whoIn(step) === 'vendor' ? 'the vendor' : 'the PSA'} asked for a pause`;
}

/** Why a step is blocked: what happened and what to do. `code` is all that enters workflow history (invariant 7). */
export interface Problem {
  code: string;
  what: string;
  todo: string;
}

/** What to do about each code that an activity may leave with. */
const todoByCode: Record<string, string> = {
  bad_credentials: 'Give new credentials; the step then tries again by itself.',
  forbidden: 'Grant the missing right in the outside system, then retry the step.',
  virtual_administrator: 'Mailprotector bought through Virtual Administrator cannot be connected.',
  not_found: 'Check the id and the address that were given, correct them, then retry the step.',
  invalid_request: 'Check the settings of this connection, then retry the step.',
  bad_shape: 'The other side answered in a form Countersign does not know. Report it with the request id; retry later.',
  not_json:
    'Something in front of the other side answered: maintenance, a challenge, a login page. It is tried again by itself; if it stays so, check the address of the connection, and that its firewall lets Countersign through.',
  locked: 'Somebody has the record open or in use in the outside system. It is tried again by itself; close it there.',
  too_large: 'The other side sent more than Countersign accepts. Report it with the request id.',
  redirected:
    'Check the address of the connection: it answers with a redirect, which is not followed with credentials.',
  bad_host: 'Check the address of the connection.',
  incomplete:
    'The list did not arrive whole, so nothing was changed. It is tried again by itself. If it stays so, accept the incomplete list knowingly: what it holds may then raise and add, never lower or remove.',
  contradictory:
    'The other side says the same thing each time and it cannot be true, so the list may not be whole and nothing was changed. Report that to it. Or accept the incomplete list knowingly: what it holds may then raise and add, never lower or remove.',
  missing_rights: 'Grant the named rights to the API member in the PSA, then retry the step.',
  not_mapped: 'Map the customer to a PSA account, or exclude it: until then nothing of it is billed.',
  unreachable: 'The other side does not answer. It is tried again by itself; check its status page.',
  throttled:
    'The other side asks for a pause, and is asked again by itself when that is over. A check, a retry or new credentials ask it at once.',
  unexpected: 'An error in Countersign. Report it with the workflow id; retry the step after an upgrade.',
};

/** A problem for a code; `what` may quote the outside system and therefore stays in PostgreSQL. */
export function problemOf(code: string, what: string): Problem {
  return { code, what, todo: todoByCode[code] ?? 'Retry the step; if it stays blocked, report the code.' };
}

/** One step as a workflow sees it. Times are durations measured by the database's clock, so no two clocks are compared. */
export interface StepView {
  step: string;
  state: StepState;
  problem?: string;
  /** Milliseconds until it may try again by itself; absent = only after a wake. */
  retryInMs?: number;
  /** Milliseconds since it was blocked. */
  blockedForMs?: number;
  /** When it goes on by itself (UTC, HH:MM): the other side asked for a pause. */
  pausedUntil?: string;
  /** Milliseconds since every attempt has been failing in passing. */
  failingForMs?: number;
  /** Milliseconds until whoever it waits for is reminded; absent = he is not. */
  remindInMs?: number;
  /** The first step of the round that is not finished: what the process waits for now. */
  next?: boolean;
  /** The process whose round satisfies this step, and why that one is blocked, if it is. */
  waitsOn?: { workflowId: string; problem?: string };
}

export interface ProcessView {
  version: number;
  round: string;
  /** What it is about, in ids: the vendor account of an alert. */
  about?: string;
  /** Keeps tenants apart in a task queue: the integration's id, or the connection's. */
  fairnessKey: string;
  timing: ProcessTiming;
  /** Milliseconds until the sweep looks after it, null = never: what it is parked with. */
  dueInMs: number | null;
  steps: StepView[];
}

export function isFinished(state: StepState): boolean {
  return state === 'done' || state === 'skipped';
}

/** Every interval and gap of the step machinery, in milliseconds; short in tests and in the walkthrough. */
export interface ProcessTiming {
  /** A blocked step is tried at most once in this time, however many wakes arrive. */
  blockedGapMs: number;
  /** An unreachable step tries again by itself after this (or after Retry-After, if later). */
  unreachableRetryMs: number;
  /** How long a transient failure is retried inside an activity before the step is `unreachable`. */
  transientLimitMs: number;
  firstRetryMs: number;
  maxRetryMs: number;
  /** No heartbeat for this long = the worker died; the activity runs again elsewhere. */
  heartbeatMs: number;
  /** One attempt of an activity. */
  attemptMs: number;
}

export const defaultTiming: ProcessTiming = {
  blockedGapMs: 5_000,
  unreachableRetryMs: 15 * 60_000,
  transientLimitMs: 30 * 60_000,
  firstRetryMs: 1_000,
  maxRetryMs: 60_000,
  heartbeatMs: 30_000,
  attemptMs: 6 * 60 * 60_000,
};
