/**
 * From which states an event moves a row to which: steps, approvals and their lines, alerts, onboardings, sync runs, PSA
 * refreshes, and where a vendor that pushes stands. A statement that moves a state takes the states it may come from out of
 * its table, and so does the test that drives random commands (test/chaos/randomCommands.test.ts).
 */
import type { StepState } from './process/steps.ts';

export interface Move<S extends string> {
  from: readonly S[];
  to: S;
}
/** Whether the event moves a row that is in this state. */
export function canMove<S extends string>(state: S, { from }: Move<S>): boolean {
  return from.includes(state);
}

type Moves<S extends string> = Record<string, Move<S>>;

const unfinished = ['waiting', 'running', 'blocked'] as const;

/** A step that is over is done again only where what it rests on has changed: then it begins anew. */
export const stepMoves = {
  begin: { from: unfinished, to: 'running' },
  done: { from: unfinished, to: 'done' },
  skipped: { from: unfinished, to: 'skipped' },
  block: { from: unfinished, to: 'blocked' },
  /** New credentials, or a person's retry. */
  free: { from: ['blocked'], to: 'waiting' },
  /** A released run, a mapping taken back, an integration that is connected again. */
  redo: { from: [...unfinished, 'done', 'skipped'], to: 'waiting' },
  /** A customer that is there again needs a step no more that it needed before: the vendor sends its counts now. */
  restartSkipped: { from: ['done'], to: 'skipped' },
} as const satisfies Moves<StepState>;

export const approvalLineStates = [
  'intended',
  'writing',
  'uncertain',
  'applied',
  'already',
  'conflict',
  'rejected',
  'todo',
  'verified',
  'withdrawn',
  'replaced',
] as const;
export type ApprovalLineState = (typeof approvalLineStates)[number];

export const approvalBatchStates = ['requested', 'todo', 'closed'] as const;
export type ApprovalBatchState = (typeof approvalBatchStates)[number];

/** An approval: its lines are being written (`requested`), or it is a to-do list for a person, or it is over. */
export const approvalBatchMoves = {
  close: { from: ['requested'], to: 'closed' },
  /** Writing was turned off before all lines were written, or none of them is to be written. */
  leaveTodos: { from: ['requested'], to: 'todo' },
  closeTodos: { from: ['todo'], to: 'closed' },
} as const satisfies Moves<ApprovalBatchState>;

/** It may have been written, and nobody knows: `writing` is at work, or its writer has died. */
const sent = ['writing', 'uncertain'] as const;
/** The line is read before it is claimed: what was read may settle it. */
const unsettled = ['intended', ...sent] as const;

/** One signed-off write (invariant 5). What is settled stays so: another change is another line. */
export const approvalLineMoves = {
  claim: { from: ['intended'], to: 'writing' },
  /** Once more, because the line was read again and holds the old value. */
  claimAgain: { from: sent, to: 'writing' },
  /** Nothing was sent. Where somebody has the line in use in the PSA, it may not even have been claimed. */
  release: { from: ['intended', 'writing'], to: 'intended' },
  releaseAgain: { from: sent, to: 'uncertain' },
  uncertain: { from: sent, to: 'uncertain' },
  applied: { from: sent, to: 'applied' },
  already: { from: unsettled, to: 'already' },
  conflict: { from: unsettled, to: 'conflict' },
  rejected: { from: unsettled, to: 'rejected' },
  /** It was not written, and writing was turned off meanwhile. */
  todo: { from: sent, to: 'todo' },
  stop: { from: ['intended'], to: 'todo' },
  verify: { from: ['todo'], to: 'verified' },
  withdraw: { from: ['todo'], to: 'withdrawn' },
  replace: { from: ['todo'], to: 'replaced' },
} as const satisfies Moves<ApprovalLineState>;

/**
 * `parked` waits for its account to be mapped or for a board to be chosen; `waiting` waits for one of the integration's
 * delivery slots; `delivering` has a workflow; `gathered` shares the ticket of a storm alert; `dead` was refused for good.
 */
export const alertStates = ['parked', 'waiting', 'delivering', 'delivered', 'gathered', 'dead', 'dismissed'] as const;
export type AlertState = (typeof alertStates)[number];

/** An alert that is being delivered stays so when it is sent again: what is new is its next round. */
const atRest = ['parked', 'waiting', 'delivered', 'gathered', 'dead', 'dismissed'] as const;

/** An alert and its ticket (invariant 6). None is over for good: whoever sends it may send it again. */
export const alertMoves = {
  sentMapped: { from: atRest, to: 'waiting' },
  sentUnmapped: { from: atRest, to: 'parked' },
  unpark: { from: ['parked'], to: 'waiting' },
  takeSlot: { from: ['waiting'], to: 'delivering' },
  gather: { from: ['waiting'], to: 'gathered' },
  /** The storm alert itself, of which there is more to tell. */
  gatherMore: { from: ['parked', 'delivered'], to: 'waiting' },
  delivered: { from: ['delivering'], to: 'delivered' },
  parked: { from: ['delivering'], to: 'parked' },
  dead: { from: ['delivering'], to: 'dead' },
  dismissed: { from: ['delivering'], to: 'dismissed' },
  retry: { from: ['dead'], to: 'parked' },
  /** As a person asks, where no delivery has to be ended. */
  dismiss: { from: ['parked', 'waiting', 'dead'], to: 'dismissed' },
  /** The integration was disconnected, or its migration to alerts abandoned. */
  drop: { from: ['parked', 'waiting', 'delivering', 'gathered', 'dead'], to: 'dismissed' },
  /** What it told of is over, and nobody had been told. */
  clear: { from: ['parked', 'waiting', 'dead'], to: 'dismissed' },
  /** What it told of is over, and its ticket is to say so. */
  tellCleared: { from: ['delivered'], to: 'parked' },
} as const satisfies Moves<AlertState>;

/**
 * `found`: it has no process yet; `waiting`: a person has to map the customer; `mapped`: its counts are awaited; `done`: its
 * cards are shown. Other ends: `excluded` by a person, `gone` from the vendor, or the integration was `disconnected`.
 */
export const onboardingStates = ['found', 'waiting', 'mapped', 'done', 'excluded', 'gone', 'disconnected'] as const;
export type OnboardingState = (typeof onboardingStates)[number];

/** Of customers that are on their way. */
const onTheirWay = ['found', 'waiting', 'mapped'] as const;

/** A new customer. One whose onboarding has ended may be found again. */
export const onboardingMoves = {
  find: { from: ['done', 'excluded', 'gone', 'disconnected'], to: 'found' },
  start: { from: ['found'], to: 'waiting' },
  map: { from: ['waiting'], to: 'mapped' },
  unmap: { from: ['mapped'], to: 'waiting' },
  complete: { from: onTheirWay, to: 'done' },
  excluded: { from: onTheirWay, to: 'excluded' },
  gone: { from: onTheirWay, to: 'gone' },
  disconnected: { from: onTheirWay, to: 'disconnected' },
} as const satisfies Moves<OnboardingState>;

export const syncRunStates = ['running', 'applied', 'held', 'discarded', 'superseded'] as const;
export type SyncRunState = (typeof syncRunStates)[number];

/** A sync run becomes visible, or is held for a person (invariant 3). */
export const syncRunMoves = {
  applied: { from: ['running'], to: 'applied' },
  held: { from: ['running'], to: 'held' },
  release: { from: ['held'], to: 'running' },
  discard: { from: ['held'], to: 'discarded' },
  /** A newer run was whole. */
  supersede: { from: ['held'], to: 'superseded' },
  /** The integration was disconnected. */
  drop: { from: ['running', 'held'], to: 'discarded' },
} as const satisfies Moves<SyncRunState>;

export const psaRefreshStates = ['running', 'applied', 'discarded'] as const;
export type PsaRefreshState = (typeof psaRefreshStates)[number];

/** A PSA refresh becomes visible, whole, or is discarded; one that cannot be read is read again. */
export const psaRefreshMoves = {
  applied: { from: ['running'], to: 'applied' },
  /** It has lost too many rows, and a person does not want it. */
  discard: { from: ['running'], to: 'discarded' },
} as const satisfies Moves<PsaRefreshState>;

/** `disabled` and `error` are of the 2023 specification; vendors written then still send them (reference/gradient.md §5.1). */
export const pushStatuses = ['inactive', 'pending', 'active', 'disabled', 'error'] as const;
export type PushStatus = (typeof pushStatuses)[number];

/** Intake push: where the vendor stands. It may say anything, but for going back from `active` to `pending`. */
export const pushStatusMoves = {
  inactive: { from: pushStatuses, to: 'inactive' },
  pending: { from: ['inactive', 'pending', 'disabled', 'error'], to: 'pending' },
  active: { from: pushStatuses, to: 'active' },
  disabled: { from: pushStatuses, to: 'disabled' },
  error: { from: pushStatuses, to: 'error' },
  /** Its first counts or alert have come. */
  post: { from: ['inactive', 'pending'], to: 'active' },
} as const satisfies Moves<PushStatus>;

/** Each subject's states, what a new one begins as, and its moves. */
export const lives = {
  step: { states: ['waiting', 'running', 'blocked', 'done', 'skipped'], begins: ['waiting', 'done', 'skipped'], moves: stepMoves }, // prettier-ignore
  approvalBatch: { states: approvalBatchStates, begins: ['requested', 'todo'], moves: approvalBatchMoves },
  approvalLine: { states: approvalLineStates, begins: ['intended', 'todo'], moves: approvalLineMoves },
  alert: { states: alertStates, begins: ['waiting', 'parked'], moves: alertMoves },
  onboarding: { states: onboardingStates, begins: ['found'], moves: onboardingMoves },
  syncRun: { states: syncRunStates, begins: ['running'], moves: syncRunMoves },
  pushStatus: { states: pushStatuses, begins: ['inactive'], moves: pushStatusMoves },
  psaRefresh: { states: psaRefreshStates, begins: ['running'], moves: psaRefreshMoves },
} as const satisfies Record<string, { states: readonly string[]; begins: readonly string[]; moves: Moves<string> }>;
