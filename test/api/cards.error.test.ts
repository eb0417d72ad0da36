import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { today } from '../../domain/day.ts';
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
  [
    'dismissal until a day that is past',
    'POST',
    'dismiss',
    { until: 'date', date: '2026-01-01', reason: 'x' },
    422,
    'past-day',
  ],
  ['dismissal until today', 'POST', 'dismiss', { until: 'date', date: today(), reason: 'x' }, 422, 'past-day'],
  ['rule that is over', 'PUT', 'rule', { rule: { minimum: 1, reason: 'x', expires: '2026-01-01' } }, 422, 'past-day'],
  ['rule without a reason', 'PUT', 'rule', { rule: { minimum: 1 } }, 400, 'invalid-request'],
  ['rule below zero', 'PUT', 'rule', { rule: { minimum: -1, reason: 'x' } }, 400, 'invalid-request'],
  ['rule of a mode nobody knows', 'PUT', 'rule', { rule: { lineMode: 'x', reason: 'x' } }, 400, 'invalid-request'],
])('a bad %s is refused, and the card stays as it is', async (_, method, rest, body, status, code) => {
  const before = await harness.dump();
  await harness.admin.problem(status, code, method, `${path}/${rest}`, body);
  expect(await harness.dump()).toEqual(before);
});

test.each([
  'kind=x',
  'approvable=yes',
  'dismissed=1',
  'sort=size',
  'state=x',
  'direction=up',
  'search=a',
  'integrationId=x',
  'pending=done',
  'psaConnectionId=x',
  `flag=${'x'.repeat(51)}`,
])('the filter %s is refused', async (query) => {
  await harness.admin.problem(400, 'invalid-request', 'GET', `/v1/cards?${query}`);
});

test.each([
  ['without cards', { cardIds: [], reason: 'x' }, 400, 'invalid-request'],
  ['without a reason', { cardIds: [randomUUID()] }, 400, 'invalid-request'],
  ['of cards that are not there', { cardIds: [randomUUID()], reason: 'x' }, 422, 'unknown-cards'],
])('a dismissal of several %s is refused', async (_, body, status, code) => {
  const before = await harness.dump();
  await harness.admin.problem(status, code, 'POST', '/v1/cards/dismiss', body);
  expect(await harness.dump()).toEqual(before);
});

test('a dismissal of several is all or nothing, and no other organization has it', async () => {
  const { items } = await harness.admin.good<{ items: { id: string; kind: string }[] }>('GET', '/v1/cards?limit=200');
  const cardIds = items.map(({ id }) => id);
  const before = await harness.dump();
  // A card on no line has no period.
  expect(items.some(({ kind }) => kind === 'new_revenue')).toBe(true);
  const body = { cardIds, until: 'period', reason: 'x' };
  await harness.admin.problem(422, 'no-date', 'POST', '/v1/cards/dismiss', body);
  const theirs = harness.as(harness.other.tokens.operate);
  await theirs.problem(422, 'unknown-cards', 'POST', '/v1/cards/dismiss', { cardIds, reason: 'x' });
  expect(await harness.dump()).toEqual(before);
});

test('what somebody else sees now is not reviewed by whoever saw other numbers', async () => {
  const before = await harness.dump();
  const { current } = await harness.admin.good<{ current: number }>('GET', path);
  const body = { seen: { target: 1, current } };
  await harness.admin.problem(409, 'changed-meanwhile', 'POST', `${path}/review`, body);
  await harness.admin.problem(400, 'invalid-request', 'POST', `${path}/review`, {});
  expect(await harness.dump()).toEqual(before);
});

test('a card of a product without a line cannot have one picked', async () => {
  const { items } = await harness.admin.good<{ items: { id: string }[] }>('GET', '/v1/cards?kind=new_revenue');
  await harness.admin.problem(422, 'unknown-line', 'PUT', `/v1/cards/${items[0]?.id}/line`, { lineId: 'one-line-1' });
});
