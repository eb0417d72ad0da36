/**
 * `npm run bench -- NAME [--json] [--counts N]`: measures ratios within one run, never absolute times (machines differ).
 *
 *   sync   a full pull → cards, against its floor and against a script that asks one thing after another
 *   push   100,000 counts (or N) posted by a vendor that pushes, against a bare server that keeps one row per request
 *   alerts 10,000 alerts (or N) in a burst, against bare inserts and against what the PSA allows
 *   onboard 5,000 new customers (or N) that one sync finds, until all wait for a person; and one mapped, until its card
 */
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { Figures } from './figures.ts';
import { benchAlerts } from './alerts.ts';
import { benchOnboard } from './onboard.ts';
import { benchPush } from './push.ts';
import { benchSync } from './sync.ts';

/** Each with how many it takes unless told otherwise. */
const benches: Record<string, { run: (figures: Figures, counts: number) => Promise<void>; counts: number }> = {
  sync: { run: benchSync, counts: 0 },
  push: { run: benchPush, counts: 100_000 },
  alerts: { run: benchAlerts, counts: 10_000 },
  onboard: { run: benchOnboard, counts: 5_000 },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, counts: { type: 'string' } },
});
const [name = ''] = positionals;
const bench = benches[name];
if (!bench) {
  process.stderr.write(
    `Usage: npm run bench -- NAME [--json] [--counts N], where NAME is one of: ${Object.keys(benches).join(', ')}\n`,
  );
  process.exit(2);
}
const figures = new Figures(name, values.json);
figures.say(
  `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
);
await bench.run(figures, Number(values.counts ?? bench.counts));
process.exit(figures.allHold ? 0 : 1);
