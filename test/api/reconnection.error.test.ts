import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test('what is connected is not connected again', async () => {
  const before = await harness.dump();
  await harness.admin.problem(
    409,
    'not-disconnected',
    'POST',
    `/v1/integrations/${harness.one.integrationId}/reconnect`,
  );
  expect(await harness.dump()).toEqual(before);
});
