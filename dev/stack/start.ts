/**
 * `npm start`: the whole stack on this machine, and the guide walked through it.
 *
 *   --exit            walk, verify, stop; exit status 0 only if every check holds
 *   --report FILE     write the checks as JSON
 *   --no-demo         the same stack without simulators, for real accounts
 *   --customers N     size of the simulated MSP (40)
 *   --seed N          which MSP (7)
 *   --psa NAME        which PSA is simulated (connectwise; simulators/psas.ts has all)
 *   --state DIR       folder of all state (.countersign)
 *   --reset           clear the state first
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Checks } from '../walkthrough/checks.ts';
import { buildConsole } from './consoleBuild.ts';
import { simulatedPsa, usualPsa } from '../../simulators/psas.ts';
import { startStack } from './stack.ts';
import { viewLinks } from './views.ts';
import { waitAtMost } from '../until.ts';
import { walk } from '../walkthrough/walkthrough.ts';
import { walkAlerts } from '../walkthrough/walkthroughAlerts.ts';
import { walkAnyVendor } from '../walkthrough/walkthroughAnyVendor.ts';
import { walkOnboarding } from '../walkthrough/walkthroughOnboarding.ts';
import { walkOps } from '../walkthrough/walkthroughOps.ts';
import { walkPush } from '../walkthrough/walkthroughPush.ts';
import { walkSignIn } from '../walkthrough/walkthroughSignIn.ts';

const { values: options } = parseArgs({
  options: {
    exit: { type: 'boolean', default: false },
    report: { type: 'string' },
    'no-demo': { type: 'boolean', default: false },
    customers: { type: 'string', default: '40' },
    seed: { type: 'string', default: '7' },
    psa: { type: 'string', default: usualPsa },
    state: { type: 'string', default: '.countersign' },
    reset: { type: 'boolean', default: false },
  },
});

const say = (line: string) => process.stdout.write(`${line}\n`);
try {
  simulatedPsa(options.psa);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
mkdirSync(options.state, { recursive: true });

// The signals are handled from before the first process is started, so that Ctrl-C leaves no process behind at any time.
let stopAll = () => Promise.resolve();
let stopping: Promise<void> | undefined;
const stop = () => (stopping ??= stopAll());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    say('\nStopping …');
    void stop().then(() => process.exit(signal === 'SIGINT' ? 0 : 143));
  });
}

const checks = new Checks(say);
await unlessStopping(buildConsole(say));
const stack = await unlessStopping(
  startStack({
    state: options.state,
    demo: !options['no-demo'],
    customers: Number(options.customers),
    seed: Number(options.seed),
    psa: options.psa,
    reset: options.reset,
    say,
    starting: (stopParts) => void (stopAll = stopParts),
  }),
);
if (!options['no-demo']) {
  waitAtMost(120_000 + Number(options.customers) * 100);
  const cookie = await unlessStopping(walkSignIn(stack, checks, await stack.signInLink()));
  const pull = await unlessStopping(walk(stack, checks, say, cookie));
  const push = await unlessStopping(walkPush(stack, checks, say));
  await unlessStopping(walkAnyVendor(stack, checks));
  await unlessStopping(walkAlerts(stack, checks, say, push));
  await unlessStopping(walkOnboarding(stack, checks, say, { pull, push }));
  await unlessStopping(walkOps(stack, checks, say, { pull, push }));
}
report();

if (options.exit) {
  await stop();
  const failed = checks.results.filter((check) => !check.ok);
  say(
    failed.length === 0
      ? `All ${checks.results.length} checks hold.`
      : `${failed.length} of ${checks.results.length} checks failed.`,
  );
  process.exit(failed.length === 0 ? 0 : 1);
}

// The walkthrough has used its link up.
const link = await unlessStopping(stack.signInLink());
const { mailprotector } = stack.simulators;
const vendorConsole = mailprotector
  ? `Mailprotector ${mailprotector}  its console, simulated: the page says how to log in\n`
  : '';
say(`
Console      ${stack.api}
Sign in      ${link}  works once, within half an hour; start again for another
API          ${stack.api}/docs        token: ${stack.tokenFile}
Temporal UI  ${stack.temporalUi}
${[...viewLinks(stack.temporalUi), ...stack.workflowLinks()].join('\n')}
${vendorConsole}${Object.entries(stack.simulators)
  .map(([name, url]) => `Simulator    ${name} ${url}/__admin/state`)
  .join('\n')}
Logs         ${options.state}/logs
Ctrl-C stops everything; the next start goes on where this one was.`);

function report(): void {
  if (!options.report) return;
  writeFileSync(options.report, `${JSON.stringify({ checks: checks.results }, undefined, 2)}\n`);
}

/**
 * Reports a failure and ends the program. A failure while everything is being stopped is not reported: the code that stops
 * everything also ends the program.
 */
async function unlessStopping<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (stopping) return new Promise<T>(() => undefined);
    say(`\n${error instanceof Error ? error.message : String(error)}`);
    report();
    await stop();
    process.exit(1);
  }
}
