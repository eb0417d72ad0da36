import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test('found money is for whoever may read', async () => {
  await harness.as('cs_nobody-was-ever-given-this-token').problem(401, 'bad-token', 'GET', '/v1/summary');
  await harness.as(harness.one.tokens.none).problem(403, 'missing-scope', 'GET', '/v1/summary');
});

test('another organization has a sum of its own', async () => {
  await harness.admin.good('POST', '/v1/cards/dismiss', {
    cardIds: (
      await harness.admin.good<{ items: { id: string }[] }>('GET', '/v1/cards?limit=200&state=ready')
    ).items.map(({ id }) => id),
    reason: 'None of ours',
  });
  const confirmed = async (token: string) =>
    (await harness.as(token).good<{ found: { kind: string }[] }>('GET', '/v1/summary')).found.filter(
      ({ kind }) => kind === 'confirmed',
    ).length;
  expect([await confirmed(harness.one.tokens.read), await confirmed(harness.other.tokens.read)]).toEqual([0, 1]);
});
