import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { prepareCluster } from '../../dev/stack/postgres.ts';
import { Processes } from '../../dev/stack/processes.ts';
import { until } from '../../dev/until.ts';

/** Each walks the guide, some twice. */
vi.setConfig({ testTimeout: 480_000 });

const root = fileURLToPath(new URL('../..', import.meta.url));

let state: string;
let started: Started[];

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'countersign-dev-'));
  chmodSync(state, 0o755);
  started = [];
});
afterEach(async () => {
  for (const one of started)
    if (one.child.exitCode === null && one.child.signalCode === null) one.child.kill('SIGKILL');
  await new Processes(state, () => undefined).stopLeftovers();
  if (existsSync(join(state, 'postgres-password'))) (await prepareCluster(state, 0)).remove();
  rmSync(state, { recursive: true, force: true });
});

interface Started {
  child: ChildProcess;
  said(): string;
  exit: Promise<number | null>;
}

/** `npm start -- …` without npm, so that a signal meets the program itself. */
function start(...options: string[]): Started {
  const args = ['--import', 'tsx', join(root, 'dev/stack/start.ts'), '--state', state, '--customers', '26', ...options];
  // Ports of the developer's own stack may be in use; the next free ones are taken.
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const one = { child, said: () => text, exit };
  started.push(one);
  return one;
}

async function untilSaid(one: Started, words: RegExp): Promise<void> {
  await until(
    `the stack to say ${words}`,
    () => {
      if (one.child.exitCode !== null && !words.test(one.said()))
        throw new Error(`It ended with ${one.child.exitCode}: ${one.said()}`);
      return words.test(one.said());
    },
    600_000,
  );
}

const upAndWalked = /Ctrl-C stops everything/;

interface Part {
  name: string;
  pid: number;
}

function parts(): Part[] {
  return readdirSync(join(state, 'pids')).map((name) => {
    const { pid } = JSON.parse(readFileSync(join(state, 'pids', name), 'utf8')) as { pid: number };
    return { name, pid };
  });
}

function isAlive(pid: number): boolean {
  try {
    // The state is the first field after the name in brackets; a zombie is dead.
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

const everyPart = ['api', 'connectwise', 'mailprotector', 'postgres', 'temporal', 'worker'];

/** Takes ports that the stack would like to have. If somebody has one already it is in use, which is all that is wanted. */
async function takePorts(...ports: number[]): Promise<Server[]> {
  return Promise.all(
    ports.map(
      (port) =>
        new Promise<Server>((resolve) => {
          const server = createServer();
          server.once('error', () => resolve(server)).listen(port, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
}

/** Runs one of our programs as its npm script does. @returns what it said */
function ours(program: string, ...args: string[]): Promise<string> {
  const { DATABASE_URL: _, ...env } = process.env;
  const all = ['dev/ours.js', program, '--state', state, ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, all, { cwd: root, env }, (_error, out, err) => resolve(out + err));
  });
}

/** Waits for the end. @throws Error with all that it said, when it did not end well */
async function untilEnded(one: Started): Promise<string> {
  const code = await one.exit;
  if (code !== 0) throw new Error(`It ended with ${code}: ${one.said()}`);
  return one.said();
}

/** Ms for two walks through everything. */
const walks = 900_000;

test(
  'a port in use is named and the next taken; Ctrl-C leaves no process behind; a second start goes on',
  async () => {
    const taken = await takePorts(8080, 7233);
    const first = start();
    await untilSaid(first, upAndWalked);
    expect(first.said()).toMatch(/Port 8080 is in use; the API takes \d+\./);
    expect(first.said()).toMatch(/Port 7233 is in use; Temporal takes \d+\./);
    const running = parts();
    expect(running.map((part) => part.name).toSorted()).toEqual(everyPart);
    expect(running.every((part) => isAlive(part.pid))).toBe(true);
    expect(first.said()).toMatch(
      /Waiting for people +http:\/\/127\.0\.0\.1:\d+\/namespaces\/default\/workflows\?query=/,
    );
    // Our programs work beside it at once: without a build, and with its settings.
    const doctor = await ours('cli/doctor');
    for (const line of [/✓ database .*migrations/, /✓ worker +1 at work/, /✓ {3}vendor +the credentials work/])
      expect(doctor).toMatch(line);
    const address = /Console +(http:\S+)/.exec(first.said())?.[1];
    expect(await ours('cli/admin', 'invite', '--email', 'ada@example.com', '--role', 'viewer')).toContain(
      `${address}/join`,
    );
    const stranger = await ours('cli/admin', 'link', '--email', 'nobody@example.com');
    expect(stranger).toMatch(/nobody@example\.com is no member\. Invite that person\.\n$/);
    expect(stranger).not.toMatch(/^\s+at /m);
    first.child.kill('SIGINT');
    expect(await first.exit).toBe(0);
    expect(running.filter((part) => isAlive(part.pid))).toEqual([]);
    expect(parts()).toEqual([]);
    for (const server of taken) server.close();

    const report = join(state, 'report.json');
    expect(await untilEnded(start('--exit', '--report', report))).toMatch(/It was connected by an earlier start/);
    const { checks } = JSON.parse(readFileSync(report, 'utf8')) as { checks: { name: string; ok: boolean }[] };
    expect(checks.length).toBeGreaterThan(5);
    expect(checks.filter((check) => !check.ok)).toEqual([]);
    expect(parts()).toEqual([]);
  },
  walks,
);

test('Ctrl-C while the stack is still coming up leaves no process behind', async () => {
  const one = start();
  await untilSaid(one, /Temporal: starting/);
  const running = parts();
  expect(running.map((part) => part.name)).toContain('postgres');
  one.child.kill('SIGINT');
  expect(await one.exit).toBe(0);
  expect(running.filter((part) => isAlive(part.pid))).toEqual([]);
  expect(parts()).toEqual([]);
});

test(
  'a parent killed with -9 in the middle of the walk: the next start stops what is left and walks it to its end',
  async () => {
    const first = start();
    await untilSaid(first, /connect\.pull/);
    const left = parts();
    first.child.kill('SIGKILL');
    await first.exit;
    // Nobody told them: they are still there, but for what the walk itself was killing at that moment.
    const certain = ['api', 'connectwise', 'mailprotector', 'postgres'];
    const still = left.filter((part) => isAlive(part.pid)).map((part) => part.name);
    expect(still).toEqual(expect.arrayContaining(certain));

    const said = await untilEnded(start('--exit'));
    const stopped = /Stopped what an earlier start had left running: (.*)/.exec(said)?.[1]?.split(', ') ?? [];
    expect(stopped).toEqual(expect.arrayContaining(certain));
    expect(still).toEqual(expect.arrayContaining(stopped));
    expect(left.filter((part) => isAlive(part.pid))).toEqual([]);
    expect(said).toMatch(/All \d+ checks hold/);
    expect(parts()).toEqual([]);
  },
  walks,
);
