import { afterAll, beforeAll, expect, test } from 'vitest';
import { disconnectIntegration } from '../../db/queries/integration.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { mapOne, numbers, seedIntegration, seedOnboarding, service, stepsBefore } from '../kit/apiTenant.ts';
import { stepsOf } from '../../domain/process/steps.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface Result {
  applied: boolean;
  changes: { line: number; kind: string; id: string; before: string; after: string }[];
  unchanged: number;
  errors: { line: number; message: string }[];
  version: string;
}
const exported = (id: string) => harness.admin.good<string>('GET', `/v1/integrations/${id}/mappings.csv`);
const dryRun = (id: string, csv: string) =>
  harness.admin.good<Result>('POST', `/v1/integrations/${id}/mappings/import`, { csv });
/** As its dry run shows it. */
const applied = async (id: string, csv: string) => {
  const { version } = await dryRun(id, csv);
  const path = `/v1/integrations/${id}/mappings/import?seen=${version}`;
  return harness.admin.good<Result>('POST', path, { csv, apply: true });
};
const accountsOf = async (id: string) =>
  (
    await harness.admin.good<{ items: { id: string; psaAccountId: string | null; how: string | null }[] }>(
      'GET',
      `/v1/integrations/${id}/accounts?limit=200`,
    )
  ).items;
const actionsNow = async () =>
  (await harness.admin.good<{ items: { action: string; actor: string }[] }>('GET', '/v1/audit?limit=50')).items;

test('the file has every linked customer and every service, and what each is mapped to', async () => {
  const id = harness.one.integrationId;
  const answer = await harness.admin.call<string>('GET', `/v1/integrations/${id}/mappings.csv`);
  expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="mappings-${id}.csv"`);
  const lines = answer.body.trimEnd().split('\n');
  expect(lines[0]).toBe('kind,id,name,mappedTo,mappedToName,excluded,fanOut,rounding');
  const accounts = await accountsOf(id);
  expect(lines.filter((line) => line.startsWith('account,')).length).toBe(accounts.length);
  const first = accounts.find((account) => account.id === harness.one.vendorAccount(1));
  expect(answer.body).toContain(`account,${first?.id},`);
  expect(answer.body).toContain(`,${first?.psaAccountId},`);
  expect(answer.body).toContain(`service,${service},`);
});

test('a dry run says what would change and changes nothing; applied, it is so, with audit and cards', async () => {
  const { one } = harness;
  const id = await seedIntegration(one, stepsOf.connect);
  await mapOne(one, id);
  const csv = [
    'kind,id,mappedTo,excluded',
    `account,${one.vendorAccount(1)},,yes`,
    `account,${one.vendorAccount(2)},${one.psaAccount(2)},`,
    `account,${one.vendorAccount(3)},,no`,
    `service,${service},,`,
  ].join('\n');
  const before = await harness.dump();
  const dry = await dryRun(id, csv);
  expect(dry).toMatchObject({ applied: false, unchanged: 1, errors: [] });
  expect(dry.changes.map(({ line, kind, after }) => [line, kind, after.replace(/ \(.*/, '')])).toEqual([
    [2, 'account', 'excluded'],
    [3, 'account', expect.stringMatching(/^mapped to /) as string],
    [5, 'service', 'not mapped'],
  ]);
  expect(await harness.dump()).toEqual(before);

  const done = await applied(id, csv);
  expect(done).toEqual({ ...dry, applied: true, version: expect.any(String) as string });
  const accounts = await accountsOf(id);
  expect(accounts.find((account) => account.id === one.vendorAccount(2))).toMatchObject({
    psaAccountId: one.psaAccount(2),
    how: 'person',
  });
  expect(accounts.find((account) => account.id === one.vendorAccount(1))).toMatchObject({ psaAccountId: null });
  const actions = (await actionsNow()).slice(0, 3);
  expect(actions.map((entry) => entry.action).toSorted()).toEqual(['account.exclude', 'account.map', 'service.unmap']);
  expect(actions.every((entry) => entry.actor.startsWith('token:'))).toBe(true);
  expect((await dryRun(id, csv)).changes).toEqual([]);
});

test('a new integration gets the mappings of another by its file', async () => {
  const { one } = harness;
  const id = await seedIntegration(one, stepsBefore('mapAccounts'));
  const file = await exported(one.integrationId);
  await applied(id, file);
  const mapped = async (of: string) => (await accountsOf(of)).filter((account) => account.psaAccountId !== null).length;
  expect(await mapped(id)).toBe(await mapped(one.integrationId));
  expect((await dryRun(id, file)).changes).toEqual([]);
});

test('a customer that waits for a person goes on, and the cards of an account nothing is mapped to any more are gone', async () => {
  const { one } = harness;
  const { id, accountId } = await seedOnboarding(one);
  harness.wakes.length = 0;
  await applied(id, `kind,id,mappedTo\naccount,${accountId},${one.psaAccount(3)}`);
  // One alone goes on at once; of many, some at a time.
  expect(harness.wakes.map((wake) => wake.kind)).toEqual(['onboardCustomer']);

  const { other } = harness;
  const caller = harness.as(other.tokens.admin);
  const cards = async () =>
    (await caller.good<{ items: { psaAccountId: string }[] }>('GET', '/v1/cards?limit=200')).items.filter(
      (card) => card.psaAccountId === other.psaAccount(1),
    ).length;
  expect(await cards()).toBeGreaterThan(0);
  const csv = `kind,id,mappedTo\naccount,${other.vendorAccount(1)},`;
  const path = `/v1/integrations/${other.integrationId}/mappings/import`;
  const { version } = await caller.good<Result>('POST', path, { csv });
  await caller.good('POST', `${path}?seen=${version}`, { csv, apply: true });
  expect(await cards()).toBe(0);
});

test('of a disconnected integration the file can still be had', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  await mapOne(harness.one, id);
  await disconnectIntegration(harness.db, id);
  expect(await exported(id)).toContain(`account,${harness.one.vendorAccount(1)},`);
  expect(numbers.notLinked).toBeGreaterThan(0);
  expect(await exported(id)).not.toContain(`account,${harness.one.vendorAccount(numbers.notLinked)},`);
});
