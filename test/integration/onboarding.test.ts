/** A customer that was added in Mailprotector appears by itself, and is billed once somebody said whose it is (G37–G44). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createIntegration,
  createPsaConnection,
  person,
  reach,
  syncNow,
  untilConnected,
  type CardView,
} from '../../dev/walkthrough/guide.ts';
import { addCustomer, type NewCustomer, type OnboardingView } from '../../dev/walkthrough/newCustomer.ts';
import { until } from '../../dev/until.ts';
import { listStagedIds, stageRows } from '../../db/queries/staging.ts';
import { claimSyncRun, insertSyncRequest, openCustomerRun } from '../../db/queries/sync.ts';
import { applyUsage, listUsage } from '../../db/queries/usage.ts';
import { workflowIdOf } from '../../domain/process/ids.ts';
import { createPushing, pushEnv, type Pushing } from '../kit/push.ts';
import { companiesOf } from '../kit/simulatorState.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let id: string;
/** Companies that nothing is mapped to. */
let free: string[];

beforeAll(async () => {
  system = await startSystem({
    customers: 30,
    env: { ...pushEnv, ONBOARDING_REMIND_MS: '700', ONBOARDING_ESCALATE_MS: '1500' },
  });
  const psaConnectionId = await createPsaConnection(system);
  id = await createIntegration(system, psaConnectionId);
  await person.credentials(system, id);
  await reach(system, id, 'linkCustomers');
  const customers = await system.api.all<{ id: string }>(`/v1/integrations/${id}/customers`);
  // The others were there as well, and were not chosen: nobody is asked about them.
  await system.api.post(`/v1/integrations/${id}/customers/link`, { ids: customers.slice(0, 8).map((each) => each.id) });
  await person.mapAccounts(system, id);
  await person.mapServices(system, id, psaConnectionId);
  await person.finish(system, id);
  await untilConnected(system, id);
  const mapped = await system.api.all<{ psaAccountId: string }>(`/v1/integrations/${id}/accounts?mapped=true`);
  const taken = new Set(mapped.map((account) => account.psaAccountId));
  free = (await companiesOf(system))
    .filter((company) => company.status === 'Active' && company.type === 'Client' && !taken.has(String(company.id)))
    .map((company) => String(company.id));
});
afterAll(() => system?.close());

const accountPath = (customer: NewCustomer, of = id) => `/v1/integrations/${of}/accounts/${customer.id}`;
const onboarding = (customer: NewCustomer, of = id) =>
  system.api.get<OnboardingView>(`${accountPath(customer, of)}/onboarding`);
const untilState = (customer: NewCustomer, state: string, of = id) =>
  until(`customer ${customer.id} to be ${state}`, async () => {
    const view = await onboarding(customer, of);
    if (view.state !== state) throw new Error(`It is ${view.state}: ${view.process?.waitsFor}`);
    return view;
  });
const cardsOf = async (psaAccountId: string | undefined) =>
  (await system.api.all<CardView>('/v1/cards')).filter((card) => card.psaAccountId === psaAccountId);
const usageOf = async (psaAccountId: string | undefined) =>
  (await cardsOf(psaAccountId)).find((card) => card.productId === 'MP-CLOUDFILTER')?.usage;
const runs = () => system.api.all<{ id: string }>(`/v1/integrations/${id}/syncs`);
const workflow = (customer: NewCustomer, of = id) =>
  system.temporal.workflow.getHandle(workflowIdOf('onboardCustomer', `${of}/${customer.id}`));
/** A company that nothing is mapped to, with a name of this test's own. */
async function companyNamed(name: string): Promise<string> {
  const company = free.shift() ?? '';
  await system.connectwise.change({ change: 'renameCompany', companyId: Number(company), name });
  return company;
}

describe('found by the next sync', () => {
  const stranger: NewCustomer = { id: 7001, name: 'Zanzibar Yacht Club', users: 23 };
  const twin: NewCustomer = { id: 7002, name: 'Quince & Daughters', users: 4 };
  let strangers: string;

  test('G37 an equal and unique name is mapped at once, and its card has its usage; nobody was asked', async () => {
    const company = await companyNamed(twin.name);
    await addCustomer(system.mailprotector, twin);
    await addCustomer(system.mailprotector, stranger);
    await syncNow(system, id);
    const view = await untilState(twin, 'done');
    expect(view).toMatchObject({ how: 'exact', psaAccountId: company });
    expect(await usageOf(company)).toBe(4);
  });

  test('any other waits for a person, reminds, and in the end is a problem that ops can search for', async () => {
    expect((await untilState(stranger, 'waiting')).psaAccountId).toBeNull();
    const escalated = await until('it to be a problem', async () => {
      const now = await onboarding(stranger);
      return now.escalatedAt === null ? undefined : now;
    });
    expect(escalated.reminders).toBeGreaterThan(0);
    expect(escalated.process?.steps.find((step) => step.step === 'mapCustomer')?.problem?.code).toBe('not_mapped');
    await until('the search to find it', async () => {
      const query = "Blocked = true and Process = 'onboardCustomer' and Problem = 'not_mapped'";
      const found: string[] = [];
      for await (const each of system.temporal.workflow.list({ query })) found.push(each.workflowId);
      return found.includes(workflowIdOf('onboardCustomer', `${id}/${stranger.id}`));
    });
    const { currentDetails } = await workflow(stranger).query<{ currentDetails: string }>(
      '__temporal_workflow_metadata',
    );
    expect(currentDetails).toContain(`For vendor account ${stranger.id} (`);
    expect(currentDetails).toContain('Map the customer to a PSA account, or exclude it');
    expect(currentDetails).not.toContain('Signal');
    expect(currentDetails).not.toContain(stranger.name);
  });

  test('G43 G44 once a person mapped it, that customer alone is read, and its card is there without a sync', async () => {
    strangers = await companyNamed('Yachts of Zanzibar');
    const before = await runs();
    await system.mailprotector.clearLog();
    await system.api.decide('PUT', accountPath(stranger), 'mapping', { psaAccountId: strangers });
    const view = await untilState(stranger, 'done');
    expect(view).toMatchObject({ how: 'person', escalatedAt: null });
    expect(await usageOf(strangers)).toBe(23);
    expect(await runs()).toEqual(before);
    const calls = (await system.mailprotector.log('GET')).map((call) => call.path.replace(/\?.*/, ''));
    expect(calls).toEqual([
      `/api/v1/customers/${stranger.id}/domains`,
      `/api/v1/domains/${stranger.id}1/user_groups`,
      `/api/v1/user_groups/${stranger.id}2/services`,
    ]);
    // Its last step is a row before the workflow has ended.
    await until('its workflow to end', async () => (await workflow(stranger).describe()).status.name === 'COMPLETED');
  });

  test('its numbers can be explained: the run that read it alone', async () => {
    const card = (await cardsOf(strangers)).find((row) => row.productId === 'MP-CLOUDFILTER');
    const detail = await system.api.get<{ detail: unknown }>(`/v1/cards/${card?.id}`);
    const runId = /"runId":"([^"]+)"/.exec(JSON.stringify(detail))?.[1];
    const run = await system.api.get<{ vendorAccountId: string; state: string; process: { workflowId: string } }>(
      `/v1/syncs/${runId}`,
    );
    expect(run).toMatchObject({ vendorAccountId: String(stranger.id), state: 'applied' });
    expect(run.process.workflowId).toContain('onboard/');
  });

  test('whom a person excludes is asked about no more', async () => {
    const excluded: NewCustomer = { id: 7003, name: 'Internal Test Tenant', users: 2 };
    await addCustomer(system.mailprotector, excluded);
    await syncNow(system, id);
    await untilState(excluded, 'waiting');
    await system.api.decide('PUT', accountPath(excluded), 'exclusion');
    await untilState(excluded, 'excluded');
    await until('its workflow to end', async () => (await workflow(excluded).describe()).status.name === 'COMPLETED');
    await syncNow(system, id);
    expect((await onboarding(excluded)).state).toBe('excluded');
  });
});

describe('cases of their own', () => {
  test('one that waits is mapped as soon as the PSA has a company of its name, or it has the name of a company', async () => {
    const late: NewCustomer = { id: 7011, name: 'Marrow & Pike', users: 5 };
    const renamed: NewCustomer = { id: 7012, name: 'Old Name Ltd', users: 6 };
    await addCustomer(system.mailprotector, late);
    await addCustomer(system.mailprotector, renamed);
    await syncNow(system, id);
    await untilState(late, 'waiting');
    await untilState(renamed, 'waiting');
    const lates = await companyNamed(late.name);
    const renameds = await companyNamed('The New Name Ltd');
    await system.mailprotector.change({ change: 'renameCustomer', id: renamed.id, name: 'The New Name Ltd' });
    await syncNow(system, id);
    expect(await untilState(late, 'done')).toMatchObject({ how: 'exact', psaAccountId: lates });
    expect(await untilState(renamed, 'done')).toMatchObject({ how: 'exact', psaAccountId: renameds });
    expect(await usageOf(renameds)).toBe(6);
  });

  test('a rename breaks no mapping, and is told by the audit', async () => {
    const [account] = await system.api.all<{ id: string; name: string; psaAccountId: string }>(
      `/v1/integrations/${id}/accounts?mapped=true`,
    );
    await system.mailprotector.change({ change: 'renameCustomer', id: Number(account?.id), name: 'A Whole New Name' });
    await syncNow(system, id);
    const after = await system.api.all<typeof account>(`/v1/integrations/${id}/accounts?mapped=true`);
    expect(after.find((row) => row?.id === account?.id)).toMatchObject({
      name: 'A Whole New Name',
      psaAccountId: account?.psaAccountId,
    });
    const audit = await system.api.all<{ action: string; before: unknown; after: unknown }>('/v1/audit');
    expect(
      audit.find((row) => row.action === 'customer.renamed' && JSON.stringify(row.after).includes('Whole')),
    ).toMatchObject({
      before: { name: account?.name },
      after: { name: 'A Whole New Name' },
    });
  });

  test('one that is removed before anybody mapped it is asked about no more, and again when it is back', async () => {
    const passing: NewCustomer = { id: 7021, name: 'Here And Gone', users: 3 };
    await addCustomer(system.mailprotector, passing);
    await syncNow(system, id);
    await untilState(passing, 'waiting');
    await system.mailprotector.change({ change: 'removeCustomer', id: passing.id });
    await syncNow(system, id);
    await untilState(passing, 'gone');
    await addCustomer(system.mailprotector, passing);
    await syncNow(system, id);
    expect((await untilState(passing, 'waiting')).psaAccountId).toBeNull();
  });

  test('one that is merged into another gives a final zero to review, and says where its domains are', async () => {
    const from: NewCustomer = { id: 7031, name: 'Merged Away Inc', users: 9 };
    const into: NewCustomer = { id: 7032, name: 'Merged Into Inc', users: 1 };
    const froms = await companyNamed(from.name);
    const intos = await companyNamed(into.name);
    await addCustomer(system.mailprotector, from);
    await addCustomer(system.mailprotector, into);
    await syncNow(system, id);
    await untilState(from, 'done');
    await untilState(into, 'done');
    await system.mailprotector.change({ change: 'moveDomain', id: 70311, customerId: into.id });
    await system.mailprotector.change({ change: 'removeCustomer', id: from.id });
    await syncNow(system, id);
    const [gone] = (await cardsOf(froms)).filter((card) => card.productId === 'MP-CLOUDFILTER');
    expect(gone?.usage).toBe(0);
    expect(gone?.flags.map((flag) => flag.code)).toContain('no_longer_reported');
    expect(gone?.bulkApprovable).toBe(false);
    expect(await usageOf(intos)).toBe(10);
    const accounts = await system.api.all<{
      id: string;
      psaAccountId: string;
      missingSince: string;
      movedTo: string[];
    }>(`/v1/integrations/${id}/accounts`);
    const shown = accounts.find((account) => account.id === String(from.id));
    expect(shown).toMatchObject({ psaAccountId: froms, movedTo: [String(into.id)] });
    expect(shown?.missingSince).not.toBeNull();
  });

  test('a full run that began before a customer was read by itself does not replace what that read', async () => {
    const { db } = system.database;
    const account = '7001';
    const count = (quantity: number) => ({
      id: JSON.stringify([account, 'CloudFilter']),
      data: { accountId: account, service: 'CloudFilter', quantity, parts: [] },
    });
    await insertSyncRequest(db, id, { requestedBy: 'test' });
    const full = (await claimSyncRun(db, { kind: 'sync', id })) ?? '';
    const own = await openCustomerRun(db, { integrationId: id, vendorAccountId: account });
    await stageRows(db, full, 'count', [count(5)]);
    await stageRows(db, own.id, 'count', [count(40)]);
    const now = async () =>
      (await listUsage(db, id)).find((pair) => pair.vendorAccountId === account && pair.serviceId === 'CloudFilter');
    await db.transaction((tx) => applyUsage(tx, id, own.id, []));
    await db.transaction((tx) => applyUsage(tx, id, full, []));
    expect((await now())?.quantity).toBe(40);
    const row = await db.query.usageCount.findFirst({
      where: (usage, { and, eq }) =>
        and(eq(usage.integrationId, id), eq(usage.vendorAccountId, account), eq(usage.serviceId, 'CloudFilter')),
    });
    expect(row?.notReportedSince).toBeNull();
    expect(await listStagedIds(db, own.id, 'count')).toHaveLength(1);
  });
});

describe('assigned on its Integrations page in Mailprotector', () => {
  let pushing: Pushing;
  const fresh: NewCustomer = { id: 7101, name: 'Pelican Freight', users: 12 };

  beforeAll(async () => {
    pushing = await createPushing(system);
    const { id: of, key, console } = pushing;
    await console.enable(key);
    await reach(system, of, 'linkCustomers');
    await console.link((await console.customers()).slice(0, 8).map((customer) => customer.id));
    await person.mapAccounts(system, of);
    await person.mapServices(system, of, pushing.psaConnectionId);
    await person.finish(system, of);
    await console.updateCounts();
    await untilConnected(system, of);
  });

  test('G38 to G41 the client that was picked there is its PSA account, and Update Counts shows its card', async () => {
    const { console, id: of } = pushing;
    await addCustomer(system.mailprotector, fresh);
    const company = await companyNamed('Freight by Pelicans');
    await system.api.post(`/v1/psa-connections/${pushing.psaConnectionId}/check`);
    const client = await until('the text field to find it', async () => (await console.clients('by pelicans'))[0]);
    const picked = client.id;
    expect(picked).toBe(company);
    await console.assign(fresh.id, picked);
    await untilState(fresh, 'waiting', of);
    await console.updateCounts();
    const view = await untilState(fresh, 'done', of);
    expect(view).toMatchObject({ how: 'vendor', psaAccountId: picked });
    await until('its card to be there', async () => {
      const cards = await system.api.all<CardView>(`/v1/cards?psaConnectionId=${pushing.psaConnectionId}`);
      return cards.some(
        (card) => card.psaAccountId === picked && card.productId === 'MP-CLOUDFILTER' && (card.usage ?? 0) >= 12,
      );
    });
    const audit = await system.api.all<{ actor: string; action: string; subjectId: string; after: unknown }>(
      '/v1/audit',
    );
    expect(audit.find((row) => row.action === 'account.map' && row.subjectId === `${of}/${fresh.id}`)).toMatchObject({
      actor: 'vendor:mailprotector',
      after: { psaAccountId: picked, how: 'vendor' },
    });
  });

  test('what a person mapped here stays, whatever is picked there', async () => {
    const { console, id: of } = pushing;
    const decided = free.shift();
    await system.api.decide('PUT', accountPath(fresh, of), 'mapping', { psaAccountId: decided });
    await console.updateCounts();
    const accounts = await system.api.all<{ id: string; psaAccountId: string; how: string }>(
      `/v1/integrations/${of}/accounts?mapped=true`,
    );
    expect(accounts.find((row) => row.id === String(fresh.id))).toMatchObject({
      psaAccountId: decided,
      how: 'person',
    });
  });

  test('one that was only linked there waits for a person here; its counts are kept, and count when it is mapped', async () => {
    const { console, id: of, psaConnectionId: psa } = pushing;
    const late: NewCustomer = { id: 7102, name: 'Ostrich Lamps', users: 14 };
    const lates = free.shift();
    await addCustomer(system.mailprotector, late);
    await console.link([late.id]);
    await untilState(late, 'waiting', of);
    const report = await console.updateCounts();
    expect(report.unmapped).toBeGreaterThan(0);
    await system.api.decide('PUT', accountPath(late, of), 'mapping', { psaAccountId: lates });
    await untilState(late, 'done', of);
    const cards = await system.api.all<CardView>(`/v1/cards?psaConnectionId=${psa}`);
    expect(cards.find((card) => card.psaAccountId === lates && card.productId === 'MP-CLOUDFILTER')?.usage).toBe(14);
  });

  test('those that were left unmapped in connect are not asked about, however often the vendor sends them', async () => {
    const { items } = await system.api.get<{ items: OnboardingView[] }>(`/v1/onboardings?integrationId=${pushing.id}`);
    expect(items.map((item) => item.vendorAccountId).toSorted()).toEqual(['7101', '7102']);
  });
});

test('nobody was asked about a customer that was there in connect', async () => {
  const all = await system.api.all<OnboardingView>(`/v1/onboardings?integrationId=${id}`);
  expect(all.every((item) => Number(item.vendorAccountId) > 7000)).toBe(true);
});
