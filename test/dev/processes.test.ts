import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Processes } from '../../dev/stack/processes.ts';
import { until } from '../../dev/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-processes-'));
const processes = new Processes(folder, () => undefined);
afterAll(async () => {
  await processes.stopAll();
  rmSync(folder, { recursive: true, force: true });
});
const node = (name: string, script: string) => ({ name, command: process.execPath, args: ['-e', script] });

test('a part that ends while it is starting is said at once, though nobody says that it is ready', async () => {
  processes.start(node('short', "console.error('The disk is full.'); process.exit(3)"));
  const never = new Promise<void>(() => undefined);
  await expect(processes.untilReady('short', () => never)).rejects.toThrow(
    /short ended while it was starting \(exit 3\).*short\.log.*\nThe disk is full\./,
  );
});

test('a part that is ready is left alone when it ends later', async () => {
  processes.start(node('long', 'setInterval(() => undefined, 1000)'));
  await processes.untilReady('long', async () => undefined);
  expect(processes.isRunning('long')).toBe(true);
  await processes.kill('long');
  expect(processes.isRunning('long')).toBe(false);
});

test('a part that was ready and ended by itself is started again three times, and then left alone with the reason', async () => {
  const said: string[] = [];
  const own = new Processes(join(folder, 'again'), (line) => said.push(line), 3);
  const child = own.start(node('crashing', 'setInterval(() => undefined, 1000)'));
  await own.untilReady('crashing', async () => undefined);
  const pid = () => {
    const note = join(folder, 'again', 'pids', 'crashing');
    return (JSON.parse(readFileSync(note, 'utf8')) as { pid: number }).pid;
  };
  let last = child.pid ?? 0;
  for (const times of [1, 2, 3]) {
    process.kill(last, 'SIGKILL');
    await until('it to be started again', () => pid() !== last);
    expect(said.at(-1)).toMatch(
      new RegExp(`^crashing ended by itself \\(killed by SIGKILL\\).*again \\(${times} of 3\\)`),
    );
    last = pid();
  }
  process.kill(last, 'SIGKILL');
  await until('it to be left alone', () => said.length === 4);
  expect(said.at(-1)).toMatch(/crashing\.log\. It was started again 3 times already, and is left alone now\.$/);
  expect(own.isRunning('crashing')).toBe(false);
  await own.stopAll();
});

test('a part that ends before it was ready is not started again, and neither is one that was stopped', async () => {
  const said: string[] = [];
  const own = new Processes(join(folder, 'not-again'), (line) => said.push(line), 3);
  own.start(node('short', 'process.exit(3)'));
  await until('its end to be said', () => said.length === 1);
  expect(said).toEqual([expect.stringMatching(/^short ended by itself \(exit 3\); its log is .*\.$/)]);
  own.start(node('long', 'setInterval(() => undefined, 1000)'));
  await own.untilReady('long', async () => undefined);
  await own.stop('long');
  expect(own.isRunning('long')).toBe(false);
  expect(said).toHaveLength(1);
  await own.stopAll();
});

test('whoever asks that all be stopped while that is under way waits for its end, too', async () => {
  const own = new Processes(join(folder, 'own'), () => undefined);
  own.start(
    node(
      'slow',
      "process.on('SIGTERM', () => setTimeout(() => process.exit(0), 400)); setInterval(() => undefined, 99); console.log('listens')",
    ),
  );
  // Told before it listens it would end at once, which proves nothing and breaks nothing.
  await until('it to listen', () => readFileSync(join(folder, 'own', 'logs', 'slow.log'), 'utf8').includes('listens'));
  void own.stopAll();
  await own.stopAll();
  expect(readdirSync(join(folder, 'own', 'pids'))).toEqual([]);
});
