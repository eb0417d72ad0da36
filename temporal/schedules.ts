import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type CalendarSpec,
  type Client,
  type ScheduleOptions,
} from '@temporalio/client';
import { workflowTaskQueue } from '../domain/process/ids.ts';
import { sweepScheduleMs } from '../domain/sweep.ts';
import { calendarsOf, revisionOf, type Calendar, type WantedSchedule } from '../domain/schedule.ts';
import { searchAttributes } from './searchAttributes.ts';

/** The id of the one Schedule that every deployment has. */
export const sweepScheduleId = 'sweep';

/** The id of an integration's Schedule. */
export const syncScheduleId = (integrationId: string) => `sync/${integrationId}`;

/** The integration whose syncs a Schedule begins; undefined for another Schedule. */
export function syncedBy(scheduleId: string): string | undefined {
  const prefix = syncScheduleId('');
  return scheduleId.startsWith(prefix) ? scheduleId.slice(prefix.length) : undefined;
}

/** How long ago a missed sync may be and still be caught up with: one that a weekend without a server missed runs once on Monday. */
export const catchUpMs = 7 * 24 * 60 * 60_000;

const sweepSchedule: ScheduleOptions = {
  scheduleId: sweepScheduleId,
  spec: { intervals: [{ every: sweepScheduleMs }] },
  // Missed actions need no catching up: the sweep finds all that is overdue.
  policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: sweepScheduleMs },
  state: { triggerImmediately: true, note: 'Starts the workflow that sweeps, if it is not there' },
  action: {
    type: 'startWorkflow',
    workflowType: 'sweep',
    workflowId: 'sweep',
    taskQueue: workflowTaskQueue,
    args: [],
    staticSummary: 'Wakes processes that nobody woke, and recreates Schedules',
    staticDetails: 'It sleeps between two sweeps. Terminated, it is started again within five minutes.',
    typedSearchAttributes: [{ key: searchAttributes.process, value: 'sweep' }],
  },
};

/**
 * Creates the Schedule that starts the sweep if it is not there, or changes one of an earlier release. One that somebody has
 * paused stays paused.
 */
export async function ensureSweep(client: Client): Promise<void> {
  try {
    await client.schedule.create(sweepSchedule);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const handle = client.schedule.getHandle(sweepScheduleId);
    const current = await handle.describe();
    if (current.spec.intervals?.[0]?.every === sweepScheduleMs) return;
    const { spec, policies, action } = sweepSchedule;
    await handle.update((previous) => ({ ...previous, spec, ...(policies ? { policies } : {}), action }));
  }
}

/**
 * Ensures the sweep's Schedule now and every five minutes, so that one that was deleted comes back.
 *
 * @param failed called when Temporal does not answer; it is tried again a quarter of a minute later
 * @returns stops looking after it
 */
export function keepSweep(client: Client, failed: (error: unknown) => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async () => {
    let nextMs = sweepScheduleMs;
    await ensureSweep(client).catch((error: unknown) => {
      nextMs = 15_000;
      if (!stopped) failed(error);
    });
    if (!stopped) timer = setTimeout(() => void look(), nextMs).unref();
  };
  void look();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/**
 * Makes the Schedules of syncs match the wanted ones: creates missing Schedules, replaces different ones, deletes unwanted
 * ones. A Schedule that matches is not touched, so that it catches up with what it missed, and stays paused if somebody has
 * paused it in the Temporal UI.
 *
 * @param failed called for each Schedule that Temporal refuses; the others are still done
 */
export async function ensureSyncSchedules(
  client: Client,
  wanted: readonly WantedSchedule[],
  failed: (scheduleId: string, error: unknown) => void,
): Promise<void> {
  const missing = new Map(wanted.map((schedule) => [syncScheduleId(schedule.integrationId), schedule]));
  const set = (scheduleId: string, schedule: WantedSchedule | undefined) =>
    replace(client, scheduleId, schedule).catch((error: unknown) => failed(scheduleId, error));
  for await (const { scheduleId, memo } of client.schedule.list()) {
    if (!scheduleId.startsWith(syncScheduleId(''))) continue;
    const schedule = missing.get(scheduleId);
    missing.delete(scheduleId);
    if (schedule && memo?.['revision'] === revisionOf(schedule)) continue;
    await set(scheduleId, schedule);
  }
  // Temporal's list lags behind: a Schedule that it lacks may exist already, in any form.
  for (const [scheduleId, schedule] of missing) await set(scheduleId, schedule);
}

async function replace(client: Client, scheduleId: string, wanted: WantedSchedule | undefined): Promise<void> {
  const handle = client.schedule.getHandle(scheduleId);
  const current = await handle.describe().catch((error: unknown) => {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  });
  if (current && wanted && current.memo?.['revision'] === revisionOf(wanted)) return;
  if (current) await handle.delete();
  if (!wanted) return;
  try {
    await client.schedule.create(optionsOf(scheduleId, wanted));
  } catch (error) {
    // Another worker's sweep created it first.
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}

function optionsOf(scheduleId: string, wanted: WantedSchedule): ScheduleOptions {
  const { integrationId, organizationId } = wanted;
  return {
    scheduleId,
    spec: {
      calendars: calendarsOf(wanted.choice).map(specOf),
      timezone: wanted.timeZone,
      jitter: wanted.jitterMinutes * 60_000,
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: catchUpMs },
    state: { paused: wanted.paused, note: 'Kept by Countersign: change it there' },
    memo: { revision: revisionOf(wanted) },
    action: {
      type: 'startWorkflow',
      workflowType: 'requestSync',
      workflowId: `request-sync/${integrationId}`,
      taskQueue: workflowTaskQueue,
      args: [{ integrationId }],
      staticSummary: 'Asks for a sync, as scheduled',
      typedSearchAttributes: [
        { key: searchAttributes.organizationId, value: organizationId },
        { key: searchAttributes.integrationId, value: integrationId },
        { key: searchAttributes.integrationIds, value: [integrationId] },
        { key: searchAttributes.process, value: 'requestSync' },
        { key: searchAttributes.blocked, value: false },
      ],
    },
  };
}

const months = [
  'JANUARY',
  'FEBRUARY',
  'MARCH',
  'APRIL',
  'MAY',
  'JUNE',
  'JULY',
  'AUGUST',
  'SEPTEMBER',
  'OCTOBER',
  'NOVEMBER',
  'DECEMBER',
] as const;
const days = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'] as const;

function specOf({ minutes, hours, daysOfMonth, months: ofYear, daysOfWeek, years }: Calendar): CalendarSpec {
  return {
    minute: minutes,
    hour: hours,
    ...(daysOfMonth ? { dayOfMonth: daysOfMonth } : {}),
    ...(ofYear ? { month: ofYear.flatMap((month) => months[month - 1] ?? []) } : {}),
    ...(daysOfWeek ? { dayOfWeek: daysOfWeek.flatMap((day) => days[day] ?? []) } : {}),
    ...(years ? { year: { start: years.first, end: 2100, step: years.step } } : {}),
  };
}
