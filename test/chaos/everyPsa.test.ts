/**
 * The worst days of every PSA that is simulated, from one table: invariants 1, 2, 5 and 6 where another PSA could break them.
 * Whatever differs between them (what may be sent twice, for one) is read from what the product says of the PSA.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  connectAll,
  signOff,
  untilApprovalClosed,
  type ApprovalView,
  type CardView,
} from '../../dev/walkthrough/guide.ts';
import { addCustomer, type OnboardingView } from '../../dev/walkthrough/newCustomer.ts';
import { until } from '../../dev/until.ts';
import { simulatedPsas } from '../../simulators/psas.ts';
import { connectBoth, sendAlert, ticketsOf, untilAlert } from '../kit/alerts.ts';
import { pushEnv, type Pushing } from '../kit/push.ts';
import { untilAtRest } from '../kit/rest.ts';
import { billedLinesOf } from '../kit/simulatorState.ts';
import { startSystem, type System } from '../kit/system.ts';
import { visibleIn } from '../kit/visible.ts';

vi.setConfig({ testTimeout: 120_000 });

interface ConnectionView {
  refreshedAt: string;
  caps: { writes: 'absolute' | 'difference' };
  process: { steps: { step: string; state: string; problem: { code: string } | null }[] };
}

/** How the answer to a request gets lost although the PSA has done what it asks. */
const losses = [
  ['fails', { status: 500 }],
  ['is cut off', { then: 'drop' }],
  ['is never answered', { then: 'hang' }],
] as const;

describe.each(Object.keys(simulatedPsas))('with %s', (kind) => {
  let system: System;
  let pushing: Pushing;
  let accounts: { id: string; psaAccountId: string }[];
  let writes: ConnectionView['caps']['writes'];
  let cards: CardView[];

  beforeAll(async () => {
    const timing = { CALL_TIMEOUT_MS: '800', PSA_SEARCH_LAG_MS: '200', PSA_SEARCH_LOOKS: '2' };
    system = await startSystem({ psa: kind, env: { ...pushEnv, ...timing } });
    pushing = await connectBoth(system);
    await system.api.put(`/v1/psa-connections/${pushing.psaConnectionId}/writes`, { enabled: true });
    accounts = await system.api.all(`/v1/integrations/${pushing.id}/accounts?mapped=true`);
    ({ writes } = (await connection()).caps);
    cards = (await system.api.all<CardView>('/v1/cards')).filter((card) => card.bulkApprovable);
    expect(cards.length).toBeGreaterThan(7);
  });
  afterAll(() => system?.close());
  beforeEach(async () => {
    await system.psa.clearFaults();
    await system.psa.settings({ searchLagMs: 0 });
    await untilAtRest(system);
    await system.psa.clearLog();
  });

  const connection = () => system.api.get<ConnectionView>(`/v1/psa-connections/${pushing.psaConnectionId}`);
  const asked = (what: keyof System['psa']['requests']) => {
    const { method, path } = system.psa.requests[what];
    // The log has each path with its query.
    return system.psa.log(method, path.replace(/\$$/, '(\\?|$)'));
  };
  const fault = (what: keyof System['psa']['requests'], how: object) =>
    system.psa.fault({ ...system.psa.requests[what], ...how });
  const nextCard = () => {
    const card = cards.pop();
    if (!card?.write) throw new Error('No card is left to sign off.');
    return { ...card, write: card.write };
  };
  const lineOf = async (lineId: string) => (await billedLinesOf(system)).find(({ id }) => String(id) === lineId);
  const placeOf = async (lineId: string) => {
    const line = await lineOf(lineId);
    return { agreementId: line?.agreementId, lineId: line?.id };
  };
  const nextAccount = () => accounts.pop()?.id ?? '';
  const refresh = () => system.api.post(`/v1/psa-connections/${pushing.psaConnectionId}/check`);
  const untilRefreshedAfter = (before: string) =>
    until('the PSA to be read again', async () => (await connection()).refreshedAt !== before, 60_000);

  describe('invariant 5: one approval, one write', () => {
    test.each(losses)('a write that %s after it was taken is applied, and was sent once', async (_what, how) => {
      const card = nextCard();
      await fault('setQuantity', { kind: 'afterCommit', ...how });
      const closed = await untilApprovalClosed(system, (await signOff(system, [card])).approval.id);
      expect(closed.lines).toMatchObject([{ state: 'applied' }]);
      expect(await asked('setQuantity')).toHaveLength(1);
      expect((await lineOf(card.write.lineId))?.quantity).toBe(card.write.to);
    });

    test('a write that never arrives is sent again once where it is absolute, else a person says what the PSA holds', async () => {
      const card = nextCard();
      await fault('setQuantity', { kind: 'drop', times: null });
      const { id } = (await signOff(system, [card])).approval;
      if (writes === 'difference') {
        const line = await until('a person to be asked', async () => {
          const approval = await system.api.get<ApprovalView>(`/v1/approvals/${id}`);
          expect(approval.state).not.toBe('closed');
          const lines = await system.api.all<{ id: string; state: string; problem: { code: string } | null }>(
            `/v1/approvals/${id}/lines`,
          );
          return lines.find(({ problem }) => problem?.code === 'needs_answer');
        });
        await system.api.post(`/v1/approvals/${id}/lines/${line.id}/settle`, { quantity: card.write.from });
      }
      const closed = await untilApprovalClosed(system, id);
      const expected = writes === 'absolute' ? ['rejected', 'write_not_taken', 2] : ['conflict', 'not_written', 1];
      const [line] = closed.lines;
      expect([line?.state, line?.problem?.code, (await asked('setQuantity')).length]).toEqual(expected);
      expect((await lineOf(card.write.lineId))?.quantity).toBe(card.write.from);
    });

    test('a worker killed between its write and the answer writes nothing twice', async () => {
      const card = nextCard();
      await fault('setQuantity', { kind: 'afterCommit', then: 'hang' });
      const { id } = (await signOff(system, [card])).approval;
      await until('the write to arrive', async () => (await asked('setQuantity')).length === 1);
      await system.killWorker();
      await system.startWorker();
      expect((await untilApprovalClosed(system, id)).lines).toMatchObject([{ state: 'applied' }]);
      expect(await asked('setQuantity')).toHaveLength(1);
      expect((await lineOf(card.write.lineId))?.quantity).toBe(card.write.to);
    });

    test('a line that somebody changed is a conflict and is not written, and its card shows the new quantity', async () => {
      const card = nextCard();
      await system.psa.change({ change: 'setQuantity', ...(await placeOf(card.write.lineId)), quantity: 777 });
      const closed = await untilApprovalClosed(system, (await signOff(system, [card])).approval.id);
      expect(closed.lines).toMatchObject([{ state: 'conflict' }]);
      expect(await asked('setQuantity')).toEqual([]);
      expect(await system.api.get(`/v1/cards/${card.id}`)).toMatchObject({ current: 777 });
    });

    test('a line that is gone is not written', async () => {
      const card = nextCard();
      await system.psa.change({ change: 'removeLine', ...(await placeOf(card.write.lineId)) });
      const closed = await untilApprovalClosed(system, (await signOff(system, [card])).approval.id);
      expect(closed.lines).toMatchObject([{ state: 'conflict', problem: { code: 'line_gone' } }]);
      expect(await asked('setQuantity')).toEqual([]);
    });
  });

  describe('invariant 6: one alert, one ticket', () => {
    const send = (account: string, alertId: string, more: object = {}) =>
      sendAlert(system, pushing.key, account, { alertId, ...more });

    test.each(losses)(
      'a ticket whose POST %s after it was taken is found, and there is no second',
      async (what, how) => {
        // The first look comes before the search shows it, the second after.
        await system.psa.settings({ searchLagMs: 2_200 });
        await fault('createTicket', { kind: 'afterCommit', ...how });
        const id = await send(nextAccount(), `lost ${what}`);
        await untilAlert(system, id, 'delivered');
        expect(await ticketsOf(system, id)).toHaveLength(1);
        expect(await asked('createTicket')).toHaveLength(1);
      },
    );

    test('a POST that never arrives is sent once more after every look, and no third time; a person may retry', async () => {
      await fault('createTicket', { kind: 'drop', times: null });
      const id = await send(nextAccount(), 'never there');
      const dead = await untilAlert(system, id, 'dead', 60_000);
      expect(dead.reason?.code).toBe('not_taken');
      expect(await asked('createTicket')).toHaveLength(2);
      await system.psa.clearFaults();
      await system.api.post(`/v1/alerts/${id}/retry`);
      await untilAlert(system, id, 'delivered');
      expect(await ticketsOf(system, id)).toHaveLength(1);
    });

    test('a worker killed between the POST and its answer makes no second ticket', async () => {
      await fault('createTicket', { kind: 'afterCommit', then: 'hang' });
      const id = await send(nextAccount(), 'killed');
      await until('the POST to arrive', async () => (await asked('createTicket')).length === 1);
      await system.killWorker();
      await system.startWorker();
      await untilAlert(system, id, 'delivered');
      expect(await ticketsOf(system, id)).toHaveLength(1);
      expect(await asked('createTicket')).toHaveLength(1);
    });

    test('sent again with other words it is one note on the same ticket, although the note is lost after it was taken', async () => {
      const account = nextAccount();
      const id = await send(account, 'words');
      await untilAlert(system, id, 'delivered');
      await fault('addNote', { kind: 'afterCommit', status: 500 });
      await send(account, 'words', { description: 'It is worse now.' });
      await until('the note', async () => (await ticketsOf(system, id))[0]?.notes.length === 2);
      await untilAlert(system, id, 'delivered');
      const tickets = await ticketsOf(system, id);
      expect(tickets).toHaveLength(1);
      expect(tickets[0]?.notes.filter(({ text }) => text.includes('It is worse now.'))).toHaveLength(1);
    });
  });

  describe('invariants 1 and 2: all or nothing, and absence lowers nothing', () => {
    /** Waits until what the tests before have left is read, and returns what is visible then. */
    async function settled() {
      const { refreshedAt } = await connection();
      await refresh();
      await untilRefreshedAfter(refreshedAt);
      await untilAtRest(system);
      await system.psa.clearLog();
      return visibleIn(system);
    }

    test('a worker killed while it reads lines shows nothing of it, and goes on', async () => {
      const before = await settled();
      const { refreshedAt } = await connection();
      // Somebody changes a line that is read before the worker dies, or after: it must not be seen before the whole is.
      const [line] = before.lines;
      const quantity = (line?.quantity ?? 0) + 1;
      await system.psa.change({ change: 'setQuantity', ...(await placeOf(line?.id ?? '')), quantity });
      await fault('readLines', { kind: 'hang', skip: 5 });
      await refresh();
      await until('a call to hang', async () =>
        (await asked('readLines')).some((call) => call.faults?.includes('hang')),
      );
      await system.killWorker();
      expect(await visibleIn(system)).toEqual(before);
      await system.startWorker();
      await untilRefreshedAfter(refreshedAt);
      const after = await visibleIn(system);
      expect(after.lines.find(({ id }) => id === line?.id)?.quantity).toBe(quantity);
      expect(after.lines.filter(({ id }) => id !== line?.id)).toEqual(before.lines.filter(({ id }) => id !== line?.id));
    });

    test.each([
      ['cut off in the middle', { kind: 'cut' }],
      ['a page instead', { kind: 'status', status: 200, text: '<html><title>Maintenance</title></html>' }],
      ['something else', { kind: 'malformed' }],
      ['a failure', { kind: 'status', status: 500 }],
    ])('lines that stay %s lower nothing, and are read once they come again', async (_what, how) => {
      const before = await settled();
      const { refreshedAt } = await connection();
      await fault('readLines', { ...how, skip: 3, times: null });
      await refresh();
      await until(
        'the reading to be blocked, or to have left the lines as they were',
        async () => {
          const { process, refreshedAt: now } = await connection();
          return now !== refreshedAt || process.steps.some(({ state }) => state === 'blocked');
        },
        60_000,
      );
      const now = await visibleIn(system);
      expect(now.lines).toEqual(before.lines);
      expect(now.cards.map(({ current }) => current)).toEqual(before.cards.map(({ current }) => current));
      await system.psa.clearFaults();
      expect(await settled()).toEqual(before);
    });

    test('an agreement that is deleted while its lines are read takes its own lines away, and no others', async () => {
      const before = await settled();
      const { refreshedAt } = await connection();
      const lines = await billedLinesOf(system);
      const last = Math.max(...lines.map(({ agreementId }) => agreementId));
      await fault('readLines', { kind: 'latency', ms: 600, times: null });
      await refresh();
      await until('lines to be asked for', async () => (await asked('readLines')).length > 0);
      await system.psa.change({ change: 'deleteAgreement', agreementId: last });
      await untilRefreshedAfter(refreshedAt);
      await system.psa.clearFaults();
      const gone = new Set(lines.filter(({ agreementId }) => agreementId === last).map(({ id }) => String(id)));
      expect((await settled()).lines).toEqual(before.lines.filter(({ id }) => !gone.has(id)));
    });
  });

  test('writing is not turned on where the PSA itself says that Countersign may not write', async () => {
    const { id } = await system.api.post<{ id: string }>('/v1/psa-connections', {
      kind,
      name: 'It only reads',
      credentials: simulatedPsas[kind]?.credentials(system.psa.url, 'readOnly'),
    });
    const rights = await until('its rights to be checked', async () => {
      type View = { permissions: { capabilities: Record<string, { state: string; evidence: string }> } | null };
      return (await system.api.get<View>(`/v1/psa-connections/${id}`)).permissions?.capabilities;
    });
    const { state, evidence = '' } = rights['lines.write'] ?? {};
    // A PSA that does not show the right to write leaves it unknown; it is never taken for granted.
    expect(['denied', 'unknown']).toContain(state);
    const answer = await system.api.call('PUT', `/v1/psa-connections/${id}/writes`, { enabled: true });
    expect(answer.status).toBe(state === 'denied' ? 409 : 200);
    if (state === 'denied') expect(JSON.stringify(answer.body)).toContain(evidence);
  });

  test('a new customer is found in the PSA by its name, and has its card after Update Counts', async () => {
    const customer = { id: 7_201, name: 'Catchall (internal)', users: 9 };
    await addCustomer(system.mailprotector, customer);
    await pushing.console.link([customer.id]);
    await pushing.console.updateCounts();
    const view = await until('it to be onboarded', async () => {
      const path = `/v1/integrations/${pushing.id}/accounts/${customer.id}/onboarding`;
      const now = await system.api.get<OnboardingView>(path);
      if (now.state !== 'done') throw new Error(`It is ${now.state}: ${now.process?.waitsFor}`);
      return now;
    });
    expect(view.how).toBe('exact');
    const all = await system.api.all<CardView>('/v1/cards');
    const shown = all.filter(({ psaAccountId, usage }) => psaAccountId === view.psaAccountId && usage);
    expect(shown).toMatchObject([{ productId: 'MP-CLOUDFILTER', usage: 9 }]);
  });
});

const silent = Object.entries(simulatedPsas).flatMap(([kind, { fewerRows }]) =>
  fewerRows ? [{ kind, ...fewerRows }] : [],
);

describe.each(silent)('$kind, when it shows fewer rows without a word', ({ kind, some, all }) => {
  let system: System;
  let at: string;
  let whole: Awaited<ReturnType<typeof visibleIn>>;

  beforeAll(async () => {
    system = await startSystem({ psa: kind });
    await connectAll(system);
    const [connection] = await system.api.all<{ id: string }>('/v1/psa-connections');
    at = `/v1/psa-connections/${connection?.id}`;
    whole = await visibleIn(system);
  });
  afterAll(() => system?.close());

  const view = () => system.api.get<{ heldRefresh: { id: string } | null; refreshedAt: string }>(at);
  const readHeld = async () => {
    await system.psa.settings(some);
    await system.api.post(`${at}/check`);
    const held = await until('the reading to be held', async () => (await view()).heldRefresh);
    expect(await visibleIn(system)).toEqual(whole);
    return held;
  };
  const accounts = async () => (await system.api.all(`${at}/accounts`)).length;

  test('the reading is held, and nothing of it is shown; once the right is back it is dropped', async () => {
    const held = await readHeld();
    const { refreshedAt } = await view();
    await system.psa.settings(all);
    await system.api.post(`${at}/refreshes/${held.id}/discard`);
    await until('the PSA to be read again', async () => (await view()).refreshedAt !== refreshedAt);
    expect(await visibleIn(system)).toEqual(whole);
  });

  test('released, it is shown as it is: what it lacks is gone, and comes back when it is seen again', async () => {
    const before = await accounts();
    const held = await readHeld();
    await system.api.post(`${at}/refreshes/${held.id}/release`);
    await until('the released reading to be shown', async () => (await accounts()) < before);
    expect((await view()).heldRefresh).toBeNull();
    expect((await system.api.call('POST', `${at}/refreshes/${held.id}/discard`)).status).toBe(409);
    await untilAtRest(system);
    await system.psa.settings(all);
    await system.api.post(`${at}/check`);
    await until('all accounts to be back', async () => (await accounts()) === before);
  });
});
