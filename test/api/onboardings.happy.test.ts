import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readIntegration } from '../../db/queries/integration.ts';
import { startFound } from '../../commands/startOnboardings.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { block, numbers, seedIntegration, seedOnboarding } from '../kit/apiTenant.ts';
import { stepsOf } from '../../domain/process/steps.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface View {
  vendorAccountId: string;
  state: string;
  foundBy: string;
  psaAccountId: string | null;
  how: string | null;
  suggestions: { id: string }[];
  process: { waitsFor: string | null; steps: { step: string; state: string }[] } | null;
}
const at = (of: { id: string; accountId: string }) => `/v1/integrations/${of.id}/accounts/${of.accountId}`;
const get = (of: { id: string; accountId: string }) => harness.admin.good<View>('GET', `${at(of)}/onboarding`);
const kinds = (from: number) => harness.wakes.slice(from).map(({ kind, id }) => `${kind} ${id}`);

test('a new customer is shown with what it waits for, and the nearest PSA names', async () => {
  const of = await seedOnboarding(harness.one);
  const view = await get(of);
  expect(view).toMatchObject({ state: 'waiting', foundBy: 'sync', psaAccountId: null });
  expect(view.process?.waitsFor).toBe(
    'Map the customer: waits for a person to map it to a PSA account, or to exclude it',
  );
  expect(view.process?.steps.map(({ state }) => state)).toEqual(['done', 'waiting', 'waiting', 'skipped', 'waiting']);
  const { items } = await harness.admin.good<{ items: View[] }>(
    'GET',
    `/v1/onboardings?integrationId=${of.id}&open=true`,
  );
  expect(items.map((item) => item.vendorAccountId)).toEqual([of.accountId]);
  const { body } = await harness.admin.call<string>('GET', `/v1/onboardings.csv?integrationId=${of.id}&open=true`);
  const [header = '', ...lines] = body.trimEnd().split('\r\n');
  expect(header).toContain('customer,state,found by');
  expect(lines).toEqual([expect.stringContaining(`${of.id},${of.accountId},`)]);
});

test('who waits is told when somebody is reminded next, and when it becomes a problem; those are a list of their own', async () => {
  const of = await seedOnboarding(harness.one);
  const { foundAt, remindsAt, escalatesAt } = await harness.admin.good<
    Record<'foundAt' | 'remindsAt' | 'escalatesAt', string>
  >('GET', `${at(of)}/onboarding`);
  const days = (from: string, to: string) => Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000);
  expect([days(foundAt, remindsAt), days(foundAt, escalatesAt)]).toEqual([1, 7]);
  const escalated = async () =>
    (await harness.admin.good<{ items: View[] }>('GET', '/v1/onboardings?escalated=true')).items;
  expect(await escalated()).toEqual([]);
  await harness.db.execute(sql`update onboarding set escalated_at = now() where integration_id = ${of.id}`);
  expect(await escalated()).toMatchObject([{ vendorAccountId: of.accountId, escalatesAt: null }]);
});

test('mapped by a person it goes on by itself; taken back before its counts came, it waits again', async () => {
  const of = await seedOnboarding(harness.one);
  const woken = harness.wakes.length;
  await harness.admin.decide('PUT', at(of), 'mapping', { psaAccountId: harness.one.psaAccount(2) });
  expect(await get(of)).toMatchObject({ state: 'mapped', psaAccountId: harness.one.psaAccount(2), how: 'person' });
  expect(kinds(woken)).toEqual([`onboardCustomer ${of.id}/${of.accountId}`]);
  await harness.admin.decide('DELETE', at(of), 'mapping');
  const view = await get(of);
  expect(view.state).toBe('waiting');
  expect(view.process?.steps[1]).toMatchObject({ step: 'mapCustomer', state: 'waiting' });
});

test('whose mapping a person took back is not mapped by its name again', async () => {
  const { db, one } = harness;
  const of = await seedOnboarding(one);
  const { name } = await harness.admin.good<{ name: string }>('GET', `${at(of)}/onboarding`);
  const partner = one.psaAccount(5);
  await db.execute(sql`update psa_account set name = ${name} where id = ${partner}`);
  const start = () =>
    db.transaction(async (tx) =>
      startFound(tx, await readIntegration(tx, of.id), {
        max: 10,
        times: { remindMs: 86_400_000, escalateMs: 604_800_000 },
      }),
    );
  await start();
  expect(await get(of)).toMatchObject({ state: 'mapped', psaAccountId: partner, how: 'exact' });
  await harness.admin.decide('DELETE', at(of), 'mapping');
  await start();
  expect(await get(of)).toMatchObject({ state: 'waiting', psaAccountId: null });
  await db.execute(sql`update psa_account set name = 'Somebody else' where id = ${partner}`);
});

test('excluded it is over; included again it begins anew', async () => {
  const of = await seedOnboarding(harness.one);
  await harness.admin.decide('PUT', at(of), 'exclusion');
  const over = await get(of);
  expect(over.state).toBe('excluded');
  expect(over.process?.waitsFor).toBeNull();
  const woken = harness.wakes.length;
  await harness.admin.good('DELETE', `${at(of)}/exclusion`);
  expect(await get(of)).toMatchObject({ state: 'found', foundBy: 'person' });
  expect(kinds(woken)).toEqual([`startOnboardings ${of.id}`]);
});

test('a customer linked after connect is onboarded; one linked in connect is not asked about twice', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  const accountId = harness.one.vendorAccount(numbers.notLinked);
  await harness.admin.good('POST', `/v1/integrations/${id}/customers/link`, { all: true });
  const { items } = await harness.admin.good<{ items: View[] }>('GET', `/v1/onboardings?integrationId=${id}`);
  expect(items.map((item) => [item.vendorAccountId, item.state, item.foundBy])).toEqual([
    [accountId, 'found', 'person'],
  ]);
});

test('a blocked step is tried again on request', async () => {
  const of = await seedOnboarding(harness.one);
  const process = { kind: 'onboardCustomer', id: `${of.id}/${of.accountId}` } as const;
  await block(harness.one, { ...process, round: '1', step: 'mapCustomer' }, 'not_mapped');
  const before = harness.wakes.length;
  const view = await harness.admin.good<View>('POST', `${at(of)}/onboarding/retry`);
  expect(view.process?.waitsFor).toContain('until then nothing of it is billed');
  expect(kinds(before)).toEqual([`onboardCustomer ${process.id}`]);
});

test('a disconnected integration has no new customers any more', async () => {
  const of = await seedOnboarding(harness.one);
  await harness.admin.good('POST', `/v1/integrations/${of.id}/disconnect`);
  const view = await get(of);
  expect(view.state).toBe('disconnected');
  expect(view.process?.waitsFor).toBeNull();
});
