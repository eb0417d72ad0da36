/** What may be said after `npm start --`. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { credentialLines } from '../../dev/stack/credentials.ts';
import { helpText, readOptions } from '../../dev/stack/options.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs `npm start -- …` without npm; nothing is started by what these tests say. */
function start(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--import', 'tsx', 'dev/stack/start.ts', ...args],
      { cwd: root },
      (_error, out, err) => resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

test('--help says every option and starts nothing; an option that there is not is said, with the help, and exits 2', async () => {
  const [help, unknown] = await Promise.all([start('--help'), start('--halp')]);
  expect(help).toMatchObject({ code: 0, out: `${helpText()}\n`, err: '' });
  expect(unknown).toMatchObject({ code: 2, out: '' });
  expect(unknown.err).toBe(`There is no option --halp.\n\n${helpText()}\n`);
  const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> };
  expect(scripts['start']).toContain('dev/stack/start.ts');
});

test('each option is read, and said in the README or the configuration', () => {
  expect(readOptions([])).toEqual({
    exit: false,
    report: undefined,
    demo: true,
    unconnected: false,
    customers: 40,
    seed: 7,
    psa: 'connectwise',
    state: '.countersign',
    reset: false,
  });
  expect(readOptions(['--unconnected', '--customers', '12', '--seed=3', '--state', 'here', '--reset'])).toMatchObject({
    unconnected: true,
    customers: 12,
    seed: 3,
    state: 'here',
    reset: true,
  });
  expect(readOptions(['-h', '--exit'])).toBe('help');
  const docs = readFileSync(`${root}docs/configuration.md`, 'utf8');
  for (const [, name] of helpText().matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)) expect(docs).toContain(`\`--${name}`);
});

test.each([
  [['reset'], '"reset" is no option: every option begins with --.'],
  [['--customers', 'many'], '--customers needs a whole number, and "many" is none.'],
  [['--report'], '--report needs a value: FILE.'],
  [['--reset=yes'], '--reset takes no value.'],
  [['--unconnected', '--exit'], '--unconnected checks nothing, so it goes with neither --exit nor --report.'],
  [
    ['--unconnected', '--no-demo'],
    '--unconnected is about the simulators, and --no-demo starts none. Choose one of the two.',
  ],
])('%j is refused with a sentence', (args, words) => {
  expect(() => readOptions(args)).toThrow(words);
});

test('what to type is called as the console calls it', () => {
  const lines = credentialLines(
    { mailprotector: 'http://127.0.0.1:8401', connectwise: 'http://127.0.0.1:8402' },
    'connectwise',
  );
  const field = (label: string) =>
    lines
      .find((line) => line.startsWith(`  ${label} `))
      ?.slice(2 + label.length)
      .trim();
  expect(field('Site')).toBe('http://127.0.0.1:8402');
  for (const label of ['Company ID', 'Public Key', 'Private Key', 'Reseller id', 'API key', 'Password'])
    expect(field(label)).toBeTruthy();
});
