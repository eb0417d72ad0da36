import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { psaCredentials } from '../kit/apiSamples.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const create = '/v1/psa-connections';
const body = { ...psaCredentials, name: 'X' };

test('lists are refused until the PSA was read', async () => {
  const { id } = await harness.admin.good<{ id: string }>('POST', create, body);
  for (const list of ['boards', 'accounts', 'products'])
    await harness.admin.problem(409, 'not-read-yet', 'GET', `${create}/${id}/${list}`);
});

test('a search takes two characters or more', async () => {
  const path = `${create}/${harness.one.psaConnectionId}/accounts?search=a`;
  const problem = await harness.admin.problem(400, 'invalid-request', 'GET', path);
  expect(problem.errors?.[0]?.field).toBe('search');
});
