/**
 * `npm run bench -- NAME [--json] [--counts N]`: measures ratios within one run, never absolute times (machines differ).
 *
 *   sync     a full pull to cards, compared with its floor and with a script that sends one request after another
 *   push     100,000 counts (or N) posted by a vendor, compared with a bare server that stores one row per request
 *   alerts   10,000 alerts (or N) in a burst, compared with bare inserts and with the PSA's rate limit
 *   onboard  5,000 new customers (or N) that one sync finds, until all wait for a person; and from mapping one to its card
 *   console  the page Reconcile with 160,000 cards (or N), compared with the same with 200
 */
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { Figures } from './figures.ts';
import { benchAlerts } from './alerts.ts';
import { benchConsole } from './console.ts';
import { benchOnboard } from './onboard.ts';
import { benchPush } from './push.ts';
import { benchSync } from './sync.ts';

/** The benches, each with its default number of counts, alerts or customers. */
const benches: Record<string, { run: (figures: Figures, counts: number) => Promise<void>; counts: number }> = {
  sync: { run: benchSync, counts: 0 },
  push: { run: benchPush, counts: 100_000 },
  alerts: { run: benchAlerts, counts: 10_000 },
  onboard: { run: benchOnboard, counts: 5_000 },
  console: { run: benchConsole, counts: 160_000 },
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
