/** What a person does by hand in the Temporal UI: starts a workflow with a wrong input, terminates one that waits for a person. */
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
