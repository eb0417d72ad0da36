/**
 * The step model: a process is a list of named steps that live in rows; a workflow only drives them (design.md
 * "Processes as workflows"). Pure: shared by workflows, activities and API.
 */
import type { ApprovalLineState } from '../transitions.ts';
import type { Whose } from './remedies.ts';
import type { Stop } from './stops.ts';
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
  // This process only wakes others; it has no steps.
  startOnboardings: [],
} as const satisfies Record<ProcessKind, readonly string[]>;

export type StepOf<K extends ProcessKind> = (typeof stepsOf)[K][number];
export type StepName = StepOf<ProcessKind>;

export function isFinished(state: StepState): boolean {
  return state === 'done' || state === 'skipped';
}

/** Steps that an integration does not need; they begin `skipped`. */
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
 * Steps that are opened again when a disconnected integration is connected again: the vendor's access, the reads, and the
 * steps that were not done when it was disconnected. What a person decided is not asked again.
 *
 * @param steps the steps of `connect` with their present states
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

/** With push, a new customer's counts are waited for and not read; with pull it is the other way round. */
export function skippedOnboardingSteps(intake: 'push' | 'pull'): StepOf<'onboardCustomer'>[] {
  return intake === 'push' ? ['pullCustomer'] : ['counts'];
}

/** What a step at work fails with again and again: our codes, a status and a route template only (invariant 7). */
export interface Failing {
  forMs: number;
  /** UTC, HH:MM. */
  since: string;
  code: string;
  status?: number | null;
  route?: string | null;
}

/** One step as a workflow sees it. Times are durations measured by the database's clock, so no two clocks are compared. */
export interface StepView {
  step: string;
  state: StepState;
  problem?: string;
  /** Since when it is blocked (UTC, YYYY-MM-DD HH:MM), and the status and the route template of the call that failed. */
  since?: string;
  status?: number;
  route?: string;
  /** Somebody has paused its activity in the Temporal UI. */
  pausedInTemporal?: boolean;
  /** With the problem `missing_rights`: the rights, and from `readProcessView` where each is set. */
  missing?: string[];
  /** Milliseconds until the step may try again by itself; absent = it tries only after a wake. */
  retryInMs?: number;
  /** Milliseconds since the step was blocked. */
  blockedForMs?: number;
  /** When the step goes on by itself (UTC, HH:MM), if the vendor or PSA asked for a pause. */
  pausedUntil?: string;
  /** Milliseconds since the first of the transient failures that every attempt has had. */
  failingForMs?: number;
  /** Of a step that is shown as `running` and does not rest: what its attempts fail with. */
  failing?: Failing;
  /** Milliseconds until the person whom the step waits for is reminded; absent = nobody is reminded. */
  remindInMs?: number;
  /** The first step of the round that is not finished: what the process waits for now. */
  next?: boolean;
  /** The process whose round satisfies this step, and the code of its problem if that process is blocked. */
  waitsOn?: { workflowId: string; problem?: string };
}

export interface ProcessView {
  version: number;
  round: string;
  /** Whose it is; absent in histories of earlier code. */
  whose?: Whose;
  /** The integrations that it keeps from going on when it is blocked; absent in histories of earlier code. */
  integrationIds?: string[];
  /** The id of what the process is about: the vendor account of an alert. */
  about?: string;
  /** Of an approval: how many of its lines are in each state. */
  lines?: Partial<Record<ApprovalLineState, number>>;
  /** Keeps tenants apart in a task queue: the id of the integration or of the PSA connection. */
  fairnessKey: string;
  timing: ProcessTiming;
  /** Milliseconds until the sweep wakes the process, as it was parked; null = never, because it is finished. */
  dueInMs: number | null;
  steps: StepView[];
  /** What waits for a person although the steps of its round are over; absent = nothing. */
  stops?: Stop[];
  /** The address of the console, for the stops; absent where it is not known. */
  consoleAt?: string;
}
