/** `npm start`: the whole stack on this machine, and the guide walked through it. `options.ts` has its options. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { Checks } from '../walkthrough/checks.ts';
import { buildConsole } from './consoleBuild.ts';
import { simulatedPsa } from '../../simulators/psas.ts';
import { credentialLines } from './credentials.ts';
import { helpText, readOptions, type StartOptions } from './options.ts';
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

const say = (line: string) => process.stdout.write(`${line}\n`);
const options = chosen();
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
    demo: options.demo,
    customers: options.customers,
    seed: options.seed,
    psa: options.psa,
    reset: options.reset,
    // The walkthrough chooses when a sync begins; whoever connects by hand has what is usual.
    ...(options.unconnected ? { env: { DEFAULT_SCHEDULE: 'everyNight' } } : {}),
    say,
    starting: (stopParts) => void (stopAll = stopParts),
  }),
);
if (options.demo && !options.unconnected) {
  waitAtMost(120_000 + options.customers * 100);
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
if (options.unconnected) await unlessStopping(sayHowToConnect());
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

/** The options as they were given; ends the program when the help was asked for, or something that there is not. */
function chosen(): StartOptions {
  try {
    const read = readOptions(process.argv.slice(2));
    if (read === 'help') {
      say(helpText());
      process.exit(0);
    }
    simulatedPsa(read.psa);
    return read;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${helpText()}\n`);
    process.exit(2);
  }
}

/** Says what to type in the console, and when something is connected already. */
async function sayHowToConnect(): Promise<void> {
  const connections = await fetch(`${stack.api}/v1/psa-connections`, {
    headers: { authorization: `Bearer ${stack.token}` },
  });
  const { items } = (await connections.json()) as { items: unknown[] };
  if (items.length > 0) say('The state folder holds what was connected earlier; --reset begins with nothing.');
  say(`
Connect it yourself: sign in below and go on as docs/guide.md says. What the console asks for (made up, for this machine alone):
${credentialLines(stack.simulators, stack.world.psa).join('\n')}`);
}

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
