import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { freshCard } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

let path: string;
beforeAll(async () => {
  path = `/v1/cards/${(await freshCard(harness.one)).id}`;
});

test.each([
  ['line', 'PUT', 'line', { lineId: 'nothing' }, 422, 'unknown-line'],
  ['line of another account', 'PUT', 'line', { lineId: 'one-line-41' }, 422, 'unknown-line'],
  ['line without an id', 'PUT', 'line', {}, 400, 'invalid-request'],
  ['dismissal without a reason', 'POST', 'dismiss', {}, 400, 'invalid-request'],
  ['dismissal with an empty reason', 'POST', 'dismiss', { reason: '  ' }, 400, 'invalid-request'],
  ['dismissal until a date that is missing', 'POST', 'dismiss', { until: 'date', reason: 'x' }, 422, 'no-date'],
  [
    'dismissal until no date',
    'POST',
    'dismiss',
    { until: 'date', date: '2026-02-30', reason: 'x' },
    400,
    'invalid-request',
  ],
  ['rule without a reason', 'PUT', 'rule', { rule: { minimum: 1 } }, 400, 'invalid-request'],
  ['rule below zero', 'PUT', 'rule', { rule: { minimum: -1, reason: 'x' } }, 400, 'invalid-request'],
  ['rule of a mode nobody knows', 'PUT', 'rule', { rule: { lineMode: 'x', reason: 'x' } }, 400, 'invalid-request'],
])('a bad %s is refused, and the card stays as it is', async (_, method, rest, body, status, code) => {
  const before = await harness.dump();
  await harness.admin.problem(status, code, method, `${path}/${rest}`, body);
  expect(await harness.dump()).toEqual(before);
});

test.each(['kind=x', 'approvable=yes', 'dismissed=1', 'sort=money', 'psaConnectionId=x', `flag=${'x'.repeat(51)}`])(
  'the filter %s is refused',
  async (query) => {
    await harness.admin.problem(400, 'invalid-request', 'GET', `/v1/cards?${query}`);
  },
);

test('a card of a product without a line cannot have one picked', async () => {
  const { items } = await harness.admin.good<{ items: { id: string }[] }>('GET', '/v1/cards?kind=new_revenue');
  await harness.admin.problem(422, 'unknown-line', 'PUT', `/v1/cards/${items[0]?.id}/line`, { lineId: 'one-line-1' });
});
