import { setTimeout as delay } from 'node:timers/promises';
import { openConnection } from '../db/client.ts';
import { connectAll, syncNow, type CardView } from '../dev/walkthrough/guide.ts';
import { addCustomer } from '../dev/walkthrough/newCustomer.ts';
import { createTemporalClient } from '../temporal/client.ts';
import type { Figures } from './figures.ts';
import { quantile } from './probe.ts';
import { startBenchSystem, type BenchSystem } from './system.ts';

const customers = 300;
const latencyMs = 50;
/** The default rate limit of each connection: calls per second, and calls at once. */
const rateLimit = { callsPerSecond: 5, concurrency: 4 };
const mapped = 200;
const firstId = 100_000;

/**
 * Measures how long it takes until all new customers that one sync finds wait for a person, compared with that sync; and
 * how long it takes from mapping one of them until its card is there.
 *
 * @param count the number of new customers
 */
export async function benchOnboard(figures: Figures, count: number): Promise<void> {
  const system = await startBenchSystem({
    customers,
    env: {
      CALLS_PER_SECOND: '500',
      CALL_CONCURRENCY: '8',
      LOG_LEVEL: 'warn',
      // As in production: with the development stack's short intervals the sweep would wake onboardings that wait their turn.
      SWEEP_INTERVAL_MS: '60000',
      SWEEP_OVERDUE_MS: '30000',
      HEARTBEAT_MS: '30000',
      STICKY_TIMEOUT_MS: '10000',
      API_RATE_PER_SECOND: '10000',
    },
  });
  const { stack } = system;
  const db = await openConnection(stack.databaseUrl);
  const temporal = createTemporalClient({ address: stack.temporalAddress }, 'default');
  try {
    const { integrationId, psaConnectionId } = await connectAll(system);
    await stack.restart('worker', {
      CALLS_PER_SECOND: String(rateLimit.callsPerSecond),
      CALL_CONCURRENCY: String(rateLimit.concurrency),
    });
    for (const simulator of [system.mailprotector, system.psa])
      await simulator.fault({ kind: 'latency', ms: latencyMs, times: null });
    figures.say(
      `onboard: ${count} new customers beside ${customers}, ${latencyMs} ms latency, a rate limit of ${rateLimit.callsPerSecond} calls/s and ${rateLimit.concurrency} at once per connection`,
    );

    const eventsOf = async () => {
      const { events } = await temporal.client.workflow.getHandle(`sync/${integrationId}`).fetchHistory();
      return events?.length ?? 0;
    };
    await syncNow(system, integrationId, 600_000);
    const eventsBefore = await eventsOf();
    figures.say('  … a sync that finds nobody is over');
    await system.mailprotector.change({
      change: 'addCustomers',
      customers: Array.from({ length: count }, (_unused, at) => ({
        id: firstId + at,
        name: `Newcomer ${at}`,
        domains: [],
      })),
    });
    const began = performance.now();
    const run = await syncNow(system, integrationId, 600_000);
    const syncSeconds = (performance.now() - began) / 1000;
    if (run.state !== 'applied') throw new Error(`The run is ${run.state}.`);
    figures.say('  … the sync that finds them is over');
    const events = await eventsOf();
    const waiting = async () => {
      // An onboarding waits for a person when its workflow has parked it until the reminder, more than an hour ahead.
      const { rows } = await db.query<{ n: number }>(
        `select count(*)::int as n from onboarding o
           join process p on p.kind = 'onboardCustomer' and p.id = o.integration_id || '/' || o.vendor_account_id
          where o.state = 'waiting' and not o.to_wake and p.due_at > now() + interval '1 hour'`,
      );
      return rows[0]?.n ?? 0;
    };
    // Counts seldom, because counting takes time of the same two cores.
    while ((await waiting()) < count) {
      if (performance.now() - began > 1_200_000) throw new Error('Not all new customers came to wait for a person.');
      await delay(2_000);
    }
    const seconds = (performance.now() - began) / 1000;
    figures.note('sync that finds them, in s', syncSeconds);
    figures.note('until all wait for a person, in s', seconds);
    figures.note('waiting.ratio (÷ the sync)', seconds / syncSeconds, { max: 2 });
    figures.note('events in the history of a sync that finds nobody', eventsBefore);
    figures.note('events in the history of this one', events);
    figures.note('history.ratio', events / eventsBefore, { max: 1.2 });

    const times = await mapSome(system, { integrationId, psaConnectionId });
    const call =
      (await oneCall(system.mailprotector.url, '/api/v1/resellers/500')) +
      (await oneCall(system.psa.url, '/v4_6_release/apis/3.0/system/info'));
    const p99 = quantile(times, 0.99);
    figures.note('mapped → card in ms (median)', quantile(times, 0.5));
    figures.note('mapped → card in ms (p99)', p99);
    figures.note('one call to each, in ms together (median)', call);
    figures.note('card.ratio (p99 ÷ one call to each)', p99 / call, { max: 5 });
  } finally {
    await temporal.close();
    await db.end();
    await system.close();
  }
}

/** Maps customers that a sync found, one after another, with users of their own. @returns milliseconds until each card */
async function mapSome(
  system: BenchSystem,
  { integrationId, psaConnectionId }: { integrationId: string; psaConnectionId: string },
): Promise<number[]> {
  const { api } = system;
  const accounts = await api.all<{ id: string; psaAccountId: string }>(
    `/v1/integrations/${integrationId}/accounts?mapped=true`,
  );
  const targets = accounts.slice(0, mapped);
  for (const [at] of targets.entries()) {
    // The newcomer had a name only; it is replaced by a customer with users.
    await system.mailprotector.change({ change: 'removeCustomer', id: firstId + at });
    await addCustomer(system.mailprotector, { id: firstId + at, name: `Newcomer ${at}`, users: 10_000 });
  }
  const times: number[] = [];
  for (const [at, { psaAccountId }] of targets.entries()) {
    // A person maps one customer after another, and not faster than the vendor's rate limit allows reads.
    await delay(1_000);
    const path = `/v1/cards?psaConnectionId=${psaConnectionId}&psaAccountId=${encodeURIComponent(psaAccountId)}`;
    const account = `/v1/integrations/${integrationId}/accounts/${firstId + at}`;
    const { version } = await api.get<{ version: string }>(account);
    const began = performance.now();
    await api.put(`${account}/mapping?seen=${version}`, { psaAccountId });
    for (;;) {
      const { items } = await api.get<{ items: CardView[] }>(path);
      if (items.some((card) => card.productId === 'MP-CLOUDFILTER' && (card.usage ?? 0) >= 10_000)) break;
      if (performance.now() - began > 60_000) throw new Error('The card of a mapped customer did not come.');
      await delay(10);
    }
    times.push(performance.now() - began);
  }
  return times;
}

/** @returns the median duration of eleven calls, in milliseconds */
async function oneCall(url: string, path: string): Promise<number> {
  const times: number[] = [];
  for (let at = 0; at < 11; at++) {
    const began = performance.now();
    await (await fetch(`${url}${path}`)).text();
    times.push(performance.now() - began);
  }
  return quantile(times, 0.5);
}
