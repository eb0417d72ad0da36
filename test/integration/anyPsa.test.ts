/**
 * Connect, sync, approve, alert and onboard with a PSA that the product does not know: its writes are dated differences of whole
 * numbers, its tokens end while they are used, and its cases have no reference. It joins by an entry in the tests' registry alone.
 * The worst days of it, and of every other PSA, are in test/chaos/everyPsa.test.ts.
 */
import { isDeepStrictEqual } from 'node:util';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { signOff, untilApprovalClosed, type CardView } from '../../dev/walkthrough/guide.ts';
import { addCustomer, type OnboardingView } from '../../dev/walkthrough/newCustomer.ts';
import { until } from '../../dev/until.ts';
import { simulatedPsa } from '../../simulators/psas.ts';
import { connectBoth, sendAlert, ticketsOf, untilAlert } from '../kit/alerts.ts';
import { pushEnv, type Pushing } from '../kit/push.ts';
import { billedLinesOf } from '../kit/simulatorState.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let pushing: Pushing;

beforeAll(async () => {
  system = await startSystem({ psa: 'differences', customers: 26, env: pushEnv });
  // Tokens end all the time, also while they are used.
  await system.psa.settings({ tokenMs: 6_000 });
  pushing = await connectBoth(system);
  await system.api.put(`/v1/psa-connections/${pushing.psaConnectionId}/writes`, { enabled: true });
});
afterAll(() => system?.close());
beforeEach(async () => {
  await system.psa.clearFaults();
  await system.psa.clearLog();
});

const cards = () => system.api.all<CardView>('/v1/cards');
const asked = (what: keyof typeof system.psa.requests) => {
  const { method, path } = system.psa.requests[what];
  return system.psa.log(method, path);
};
const held = async (lineId: string | undefined) =>
  (await billedLinesOf(system)).find(({ id }) => String(id) === lineId)?.quantity;

test('credentials are stored only when the PSA has answered which zone they belong to, and are refused in its words', async () => {
  const at = `/v1/psa-connections/${pushing.psaConnectionId}/credentials`;
  const good = simulatedPsa(system.psa.kind).credentials(system.psa.url);
  const give = async (method: 'POST' | 'PUT', credentials: object) => {
    const body = { kind: system.psa.kind, credentials, ...(method === 'POST' ? { name: 'Another zone' } : {}) };
    return system.api.call(method, method === 'POST' ? '/v1/psa-connections' : at, body);
  };
  const stored = async () => {
    const { rows } = await system.database.db.execute(sql`select id, credentials from psa_connection`);
    return rows;
  };
  const before = await stored();
  const refusal = (detail: string) => ({ status: 422, body: { code: 'invalid-credentials', detail } });
  for (const method of ['POST', 'PUT'] as const) {
    // Its answer takes a while.
    await system.psa.fault({ kind: 'latency', path: '/v2/zone$', ms: 700 });
    await system.psa.settings({ zone: 'west.deltadesk.com' });
    expect(await give(method, good)).toMatchObject(
      refusal('The program is in another zone of Deltadesk. Give the address west.deltadesk.com.'),
    );
    const unknown = await give(method, { ...good, key: 'not-theirs' });
    expect(unknown).toMatchObject(refusal(expect.stringContaining('There is no program with this key.') as string));
    await system.psa.settings({ zone: null });
  }
  expect(await stored()).toEqual(before);
  expect((await give('PUT', good)).status).toBe(200);
  expect(await stored()).not.toEqual(before);
});

test('approve: a difference is sent once, from the day that was signed off on, and read back', async () => {
  const [card] = (await cards()).filter((each) => each.bulkApprovable);
  const { write } = card ?? {};
  expect(write?.effectiveDate).toMatch(/-01$/);
  const closed = await untilApprovalClosed(system, (await signOff(system, card ? [card] : [])).approval.id);
  expect(closed.lines).toMatchObject([{ state: 'applied', from: write?.from, to: write?.to }]);
  expect((await asked('setQuantity')).map(({ body }) => body)).toEqual([
    {
      position: Number(write?.lineId),
      day: write?.effectiveDate,
      by: (write?.to ?? 0) - (write?.from ?? 0),
      note: closed.lines[0]?.id,
    },
  ]);
  expect(await held(write?.lineId)).toBe(write?.to);
  await pushing.console.updateCounts();
  await until('the card to show it', async () => {
    const now = (await cards()).find(({ id }) => id === card?.id);
    return now?.kind === 'no_change' && now.current === write?.to;
  });
});

test('a difference whose answer is lost is never sent again: the PSA shows it late, and it is applied', async () => {
  await system.psa.settings({ readLagMs: 2_500 });
  await system.psa.fault({ kind: 'afterCommit', ...system.psa.requests.setQuantity, status: 500 });
  const [card] = (await cards()).filter((each) => each.bulkApprovable);
  const closed = await untilApprovalClosed(system, (await signOff(system, card ? [card] : [])).approval.id);
  await system.psa.settings({ readLagMs: 0 });
  expect(closed.lines).toMatchObject([{ state: 'applied' }]);
  expect(await asked('setQuantity')).toHaveLength(1);
  expect(await held(card?.write?.lineId)).toBe(card?.write?.to);
});

test('a period that has moved on when a difference is to be written gives the line back to the person, and nothing is sent', async () => {
  const [card] = (await cards()).filter((each) => each.bulkApprovable);
  const line = (await billedLinesOf(system)).find(({ id }) => String(id) === card?.write?.lineId);
  const signed = card?.write?.effectiveDate ?? '';
  const moved = `${Number(signed.slice(0, 4)) + 1}${signed.slice(4)}`;
  await system.psa.change({ change: 'moveNextInvoiceDate', agreementId: line?.agreementId, date: moved });
  const closed = await untilApprovalClosed(system, (await signOff(system, card ? [card] : [])).approval.id);
  expect(closed.lines).toMatchObject([{ state: 'rejected', problem: { code: 'period_moved' } }]);
  expect(JSON.stringify(closed.lines)).toContain(`first on ${signed}, and the next invoice bills from ${moved} on now`);
  expect(await asked('setQuantity')).toEqual([]);
  expect(await held(card?.write?.lineId)).toBe(line?.quantity);
});

test('alert: one case on the chosen queue, found again by the reference in its story although the search lags', async () => {
  const [account] = await system.api.all<{ id: string; psaAccountId: string }>(
    `/v1/integrations/${pushing.id}/accounts?mapped=true`,
  );
  await system.psa.settings({ searchLagMs: 500 });
  await system.psa.fault({ kind: 'afterCommit', ...system.psa.requests.createTicket, then: 'hang' });
  const alertBody = { alertId: 'queue', title: 'The queue is long', description: 'Reference: none of ours.' };
  const id = await sendAlert(system, pushing.key, account?.id ?? '', alertBody);
  const alert = await untilAlert(system, id, 'delivered');
  await system.psa.settings({ searchLagMs: 0 });
  expect(await ticketsOf(system, id)).toMatchObject([
    { id: Number(alert.ticketId), company: { id: Number(account?.psaAccountId) }, board: { name: 'Alerts' } },
  ]);
  expect(await asked('createTicket')).toHaveLength(1);
  expect(alert.ticketUrl).toContain(`/case/${alert.ticketId}`);
});

test('alert: its case is of the kind that was chosen, although kinds hang on no queue, and of the origin, place and day that are set', async () => {
  const at = `/v1/psa-connections/${pushing.psaConnectionId}`;
  const boards = await system.api.all<{ id: string; name: string; types: { id: string; name: string }[] }>(
    `${at}/boards`,
  );
  const [queue, closed] = ['Alerts', 'Before the move'].map((name) => boards.find((board) => board.name === name));
  expect(queue?.types.map(({ name }) => name)).toEqual(['Request', 'Disturbance', 'Complaint']);
  expect(closed?.types).toEqual([]);
  const typeOf = (name: string) => queue?.types.find((type) => type.name === name)?.id;
  const choose = (name: string) =>
    system.api.call('PUT', `/v1/integrations/${pushing.id}/board`, { boardId: queue?.id, typeId: typeOf(name) });
  expect((await choose('Complaint')).status).toBe(422);
  expect((await choose('Disturbance')).status).toBe(200);
  // Places are the PSA's: what it does not list is refused.
  const refused = await system.api.call('PUT', `${at}/settings`, { place: '99' });
  expect(refused).toMatchObject({ status: 422, body: { code: 'invalid-settings', errors: [{ field: 'place' }] } });
  await system.api.put(`${at}/settings`, { origin: 'mail', place: '62' });
  const preview = await system.api.get(`/v1/integrations/${pushing.id}/alert-preview`);
  expect(preview).toMatchObject({ fields: [{ value: 'Mail' }, { name: 'place', value: 'From afar' }] });
  const [account] = await system.api.all<{ id: string }>(`/v1/integrations/${pushing.id}/accounts?mapped=true`);
  const id = await sendAlert(system, pushing.key, account?.id ?? '', {
    alertId: 'kind',
    title: 'Of a kind',
    dueDateTime: '2026-12-01T08:00:00Z',
  });
  await untilAlert(system, id, 'delivered');
  expect(await ticketsOf(system, id)).toMatchObject([
    { type: { name: 'Disturbance' }, origin: 'mail', place: { name: 'From afar' }, due: '2026-12-01T08:00:00.000Z' },
  ]);
});

test('alerts: a place that the PSA no longer offers stops them all, one says which setting it is, and another place delivers them', async () => {
  const at = `/v1/psa-connections/${pushing.psaConnectionId}/settings`;
  await system.api.put(at, { place: '62' });
  await system.psa.settings({ removedPlaces: [62] });
  const accounts = await system.api.all<{ id: string }>(`/v1/integrations/${pushing.id}/accounts?mapped=true`);
  const send = (alertId: string, each: { id: string }) => sendAlert(system, pushing.key, each.id, { alertId });
  const ids = await Promise.all(accounts.slice(0, 5).map((each) => send('no place', each)));
  type View = { state: string; reason: { detail: string; of?: string } | null; statement: string | null };
  const untilCounted = async (wanted: Record<string, number>) =>
    until(`alerts to be ${JSON.stringify(wanted)}`, async () => {
      const views = await Promise.all(ids.map((id) => system.api.get<View>(`/v1/alerts/${id}`)));
      const counted = Object.keys(wanted).map((state) => [state, views.filter((each) => each.state === state).length]);
      if (!isDeepStrictEqual(Object.fromEntries(counted), wanted))
        throw new Error(`They are ${views.map(({ state }) => state).join(', ')}.`);
      return views;
    });
  const dead = (await untilCounted({ dead: 1, waiting: ids.length - 1 })).find(({ state }) => state === 'dead');
  expect(dead?.reason?.of).toBe('field');
  expect(dead?.reason?.detail).toMatch(
    /^"Place of the cases of alerts" is set to "From afar", which the PSA no longer offers\. Choose another in the settings of the PSA connection "Test PSA"\. .*There is no place 62\./,
  );
  expect(dead?.statement).toMatch(
    /^The PSA refuses a field of all tickets \(500\)\. .*a setting of the PSA connection/,
  );
  // One more is not even tried.
  await system.psa.clearLog();
  ids.push(await send('no place either', accounts[0] ?? { id: '' }));
  await untilCounted({ dead: 1, waiting: ids.length - 1 });
  await system.api.put(at, { place: '61' });
  await untilCounted({ delivered: ids.length });
  expect(await asked('createTicket')).toHaveLength(ids.length);
  for (const id of ids) expect(await ticketsOf(system, id)).toMatchObject([{ place: { name: 'At the client' } }]);
  await system.psa.settings({ removedPlaces: [] });
});

test('onboard: a customer that is assigned to a client of the PSA has its card after Update Counts', async () => {
  const customer = { id: 7_101, name: 'Pelican Freight', users: 12 };
  await addCustomer(system.mailprotector, customer);
  const [client] = await pushing.console.clients('catchall');
  await pushing.console.assign(customer.id, client?.id ?? '');
  const onboarding = async (state: string) =>
    until(`it to be ${state}`, async () => {
      const path = `/v1/integrations/${pushing.id}/accounts/${customer.id}/onboarding`;
      const view = await system.api.get<OnboardingView>(path);
      if (view.state !== state) throw new Error(`It is ${view.state}: ${view.process?.waitsFor}`);
      return view;
    });
  await onboarding('waiting');
  await pushing.console.updateCounts();
  expect(await onboarding('done')).toMatchObject({ psaAccountId: client?.id });
  const shown = (await cards()).filter(({ psaAccountId, usage }) => psaAccountId === client?.id && usage !== 0);
  expect(shown).toMatchObject([{ productId: 'MP-CLOUDFILTER', usage: 12, kind: 'new_revenue' }]);
});
