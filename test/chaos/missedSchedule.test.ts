/** A server that was away while syncs were due: one sync catches up with all that was missed. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectAll } from '../../dev/walkthrough/guide.ts';
import { until } from '../../dev/until.ts';
import { syncScheduleId } from '../../temporal/schedules.ts';
import { startOwnStack, type OwnStack } from '../kit/ownStack.ts';
import { startSystem, type System } from '../kit/system.ts';

let stack: OwnStack;
let system: System;
let id: string;

beforeAll(async () => {
  stack = await startOwnStack();
  system = await startSystem({
    customers: 26,
    database: await stack.createDatabase(),
    temporalAddress: stack.temporalAddress,
    env: { DEFAULT_SCHEDULE: 'everyNight' },
  });
  ({ integrationId: id } = await connectAll(system));
}, 240_000);
afterAll(async () => {
  await system?.close();
  await stack?.close();
});

const handle = () => system.temporal.schedule.getHandle(syncScheduleId(id));
const scheduled = async () =>
  (await system.database.db.query.syncRequest.findMany({ where: (row, { eq }) => eq(row.integrationId, id) })).filter(
    (row) => row.requestedBy === 'schedule',
  ).length;

test('eight windows that were missed make one sync', async () => {
  await until('the sweep to have made it', async () => (await handle().describe()).scheduleId === syncScheduleId(id));
  const everySeconds = 3;
  // Its own policies, at a pace that can be waited for.
  await handle().update((previous) => ({
    ...previous,
    spec: { calendars: [{ hour: '*', minute: '*', second: { start: 0, end: 59, step: everySeconds } }], jitter: 0 },
  }));
  await until('it to run by itself', async () => (await scheduled()) > 0);
  await stack.kill('temporal');
  const before = await scheduled();
  await delay(8.5 * everySeconds * 1_000);
  const back = Date.now();
  await stack.start('temporal');
  await until('it to run again', async () => (await scheduled()) > before);
  await delay(1_000);
  const asked = (await scheduled()) - before;
  const dueSince = Math.ceil((Date.now() - back) / 1_000 / everySeconds);
  expect(asked).toBeLessThanOrEqual(1 + dueSince);
  expect((await handle().describe()).info.numActionsSkippedOverlap).toBeGreaterThanOrEqual(8 - 1 - dueSince);
});
