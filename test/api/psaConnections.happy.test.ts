import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from 'drizzle-orm';
import { verifyTodos } from '../../commands/approvalOutcome.ts';
import { ownerOf } from '../../db/queries/process.ts';
import { listSteps } from '../../db/queries/processView.ts';
import { setLineQuantity } from '../../db/queries/psa.ts';
import { findPsaConnection } from '../../db/queries/psaConnection.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { psaCredentials } from '../kit/apiSamples.ts';
import type { SeenCard } from '../../db/queries/signOff.ts';
import { block, freshCard, seedAlert, seedApproval, seen } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface Connection {
  id: string;
  writesEnabled: boolean;
  refreshedAt: string | null;
  process: { workflowId: string; waitsFor: string | null; steps: { step: string; state: string }[] };
}
const path = (rest = '') => `/v1/psa-connections/${harness.one.psaConnectionId}${rest}`;
const good = <T>(method: string, rest: string, body?: unknown) => harness.admin.good<T>(method, path(rest), body);

test('connecting a PSA keeps its credentials encrypted and wakes its refresh', async () => {
  const made = await harness.admin.good<Connection>('POST', '/v1/psa-connections', { ...psaCredentials, name: 'New' });
  expect(made).toMatchObject({ name: 'New', writesEnabled: false, refreshedAt: null });
  expect(made.process.workflowId).toBe(`psa/${made.id}`);
  expect(harness.wakes.at(-1)).toMatchObject({
    kind: 'refreshPsa',
    id: made.id,
    organizationId: harness.one.organizationId,
  });
  const row = await findPsaConnection(harness.db, harness.one.organizationId, made.id);
  expect(row?.credentials).not.toContain('private');
  expect(harness.one.encryption.decrypt(row?.credentials ?? '', made.id)).toEqual(psaCredentials.credentials);
  const { items } = await harness.admin.good<{ items: Connection[] }>('GET', '/v1/psa-connections');
  expect(items.map((item) => item.id)).toContain(made.id);
});

test('a connection keeps as many decimals as its connector says, until an admin says otherwise; its cards follow at once', async () => {
  const named = (settings?: object) => ({ ...psaCredentials, name: 'Rounding', ...(settings ? { settings } : {}) });
  const make = (settings?: object) => harness.admin.good<Connection>('POST', '/v1/psa-connections', named(settings));
  expect(await make()).toMatchObject({ settings: { quantityDecimals: 2 } });
  expect(await make({ quantityDecimals: 0 })).toMatchObject({ settings: { quantityDecimals: 0 } });

  const { id } = await freshCard(harness.one);
  const target = async () => (await harness.admin.good<{ target: number }>('GET', `/v1/cards/${id}`)).target;
  await harness.admin.good('PUT', `/v1/cards/${id}/rule`, { rule: { minimum: 131.3457, reason: 'A part of a seat' } });
  for (const [quantityDecimals, expected] of [
    [4, 131.3457],
    [2, 131.35],
    [0, 131],
  ] as const) {
    const settings = { quantityDecimals };
    expect(await good('PUT', '/settings', settings)).toMatchObject({ settings });
    expect(await target()).toBe(expected);
  }
  expect(await good('PUT', '/settings', {})).toMatchObject({ settings: { quantityDecimals: 2 } });
  const { items } = await harness.admin.good<{ items: object[] }>('GET', '/v1/audit');
  expect(items[0]).toMatchObject({
    action: 'psaConnection.settings',
    before: { settings: { quantityDecimals: 0 } },
    after: { settings: { quantityDecimals: 2 } },
  });
});

test('a to-do line is verified at the decimals that the PSA keeps', async () => {
  const { psaConnectionId } = harness.one;
  await good('PUT', '/settings', { quantityDecimals: 2 });
  const card = await freshCard(harness.one);
  await good('PUT', '/writes', { enabled: false });
  const { approval } = await harness.admin.good<{ approval: { id: string } }>('POST', '/v1/approvals', {
    cards: [seen(card)],
  });
  const read = async (quantity: number) => {
    await harness.db.transaction(async (tx) => {
      await setLineQuantity(tx, psaConnectionId, { id: card.write.line.lineId, quantity, version: '2' });
      await verifyTodos(tx, { organizationId: harness.one.organizationId, name: 'test' }, { psaConnectionId });
    });
    return harness.admin.good<{ state: string }>('GET', `/v1/approvals/${approval.id}`);
  };
  expect((await read(card.write.newQuantity - 0.0051)).state).toBe('todo');
  expect((await read(card.write.newQuantity - 0.005)).state).toBe('closed');
});

test('new credentials try every blocked step of the round again, and approvals that are blocked', async () => {
  const { psaConnectionId: id } = harness.one;
  const connection = await ownerOf(harness.db, { kind: 'refreshPsa', id });
  const round = connection?.round ?? '';
  await harness.db.execute(
    sql`update process_step set state = 'waiting' where kind = 'refreshPsa' and step <> 'checkPsaPermissions'`,
  );
  await block(harness.one, { kind: 'refreshPsa', id, round, step: 'pullPsa' });
  const approval = await seedApproval(harness.one);
  await block(harness.one, { kind: 'approveUsage', id: approval, round: '1', step: 'write' });
  const blocked = await good<Connection>('GET', '');
  expect(blocked.process.steps[1]).toMatchObject({
    step: 'pullPsa',
    state: 'blocked',
    problem: { code: 'bad_credentials' },
  });
  expect(blocked.process.waitsFor).toContain('blocked');

  harness.wakes.length = 0;
  const after = await good<Connection>('PUT', '/credentials', psaCredentials);
  expect(after.process.steps[1]).toMatchObject({ step: 'pullPsa', state: 'waiting', problem: null });
  const steps = await listSteps(harness.db, { kind: 'approveUsage', id: approval });
  expect(steps[0]?.state).toBe('waiting');
  expect(harness.wakes.map((wake) => [wake.kind, wake.id])).toEqual([
    ['refreshPsa', id],
    ['approveUsage', approval],
  ]);
});

test('a check asks for a new read, and wakes a blocked step without resetting how long it is blocked', async () => {
  const { psaConnectionId: id } = harness.one;
  const round = (await ownerOf(harness.db, { kind: 'refreshPsa', id }))?.round ?? '';
  await block(harness.one, { kind: 'refreshPsa', id, round, step: 'pullPsa' });
  const before = await ownerAndVersion(id);
  harness.wakes.length = 0;
  const answer = await harness.admin.call<Connection>('POST', path('/check'));
  expect(answer).toMatchObject({ status: 202, body: { process: { steps: [{}, { state: 'blocked' }, {}] } } });
  expect(harness.wakes[0]).toMatchObject({ kind: 'refreshPsa', id });
  const after = await ownerAndVersion(id);
  expect(after.version).toBe(before.version + 1);
  expect(after.due, 'the sweep finds it should the wake be lost').toBe(true);
  const row = await findPsaConnection(harness.db, harness.one.organizationId, id);
  expect(row?.refreshRequestedAt?.getTime()).toBeGreaterThan(row?.refreshedAt?.getTime() ?? Infinity);
});

async function ownerAndVersion(id: string) {
  const {
    rows: [row],
  } = await harness.db.execute<{ version: number; due: boolean }>(
    sql`select version::int, due_at <= now() as due from process where kind = 'refreshPsa' and id = ${id}`,
  );
  if (!row) throw new Error('The process is gone.');
  return row;
}

test('writing to the PSA is turned on and off', async () => {
  expect((await good<Connection>('PUT', '/writes', { enabled: true })).writesEnabled).toBe(true);
  expect((await good<Connection>('PUT', '/writes', { enabled: false })).writesEnabled).toBe(false);
});

test('a line that should go to 0 is a to-do where the setting says so, and done when the line has ended in the PSA', async () => {
  const { psaConnectionId, organizationId } = harness.one;
  await good('PUT', '/settings', { zero: 'todo' });
  await good('PUT', '/writes', { enabled: true });
  const { id } = await freshCard(harness.one);
  const rule = { notBilled: true, reason: 'They are friends' };
  await harness.admin.good('PUT', `/v1/cards/${id}/rule`, { rule });
  const card = await harness.admin.good<{ preview: string[]; write: SeenCard }>('GET', `/v1/cards/${id}`);
  expect(card.preview.join(' ')).toContain('Makes a to-do');
  const { approval } = await harness.admin.good<{ approval: { id: string } }>('POST', '/v1/approvals', {
    cards: [{ ...card.write, cardId: id }],
  });
  // Nothing of it is written, so that it is a to-do list from the beginning, at which no process works.
  expect(approval).toMatchObject({ state: 'todo', process: null });
  expect(approval).toMatchObject({
    note: expect.stringMatching(/^1 of these changes goes to 0 and is left to a person/),
  });
  expect(approval).not.toMatchObject({ note: expect.stringMatching(/Writing to this PSA/) });
  const lines = async () =>
    (await harness.admin.good<{ items: { state: string }[] }>('GET', `/v1/approvals/${approval.id}/lines`)).items;
  expect(await lines()).toMatchObject([{ state: 'todo' }]);
  const verify = async () =>
    harness.db.transaction(async (tx) => verifyTodos(tx, { organizationId, name: 'test' }, { psaConnectionId }));
  await verify();
  expect(await lines()).toMatchObject([{ state: 'todo' }]);
  await harness.db.execute(sql`
    update agreement_line set status = 'cancelled'
     where psa_connection_id = ${psaConnectionId} and id = ${card.write.lineId}`);
  await verify();
  expect(await lines()).toMatchObject([{ state: 'verified' }]);
  expect(await harness.admin.good('GET', `/v1/approvals/${approval.id}`)).toMatchObject({ state: 'closed' });
  await good('PUT', '/settings', {});
  await good('PUT', '/writes', { enabled: false });
});

test('a right that no read shows is granted once the PSA took a write or a ticket with these credentials', async () => {
  const finding = { state: 'unknown', evidence: 'The PSA does not show it.' };
  const rights = JSON.stringify({ auth: 'ok', capabilities: { 'lines.write': finding, 'tickets.create': finding } });
  const { db, one } = harness;
  await db.execute(sql`
    update psa_connection set permissions = ${rights}::jsonb, alert_permissions = ${rights}::jsonb where id = ${one.psaConnectionId}`);
  const states = async () => {
    const { permissions, alertPermissions } = await good<Record<string, { capabilities: Record<string, object> }>>(
      'GET',
      '',
    );
    return [permissions?.capabilities['lines.write'], alertPermissions?.capabilities['tickets.create']];
  };
  await db.execute(sql`update psa_connection set credentials_at = now() where id = ${one.psaConnectionId}`);
  expect(await states()).toEqual([finding, finding]);
  await seedApproval(one, 'applied');
  const alert = await seedAlert(one, 'delivered');
  await db.execute(sql`update alert set ticket_id = '7', delivered_at = now() where id = ${alert}`);
  const granted = { state: 'granted', evidence: expect.stringContaining('so the right is there') };
  expect(await states()).toEqual([granted, granted]);
  // Whatever was denied after it takes the proof away, and so do other credentials.
  const denied = await seedApproval(one, 'applied');
  await db.execute(sql`
    update approval_line set state = 'rejected', problem = '{"code":"forbidden","detail":"No"}' where batch_id = ${denied}`);
  await seedAlert(one, 'dead', { reason: { code: 'refused', detail: 'No', status: 403 } });
  expect(await states()).toEqual([finding, finding]);
  await seedApproval(one, 'applied');
  expect(await states()).toEqual([granted, finding]);
  await db.execute(sql`update psa_connection set credentials_at = now() where id = ${one.psaConnectionId}`);
  expect(await states()).toEqual([finding, finding]);
});
