/**
 * Under any limit of calls a sync ends, and at the cost of commits, not of calls: what was read before a 429 is not asked
 * for again.
 */
import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  connectAll,
  createIntegration,
  createPsaConnection,
  goodCredentials,
  stepOf,
  syncNow,
  type CardView,
} from '../../dev/walkthrough/guide.ts';
import type { SimulatorAdmin } from '../../dev/walkthrough/simulatorAdmin.ts';
import { until } from '../../dev/until.ts';
import { simulatedPsas } from '../../simulators/psas.ts';
import { startSystem, type System } from '../kit/system.ts';

describe.each(Object.keys(simulatedPsas))('with %s', (psa) => {
  let system: System;
  let ids: { psaConnectionId: string; integrationId: string };

  beforeAll(async () => {
    system = await startSystem({ psa, customers: 12, env: { TRANSIENT_LIMIT_MS: '60000' } });
    ids = await connectAll(system);
  });
  afterAll(() => system?.close());
  afterEach(async () => {
    await system.mailprotector.clearFaults();
    await system.psa.clearFaults();
  });

  const callsAtOnce = 4;
  /** Long enough for all of a window's calls, so that it is the number that limits. */
  const windowMs = 1_000;

  /** How often each call was answered with data, and how many were refused. */
  async function callsOf(simulator: SimulatorAdmin): Promise<{ answered: string[]; refused: number }> {
    const log = await simulator.log('GET');
    return {
      answered: log.filter((entry) => entry.status !== 429).map((entry) => entry.path),
      refused: log.filter((entry) => entry.status === 429).length,
    };
  }

  const sorted = (texts: readonly string[]) => texts.toSorted();
  const cards = async () => {
    const all = await system.api.all<CardView>('/v1/cards?sort=account');
    return all.map(({ psaAccountName, productId, usage, current }) => ({ psaAccountName, productId, usage, current }));
  };
  const kept = async () => {
    const { rows } = await system.database.db.execute(sql`select step from kept_answer`);
    return rows;
  };

  async function limit(calls: number, tells: boolean): Promise<void> {
    for (const simulator of [system.mailprotector, system.psa]) {
      await simulator.clearFaults();
      await simulator.fault({ kind: 'window', calls, ms: windowMs, tells, times: null });
      await simulator.clearLog();
    }
  }

  async function freeSync(): Promise<void> {
    for (const simulator of [system.mailprotector, system.psa]) {
      await simulator.clearFaults();
      await simulator.clearLog();
    }
    expect((await syncNow(system, ids.integrationId)).state).toBe('applied');
  }

  test.each([
    { calls: 60, tells: true },
    { calls: 20, tells: true },
    { calls: 5, tells: true },
    { calls: 3, tells: true },
    { calls: 20, tells: false },
  ])(
    'a window of $calls calls (says when it ends: $tells): nothing is asked twice',
    { timeout: 240_000 },
    async (window) => {
      await freeSync();
      const free = await Promise.all([system.mailprotector, system.psa].map(callsOf));
      const before = await cards();

      await limit(window.calls, window.tells);
      const run = await syncNow(system, ids.integrationId, 220_000);
      expect(run.state).toBe('applied');
      for (const [at, simulator] of [system.mailprotector, system.psa].entries()) {
        const { answered, refused } = await callsOf(simulator);
        expect(sorted(answered)).toEqual(sorted(free[at]?.answered ?? []));
        // Of each window: what was on its way when the first one was refused.
        const windows = Math.ceil(answered.length / window.calls);
        expect(refused).toBeLessThanOrEqual(windows * callsAtOnce);
      }
      expect(await cards()).toEqual(before);
      expect(await kept(), 'what a step that is over was answered').toEqual([]);
    },
  );

  test('a customer of many domains is read by itself under a window of 5 calls', { timeout: 120_000 }, async () => {
    await freeSync();
    const domains = Array.from({ length: 12 }, (_unused, at) => ({
      id: 910_000 + at,
      name: `many-${at}.example`,
      pending: false,
      aliases: [],
      groups: [{ id: 920_000 + at, name: 'All', services: ['CloudFilter'], users: 3 }],
    }));
    await system.mailprotector.change({ change: 'addCustomer', id: 9_100, name: 'Many Domains', domains });
    const { integrationId, psaConnectionId } = ids;
    expect((await syncNow(system, integrationId)).state).toBe('applied');
    const { items: accounts } = await system.api.get<{ items: { id: string }[] }>(
      `/v1/psa-connections/${psaConnectionId}/accounts`,
    );
    await limit(5, true);
    await system.api.decide('PUT', `/v1/integrations/${integrationId}/accounts/9100`, 'mapping', {
      psaAccountId: accounts.at(-1)?.id,
    });
    await until(
      'the customer to be onboarded',
      async () => {
        const { rows } = await system.database.db.execute<{ state: string }>(
          sql`select state from onboarding where vendor_account_id = '9100'`,
        );
        return rows[0]?.state === 'done';
      },
      100_000,
    );
    const { answered } = await callsOf(system.mailprotector);
    expect(answered.length, 'nothing was asked twice').toBe(new Set(answered).size);
    expect(answered.length).toBeGreaterThan(24);
    const { rows } = await system.database.db.execute<{ quantity: number }>(
      sql`select quantity from usage_count where vendor_account_id = '9100'`,
    );
    expect(rows).toEqual([{ quantity: 36 }]);
  });

  test('a PSA is connected under a window of 5 calls', { timeout: 120_000 }, async () => {
    await limit(5, true);
    const id = await createPsaConnection(system, undefined, 'Slow PSA');
    await until(
      'the PSA to be read',
      async () =>
        (await system.api.get<{ refreshedAt: string | null }>(`/v1/psa-connections/${id}`)).refreshedAt !== null,
      100_000,
    );
    const { answered, refused } = await callsOf(system.psa);
    expect(refused).toBeLessThanOrEqual(Math.ceil(answered.length / 5) * callsAtOnce);
    expect(await kept()).toEqual([]);
  });

  test('a list that did not fit together is not kept: it is read anew', { timeout: 120_000 }, async () => {
    await freeSync();
    const free = await callsOf(system.mailprotector);
    const before = await cards();
    await limit(20, true);
    await system.mailprotector.fault({ kind: 'truncate', path: '/user_groups$', skip: 6 });
    expect((await syncNow(system, ids.integrationId, 110_000)).state).toBe('applied');
    const { answered } = await callsOf(system.mailprotector);
    expect(answered).toEqual(expect.arrayContaining(free.answered));
    expect(answered.length, 'something was asked twice').toBeGreaterThan(new Set(answered).size);
    expect(await cards()).toEqual(before);
    expect(await kept()).toEqual([]);
  });

  test('other credentials ask everything themselves, and at once', { timeout: 120_000 }, async () => {
    const id = await createIntegration(system, ids.psaConnectionId);
    const path = `/v1/integrations/${id}`;
    // The reseller answers; its customers, asked for with the same key, want a pause.
    await system.mailprotector.fault({ kind: 'status', status: 429, retryAfter: 30, path: '/customers$', times: null });
    await system.api.put(`${path}/vendor-credentials`, goodCredentials.vendor);
    const paused = await until('the pause to be shown', async () => {
      const view = await system.api.get<{ pause: { why: string } | null; process: { waitsFor: string } }>(path);
      return view.pause && view.process.waitsFor.includes('asked for a pause') ? view : undefined;
    });
    expect(paused.pause?.why).toContain('answered 429');
    expect(await kept()).toEqual([{ step: 'verifyCredentials' }]);

    const began = performance.now();
    await system.api.put(`${path}/vendor-credentials`, { ...goodCredentials.vendor, apiKey: 'a-key-that-is-wrong' });
    await until('the wrong key to be refused', async () => {
      const { state, problem } = await stepOf(system, id, 'verifyCredentials');
      return state === 'blocked' && problem?.code === 'bad_credentials';
    });
    expect(performance.now() - began).toBeLessThan(20_000);

    await system.mailprotector.clearFaults();
    await system.api.put(`${path}/vendor-credentials`, goodCredentials.vendor);
    await until(
      'the right key to be taken',
      async () => (await stepOf(system, id, 'verifyCredentials')).state === 'done',
    );
    expect(await kept()).toEqual([]);
  });
});
