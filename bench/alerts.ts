import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Processes } from '../dev/processes.ts';
import { until } from '../dev/until.ts';
import { connectAlerts, type AlertConnection } from './connectAlerts.ts';
import type { Figures } from './figures.ts';
import { quantile } from './probe.ts';
import { startBareServer } from './startBareServer.ts';
import { startBenchSystem, type BenchSystem } from './system.ts';
import { startVendorProgram } from './vendorProgram.ts';

const customers = 120;
const callers = 16;
/** Calls a second that the PSA allows; an alert takes two, one to look for its ticket and one to create it. */
const budget = 20;
/** Alerts of the second integration, before and during the burst. */
const singles = 15;

/**
 * A burst of alerts through the Vendor API: how fast they are accepted, how well they use what the PSA allows, whether
 * each is one ticket, and what another integration notices.
 *
 * @param total alerts in the burst
 */
export async function benchAlerts(figures: Figures, total: number): Promise<void> {
  const system = await startBenchSystem({
    customers,
    env: { VENDOR_API_RATE_PER_SECOND: '1000000', CALLS_PER_SECOND: String(budget), LOG_LEVEL: 'warn' },
  });
  const processes = new Processes(join(system.state, 'bench'), (line) => process.stderr.write(`${line}\n`));
  const vendor = startVendorProgram();
  try {
    const first = await connectAlerts(system, 'first');
    const second = await connectAlerts(system, 'second');
    const bareUrl = await startBareServer(processes, system.stack.databaseUrl);
    figures.say(
      `alerts: ${total} alerts of ${first.accounts.length} accounts by ${callers} callers, gathering in storms turned off;\n` +
        `  the PSA allows ${budget} calls a second to a connection (CALLS_PER_SECOND), and each alert takes two.\n` +
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
    await until('the first alerts to be told', async () => (await countTickets(system, 'warm')) === 20);

    const idle = await tellSingles(system, second, 'idle');
    const bare = await post(bareUrl, {}, 'bare', total);
    const callsBefore = await countCalls(system);
    const began = performance.now();
    const accepted = await post(ours, headers, 'burst', total);
    figures.say(`  … ${total} accepted after ${accepted.toFixed(1)} s; now they become tickets`);
    const busy = await tellSingles(system, second, 'busy');
    const limitMs = (total / budget) * 2 * 1_000 * 3 + 120_000;
    await until('all alerts to be told', async () => (await countTickets(system, 'burst')) >= total, limitMs);
    const seconds = (performance.now() - began) / 1_000;
    const calls = (await countCalls(system)) - callsBefore;
    // A moment for one that would be double.
    await delay(3_000);

    figures.note('accepted/s', total / accepted);
    figures.note('accepted.ratio (÷ bare inserts)', bare / accepted);
    figures.note('delivered/s', total / seconds);
    figures.note('calls/s to the PSA', calls / seconds);
    figures.note('delivered.ratio (÷ what the PSA allows)', (2 * total) / seconds / budget, { least: 0.85 });
    const references = await listReferences(system, 'burst');
    figures.note('tickets', references.length, { least: total, most: total });
    figures.note('tickets of the same alert twice', references.length - new Set(references).size, {
      least: 0,
      most: 0,
    });
    figures.note('single alert at idle in ms (median)', quantile(idle, 0.5));
    figures.note('single alert beside the burst in ms (median)', quantile(busy, 0.5));
    figures.note('single.ratio', quantile(busy, 0.5) / quantile(idle, 0.5), { most: 3 });
  } finally {
    vendor.stop();
    await processes.stopAll();
    await system.close();
  }
}

/** Sends alerts of the second integration one after another. @returns milliseconds from each to its ticket */
async function tellSingles(system: BenchSystem, connection: AlertConnection, prefix: string): Promise<number[]> {
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
    await until('the alert to be told', async () => {
      const { state } = await system.api.get<{ state: string }>(`/v1/alerts/${messageId}`);
      return state === 'delivered';
    });
    times.push(performance.now() - sent);
  }
  return times;
}

async function listReferences(system: BenchSystem, prefix: string): Promise<string[]> {
  const { tickets } = await system.connectwise.state<{
    tickets: { externalXRef: string; notes: { text: string }[] }[];
  }>();
  return tickets
    .filter((ticket) => ticket.notes[0]?.text.includes(`Alert: ${prefix}-`))
    .map((ticket) => ticket.externalXRef);
}

const countTickets = async (system: BenchSystem, prefix: string) => (await listReferences(system, prefix)).length;

async function countCalls(system: BenchSystem): Promise<number> {
  const log = await Promise.all(['GET', 'POST'].map((method) => system.connectwise.log(method, '/service/tickets')));
  return log.flat().length;
}
