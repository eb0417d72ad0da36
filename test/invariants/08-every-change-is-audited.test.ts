import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skuOf } from '../../domain/skuCatalogue.ts';
import { serviceProducts } from '../../simulators/world.ts';
import { refuseRows } from '../kit/faultyDatabase.ts';
import {
  createIntegration,
  createPsaConnection,
  latestRun,
  person,
  seenOf,
  signOff,
  syncNow,
  untilApprovalClosed,
  untilConnected,
  type ApprovalView,
  type CardView,
  type ClosedApproval,
} from '../../dev/walkthrough/guide.ts';
import { customersOf } from '../kit/simulatorState.ts';
import { goodCredentials } from '../../dev/walkthrough/guide.ts';
import { startSystem, type System } from '../kit/system.ts';
import { until } from '../../dev/until.ts';

/**
 * Tables in which a change means something to the MSP, and the columns that carry the meaning. Left out: where a process
 * stands (its steps, cursors, claims), which says nothing about the MSP's data and is seen in the Temporal UI.
 */
const watched: Record<string, string> = {
  psa_connection: 'name, kind, settings, credentials, writes_enabled, refresh_requested_at, refreshed_at',
  integration:
    'settings, credentials, vendor_name, modules, intake, push_status, vendor_profile, alerts, disconnected_at',
  vendor_account: 'name, linked, excluded, missing_since',
  account_mapping: 'psa_account_id, how',
  service_mapping: 'product_ids, fan_out, rounding',
  product_rule: 'combine',
  card_decision: 'rule, line_id, dismissal',
  approval_batch: 'state',
  usage_count: 'quantity, not_reported_since',
  agreement_line: 'quantity',
  psa_account: 'name, active',
};

let system: System;
let psaConnectionId: string;
let integrationId: string;
let cards: CardView[];

beforeAll(async () => {
  system = await startSystem();
  await recordChanges();
  psaConnectionId = await createPsaConnection(system);
  integrationId = await createIntegration(system, psaConnectionId);
});
afterAll(() => system?.close());

/** Notes the transaction of every change of the watched tables, and of settled approval lines. */
async function recordChanges(): Promise<void> {
  const { db } = system.database;
  await db.execute(
    sql.raw(`
    create table change_log (n bigserial, tx bigint not null default txid_current(), what text not null);
    create function note_change() returns trigger language plpgsql as $$
    begin
      insert into change_log (what) values (tg_table_name || ' ' || lower(tg_op));
      return null;
    end $$;
    create table audit_tx (audit_id bigint not null, tx bigint not null default txid_current());
    create function note_audit() returns trigger language plpgsql as $$
    begin
      insert into audit_tx (audit_id) values (new.id);
      return null;
    end $$;
    create trigger note_audit after insert on audit for each row execute function note_audit();`),
  );
  for (const [table, columns] of Object.entries(watched)) {
    const changed = columns
      .split(', ')
      .map((column) => `old.${column} is distinct from new.${column}`)
      .join(' or ');
    await db.execute(
      sql.raw(`
      create trigger note_new after insert or delete on ${table} for each row execute function note_change();
      create trigger note_change after update on ${table} for each row when (${changed}) execute function note_change();`),
    );
  }
  await db.execute(
    sql.raw(`
    create trigger note_new after insert or delete on approval_line for each row execute function note_change();
    create trigger note_change after update on approval_line for each row
      when (new.settled_at is not null and old.state <> new.state) execute function note_change();`),
  );
}

/** Changes whose transaction wrote no audit row. */
async function unaudited(): Promise<string[]> {
  const { rows } = await system.database.db.execute<{ what: string }>(
    sql`select distinct what from change_log c where not exists (select from audit_tx a where a.tx = c.tx) order by 1`,
  );
  return rows.map((row) => row.what);
}

/** The guide and everything a person can change besides it. */
async function changeEverything(): Promise<void> {
  const { api } = system;
  const at = `/v1/integrations/${integrationId}`;
  await person.credentials(system, integrationId);
  await person.linkAll(system, integrationId);
  await person.mapAccounts(system, integrationId);
  await person.mapServices(system, integrationId, psaConnectionId);
  await person.finish(system, integrationId);
  await untilConnected(system, integrationId);
  const mapped = await api.all<{ id: string; psaAccountId: string }>(`${at}/accounts?mapped=true`);
  const [one, two] = mapped;
  await api.decide('DELETE', `${at}/accounts/${one?.id}`, 'mapping');
  await api.decide('PUT', `${at}/accounts/${one?.id}`, 'mapping', { psaAccountId: one?.psaAccountId });
  await api.decide('PUT', `${at}/accounts/${two?.id}`, 'exclusion');
  await api.call('DELETE', `${at}/accounts/${two?.id}/exclusion`);
  await api.decide('PUT', `${at}/accounts/${two?.id}`, 'mapping', { psaAccountId: two?.psaAccountId });
  const file = (mapping: string, excluded: string) => ({
    csv: `kind,id,mappedTo,excluded\naccount,${two?.id},${mapping},${excluded}\n`,
  });
  for (const body of [file('', 'yes'), file(two?.psaAccountId ?? '', 'no')]) {
    const { version } = await api.post<{ version: string }>(`${at}/mappings/import`, body);
    await api.post(`${at}/mappings/import?seen=${version}`, { ...body, apply: true });
  }
  const second = await createIntegration(system, psaConnectionId);
  await api.post(`/v1/integrations/${second}/disconnect`);
  await api.post(`/v1/integrations/${second}/reconnect`);
  await api.post(`/v1/integrations/${second}/disconnect`);
  const { service, productIds } = await mappedService();
  await api.decide('DELETE', `${at}/services/${service}`, 'mapping');
  await api.decide('PUT', `${at}/services/${service}`, 'mapping', { productIds, combine: 'add' });
  await api.put(`/v1/psa-connections/${psaConnectionId}/credentials`, {
    kind: 'connectwise',
    credentials: goodCredentials.psa(system.connectwise.url),
  });
  // Off: approvals are a to-do list that the next read of the PSA verifies.
  cards = (await api.all<CardView>('/v1/cards')).filter((card) => card.bulkApprovable);
  const todo = await approve(cards.pop());
  const [line] = await api.all<ClosedApproval['lines'][number]>(`/v1/approvals/${todo.id}/lines`);
  await system.connectwise.change({
    change: 'setQuantity',
    agreementId: Number(line?.agreementId),
    lineId: Number(line?.lineId),
    quantity: line?.to,
  });
  await api.post(`/v1/psa-connections/${psaConnectionId}/check`);
  await untilApprovalClosed(system, todo.id);
  await api.put(`/v1/psa-connections/${psaConnectionId}/writes`, { enabled: true });
  const applied = await approve(cards.pop());
  await untilApprovalClosed(system, applied.id);
  const undone = await api.post<{ approval: ApprovalView }>(`/v1/approvals/${applied.id}/undo`);
  await untilApprovalClosed(system, undone.approval.id);
  const card = cards.pop();
  await api.put(`/v1/cards/${card?.id}/rule`, { rule: { minimum: 3, reason: 'agreed' } });
  await api.put(`/v1/cards/${card?.id}/rule`, { rule: null });
  await api.post(`/v1/cards/${card?.id}/dismiss`, { reason: 'later' });
  const several = (await api.all<CardView>('/v1/cards')).find((other) =>
    other.flags.some((flag) => flag.code === 'needs_choice'),
  );
  if (several) {
    const { lines } = await api.get<{ lines: { lineId: string }[] }>(`/v1/cards/${several.id}`);
    await api.put(`/v1/cards/${several.id}/line`, { lineId: lines[0]?.lineId });
  }
  // A swing, released; another, discarded.
  for (const [verb, users] of [
    ['release', 900],
    ['discard', 4_000],
  ] as const) {
    const customer = (await customersOf(system))[26];
    await system.mailprotector.change({ change: 'setUsers', customerId: customer?.id, users });
    const run = await syncNow(system, integrationId);
    expect(run.state).toBe('held');
    await api.post(`/v1/syncs/${run.id}/${verb}`);
    await until(`the run to be ${verb}d`, async () => (await latestRun(system, integrationId))?.state !== 'held');
  }
  const swung = (await customersOf(system))[26];
  await system.mailprotector.change({ change: 'setUsers', customerId: swung?.id, users: 900 });
  const customer = (await customersOf(system))[29];
  await system.mailprotector.change({ change: 'removeCustomer', id: customer?.id });
  await syncNow(system, integrationId);
  // As they are shown now: the card of a customer that has swung is not what it was.
  cards = (await api.all<CardView>('/v1/cards')).filter((each) => each.bulkApprovable);
}

async function approve(card: CardView | undefined): Promise<ApprovalView> {
  return (await signOff(system, card ? [card] : [])).approval;
}

async function mappedService(): Promise<{ service: string; productIds: string[] }> {
  const service = skuOf(serviceProducts[0]?.display ?? '');
  const { items } = await system.api.get<{ items: { id: string; productIds: string[] }[] }>(
    `/v1/integrations/${integrationId}/services`,
  );
  return { service, productIds: items.find((item) => item.id === service)?.productIds ?? [] };
}

test('every change of a mapping, decision, approval, quantity, setting or connection has an audit row in its transaction', async () => {
  await changeEverything();
  const { rows: kinds } = await system.database.db.execute<{ what: string }>(sql`select distinct what from change_log`);
  const tables = new Set(kinds.map((row) => row.what.split(' ')[0]));
  // Everything that is watched was changed, or the test shows nothing.
  expect([...tables].toSorted()).toEqual([...Object.keys(watched), 'approval_line'].toSorted());
  expect(await unaudited()).toEqual([]);
});

test('an audit row says who did what to which thing, and a change what it was before and after', async () => {
  interface AuditView {
    actor: string;
    action: string;
    subjectKind: string;
    subjectId: string;
    before: unknown;
    after: unknown;
  }
  const rows = await system.api.all<AuditView>('/v1/audit');
  expect(rows.length).toBeGreaterThan(30);
  for (const row of rows) {
    expect(row.actor).toMatch(/^(token:[0-9a-f-]{36}|countersign)$/);
    expect(row.subjectId).not.toBe('');
  }
  const of = (action: string) => rows.filter((row) => row.action === action);
  const tokenOnly = ['account.map', 'card.rule', 'approval.create', 'psaConnection.writes', 'step.finish'];
  for (const action of tokenOnly) expect(of(action)[0]?.actor).toMatch(/^token:/);
  expect(of('sync.applied')[0]?.actor).toBe('countersign');
  expect(of('account.unmap')[0]).toMatchObject({ before: { how: 'exact' }, after: { psaAccountId: null } });
  expect(of('account.map')[0]).toMatchObject({ before: { psaAccountId: null }, after: { how: 'person' } });
  expect(of('account.exclude')[0]).toMatchObject({ before: { excluded: false }, after: { excluded: true } });
  expect(of('psaConnection.writes')[0]).toMatchObject({
    before: { writesEnabled: false },
    after: { writesEnabled: true },
  });
  const [applied] = of('approval.applied').toReversed();
  expect(applied).toMatchObject({
    before: { quantity: expect.any(Number) as number },
    after: { quantity: expect.any(Number) as number },
  });
});

/** Every row of the tables that matter, to see that nothing moved. */
async function everything(): Promise<string> {
  const texts: string[] = [];
  for (const table of [...Object.keys(watched), 'approval_line', 'sync_request', 'card', 'audit', 'process']) {
    const { rows } = await system.database.db.execute<{ text: string }>(
      // `due_at` and `sweeps` move by themselves while a process waits.
      sql`select (to_jsonb(t) - 'due_at' - 'sweeps')::text as text from ${sql.identifier(table)} t order by 1`,
    );
    texts.push(...rows.map((row) => row.text));
  }
  return texts.join('\n');
}

describe('when the audit row cannot be written, nothing is changed', () => {
  const at = () => `/v1/integrations/${integrationId}`;
  const firstMapped = async () => (await system.api.all<{ id: string }>(`${at()}/accounts?mapped=true`))[0]?.id ?? '';
  const account = async (suffix: string) => deciding(`${at()}/accounts/${await firstMapped()}`, suffix);
  const service = async () => deciding(`${at()}/services/${(await mappedService()).service}`, 'mapping');
  const deciding = async (thing: string, what: string) =>
    `${thing}/${what}?seen=${(await system.api.get<{ version: string }>(thing)).version}`;
  /** A PSA account that the first one is not mapped to. */
  const another = async () => {
    const { psaAccountId } = await system.api.get<{ psaAccountId: string }>(`${at()}/accounts/${await firstMapped()}`);
    return { psaAccountId: cards.find((each) => each.psaAccountId !== psaAccountId)?.psaAccountId };
  };
  const card = () => `/v1/cards/${cards[0]?.id}`;
  const psa = () => `/v1/psa-connections/${psaConnectionId}`;
  const requests: [string, string, () => Promise<string> | string, () => unknown][] = [
    ['a connection is made', 'POST', () => '/v1/psa-connections', () => psaBody({ name: 'Another' })],
    ['PSA credentials are given', 'PUT', () => `${psa()}/credentials`, () => psaBody({})],
    ['writing is turned off', 'PUT', () => `${psa()}/writes`, () => ({ enabled: false })],
    ['a check is asked for', 'POST', () => `${psa()}/check`, () => undefined],
    ['vendor credentials are given', 'PUT', () => `${at()}/vendor-credentials`, () => goodCredentials.vendor],
    ['customers are linked', 'POST', () => `${at()}/customers/link`, () => ({ all: true })],
    ['a mapping is taken back', 'DELETE', () => account('mapping'), () => undefined],
    ['a mapping is made', 'PUT', () => account('mapping'), another],
    ['an account is excluded', 'PUT', () => account('exclusion'), () => undefined],
    [
      'a service is mapped otherwise',
      'PUT',
      service,
      () => ({ productIds: [cards[0]?.psaProductId], rounding: 'up', combine: 'highest' }),
    ],
    ['a service mapping is taken back', 'DELETE', service, () => undefined],
    ['a rule is set', 'PUT', () => `${card()}/rule`, () => ({ rule: { minimum: 99, reason: 'x' } })],
    ['a card is dismissed', 'POST', () => `${card()}/dismiss`, () => ({ reason: 'x' })],
    ['cards are approved', 'POST', () => '/v1/approvals', () => ({ cards: [cards[0] && seenOf(cards[0])] })],
    ['a sync is asked for', 'POST', () => `${at()}/syncs`, () => undefined],
    [
      'an integration is made',
      'POST',
      () => '/v1/integrations',
      () => ({
        vendor: 'mailprotector',
        psaConnectionId,
        intake: 'pull',
        modules: ['billing'],
        viaVirtualAdministrator: false,
      }),
    ],
  ];
  const psaBody = (more: object) => ({
    kind: 'connectwise',
    credentials: goodCredentials.psa(system.connectwise.url, 'readOnly'),
    ...more,
  });

  test.each(requests)('%s: nothing', async (_what, method, path, body) => {
    const where = await path();
    const putRight = await refuseRows(system, 'audit', 'true');
    try {
      const before = await everything();
      const answer = await system.api.call<{ code: string }>(method, where, await body());
      expect(answer.status).toBe(500);
      expect(await everything()).toBe(before);
    } finally {
      await putRight();
    }
  });

  test('a run is not applied, and is applied once the audit row can be written', async () => {
    const customer = (await customersOf(system))[25];
    const users = (customer?.domains[0]?.groups[0]?.users ?? 0) + 1;
    await system.mailprotector.change({ change: 'setUsers', customerId: customer?.id, users });
    const putRight = await refuseRows(system, 'audit', "action = 'sync.applied'");
    const counts = async () =>
      (await system.database.db.execute<{ text: string }>(sql`select u::text as text from usage_count u order by 1`))
        .rows;
    const before = await counts();
    await system.api.post(`/v1/integrations/${integrationId}/syncs`);
    await until('the run to be blocked at apply', async () => {
      const { rows } = await system.database.db.execute(
        sql`select 1 from process_step where kind = 'sync' and step = 'apply' and state = 'blocked'`,
      );
      return rows.length > 0;
    });
    expect(await counts()).toEqual(before);
    await putRight();
    await system.temporal.workflow.getHandle(`sync/${integrationId}`).signal('wake');
    await until('the run to be applied', async () => (await latestRun(system, integrationId))?.state === 'applied');
    expect(await unaudited()).toEqual([]);
  });
});
