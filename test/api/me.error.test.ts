import { afterAll, beforeAll, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test('a token that nobody was given is refused', async () => {
  await harness.as('cs_nobody-was-ever-given-this-token').problem(401, 'bad-token', 'GET', '/v1/me');
});

test('who one is cannot be changed', async () => {
  await harness.admin.problem(405, 'method-not-allowed', 'PUT', '/v1/me', {});
});
