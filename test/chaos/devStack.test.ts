import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { prepareCluster } from '../../dev/postgres.ts';
import { Processes } from '../../dev/processes.ts';
import { until } from '../../dev/until.ts';

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
  const args = ['--import', 'tsx', join(root, 'dev/start.ts'), '--state', state, '--customers', '26', ...options];
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
    150_000,
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

test('Ctrl-C leaves no process behind, and the next start goes on where this one was', async () => {
  const first = start();
  await untilSaid(first, upAndWalked);
  const running = parts();
  expect(running.map((part) => part.name).toSorted()).toEqual(everyPart);
  expect(running.every((part) => isAlive(part.pid))).toBe(true);
  first.child.kill('SIGINT');
  expect(await first.exit).toBe(0);
  expect(running.filter((part) => isAlive(part.pid))).toEqual([]);
  expect(parts()).toEqual([]);

  const report = join(state, 'report.json');
  const second = start('--exit', '--report', report);
  expect(await second.exit).toBe(0);
  const { checks } = JSON.parse(readFileSync(report, 'utf8')) as { checks: { name: string; ok: boolean }[] };
  expect(checks.length).toBeGreaterThan(0);
  expect(checks.filter((check) => !check.ok)).toEqual([]);
  expect(second.said()).toMatch(/It was connected by an earlier start/);
  expect(parts()).toEqual([]);
});

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

test('a parent killed with -9: the next start stops what is left and goes on', async () => {
  const first = start();
  await untilSaid(first, upAndWalked);
  const left = parts();
  first.child.kill('SIGKILL');
  await first.exit;
  // Nobody told them: they are still there.
  expect(
    left
      .filter((part) => isAlive(part.pid))
      .map((part) => part.name)
      .toSorted(),
  ).toEqual(everyPart);

  const second = start('--exit');
  expect(await second.exit).toBe(0);
  const said = /Stopped what an earlier start had left running: (.*)/.exec(second.said())?.[1] ?? '';
  expect(said.split(', ').toSorted()).toEqual(everyPart);
  expect(left.filter((part) => isAlive(part.pid))).toEqual([]);
  expect(parts()).toEqual([]);
});

test('a start killed with -9 in the middle of the walk is walked to its end by the next one', async () => {
  const first = start();
  await untilSaid(first, /connect\.pull/);
  first.child.kill('SIGKILL');
  await first.exit;
  const second = start('--exit');
  expect(await second.exit).toBe(0);
  expect(second.said()).toMatch(/All \d+ checks hold/);
  expect(parts()).toEqual([]);
});

test('a port in use is named and the next free one taken', async () => {
  const taken: Server[] = [];
  for (const port of [8080, 7233]) {
    const server = createServer();
    // Somebody else may have it already: then it is in use, which is all that is wanted.
    await new Promise<void>((resolve) => {
      server.once('error', () => resolve()).listen(port, '127.0.0.1', () => resolve());
    });
    taken.push(server);
  }
  try {
    const one = start('--exit');
    expect(await one.exit).toBe(0);
    expect(one.said()).toMatch(/Port 8080 is in use; the API takes \d+\./);
    expect(one.said()).toMatch(/Port 7233 is in use; Temporal takes \d+\./);
    expect(one.said()).toMatch(/All \d+ checks hold/);
  } finally {
    for (const server of taken) server.close();
  }
});
