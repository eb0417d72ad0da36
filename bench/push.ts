import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '../db/client.ts';
import { keyOfPair } from '../domain/countPair.ts';
import { listUsage } from '../db/queries/usage.ts';
import type { RunView } from '../dev/walkthrough/guide.ts';
import { Processes } from '../dev/stack/processes.ts';
import { until } from '../dev/until.ts';
import { startBareServer } from './startBareServer.ts';
import { connectPush, type PushConnection } from './connectPush.ts';
import { makeCounts, requestOf, type Count } from './counts.ts';
import type { Figures } from './figures.ts';
import { quantile, startProbe } from './probe.ts';
import { startBenchSystem, type BenchSystem } from './system.ts';
import { startVendorProgram } from './vendorProgram.ts';

const customers = 200;
const services = 6;
const callers = 16;
const rounds = 4;
const idleMs = 2_000;
/** So many counts are posted to either server before measuring, so that both run compiled code on existing tables. */
const warmUp = 2_000;
/** The request that another API token makes meanwhile, and how often. */
const otherRoute = { path: '/v1/cards?limit=50', everyMs: (phase: string) => (phase === 'idle' ? 100 : 250) };
/** Waits that are longer than a turn of the other server, and than the whole bench, so that all turns are one burst. */
const burst = { PUSH_IDLE_MS: '30000', PUSH_LONGEST_MS: '1800000' };

/**
 * Measures how a vendor program posts counts to the Vendor API and to a bare server in turns, while another caller sends a
 * request now and then.
 *
 * @param total how many counts each server gets
 */
export async function benchPush(figures: Figures, total: number): Promise<void> {
  const system = await startBenchSystem({
    customers,
    env: {
      ...burst,
      VENDOR_API_RATE_PER_SECOND: '1000000',
      CALLS_PER_SECOND: '500',
      CALL_CONCURRENCY: '8',
      LOG_LEVEL: 'warn',
    },
  });
  const processes = new Processes(join(system.state, 'bench'), (line) => process.stderr.write(`${line}\n`));
  const vendor = startVendorProgram();
  try {
    const connection = await connectPush(system, services);
    const counts = makeCounts(connection.pairs, warmUp + total, callers, 7);
    const bareUrl = await startBareServer(processes, system.stack.databaseUrl);
    figures.say(
      `push: ${total} counts of ${connection.pairs.length} pairs by ${callers} callers over kept connections, in ${rounds} turns;\n` +
        `  the limit of requests per key is lifted (VENDOR_API_RATE_PER_SECOND; a vendor has 100/s by default), and the turns\n` +
        `  are one burst (PUSH_IDLE_MS=${burst.PUSH_IDLE_MS}, PUSH_LONGEST_MS=${burst.PUSH_LONGEST_MS}; by default the first\n` +
        `  sync of so long a burst begins after 60 s, and what comes later is in the next).\n` +
        `  Bare: Hono and one upsert per request, a process of its own on the same PostgreSQL, with the same bodies.`,
    );
    const post = (where: 'ours' | 'bare', part: Count[]) =>
      vendor.post({
        url: where === 'ours' ? `${system.api.url}/api/vendor-api` : bareUrl,
        headers: { 'gradient-token': connection.token },
        requests: part.map(requestOf),
        callers,
      });
    await post('ours', counts.slice(0, warmUp));
    await post('bare', counts.slice(0, warmUp));

    const probe = startProbe(system.api, otherRoute.path, otherRoute.everyMs);
    const seconds = { ours: 0, bare: 0 };
    const memory: number[] = [];
    let processor = 0;
    for (let round = 0; round < rounds; round++) {
      probe.phase = 'idle';
      await delay(idleMs);
      const part = counts.slice(warmUp + (total * round) / rounds, warmUp + (total * (round + 1)) / rounds);
      const took = { ours: 0, bare: 0 };
      for (const where of ['ours', 'bare'] as const) {
        const before = await readMetrics(system);
        probe.phase = where;
        took[where] = await post(where, part);
        seconds[where] += took[where];
        const after = await readMetrics(system);
        if (where === 'bare') continue;
        memory.push(after.memory);
        processor += after.processor - before.processor;
      }
      const rate = (where: 'ours' | 'bare') => Math.round(part.length / took[where]);
      figures.say(
        `  round ${String(round + 1).padStart(2)}: ${rate('ours')}/s, bare ${rate('bare')}/s, ratio ${(took.bare / took.ours).toFixed(3)}, ` +
          `api ${Math.round((memory.at(-1) ?? 0) / 2 ** 20)} MiB`,
      );
    }
    await probe.stop();

    figures.note('accepted/s', total / seconds.ours);
    figures.note('accepted/s of the bare server', total / seconds.bare);
    figures.note('accepted.ratio', seconds.bare / seconds.ours, { min: 0.6 });
    figures.note('processor time of the api per count in ms', (processor / total) * 1000);
    figures.note(`memory after the first 10 % in MiB`, (memory[1] ?? 0) / 2 ** 20);
    figures.note('memory at the end in MiB', (memory.at(-1) ?? 0) / 2 ** 20);
    figures.note('memory.ratio', (memory.at(-1) ?? 0) / (memory[1] ?? 0), { max: 1.2 });
    const p99 = (phase: string) => quantile(probe.times(phase), 0.99);
    figures.note(`GET ${otherRoute.path}: requests at idle`, probe.times('idle').length);
    figures.note('  requests while counts came', probe.times('ours').length);
    figures.note('  p99 at idle in ms', p99('idle'));
    figures.note('  p99 while counts came in ms', p99('ours'));
    figures.note('  p99 beside the busy bare server in ms', p99('bare'));
    figures.note('p99.ratio', p99('ours') / p99('idle'), { max: 3 });

    figures.say('  … now the sync that the counts asked for');
    figures.note('syncs', await countSyncs(system, connection), { min: 1, max: 1 });
    figures.note('pairs that show the number posted last', await checkUsage(system, connection, counts));
  } finally {
    vendor.stop();
    await processes.stopAll();
    await system.close();
  }
}

/** Reads two metrics of the api process: resident memory in bytes, and processor time in seconds. */
async function readMetrics(system: BenchSystem): Promise<{ memory: number; processor: number }> {
  const text = await (await fetch(`${system.api.url}/metrics`)).text();
  const valueOf = (name: string) => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1]);
  return { memory: valueOf('process_resident_memory_bytes'), processor: valueOf('process_cpu_seconds_total') };
}

/** Waits until every posted count is shown and no run is under way. @returns how many runs it took */
async function countSyncs(system: BenchSystem, { integrationId }: PushConnection): Promise<number> {
  const runs = await until(
    'the counts to be shown',
    async () => {
      const all = await system.api.all<RunView>(`/v1/integrations/${integrationId}/syncs`);
      return all.length > 0 && all.every((run) => run.state === 'applied') ? all : undefined;
    },
    300_000,
  );
  return runs.filter((run) => (run.figures?.['posted'] ?? 0) > 0).length;
}

/** @returns how many pairs were posted @throws Error when a pair does not show the number that was posted last */
async function checkUsage(system: BenchSystem, { integrationId }: PushConnection, counts: Count[]): Promise<number> {
  const posted = new Map(
    counts.map((count) => [keyOfPair({ ...count, vendorAccountId: count.accountId }), count.unitCount]),
  );
  const { db, close } = openDatabase(system.stack.databaseUrl, 1);
  try {
    const shown = new Map((await listUsage(db, integrationId)).map((row) => [keyOfPair(row), row.quantity]));
    for (const [pair, quantity] of posted) {
      if (shown.get(pair) !== quantity)
        throw new Error(`${pair} shows ${shown.get(pair)}, and ${quantity} was posted last.`);
    }
    return posted.size;
  } finally {
    await close();
  }
}
