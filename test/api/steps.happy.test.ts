import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { block, mapOne, seedIntegration, seedRun, stepsBefore } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface Process {
  workflowId: string;
  done: boolean;
  waitsFor: string | null;
  steps: { step: string; state: string }[];
}

test('a person declares mapping complete, then finishes; each wakes connect', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('mapAccounts'));
  await mapOne(harness.one, id);
  for (const step of ['mapAccounts', 'mapServices', 'finish']) {
    harness.wakes.length = 0;
    const view = await harness.admin.good<Process>('POST', `/v1/integrations/${id}/steps/${step}/complete`);
    expect(view.steps.find((row) => row.step === step)?.state).toBe('done');
    expect(harness.wakes).toMatchObject([{ kind: 'connect', id }]);
  }
  // Once more changes nothing.
  const before = await harness.dump();
  await harness.admin.good('POST', `/v1/integrations/${id}/steps/finish/complete`);
  expect(await harness.dump()).toEqual(before);
});

test('completed by two people at once, a step is completed once', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('mapAccounts'));
  await mapOne(harness.one, id);
  const path = `/v1/integrations/${id}/steps/mapAccounts/complete`;
  await Promise.all(Array.from({ length: 8 }, () => harness.admin.good('POST', path)));
  const { items } = await harness.admin.good<{ items: { action: string; subjectId: string }[] }>('GET', '/v1/audit');
  expect(items.filter((row) => row.action === 'step.mapAccounts' && row.subjectId === id)).toHaveLength(1);
});

test('a blocked step of connect is woken, and stays blocked until it is tried', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('verifyCredentials'));
  await block(harness.one, { kind: 'connect', id, round: '1', step: 'verifyCredentials' });
  harness.wakes.length = 0;
  const answer = await harness.admin.call<Process>('POST', `/v1/integrations/${id}/steps/verifyCredentials/retry`);
  expect(answer).toMatchObject({ status: 202, body: { workflowId: `connect/${id}` } });
  expect(answer.body.waitsFor).toContain('blocked');
  expect(harness.wakes).toMatchObject([{ kind: 'connect', id }]);
});

test('a blocked step of the sync under way is retried by its name', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('firstSync'));
  const runId = await seedRun(harness.one, id);
  await block(harness.one, { kind: 'sync', id, round: runId, step: 'pullVendor' }, 'unreachable');
  harness.wakes.length = 0;
  const answer = await harness.admin.call<Process>('POST', `/v1/integrations/${id}/steps/pullVendor/retry`);
  expect(answer).toMatchObject({ status: 202, body: { workflowId: `sync/${id}` } });
  expect(harness.wakes).toMatchObject([{ kind: 'sync', id, integrationId: id }]);
});
