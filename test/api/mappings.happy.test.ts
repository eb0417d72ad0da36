import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertAccountMappings } from '../kit/mappings.ts';
import { stageRows } from '../../db/queries/staging.ts';
import { applyUsage } from '../../db/queries/usage.ts';
import { stepsOf } from '../../domain/process/steps.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { numbers, seedIntegration, seedRun } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface Account {
  id: string;
  psaAccountId: string | null;
  how: string | null;
  excluded: boolean;
  version: string;
}
interface Cards {
  items: { id: string; psaAccountId: string; psaProductId: string; usage: number | null; flags: { code: string }[] }[];
}
const account = (n: number) => `/v1/integrations/${harness.one.integrationId}/accounts/${harness.one.vendorAccount(n)}`;
const path = (n: number, rest: string) => `${account(n)}/${rest}`;
const cardsOf = async (n: number) =>
  (await harness.admin.good<Cards>('GET', `/v1/cards?psaAccountId=${harness.one.psaAccount(n)}`)).items;

test('mapping a customer makes its card appear, and taking the mapping back makes it go', async () => {
  const n = numbers.unmapped;
  expect(await cardsOf(n)).toEqual([]);
  const mapped = await harness.admin.decide<Account>('PUT', account(n), 'mapping', {
    psaAccountId: harness.one.psaAccount(n),
  });
  expect(mapped).toMatchObject({ psaAccountId: harness.one.psaAccount(n), how: 'person' });
  expect(await cardsOf(n)).toHaveLength(1);
  const unmapped = await harness.admin.decide<Account>('DELETE', account(n), 'mapping');
  expect(unmapped).toMatchObject({ psaAccountId: null, how: null });
  expect(await cardsOf(n)).toEqual([]);
});

test('mapping to another PSA account moves the usage from one card to the other', async () => {
  const usage = (await cardsOf(1))[0]?.usage ?? 0;
  const there = (await cardsOf(2))[0]?.usage ?? 0;
  await harness.admin.decide('PUT', account(1), 'mapping', { psaAccountId: harness.one.psaAccount(2) });
  expect((await cardsOf(2))[0]?.usage).toBe(usage + there);
  expect((await cardsOf(1)).map((card) => card.usage)).not.toContain(usage);
  await harness.admin.decide('PUT', account(1), 'mapping', { psaAccountId: harness.one.psaAccount(1) });
  expect((await cardsOf(1))[0]?.usage).toBe(usage);
});

test('an excluded customer loses its mapping, and can be included again', async () => {
  const excluded = await harness.admin.decide<Account>('PUT', account(3), 'exclusion');
  expect(excluded).toMatchObject({ excluded: true, psaAccountId: null });
  expect(await cardsOf(3)).toEqual([]);
  await harness.admin.problem(409, 'excluded', 'PUT', `${path(3, 'mapping')}?seen=${excluded.version}`, {
    psaAccountId: harness.one.psaAccount(3),
  });
  expect(await harness.admin.good<Account>('DELETE', path(3, 'exclusion'))).toMatchObject({
    excluded: false,
    psaAccountId: null,
  });
  await harness.admin.decide('PUT', account(3), 'mapping', { psaAccountId: harness.one.psaAccount(3) });
  expect(await cardsOf(3)).toHaveLength(1);
});

test('linked accounts are listed, those mapped or unmapped apart', async () => {
  const list = async (mapped: boolean) =>
    (
      await harness.admin.good<{ items: Account[] }>(
        'GET',
        `/v1/integrations/${harness.one.integrationId}/accounts?limit=200&mapped=${mapped}`,
      )
    ).items;
  expect((await list(true)).every((account) => account.psaAccountId !== null)).toBe(true);
  expect((await list(false)).map((account) => account.id)).toEqual([harness.one.vendorAccount(numbers.unmapped)]);
});

test('suggestions rank PSA names and map nothing (invariant 4)', async () => {
  const before = await harness.dump();
  const { items } = await harness.admin.good<{ items: { score: number }[] }>(
    'GET',
    path(numbers.unmapped, 'suggestions'),
  );
  expect(items.map((item) => item.score)).toEqual(items.map((item) => item.score).toSorted((a, b) => b - a));
  expect(await harness.dump()).toEqual(before);
});

test('two services that feed one product ask how they combine; the answer holds in every integration of the connection', async () => {
  // Another integration of the same connection reports a second service for the customer.
  const second = await seedIntegration(harness.one, stepsOf.connect);
  const mapping = { vendorAccountId: harness.one.vendorAccount(5), psaAccountId: harness.one.psaAccount(5) };
  await insertAccountMappings(harness.db, second, [mapping], 'person');
  const runId = await seedRun(harness.one, second);
  await harness.db.transaction(async (tx) => {
    await stageRows(tx, runId, 'count', [
      { id: '1', data: { accountId: harness.one.vendorAccount(5), service: 'SafeSend', quantity: 9, parts: [] } },
    ]);
    await applyUsage(tx, second, runId, []);
  });
  const usual = harness.one.product('usual');
  await harness.admin.decide('PUT', `/v1/integrations/${second}/services/SafeSend`, 'mapping', { productIds: [usual] });
  const [asks] = await cardsOf(5);
  expect(asks?.flags.map((flag) => flag.code)).toContain('needs_rule');

  // Answered in the first integration, whose own accounts are not the only ones it concerns.
  const rule = { productIds: [usual], combine: 'add' };
  await harness.admin.decide('PUT', `/v1/integrations/${second}/services/CloudMail`, 'mapping', rule);
  const [answered] = await cardsOf(5);
  expect(answered?.flags.map((flag) => flag.code)).not.toContain('needs_rule');
  const elsewhere = `/v1/integrations/${harness.one.integrationId}/services/CloudMail`;
  await harness.admin.decide('PUT', elsewhere, 'mapping', { productIds: [usual] });
  await harness.admin.decide('PUT', elsewhere, 'mapping', { productIds: [usual], combine: 'highest' });
  expect((await cardsOf(5))[0]?.usage).not.toBe(answered?.usage);
  const service = await harness.admin.decide('DELETE', `/v1/integrations/${second}/services/SafeSend`, 'mapping');
  expect(service).toMatchObject({ id: 'SafeSend', productIds: null });
});
