import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const good = <T>(method: string, rest: string) =>
  harness.admin.good<T>(method, `/v1/psa-connections/${harness.one.psaConnectionId}${rest}`);

test('accounts, products and boards are found as last read, by any part of name, code or Product ID', async () => {
  const find = async (rest: string) => (await good<{ items: { id: string }[] }>('GET', rest)).items.map(({ id }) => id);
  expect(await find('/boards')).toEqual(['one-board', 'one-old', 'one-project']);
  expect(await find('/priorities')).toEqual(['one-high', 'one-low']);
  expect(await good('GET', '/ticket-fields')).toMatchObject({
    items: [
      { name: 'ticketSource', label: 'Source of tickets', value: null, choices: [{ id: 'one-mail', name: 'E-mail' }] },
      { name: 'ticketLocation', value: null, choices: null },
      { name: 'ticketDue', value: 'In the text' },
    ],
  });
  const path = `/v1/psa-connections/${harness.one.psaConnectionId}/settings`;
  await harness.admin.good('PUT', path, { ticketSource: 'one-mail' });
  expect(await good('GET', '/ticket-fields')).toMatchObject({ items: [{ value: 'E-mail' }, {}, {}] });
  await harness.admin.good('PUT', path, {});
  expect(await find('/accounts?search=c12')).toEqual([harness.one.psaAccount(12)]);
  expect((await find('/accounts?search=OMPANY%203&limit=200')).length).toBeGreaterThan(3);
  expect(await find('/products?search=mp-bun')).toEqual([harness.one.product('bundle')]);
  // What SQL takes for a pattern is a letter like any other.
  expect(await find('/accounts?search=%25%25')).toEqual([]);
  expect(await find('/accounts?search=__')).toEqual([]);
  expect(await find("/products?search=a'b")).toEqual([]);
});
