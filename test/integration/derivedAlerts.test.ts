/** Alerts that Countersign derives from what Mailprotector shows, to their tickets and back. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createIntegration,
  createPsaConnection,
  person,
  syncNow,
  untilConnected,
} from '../../dev/walkthrough/guide.ts';
import type { WorldCustomer } from '../../simulators/world.ts';
import { ticketsOf, untilAlert, type AlertView } from '../kit/alerts.ts';
import { startSystem, type System } from '../kit/system.ts';
import { until } from '../../dev/until.ts';

let system: System;
let integrationId: string;
let customers: WorldCustomer[];

beforeAll(async () => {
  system = await startSystem();
  const psaConnectionId = await createPsaConnection(system);
  integrationId = await createIntegration(system, psaConnectionId, ['billing', 'alerts']);
  await person.credentials(system, integrationId);
  await person.linkAll(system, integrationId);
  await person.chooseBoard(system, integrationId, psaConnectionId);
  await person.mapAccounts(system, integrationId);
  await person.mapServices(system, integrationId, psaConnectionId);
  await person.finish(system, integrationId);
  await untilConnected(system, integrationId);
  const mapped = await system.api.all<{ id: string }>(`/v1/integrations/${integrationId}/accounts?mapped=true`);
  const ids = new Set(mapped.map((account) => account.id));
  const all = (await system.mailprotector.state<{ customers: WorldCustomer[] }>()).customers;
  customers = all.filter(
    (customer) => ids.has(String(customer.id)) && customer.domains[0]?.groups.some((group) => group.users > 0),
  );
});
afterAll(() => system?.close());

const alerts = () => system.api.all<AlertView>(`/v1/alerts?integrationId=${integrationId}`);
const found = (subject: string) =>
  until(`the alert of ${subject}`, async () => (await alerts()).find((alert) => alert.alertId === `rule:${subject}`));

test('a domain that stays Pending becomes a ticket; verified, the ticket gets a note, once', async () => {
  const customer = customers[0];
  await system.mailprotector.change({
    change: 'addDomain',
    customerId: customer?.id,
    id: 7_700_001,
    groupId: 7_700_002,
    name: 'pending.example',
  });
  await syncNow(system, integrationId);
  const { id } = await found('domainPending:7700001');
  await untilAlert(system, id, 'delivered');
  const [ticket] = await ticketsOf(system, id);
  expect(ticket?.summary).toMatch(/^Domain pending\.example is still Pending/);
  // Still so at the next sync: that is no news.
  await syncNow(system, integrationId);
  expect(await untilAlert(system, id, 'delivered')).toMatchObject({ revision: 1 });
  await system.mailprotector.change({ change: 'verifyDomain', id: 7_700_001 });
  await syncNow(system, integrationId);
  await until('the note', async () => (await ticketsOf(system, id))[0]?.notes.length === 2);
  expect((await ticketsOf(system, id))[0]?.notes[1]?.text).toContain('It is over');
  expect((await untilAlert(system, id, 'delivered')).clearedAt).not.toBeNull();
});

test('a directory sync that stopped answering, and a statement that is overdue, are alerts; a settled one is not', async () => {
  const [customer, other] = customers.slice(1);
  await system.mailprotector.change({
    change: 'putSync',
    domainId: customer?.domains[0]?.id,
    id: 7_800_001,
    name: 'Head office',
    alive: false,
  });
  await system.mailprotector.change({
    change: 'putStatement',
    customerId: other?.id,
    id: 7_900_001,
    fields: { statement_status: 'Open', due_date: '2025-01-31' },
  });
  await syncNow(system, integrationId);
  for (const subject of ['directorySync:7800001', 'statementOverdue:7900001'])
    await untilAlert(system, (await found(subject)).id, 'delivered');
  expect((await alerts()).filter((alert) => alert.alertId.includes('statementOverdue'))).toHaveLength(1);
});

test('a customer whose usage falls to zero is an alert; that it never had any is none', async () => {
  const customer = customers[3];
  for (const group of customer?.domains.flatMap((domain) => domain.groups) ?? [])
    await system.mailprotector.change({ change: 'setUsers', id: group.id, users: 0 });
  await syncNow(system, integrationId);
  const { id } = await found(`usageZero:${customer?.id}`);
  await untilAlert(system, id, 'delivered');
  expect((await alerts()).filter((alert) => alert.alertId.includes('usageZero'))).toHaveLength(1);
  await system.mailprotector.change({ change: 'setUsers', id: customer?.domains[0]?.groups[0]?.id, users: 4 });
  await syncNow(system, integrationId);
  await until('it to be over', async () => (await untilAlert(system, id, 'delivered')).clearedAt);
});

test('a pending domain that moves to another customer is over for the one and begins for the other', async () => {
  const [from, to] = customers.slice(4);
  const change = {
    change: 'addDomain',
    customerId: from?.id,
    id: 7_700_011,
    groupId: 7_700_012,
    name: 'moves.example',
  };
  await system.mailprotector.change(change);
  await syncNow(system, integrationId);
  const first = await found('domainPending:7700011');
  await untilAlert(system, first.id, 'delivered');
  await system.mailprotector.change({ change: 'moveDomain', id: 7_700_011, customerId: to?.id });
  await syncNow(system, integrationId);
  const both = await until('the second alert', async () => {
    const all = (await alerts()).filter((alert) => alert.alertId === first.alertId);
    return all.length === 2 ? all : undefined;
  });
  for (const { id, vendorAccountId } of both) {
    const moved = vendorAccountId === String(to?.id);
    await until('it to be told', async () => (await untilAlert(system, id, 'delivered')).revision === (moved ? 1 : 2));
    expect((await untilAlert(system, id, 'delivered')).clearedAt === null).toBe(moved);
    expect(await ticketsOf(system, id)).toHaveLength(1);
  }
});

test('a rule that is off looks at nothing; what cannot be read raises and clears nothing, and billing goes on', async () => {
  const settings = `/v1/integrations/${integrationId}/alert-settings`;
  const before = await alerts();
  await system.mailprotector.fault({ kind: 'status', path: '/user_syncs$', status: 403, times: null });
  const run = await syncNow(system, integrationId);
  expect(run.state).toBe('applied');
  const states = (list: AlertView[]) => list.map((alert) => [alert.alertId, alert.revision, alert.clearedAt]);
  expect(states(await alerts())).toEqual(states(before));
  const audit = await system.api.all<{ action: string; after: { code?: string } }>('/v1/audit');
  expect(audit.find((entry) => entry.action === 'alerts.notDerived')?.after.code).toBe('forbidden');
  await system.api.put(settings, { rules: { directorySync: { on: false } } });
  await system.mailprotector.clearLog();
  await syncNow(system, integrationId);
  expect(await system.mailprotector.log('GET', '/user_syncs')).toEqual([]);
  expect((await system.mailprotector.log('GET', '/statements')).length).toBeGreaterThan(0);
});
