/** The health of an integration, for the person who looks after it: what waits for whom, and how old data and credentials are. */
import { whoIn, type Who } from './process/labels.ts';
import { waitsForBlocked, type Statement } from './process/statement.ts';
import { describeStop, type Stop } from './process/stops.ts';
import { nextRuns, revisionOf, type Schedule } from './schedule.ts';
import type { SeenSchedule } from './temporalSays.ts';
import { sweepLate } from './sweep.ts';

export type HealthState = 'healthy' | 'attention' | 'failing';

/** A process that does not go on by itself, or not now. */
export interface Wait {
  for: Who;
  what: string;
  /** The problem's code when it is blocked; absent = it only waits. */
  code?: string;
  workflowId: string;
}

export interface CredentialsFacts {
  of: 'vendor' | 'psa';
  givenAt: Date;
  /** YYYY-MM-DD, or null = unknown. */
  expireOn: string | null;
}

export interface CredentialsHealth extends CredentialsFacts {
  ageDays: number;
  warning: string | null;
}

/** The warning begins this many days before credentials expire. */
export const warnDays = 30;
const dayMs = 86_400_000;

/** @param maxAgeDays the age from which credentials without a known expiry are warned about (a guess) */
export function credentialsHealth(facts: CredentialsFacts, now: Date, maxAgeDays: number): CredentialsHealth {
  const ageDays = Math.floor((now.getTime() - facts.givenAt.getTime()) / dayMs);
  const whose = facts.of === 'vendor' ? "The vendor's credentials" : "The PSA's credentials";
  const left =
    facts.expireOn === null
      ? null
      : Math.ceil((new Date(`${facts.expireOn}T00:00:00Z`).getTime() - now.getTime()) / dayMs);
  let warning: string | null = null;
  if (left !== null && left <= 0) warning = `${whose} ended on ${facts.expireOn}. Give new ones; no mapping is lost.`;
  else if (left !== null && left <= warnDays)
    warning = `${whose} end on ${facts.expireOn}, in ${left} ${left === 1 ? 'day' : 'days'}. Give new ones before; no mapping is lost.`;
  else if (left === null && ageDays > maxAgeDays)
    warning = `${whose} are ${ageDays} days old, and nobody said when they end. Give new ones, or the same with the day on which they end.`;
  return { ...facts, ageDays, warning };
}

/** Problems that only a person can solve. The others pass by themselves, or are Countersign's. */
const forPerson = new Set([
  'bad_credentials',
  'forbidden',
  'virtual_administrator',
  'not_found',
  'invalid_request',
  'missing_rights',
  'redirected',
  'bad_host',
  'not_mapped',
  'contradictory',
  'paused',
]);
/** Problems that usually pass, or that another process has; the step tries again by itself. */
const passing = new Set(['unreachable', 'throttled', 'incomplete', 'retrying', waitsForBlocked]);

/** Codes of waits whose process is not blocked itself. */
const notBlocked = new Set(['retrying', 'paused', 'schedule_paused', 'sweep_late', waitsForBlocked]);

/** Whether a wait with this code is of a process that is blocked, and that can be freed itself. */
export function isBlocked(code: string | null | undefined): code is string {
  return code != null && !notBlocked.has(code);
}

/**
 * A process that does not go on by itself now.
 *
 * @param said what is said of its first unfinished step
 */
export function waitOf(workflowId: string, step: string, { title, words, code }: Statement): Wait {
  return { for: whomFor(step, code), what: `${title}: ${words}`, ...(code === undefined ? {} : { code }), workflowId };
}

function whomFor(step: string, code: string | undefined): Who {
  if (code === undefined || passing.has(code)) return whoIn(step);
  return forPerson.has(code) ? 'person' : 'countersign';
}

/** A Schedule that somebody has paused in Temporal, though it is not paused in Countersign. */
export function waitOfSchedule(integrationId: string): Wait {
  const what =
    'No sync begins by itself: somebody has paused the Schedule in the Temporal UI. Unpause it there (Schedules).';
  return { for: 'person', what, code: 'schedule_paused', workflowId: `sync/${integrationId}` };
}

/** What Temporal says of an integration's Schedule. */
export type SaidOfSchedule = Pick<SeenSchedule, 'paused' | 'revision' | 'nextRuns'>;

/**
 * The next runs of a schedule: those that Temporal says, if it has made its Schedule of this choice, else computed ones.
 *
 * @param count at most
 * @returns none while it is paused, in Countersign or in Temporal
 */
export function runsSaid(schedule: Schedule, said: SaidOfSchedule | null, now: Date, count: number): Date[] {
  if (schedule.paused || said?.paused) return [];
  const runs = said?.revision === revisionOf(schedule) ? said.nextRuns.map((run) => new Date(run)) : [];
  const coming = runs.filter((run) => run > now).slice(0, count);
  return coming.length > 0 ? coming : nextRuns(schedule, now, count);
}

/** The sweep when it is late: without it whatever loses its wake stays asleep, in every integration. */
export function waitOfSweep(ageSeconds: number | null, intervalMs: number): Wait | undefined {
  const late = sweepLate(ageSeconds, intervalMs);
  return late === undefined ? undefined : { for: 'countersign', what: late, code: 'sweep_late', workflowId: 'sweep' };
}

/** A stop, in the same words as in the Temporal UI. */
export function waitAt(workflowId: string, stop: Stop): Wait {
  const { title, what } = describeStop(stop);
  return { for: 'person', what: `${title}. ${what}`, code: stop.code, workflowId };
}

/**
 * The age at which data counts as stale: one and a half times the longest pause between the next runs, plus an hour.
 *
 * @returns milliseconds; undefined = the integration does not sync by itself
 */
export function staleAfterMs(schedule: Schedule, now: Date): number | undefined {
  if (schedule.paused) return undefined;
  const runs = nextRuns(schedule, now, 6);
  const pauses = runs.slice(1).map((run, at) => run.getTime() - (runs[at]?.getTime() ?? 0));
  return pauses.length === 0 ? undefined : 1.5 * Math.max(...pauses) + 3_600_000;
}

/** What a person has not done yet, or has done on purpose, and what is still being retried: nothing is stuck. */
const chosen = new Set(['not_mapped', 'held', 'refused', 'retrying', 'paused', 'schedule_paused', waitsForBlocked]);

/** @param notes.stale the integration's data is older than its schedule allows */
export function healthState(notes: {
  connected: boolean;
  waits: readonly Wait[];
  stale: boolean;
  heldRuns: number;
  heldRefreshes: number;
  linesUncertain: number;
  customersWaiting: number;
  alertsDead: number;
  refusedPosts: number;
  warnings: readonly string[];
}): HealthState {
  if (notes.stale || notes.waits.some((wait) => wait.code !== undefined && !chosen.has(wait.code))) return 'failing';
  const open =
    notes.heldRuns +
    notes.heldRefreshes +
    notes.linesUncertain +
    notes.customersWaiting +
    notes.alertsDead +
    notes.refusedPosts +
    notes.warnings.length;
  const person = notes.waits.some((wait) => wait.for === 'person');
  return open > 0 || person || !notes.connected ? 'attention' : 'healthy';
}
