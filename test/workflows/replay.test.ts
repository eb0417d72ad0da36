/** Histories that earlier code made (`npm run record:histories`) replay with today's: what is open keeps running. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker, type ReplayResult } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { expect, inject, test } from 'vitest';
import { quietTemporal } from '../kit/quietTemporal.ts';
import * as workflows from '../../workflows/index.ts';

interface HistoryEvent {
  eventId: string;
  eventType: string;
  workflowExecutionStartedEventAttributes?: { workflowType: { name: string } };
  activityTaskScheduledEventAttributes?: { activityType: { name: string } };
  markerRecordedEventAttributes?: { markerName: string };
}
interface History {
  events: HistoryEvent[];
}

// Each replay is a worker of its own that says when it starts and stops.
quietTemporal();

const folder = join(import.meta.dirname, '../histories');
const names = readdirSync(folder, { encoding: 'utf8', recursive: true }).filter((file) => file.endsWith('.json'));
/** The recording of the newest code. */
const newest = String(Math.max(...names.map((name) => Number.parseInt(name, 10))));
const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as History;
const recorded = new Map(names.map((name) => [name, read(name)]));

async function replay(histories: Map<string, History>): Promise<ReplayResult[]> {
  const results: ReplayResult[] = [];
  const all = [...histories].map(([workflowId, history]) => ({ workflowId, history }));
  const options = { workflowBundle: { codePath: inject('workflowBundle') } };
  for await (const result of Worker.runReplayHistories(options, all)) results.push(result);
  return results;
}

test('every recorded history replays', async () => {
  const results = await replay(recorded);
  expect(results.map(({ workflowId }) => workflowId).toSorted()).toEqual(names.toSorted());
  expect(results.filter(({ error }) => error)).toEqual([]);
});

test('they are of every workflow there is, of closed runs and of open ones, continued and terminated', () => {
  const types = [...recorded.values()].map(
    ({ events }) => events[0]?.workflowExecutionStartedEventAttributes?.workflowType.name,
  );
  expect([...new Set(types)].toSorted()).toEqual(Object.keys(workflows).toSorted());
  const ends = new Set([...recorded.values()].map(({ events }) => events.at(-1)?.eventType));
  const event = (name: string) => `EVENT_TYPE_WORKFLOW_EXECUTION_${name}`;
  expect([...ends]).toEqual(
    expect.arrayContaining([event('COMPLETED'), event('CONTINUED_AS_NEW'), event('TERMINATED')]),
  );
  const closed = ['COMPLETED', 'CONTINUED_AS_NEW', 'TERMINATED'].map(event);
  expect([...ends].some((end) => !closed.includes(end ?? ''))).toBe(true);
});

test('the newest replay, too, when a query was answered at the end of each local activity, which ends the workflow task there', async () => {
  // One ends where its history is long, and it is longer with more workflow tasks.
  const ofNewest = names.filter(
    (name) => name.startsWith(`${newest}/`) && !name.endsWith('/approveUsage-continued-1.json'),
  );
  const split = new Map(ofNewest.map((name) => [name, splitAtLocalActivities(read(name))]));
  const results = await replay(split);
  expect(results.filter(({ error }) => error)).toEqual([]);
  expect([...split].filter(([name, { events }]) => events.length > read(name).events.length).length).toBeGreaterThan(
    15,
  );
});

/** The history as it would be with another workflow task after each local activity that was not the last command of its task. */
function splitAtLocalActivities({ events }: History): History {
  const result: HistoryEvent[] = [];
  const newIds = new Map<string, string>();
  /** The event that completed the workflow task whose commands follow. */
  let completed: HistoryEvent | undefined;
  const add = (event: HistoryEvent) => {
    const old = event.eventId;
    const moved = JSON.parse(JSON.stringify(event), (key, value: unknown) =>
      key.endsWith('EventId') && typeof value === 'string' ? (newIds.get(value) ?? value) : value,
    ) as HistoryEvent;
    moved.eventId = String(result.length + 1);
    newIds.set(old, moved.eventId);
    result.push(moved);
  };
  for (const [at, event] of events.entries()) {
    if (event.eventType === 'EVENT_TYPE_WORKFLOW_TASK_COMPLETED') completed = event;
    add(event);
    const isLocal = event.markerRecordedEventAttributes?.markerName === 'core_local_activity';
    const next = events[at + 1];
    if (!isLocal || !completed || !next || !isCommand(next)) continue;
    const ids = completed.eventId;
    for (const kind of ['SCHEDULED', 'STARTED', 'COMPLETED']) {
      const like = events.findLast(
        ({ eventId, eventType }) => Number(eventId) <= Number(ids) && eventType === `EVENT_TYPE_WORKFLOW_TASK_${kind}`,
      );
      if (like) add(like);
    }
  }
  return { events: result };
}

/** Whether the event came from a command of the workflow task before it. */
const isCommand = (event: HistoryEvent) => JSON.stringify(event).includes('workflowTaskCompletedEventId');

// One that has only waited has scheduled none.
const busy = names.filter(
  (name) =>
    name.startsWith(`${newest}/`) &&
    recorded.get(name)?.events.some((event) => event.activityTaskScheduledEventAttributes),
);

test.for(busy)('%s, with one activity that was another, does not replay', async (name) => {
  const changed = structuredClone(recorded.get(name));
  const scheduled = changed?.events.find((event) => event.activityTaskScheduledEventAttributes);
  if (!changed || !scheduled?.activityTaskScheduledEventAttributes) throw new Error('It schedules no activity.');
  scheduled.activityTaskScheduledEventAttributes.activityType.name = 'another';
  const [result] = await replay(new Map([[name, changed]]));
  expect(result?.error).toBeInstanceOf(DeterminismViolationError);
});
