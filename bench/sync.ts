import { openConnection } from '../db/client.ts';
import { connectAll, syncNow, type CardView } from '../dev/walkthrough/guide.ts';
import type { SimulatorAdmin } from '../dev/walkthrough/simulatorAdmin.ts';
import type { Figures } from './figures.ts';
import { readOneByOne } from './sequentialScript.ts';
import { startBenchSystem } from './system.ts';

const customers = 1_000;
const latencyMs = 50;
/** The rate limit of each of the two connections: calls per second, and calls at once. */
const rateLimit = { callsPerSecond: 60, concurrency: 4 };

/** Measures a full pull of 1,000 customers to cards, compared with the least time that its calls need, and with a plain script. */
export async function benchSync(figures: Figures): Promise<void> {
  const system = await startBenchSystem({
    customers,
    env: { CALLS_PER_SECOND: '500', CALL_CONCURRENCY: '8', LOG_LEVEL: 'warn' },
  });
  const { stack } = system;
  try {
    const { integrationId } = await connectAll(system);
    // Connecting ran at full speed; from here on the rate limit and the latency of the measurement apply.
    await stack.restart('worker', {
      CALLS_PER_SECOND: String(rateLimit.callsPerSecond),
      CALL_CONCURRENCY: String(rateLimit.concurrency),
    });
    const simulators = [system.mailprotector, system.psa];
    for (const simulator of simulators) {
      await simulator.fault({ kind: 'latency', ms: latencyMs, times: null });
      await simulator.clearLog();
    }

    figures.say(
      `sync: ${customers} customers, ${latencyMs} ms latency, a rate limit of ${rateLimit.callsPerSecond} calls/s and ${rateLimit.concurrency} at once per connection`,
    );
    const began = performance.now();
    const run = await syncNow(system, integrationId, 600_000);
    const seconds = (performance.now() - began) / 1000;
    if (run.state !== 'applied') throw new Error(`The run is ${run.state}.`);
    const cards = await system.api.all<CardView>('/v1/cards');

    const calls = await Promise.all(simulators.map(callsOf));
    const floors = calls.map((count) =>
      Math.max(count / rateLimit.callsPerSecond, (count * (latencyMs / 1000)) / rateLimit.concurrency),
    );
    const floor = Math.max(...floors);
    figures.note('calls to Mailprotector', calls[0] ?? 0);
    figures.note('calls to ConnectWise', calls[1] ?? 0);
    figures.note('cards', cards.length);
    figures.note('floor in s (larger of calls ÷ rate limit, calls × latency ÷ concurrency)', floor);
    figures.note('sync → cards in s', seconds);
    figures.note('sync ÷ floor', seconds / floor, { max: 1.15 });
    for (const step of await stepsOf(stack.databaseUrl, run.id)) {
      figures.note(`  ${step.name} begins after s`, step.seconds);
    }

    figures.say('  … now one request after another, as sample scripts do (some minutes)');
    const scriptBegan = performance.now();
    const requests = await readOneByOne(system.mailprotector.url, system.psa.url);
    const scriptSeconds = (performance.now() - scriptBegan) / 1000;
    figures.note('requests of the sequential script', requests);
    figures.note('sequential script in s', scriptSeconds);
    figures.note('sync ÷ sequential script', seconds / scriptSeconds, { max: 1 });
  } finally {
    await system.close();
  }
}

/** When each step of the run, and of the PSA refresh beside it, began: in seconds after the run was requested. */
async function stepsOf(databaseUrl: string, runId: string): Promise<{ name: string; seconds: number }[]> {
  const client = await openConnection(databaseUrl);
  try {
    const { rows } = await client.query<{ name: string; seconds: number }>(
      `select kind || ' ' || step as name, extract(epoch from started_at - r.created_at)::float8 as seconds
         from process_step, (select min(created_at) as created_at from sync_request where run_id = $1) r
        where started_at >= r.created_at and kind in ('sync', 'refreshPsa')
        order by started_at`,
      [runId],
    );
    return rows;
  } finally {
    await client.end();
  }
}

async function callsOf(simulator: SimulatorAdmin): Promise<number> {
  const stats = (await (await fetch(`${simulator.url}/__admin/stats`)).json()) as { requests: number };
  return stats.requests;
}
