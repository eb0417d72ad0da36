/** `npm run doctor` and its like without a build, with the settings of a stack that `npm start` has noted. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Refusal } from '../../commands/refusal.ts';
import { errorText } from '../../logger.ts';
import { UsageError } from '../../usageError.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const noted = {
  DATABASE_URL: 'postgres://countersign:hunter2@127.0.0.1:1/noted',
  ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
  TEMPORAL_ADDRESS: '127.0.0.1:1',
  API_PORT: '8123',
};
let state: string;
beforeAll(() => {
  state = mkdtempSync(join(tmpdir(), 'countersign-ours-'));
  writeFileSync(join(state, 'environment.json'), JSON.stringify(noted));
});
afterAll(() => rmSync(state, { recursive: true, force: true }));

/** Runs a program as its npm script does. @param env what the shell has set */
function ours(args: string[], env: Record<string, string>): Promise<string> {
  const { PATH = '' } = process.env;
  return new Promise((resolve) => {
    execFile(process.execPath, ['dev/ours.js', ...args], { cwd: root, env: { PATH, ...env } }, (_error, out, err) =>
      resolve(out + err),
    );
  });
}

test('a program runs with the settings of the stack, from the sources; a shell that names another database has its own', async () => {
  const [here, elsewhere, nowhere] = await Promise.all([
    ours(['cli/doctor', '--state', state], { TEMPORAL_ADDRESS: '127.0.0.1:2' }),
    ours(['cli/doctor', '--state', state], { DATABASE_URL: 'postgres://other@127.0.0.1:1/other' }),
    ours(['cli/doctor', '--state', join(state, 'not-there')], {}),
  ]);
  expect(here).toContain(`With the stack of npm start in ${state}.`);
  expect(here).toContain('✓ configuration');
  expect(here).toContain('127.0.0.1:1');
  for (const other of [elsewhere, nowhere]) {
    expect(other).not.toContain('With the stack');
    expect(other).toContain('ENCRYPTION_KEYS is not set');
  }
  expect(nowhere).toContain('DATABASE_URL is not set');
});

test('what a person did wrong is said in a sentence; of any other error the place in the code is said, too', () => {
  const stranger = new Refusal('unknown', 'not-found', 'nobody@example.com is no member. Invite that person.');
  expect(errorText(stranger)).toBe('nobody@example.com is no member. Invite that person.');
  expect(errorText(new UsageError('Give the e-mail.'))).toBe('Give the e-mail.');
  expect(errorText(new TypeError('broken'))).toMatch(/^TypeError: broken\n\s+at /);
});

test("further arguments are the program's own", async () => {
  const refused = await ours(['cli/admin', '--state', state, 'invite', '--email', 'nobody'], {});
  expect(refused).toContain('Give the e-mail');
  expect(refused).not.toMatch(/^\s+at /m);
  expect(await ours(['cli/admin', 'key'], {})).toMatch(/"key":"k\w+:/);
});
