/** Worker versioning: builds side by side, promoted and rolled back under running processes. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  connectAll,
  createIntegration,
  person,
  reach,
  stepOf,
  syncNow,
  untilConnected,
} from '../../dev/walkthrough/guide.ts';
import { until } from '../../dev/until.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem({ customers: 20, env: { WORKER_BUILD_ID: 'one' } });
});
afterAll(() => system?.close());

const promote = (...args: string[]) => system.run('cli/deploy.js', {}, ['promote', ...args]);
const doctor = () => system.run('cli/doctor.js');
const versionOf = async (workflowId: string) => {
  const { raw } = await system.temporal.workflow.getHandle(workflowId).describe();
  return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId;
};

test('without a current build nothing fails and nothing is done: doctor says so, and what to run', async () => {
  const { said, code } = await doctor();
  expect(said).toMatch(/✗ versions +No build is current.*one\./);
  expect(said).toContain('npm run deploy -- promote one');
  expect(code).toBe(1);
  const ready = await system.api.get<{ temporal: string; words: string }>('/readyz');
  expect(ready).toMatchObject({ temporal: 'no build', words: expect.stringContaining('npm run doctor') as string });
});

test('a build whose workers were not seen at both task queues is not promoted', async () => {
  const { said, code } = await promote('nobody', '--wait', '1');
  expect(said).toContain('No worker of the build nobody asks for work in countersign (workflows)');
  expect(said).toContain('countersign-bulk (activities)');
  expect(code).toBe(1);
});

test('two builds side by side under running processes strand nothing, forwards and back', async () => {
  expect((await promote('one')).said).toContain('The build one is current.');
  expect((await doctor()).said).toMatch(/✓ versions +one is current/);
  const { integrationId, psaConnectionId } = await connectAll(system);
  expect(await versionOf(`connect/${integrationId}`)).toBe('one');
  // One process waits for a person, and one is in the middle of a slow read.
  const waiting = await createIntegration(system, psaConnectionId);
  await reach(system, waiting, 'credentials');
  await system.mailprotector.fault({ kind: 'latency', ms: 400 });
  const run = syncNow(system, integrationId);
  await until('the sync to read', async () => (await system.mailprotector.log('GET')).length > 0);

  const [promoted] = await Promise.all([promote('two'), system.startWorker({ WORKER_BUILD_ID: 'two' }, 'second')]);
  expect(promoted.said).toContain('The build two is current instead of one.');
  await system.killWorker('SIGTERM');
  await system.mailprotector.clearFaults();
  await run;
  await person.credentials(system, waiting);
  await reach(system, waiting, 'linkCustomers');
  expect(await versionOf(`connect/${waiting}`)).toBe('two');

  // Back: the same workflow goes on with the older build, and so does a new one.
  await system.startWorker({ WORKER_BUILD_ID: 'one' });
  expect((await promote('one')).said).toContain('The build one is current instead of two.');
  await system.killWorker('SIGTERM', 'second');
  await person.linkAll(system, waiting);
  await until('it to go on', async () => (await stepOf(system, waiting, 'linkCustomers')).state === 'done');
  await until('the older build to have it', async () => (await versionOf(`connect/${waiting}`)) === 'one');
  await untilConnected(system, integrationId);
  await syncNow(system, integrationId);
  // Every workflow that is open has a build whose workers run.
  const open: string[] = [];
  for await (const { workflowId } of system.temporal.workflow.list({ query: "ExecutionStatus = 'Running'" }))
    open.push(workflowId);
  await until('no task to be left', async () => {
    const pending = await Promise.all(
      open.map(async (id) => {
        const { raw } = await system.temporal.workflow.getHandle(id).describe();
        return raw.pendingWorkflowTask !== null && raw.pendingWorkflowTask !== undefined;
      }),
    );
    return pending.every((one) => !one);
  });
  expect((await doctor()).said).toMatch(/✓ versions +one is current/);
});
