import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProcessRef } from '../../db/queries/process.ts';
import { startHarness, type ProcessHarness } from '../kit/processHarness.ts';

/** WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND: the server refused a close because a Signal had come meanwhile. */
const unhandledCommand = 1;
const processes = 20;
const factsPerProcess = 20;
/** Bursts into the moment of closing, and the facts of one: 1,360 facts in all, each with its wake. */
const bursts = 12;
const factsPerBurst = 4;

let harness: ProcessHarness;
/** The version that the newest look for work saw, by process: it began after that version was committed. */
const lookedAt = new Map<string, number>();
const parkedAt = new Map<string, number>();
/** Bursts still to be fired, by process. */
const toFire = new Map<string, number>();
const fired: Promise<void>[] = [];

async function factAndWake(ref: ProcessRef): Promise<void> {
  await harness.fact(ref);
  await harness.wake(ref);
}

beforeAll(async () => {
  harness = await startHarness({
    wrap: (real) => ({
      // No round is ever begun, so that a run is nothing but look, claim, park, close: as many closes as can be.
      claimPsaRefresh: async (id) => {
        lookedAt.set(id, (await harness.row({ kind: 'refreshPsa', id })).version);
        return null;
      },
      park: async (ref) => {
        const parked = await real.park(ref);
        if (parked) parkedAt.set(ref.id, ref.version);
        const left = toFire.get(ref.id) ?? 0;
        if (parked && left > 0) {
          toFire.set(ref.id, left - 1);
          for (let n = 0; n < factsPerBurst; n++) {
            fired.push(delay(Math.random() * 25).then(() => factAndWake(ref)));
          }
          // The close follows at once, and a wake takes a while: so that it also comes before, at, and after the close.
          await delay(Math.random() * 50);
        }
        return parked;
      },
    }),
  });
});
afterAll(() => harness?.close());

test('no fact is lost, however close to the end of a run its wake arrives', async () => {
  const refs = await Promise.all(
    Array.from({ length: processes }, async () => ({ kind: 'refreshPsa' as const, id: await harness.connection() })),
  );
  for (const { id } of refs) toFire.set(id, bursts);
  await Promise.all(
    refs.map(async (ref) => {
      for (let n = 0; n < factsPerProcess; n++) {
        await delay(Math.random() * 400);
        await factAndWake(ref);
      }
    }),
  );
  // Quiet: nothing is left to be fired, and every run has closed. What was lost by then is lost for good: nobody sweeps.
  for (let seen = -1; seen !== fired.length; ) {
    seen = fired.length;
    await Promise.all(fired);
    for (const ref of refs) await harness.untilClosed(ref);
  }
  const { rows: due } = await harness.db.execute(sql`select id, version, due_at from process where due_at is not null`);
  expect(due, 'facts that no run looked at').toHaveLength(0);

  for (const ref of refs) {
    const row = await harness.row(ref);
    // One version when it was created, and one for each fact.
    expect(row.version).toBe(1 + factsPerProcess + bursts * factsPerBurst);
    expect(lookedAt.get(ref.id), 'somebody looked after the last fact').toBe(row.version);
    expect(parkedAt.get(ref.id)).toBe(row.version);
  }

  // The test means something only if closes did race with wakes.
  let refused = 0;
  for (const ref of refs) {
    for (const { events } of await harness.runs(ref)) {
      refused += events.filter(
        (event) => Number(event.workflowTaskFailedEventAttributes?.cause) === unhandledCommand,
      ).length;
    }
  }
  expect(refused).toBeGreaterThan(0);
});
