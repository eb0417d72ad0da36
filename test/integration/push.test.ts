/** The guide's own way in: the vendor pushes (G04 to G28), with the simulated console as a vendor program. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  goodCredentials,
  latestRun,
  person,
  reach,
  syncNow,
  untilConnected,
  type CardView,
  type IntegrationView,
} from '../../dev/walkthrough/guide.ts';
import type { VendorConsole } from '../../dev/walkthrough/vendorConsole.ts';
import { until } from '../../dev/until.ts';
import { serviceProducts } from '../../simulators/world.ts';
import { createPushing, postCount, pushEnv } from '../kit/push.ts';
import { vendorKey } from '../kit/vendorApi.ts';
import { untilAtRest } from '../kit/rest.ts';
import { customersOf } from '../kit/simulatorState.ts';
import { visibleIn } from '../kit/visible.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let console: VendorConsole;
let psaConnectionId: string;
let id: string;
let key: string;

beforeAll(async () => {
  system = await startSystem({ customers: 30, env: pushEnv });
  ({ id, key, psaConnectionId, console } = await createPushing(system));
});
afterAll(() => system?.close());

const cards = () => system.api.all<CardView>('/v1/cards');
const openCounts = () =>
  system.database.db.query.pushedCount.findMany({ where: (row, { isNull }) => isNull(row.runId) });
const runs = () => system.api.all<{ id: string; state: string }>(`/v1/integrations/${id}/syncs`);
const count = (accountId: number, service: string, unitCount: number, noBuild = false) =>
  postCount(system, key, { accountId: String(accountId), service, unitCount, noBuild });

test('the key enables, linked customers appear, equal names are mapped, and Finish waits for Update Counts', async () => {
  const { enabled, serviceAssignments } = await console.enable(key);
  expect(enabled).toBe(true);
  // What the vendor calls "CloudFilter Email Security" is the catalogue's CloudFilter, once.
  expect(serviceAssignments['CloudFilter Email Security']).toBe('CloudFilter');
  await reach(system, id, 'linkCustomers');
  const customers = await console.customers();
  expect(await console.link(customers.map((customer) => customer.id))).toEqual({
    linked: customers.length,
    created: customers.length,
  });
  expect(await console.link([customers[0]?.id ?? 0])).toEqual({ linked: 1, created: 0 });
  await reach(system, id, 'mapAccounts');
  const mapped = await system.api.all<{ how: string }>(`/v1/integrations/${id}/accounts?mapped=true`);
  expect(mapped.length).toBeGreaterThan(10);
  expect(mapped.every((account) => account.how === 'exact')).toBe(true);
  await person.mapAccounts(system, id);
  await person.mapServices(system, id, psaConnectionId);
  await person.finish(system, id);
  await until('the sync to wait for counts', async () => {
    const view = await system.api.get<{ sync: IntegrationView['process'] }>(`/v1/integrations/${id}`);
    return view.sync.steps.some((step) => step.step === 'counts' && step.state === 'waiting');
  });
  // Lines are read, and nothing was ever reported for them: — and never 0.
  const lines = await cards();
  expect(lines.every((card) => card.usage === null && !card.bulkApprovable)).toBe(true);
});

test('Update Counts makes one run, and every card has what Mailprotector has', async () => {
  const report = await console.updateCounts();
  expect(report.failed).toBe(0);
  expect(report.posted).toBeGreaterThan(50);
  // Customers that nobody has mapped yet.
  expect(report.unmapped).toBeGreaterThan(0);
  await untilConnected(system, id);
  await untilAtRest(system);
  expect((await runs()).map((run) => run.state)).toEqual(['applied']);
  const truth = await customersOf(system);
  const mapped = await system.api.all<{ id: string; psaAccountId: string }>(
    `/v1/integrations/${id}/accounts?mapped=true`,
  );
  const shown = await cards();
  expect(shown.length).toBeGreaterThan(20);
  for (const card of shown) {
    const display = serviceProducts.find((product) => product.productId === card.productId)?.display ?? '';
    const ids = mapped.filter((account) => account.psaAccountId === card.psaAccountId).map((account) => account.id);
    const users = truth
      .filter((customer) => ids.includes(String(customer.id)))
      .flatMap((customer) => customer.domains.filter((domain) => !domain.pending).flatMap((domain) => domain.groups))
      .filter((group) => group.services.includes(display))
      .reduce((sum, group) => sum + group.users, 0);
    expect(card.usage, `${card.psaAccountName} × ${card.productId}`).toBe(users);
  }
});

test('a number of an unmapped customer lands by itself once it is mapped', async () => {
  const [unmapped] = await system.api.all<{ id: string; name: string }>(`/v1/integrations/${id}/accounts?mapped=false`);
  const truth = (await customersOf(system)).find((customer) => String(customer.id) === unmapped?.id);
  const answer = await count(truth?.id ?? 0, 'CloudFilter', 17);
  expect(answer.status).toBe(404);
  await untilAtRest(system);
  const { items } = await system.api.get<{ items: { id: string }[] }>(
    `/v1/integrations/${id}/accounts/${unmapped?.id}/suggestions`,
  );
  const taken = new Set((await cards()).map((card) => card.psaAccountId));
  const free = items.find((item) => !taken.has(item.id)) ?? items[0];
  const before = (await cards()).find((card) => card.psaAccountId === free?.id && card.productId === 'MP-CLOUDFILTER');
  await system.api.decide('PUT', `/v1/integrations/${id}/accounts/${unmapped?.id}`, 'mapping', {
    psaAccountId: free?.id,
  });
  const card = (await cards()).find((row) => row.psaAccountId === free?.id && row.productId === 'MP-CLOUDFILTER');
  expect(card?.usage).toBe(17 + (before?.usage ?? 0));
});

test('what is not posted keeps its number and is marked; a zero is a zero; a fraction is kept', async () => {
  const [account] = await system.api.all<{ id: string; psaAccountId: string }>(
    `/v1/integrations/${id}/accounts?mapped=true`,
  );
  const own = async () => (await cards()).filter((card) => card.psaAccountId === account?.psaAccountId);
  const before = await own();
  const [zeroed] = before;
  const service = serviceProducts.find((product) => product.productId === zeroed?.productId)?.display ?? '';
  const vendorName = (await console.enable(key)).serviceAssignments[service] ?? '';
  expect((await count(Number(account?.id), vendorName, 0)).status).toBe(201);
  await untilAtRest(system);
  expect((await latestRun(system, id))?.state).toBe('applied');
  const after = await own();
  expect(after.find((card) => card.id === zeroed?.id)?.usage).toBe(0);
  for (const card of after.filter((row) => row.id !== zeroed?.id)) {
    expect(card.usage).toBe(before.find((row) => row.id === card.id)?.usage);
    expect(card.flags.map((flag) => flag.code)).toContain('no_longer_reported');
    expect(card.bulkApprovable).toBe(false);
  }
});

test('counts with no_build alone are shown after their time; one that builds shows them all', async () => {
  const [account] = await system.api.all<{ id: string; psaAccountId: string }>(
    `/v1/integrations/${id}/accounts?mapped=true`,
  );
  await untilAtRest(system);
  const began = performance.now();
  expect((await count(Number(account?.id), 'CloudFilter', 3, true)).status).toBe(201);
  await until('the leftover to be shown', async () =>
    (await cards()).some(
      (card) => card.psaAccountId === account?.psaAccountId && card.productId === 'MP-CLOUDFILTER' && card.usage === 3,
    ),
  );
  // A burst that builds is read after half a second.
  expect(performance.now() - began).toBeGreaterThan(Number(pushEnv.PUSH_LEFTOVER_MS));
});

test('counts that come while a sync is at work are in the next one', async () => {
  const [account] = await system.api.all<{ id: string; psaAccountId: string }>(
    `/v1/integrations/${id}/accounts?mapped=true`,
  );
  // The PSA is slow, so a run is under way long after it has taken what was posted.
  await system.connectwise.fault({ kind: 'latency', ms: 40, times: null });
  const last = 4;
  for (let n = 1; n <= last; n++) {
    const known = (await runs()).length;
    expect((await count(Number(account?.id), 'CloudFilter', n)).status).toBe(201);
    await until('a run of its own to have taken it', async () => {
      // In this order: the steps of the run before are there until a new one is.
      if ((await runs()).length === known) return false;
      const view = await system.api.get<{ sync: IntegrationView['process'] }>(`/v1/integrations/${id}`);
      return view.sync.steps.find((step) => step.step === 'pullVendor')?.state === 'done';
    });
  }
  await system.connectwise.clearFaults();
  await untilAtRest(system);
  const card = (await cards()).find(
    (row) => row.psaAccountId === account?.psaAccountId && row.productId === 'MP-CLOUDFILTER',
  );
  expect(card?.usage).toBe(last);
  expect(await openCounts()).toEqual([]);
});

describe('both ways at once', () => {
  interface Explained extends CardView {
    explanation: { counts: { vendorAccountId: string; serviceId: string; quantity: number; source: string }[] };
  }
  const counts = async () =>
    (await Promise.all((await cards()).map(({ id: card }) => system.api.get<Explained>(`/v1/cards/${card}`)))).flatMap(
      (card) => card.explanation.counts.map((entry) => ({ ...entry, flags: card.flags.map((flag) => flag.code) })),
    );
  const step = async (name: string) => {
    const view = await system.api.get<IntegrationView>(`/v1/integrations/${id}`);
    return view.process.steps.find((row) => row.step === name)?.state;
  };
  const ownService = 'Seats That Only Push';

  test('switched to reading, every mapping stays and every number is read', async () => {
    const { mappings, services } = await visibleIn(system);
    await system.api.put(`/v1/integrations/${id}/vendor-credentials`, goodCredentials.vendor);
    await until('the credentials to have been tried', async () => (await step('verifyCredentials')) === 'done');
    await system.api.put(`/v1/integrations/${id}/intake`, { intake: 'pull' });
    await untilAtRest(system);
    expect((await latestRun(system, id))?.state).toBe('applied');
    const now = await visibleIn(system);
    expect({ mappings: now.mappings, services: now.services }).toEqual({ mappings, services });
    const read = (await counts()).filter((entry) => entry.source === 'pull');
    expect(read.length).toBeGreaterThan(20);
    expect(read.flatMap((entry) => entry.flags)).not.toContain('no_longer_reported');
  });

  test('what the vendor still sends counts where nothing is read, and stays when it is read again', async () => {
    const [account] = await system.api.all<{ id: string; psaAccountId: string }>(
      `/v1/integrations/${id}/accounts?mapped=true`,
    );
    const truth = (await counts()).find(
      (entry) => entry.vendorAccountId === account?.id && entry.serviceId === 'CloudFilter',
    );
    const made = await fetch(`${system.api.url}/api/vendor-api/service`, {
      method: 'POST',
      headers: {
        'GRADIENT-TOKEN': Buffer.from(`${vendorKey}:${key}`).toString('base64'),
        'content-type': 'application/json',
      },
      body: JSON.stringify({ name: ownService, description: ownService, category: 'other', subcategory: 'other' }),
    });
    expect(made.status).toBe(201);
    const { skus } = (await made.json()) as { skus: { id: string; name: string }[] };
    const sku = skus.find((entry) => entry.name === ownService);
    const [product] = await system.api.all<{ id: string }>(`/v1/psa-connections/${psaConnectionId}/products?q=MP-`);
    await system.api.decide('PUT', `/v1/integrations/${id}/services/${sku?.id}`, 'mapping', {
      productIds: [product?.id],
    });
    // A pair that is read, and one that only the vendor knows of.
    expect((await count(Number(account?.id), 'CloudFilter', 9_999)).status).toBe(201);
    expect((await count(Number(account?.id), sku?.id ?? '', 5)).status).toBe(201);
    await untilAtRest(system);
    for (const again of [false, true]) {
      if (again) await syncNow(system, id);
      const own = (await counts()).filter((entry) => entry.vendorAccountId === account?.id);
      expect(own.find((entry) => entry.serviceId === 'CloudFilter')).toMatchObject({
        quantity: truth?.quantity,
        source: 'pull',
      });
      expect(own.find((entry) => entry.serviceId === ownService)).toMatchObject({ quantity: 5, source: 'push' });
      expect(await openCounts()).toEqual([]);
    }
  });

  test('switched back, what is not sent keeps its number, marked, until it is sent', async () => {
    await system.api.put(`/v1/integrations/${id}/intake`, { intake: 'push' });
    await untilAtRest(system);
    const left = (await counts()).filter((entry) => entry.source === 'pull');
    expect(left.length).toBeGreaterThan(20);
    expect(left.every((entry) => entry.flags.includes('no_longer_reported'))).toBe(true);
    await console.updateCounts();
    await untilAtRest(system);
    expect((await latestRun(system, id))?.state).toBe('applied');
    const sent = (await counts()).filter((entry) => entry.source === 'push');
    expect(sent.length).toBeGreaterThan(20);
  });
});

test('a vendor that posts zeroes, and lets every count build', async () => {
  await system.mailprotector.settings({ postZeroes: true, noBuild: 'none' });
  await until('what was posted to be shown, zeroes as zeroes', async () => {
    // Again where the machine paused for longer than a burst may: that is two, and the first is not reported in the second.
    expect((await console.updateCounts()).failed).toBe(0);
    await untilAtRest(system);
    expect((await latestRun(system, id))?.state).toBe('applied');
    return (await visibleIn(system)).counts.filter((entry) => entry.quantity === 0 && entry.reported).length > 20;
  });
  expect(await openCounts()).toEqual([]);
});

test("a customer's Integrations page searches the PSA's clients; what was picked goes with its counts", async () => {
  const [customer] = await console.customers();
  const [client] = await console.clients(customer?.name.slice(0, 6) ?? '');
  expect(client?.name.toLowerCase()).toContain(customer?.name.slice(0, 6).toLowerCase());
  await console.assign(customer?.id ?? 0, client?.id ?? '');
  expect((await console.customers())[0]).toMatchObject({ linked: true, clientId: client?.id });
  expect((await console.updateCounts()).failed).toBe(0);
  await untilAtRest(system);
  await console.assign(customer?.id ?? 0, null);
  expect((await console.customers())[0]).toMatchObject({ clientId: null });
});
