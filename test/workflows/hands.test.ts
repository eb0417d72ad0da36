/** What a person does by hand in the Temporal UI: starts a workflow that makes no sense; cancels, resets, deletes, terminates one. */
import { randomUUID } from 'node:crypto';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listUnfinished } from '../../db/queries/processOverdue.ts';
import { workflowIdOf, workflowTaskQueue } from '../../domain/process/ids.ts';
import { until } from '../../dev/until.ts';
import { findMissing } from '../../temporal/missing.ts';
import * as workflows from '../../workflows/index.ts';
import { startHarness, type ProcessHarness } from '../kit/processHarness.ts';

let harness: ProcessHarness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness?.close());

test.each(Object.keys(workflows).filter((name) => name !== 'sweep'))(
  '%s, started with a wrong input, fails at once with a sentence',
  async (type) => {
    for (const args of [[], ['hello'], [{ integrationId: 'hello' }], [{ integrationId: 7, vendorAccountId: null }]]) {
      const started = harness.client.workflow.execute(type, {
        workflowId: `by-hand-${randomUUID()}`,
        taskQueue: workflowTaskQueue,
        args,
      });
      const failure = await started.catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(WorkflowFailedError);
      const { cause } = failure as WorkflowFailedError;
      expect(cause).toBeInstanceOf(ApplicationFailure);
      expect(cause?.message).toMatch(new RegExp(`^The input of ${type} is like \\{.*"<id>".*Nothing was done\\.`));
    }
  },
);

test('one that waits for a person is looked at again within a day, so that it comes back when it was terminated', async () => {
  const connection = await harness.connection();
  const ref = { kind: 'connect' as const, id: await harness.integration(connection) };
  await harness.wake(ref);
  await until('it to wait for a person', async () => (await harness.details(ref)).includes('waits for a person'));
  await until('it to be parked', () => harness.isParked(ref));
  const { dueAt } = await harness.row(ref);
  expect((dueAt?.getTime() ?? 0) - Date.now()).toBeGreaterThan(23 * 3_600_000);
  expect((dueAt?.getTime() ?? 0) - Date.now()).toBeLessThan(25 * 3_600_000);

  const missing = async () => findMissing(harness.client, await listUnfinished(harness.db));
  expect(await missing()).toEqual([]);
  await harness.terminate(ref);
  // Temporal's list still shows it for a moment.
  await until('it to be missed', async () => (await missing()).length > 0);
  expect((await missing()).map(({ kind, id }) => workflowIdOf(kind, id))).toEqual([workflowIdOf(ref.kind, ref.id)]);
  await harness.db.execute(sql`update process set due_at = now() - interval '1 minute' where id = ${ref.id}`);
  expect(await harness.sweep()).toBeGreaterThanOrEqual(1);
  await until('it to be there again', () => harness.isOpen(ref));
  await until('it to be parked again', () => harness.isParked(ref));
  expect(await missing()).toEqual([]); // What the list does not show yet is asked for by its id.
});

test.each(Object.keys(workflows).filter((name) => name !== 'sweep'))(
  '%s, started with a made-up id, does nothing',
  async (type) => {
    const start = (input: unknown) =>
      harness.client.workflow.execute(type, {
        workflowId: `by-hand-${randomUUID()}`,
        taskQueue: workflowTaskQueue,
        args: [input],
      });
    // The refusal of a wrong input shows a right one.
    const refused = await start('hello').catch((error: unknown) => error as WorkflowFailedError);
    const [example = ''] = /\{.*?\}/.exec((refused as WorkflowFailedError).cause?.message ?? '') ?? [];
    const before = await everything();
    const failure: unknown = await start(JSON.parse(example.replaceAll('<id>', randomUUID()))).catch(
      (error: unknown) => error,
    );
    // A request of a Schedule whose integration is gone is no failure.
    if (type === 'requestSync') expect(failure).toBeUndefined();
    else {
      const { cause } = (failure as WorkflowFailedError).cause ?? {};
      expect((cause as Error | undefined)?.message).toMatch(/^There is no process /);
    }
    expect(await everything()).toEqual(before);
  },
);

test('a workflow of an unknown type fails in its first task and does nothing', async () => {
  const before = await everything();
  const handle = await harness.client.workflow.start('nonsense', {
    workflowId: `by-hand-${randomUUID()}`,
    taskQueue: workflowTaskQueue,
  });
  await until('its first task to fail', async () => {
    const { events } = await handle.fetchHistory();
    return events?.some(({ workflowTaskFailedEventAttributes: failed }) =>
      failed?.failure?.message?.includes("Failed to initialize workflow of type 'nonsense'"),
    );
  });
  await handle.terminate();
  expect(await everything()).toEqual(before);
});

test('cancelled, reset or deleted, a workflow finds its place again', async () => {
  const connection = await harness.connection();
  const ref = { kind: 'connect' as const, id: await harness.integration(connection) };
  const { workflowService } = harness.client.connection;
  const { namespace } = harness.client.options;
  const workflowExecution = { workflowId: workflowIdOf(ref.kind, ref.id) };
  const handle = harness.client.workflow.getHandle(workflowExecution.workflowId);
  const untilParked = async () => {
    await until('it to wait for a person', async () => (await harness.details(ref)).includes('waits for a person'));
    await until('it to be parked', () => harness.isParked(ref));
  };
  await harness.wake(ref);
  await untilParked();
  const steps = await harness.steps(ref);
  const hands = {
    async cancel() {
      await handle.cancel();
      await until('it to be cancelled', async () => (await handle.describe()).status.name === 'CANCELLED');
      await harness.wake(ref);
    },
    async reset() {
      const { runId: before } = await handle.describe();
      await workflowService.resetWorkflowExecution({
        namespace,
        workflowExecution,
        reason: 'by hand',
        requestId: randomUUID(),
        workflowTaskFinishEventId: 4 as never,
      });
      await until('another run', async () => (await handle.describe()).runId !== before);
    },
    async delete() {
      await workflowService.deleteWorkflowExecution({ namespace, workflowExecution });
      await until('it to be gone', async () => !(await harness.isOpen(ref)));
      await harness.wake(ref);
    },
  };
  for (const hand of Object.values(hands)) {
    await hand();
    await untilParked();
    expect(await harness.steps(ref)).toEqual(steps);
  }
  expect(await harness.effects(ref)).toEqual({});
});

/** Every row that a process could change, but for when it is looked at again: those of the tests before may still be parking. */
async function everything(): Promise<unknown[]> {
  const tables = ['process', 'process_step', 'sync_request', 'sync_run', 'step_effect', 'audit'];
  const read = tables.map((table) =>
    harness.db.execute(sql.raw(`select to_jsonb(t) - 'due_at' - 'sweeps' as row from ${table} t order by 1`)),
  );
  return (await Promise.all(read)).map(({ rows }) => rows);
}
