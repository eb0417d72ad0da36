import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { integration } from '../../db/schema/index.ts';
import { stepsOf } from '../../domain/process/steps.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedIntegration, seedPush } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test('Countersign reads only with credentials that have been tried', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  await harness.db.update(integration).set({ intake: 'push' }).where(eq(integration.id, id));
  const view = await harness.admin.good<{ process: { steps: { step: string; state: string }[] } }>(
    'PUT',
    `/v1/integrations/${id}/vendor-credentials`,
    {
      resellerId: '500',
      apiKey: 'a-key-of-mailprotector',
    },
  );
  const stateOf = (name: string) => view.process.steps.find(({ step }) => step === name)?.state;
  expect([stateOf('credentials'), stateOf('verifyCredentials')]).toEqual(['done', 'waiting']);
  await harness.admin.problem(409, 'not-verified', 'PUT', `/v1/integrations/${id}/intake`, { intake: 'pull' });
});

test('while it is being connected the way that was chosen is gone to its end', async () => {
  const { id } = await seedPush(harness.one);
  const before = await harness.dump();
  await harness.admin.problem(409, 'not-connected-yet', 'PUT', `/v1/integrations/${id}/intake`, { intake: 'pull' });
  const credentials = { resellerId: '500', apiKey: 'a-key-of-mailprotector' };
  await harness.admin.problem(
    409,
    'not-connected-yet',
    'PUT',
    `/v1/integrations/${id}/vendor-credentials`,
    credentials,
  );
  expect(await harness.dump()).toEqual(before);
});
