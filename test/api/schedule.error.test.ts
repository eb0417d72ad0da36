import { afterAll, beforeAll, expect, test } from 'vitest';
import { stepsOf } from '../../domain/process/steps.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedIntegration } from '../kit/apiTenant.ts';

let harness: ApiHarness;
let path: string;
beforeAll(async () => {
  harness = await startApi();
  path = `/v1/integrations/${await seedIntegration(harness.one, stepsOf.connect)}/schedule`;
});
afterAll(() => harness?.close());

test.each([
  [{ choice: { every: 'fortnight' } }],
  [{ choice: { every: 'night', at: '24:00' } }],
  [{ choice: { every: 'month', on: 32 } }],
  [{ choice: { every: 'night', cron: '0 0 * * *' } }],
  [{ choice: { every: 'night' }, jitterMinutes: -1 }],
  [{}],
])('%j is refused, and nothing is changed', async (body) => {
  await harness.admin.problem(400, 'invalid-request', 'PUT', path, body);
  expect(await harness.admin.good('GET', path)).toMatchObject({ preset: true });
});

test('a cron that is none is refused in words', async () => {
  const problem = await harness.admin.problem(422, 'bad-cron', 'PUT', path, { choice: { cron: 'every monday' } });
  expect(problem.detail).toContain('five fields');
});

test('a time zone that there is not is refused by name', async () => {
  const body = { choice: { every: 'night' }, timeZone: 'Nowhere/Land' };
  const problem = await harness.admin.problem(422, 'unknown-time-zone', 'PUT', path, body);
  expect(problem.detail).toContain('Nowhere/Land');
});

test('a disconnected integration has no schedule to choose', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  await harness.admin.good('POST', `/v1/integrations/${id}/disconnect`);
  await harness.admin.problem(409, 'disconnected', 'PUT', `/v1/integrations/${id}/schedule`, {
    choice: { every: 'night' },
  });
  expect(await harness.admin.good('GET', `/v1/integrations/${id}/schedule`)).toMatchObject({ nextRuns: [] });
});
