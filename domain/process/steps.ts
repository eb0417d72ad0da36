/**
 * The step model: a process is a list of named steps that live in rows; a workflow only drives them (design.md
 * "Processes as workflows"). Pure: shared by workflows, activities and API.
 */
import type { ProcessTiming } from './timing.ts';

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

export function isFinished(state: StepState): boolean {
  return state === 'done' || state === 'skipped';
}

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
