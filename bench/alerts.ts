import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { and, eq, like } from 'drizzle-orm';
import { openDatabase } from '../db/client.ts';
import { alert } from '../db/schema/index.ts';
import { Processes } from '../dev/stack/processes.ts';
import { until } from '../dev/until.ts';
import { connectAlerts, type AlertConnection } from './connectAlerts.ts';
import type { Figures } from './figures.ts';
import { quantile } from './probe.ts';
import { startBareServer } from './startBareServer.ts';
import { startBenchSystem, type BenchSystem } from './system.ts';
import { startVendorProgram } from './vendorProgram.ts';

const customers = 120;
const callers = 16;
/** Calls per second to a connection, the default. An alert takes two: one to look for its ticket and one to create it. */
const rateLimit = 5;
/** How long the use of the rate limit is measured. Afterwards the limit is raised, so that all alerts get delivered. */
const windowMs = 120_000;
const raised = { CALLS_PER_SECOND: '500', ALERTS_IN_FLIGHT: '40' };
/** So many alerts the second integration sends, both before the burst and during it. */
const singles = 30;

/**
 * Sends a burst of alerts through the Vendor API and measures how fast they are accepted, how much of the PSA's rate limit
 * their delivery uses, whether each becomes one ticket, and how much another integration is slowed down.
 *
 * @param total the number of alerts in the burst
 */
export async function benchAlerts(figures: Figures, total: number): Promise<void> {
  const system = await startBenchSystem({
    customers,
    env: {
      VENDOR_API_RATE_PER_SECOND: '1000000',
      CALLS_PER_SECOND: String(rateLimit),
      // The production default. With the development stack's value every waiting delivery sends a heartbeat each second.
      HEARTBEAT_MS: '30000',
      LOG_LEVEL: 'warn',
    },
  });
  const processes = new Processes(join(system.state, 'bench'), (line) => process.stderr.write(`${line}\n`));
  const vendor = startVendorProgram();
  try {
    const first = await connectAlerts(system, 'first');
    const second = await connectAlerts(system, 'second');
    const bareUrl = await startBareServer(processes, system.stack.databaseUrl);
    figures.say(
      `alerts: ${total} alerts of ${first.accounts.length} accounts by ${callers} callers, gathering in storms turned off;\n` +
        `  the PSA is asked ${rateLimit} times a second (CALLS_PER_SECOND, the default), and each alert takes two calls. After\n` +
        `  ${windowMs / 1_000} s that is raised, so that the rest is delivered in less than hours.\n` +
        `  Bare: Hono and one insert per request, a process of its own on the same PostgreSQL, with the same bodies.`,
    );
    const requests = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, at) => ({
        path: `/alerting/${first.accounts[at % first.accounts.length] ?? ''}`,
        body: {
          alertId: `${prefix}-${at}`,
          title: `Alert ${at}`,
          description: 'Mail waits for 40 minutes.',
          priority: 2,
        },
      }));
    const post = (url: string, headers: Record<string, string>, prefix: string, count: number) =>
      vendor.post({ url, headers, requests: requests(prefix, count), callers });
    const ours = `${system.api.url}/api/vendor-api`;
    const headers = { 'gradient-token': first.token };
    await post(bareUrl, {}, 'warm', 1_000);
    await post(ours, headers, 'warm', 20);
    await untilDelivered(system, 'warm', 20);

    const idle = await sendSingles(system, second, 'idle');
    const bare = await post(bareUrl, {}, 'bare', total);
    const accepted = await post(ours, headers, 'burst', total);
    figures.say(`  … accepted after ${accepted.toFixed(1)} s`);
    const before = { calls: await countCalls(system), at: performance.now() };
    const [busy] = await Promise.all([sendSingles(system, second, 'busy'), delay(windowMs)]);
    const seconds = (performance.now() - before.at) / 1_000;
    // The second integration has its own connection with its own rate limit, so its calls are not counted.
    const calls = (await countCalls(system)) - before.calls - 2 * busy.length;
    figures.say('  … and now the rest of them');
    await system.stack.restart('worker', raised);
    await untilDelivered(system, 'burst', total);
    // A ticket that is created twice gets a moment to appear.
    await delay(3_000);

    figures.note('accepted/s', total / accepted);
    figures.note('accepted.ratio (÷ bare inserts)', bare / accepted);
    figures.note('calls/s to the PSA for the burst', calls / seconds);
    figures.note('delivered.ratio (÷ what it may be asked)', calls / seconds / rateLimit, { min: 0.85 });
    const references = await listReferences(system, 'burst');
    figures.note('tickets', references.length, { min: total, max: total });
    figures.note('tickets of the same alert twice', references.length - new Set(references).size, {
      min: 0,
      max: 0,
    });
    figures.note('single alert at idle in ms (median)', quantile(idle, 0.5));
    figures.note('single alert beside the burst in ms (median)', quantile(busy, 0.5));
    figures.note('single.ratio', quantile(busy, 0.5) / quantile(idle, 0.5), { max: 3 });
  } finally {
    vendor.stop();
    await processes.stopAll();
    await system.close();
  }
}

/** Sends alerts of the second integration one after another. @returns milliseconds from each to its ticket */
async function sendSingles(system: BenchSystem, connection: AlertConnection, prefix: string): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < singles; at++) {
    const account = connection.accounts[at % connection.accounts.length] ?? '';
    const sent = performance.now();
    const response = await fetch(`${system.api.url}/api/vendor-api/alerting/${account}`, {
      method: 'POST',
      headers: { 'gradient-token': connection.token, 'content-type': 'application/json' },
      body: JSON.stringify({ alertId: `${prefix}-${at}`, title: 'One', description: 'By itself.' }),
    });
    const { messageId } = (await response.json()) as { messageId: string };
    await until('the alert to be delivered', async () => {
      const { state } = await system.api.get<{ state: string }>(`/v1/alerts/${messageId}`);
      return state === 'delivered';
    });
    times.push(performance.now() - sent);
  }
  return times;
}

async function listReferences(system: BenchSystem, prefix: string): Promise<string[]> {
  const { tickets } = await system.psa.state<{
    tickets: { reference: string; notes: { text: string }[] }[];
  }>();
  return tickets
    .filter((ticket) => ticket.notes[0]?.text.includes(`Alert: ${prefix}-`))
    .map((ticket) => ticket.reference);
}

/** Waits for the alerts by asking the database once a second, so that measuring causes no load. */
async function untilDelivered(system: BenchSystem, prefix: string, count: number): Promise<void> {
  const { db, close } = openDatabase(system.stack.databaseUrl, 1);
  const delivered = and(eq(alert.state, 'delivered'), like(alert.alertId, `${prefix}-%`));
  try {
    await until(
      'all alerts to be delivered',
      async () => {
        await delay(1_000);
        return (await db.$count(alert, delivered)) >= count;
      },
      120_000 + count * 1_000,
    );
  } finally {
    await close();
  }
}

/** How many calls for tickets the PSA has got so far. */
async function countCalls(system: BenchSystem): Promise<number> {
  const log = await Promise.all(['GET', 'POST'].map((method) => system.psa.log(method, '/service/tickets')));
  return log.flat().length;
}
