import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const paths = [
  '/v1/month-end',
  '/v1/month-end/customers',
  '/v1/month-end/customers.csv',
  '/v1/month-end/lines',
  '/v1/month-end/lines.csv',
];

test.each([
  ['from', 'from=2026-11-31'],
  ['from', 'from=0000-01-01'],
  ['to', 'to=9999-12-31'],
  ['to', 'from=2026-11-02&to=2026-11-01'],
  ['timeZone', 'timeZone=Europe/Atlantis'],
  ['psaConnectionId', 'psaConnectionId=x'],
])('a bad %s is refused, and named, before anything is sent', async (field, query) => {
  for (const path of paths) {
    const problem = await harness.admin.problem(400, 'invalid-request', 'GET', `${path}?${query}`);
    expect(problem.errors, path).toMatchObject([{ field }]);
  }
});

test('there are four parts', async () => {
  await harness.admin.problem(400, 'invalid-request', 'GET', '/v1/month-end/lines?part=other');
});

test("another organization's connection has nothing in one's sheet", async () => {
  const { psaConnectionId } = harness.other;
  expect(await harness.admin.good('GET', `/v1/month-end?psaConnectionId=${psaConnectionId}`)).toMatchObject({
    customers: 0,
    lines: 0,
    money: [],
  });
});
