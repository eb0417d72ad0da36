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
