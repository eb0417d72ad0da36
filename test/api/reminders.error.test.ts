import { afterAll, beforeAll, expect, test } from 'vitest';
import { stepsOf } from '../../domain/process/steps.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedIntegration } from '../kit/apiTenant.ts';

let harness: ApiHarness;
let path: string;
beforeAll(async () => {
  harness = await startApi();
  path = `/v1/integrations/${await seedIntegration(harness.one, stepsOf.connect)}/reminders`;
});
afterAll(() => harness?.close());

test.each([
  [{}],
  [{ everyMinutes: 60 }],
  [{ everyMinutes: 0, escalateAfterMinutes: 60 }],
  [{ everyMinutes: 60, escalateAfterMinutes: 1e9 }],
  [{ everyMinutes: '60', escalateAfterMinutes: 60 }],
  [{ everyMinutes: 60, escalateAfterMinutes: 60, preset: true }],
  [{ preset: false }],
])('%j is refused, and nothing is changed', async (body) => {
  await harness.admin.problem(400, 'invalid-request', 'PUT', path, body);
  expect(await harness.admin.good('GET', path)).toMatchObject({ preset: true });
});

test('a disconnected integration has nobody to remind of', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  await harness.admin.good('POST', `/v1/integrations/${id}/disconnect`);
  const body = { everyMinutes: 60, escalateAfterMinutes: 60 };
  await harness.admin.problem(409, 'disconnected', 'PUT', `/v1/integrations/${id}/reminders`, body);
});
