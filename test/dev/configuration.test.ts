import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { environmentVariables, readEnvironment } from '../../environment.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const good = {
  DATABASE_URL: 'postgres://countersign:hunter2@127.0.0.1/countersign',
  ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
};

/** The rows of the table below a heading, without its two lines of head. */
function documented(heading: string): string[][] {
  const text = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
  const section = text.split('\n## ').find((part) => part.startsWith(heading));
  if (section === undefined) throw new Error(`docs/configuration.md has no section "${heading}".`);
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** Names that files of a folder read from the environment by themselves. */
function readDirectly(folder: string): { file: string; name: string }[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => /\.tsx?$/.test(file))
    .flatMap((file) =>
      [...readFileSync(join(root, folder, file), 'utf8').matchAll(/process\.env\b(?:\.(\w+)|\['(\w+)'\])/g)].map(
        ([, property, index]) => ({ file, name: property ?? index ?? '' }),
      ),
    );
}

test('the table in the docs has every variable with the default and the meaning it has in the code, and no other', () => {
  const rows = Object.entries(environmentVariables).map(([name, variable]) => [
    `\`${name}\``,
    variable.required ? 'required' : variable.default === undefined ? 'none' : `\`${variable.default}\``,
    variable.meaning,
  ]);
  expect(documented('The processes')).toEqual(rows);
});

test('every variable says what it means', () => {
  expect(Object.entries(environmentVariables).filter(([, { meaning }]) => meaning === '')).toEqual([]);
});

test('what the development stack reads from the environment is what its table in the docs lists', () => {
  const read = new Set(readDirectly('dev').map(({ name }) => `\`${name}\``));
  expect(
    documented('The development stack')
      .map(([name]) => name)
      .toSorted(),
  ).toEqual([...read].toSorted());
});

test('production commands read no variable that is not in the first table', () => {
  const known = Object.keys(environmentVariables);
  const read = readDirectly('cli');
  expect(read).not.toEqual([]);
  expect(read.filter(({ name }) => !known.includes(name))).toEqual([]);
});

test('the processes read the environment through the table only', () => {
  const folders = ['activities', 'api', 'connectors', 'db', 'domain', 'simulators', 'temporal', 'worker', 'workflows'];
  expect(folders.flatMap(readDirectly)).toEqual([]);
});

test('the defaults are enough for everything but where the database is and what encrypts', () => {
  const required = Object.entries(environmentVariables).filter(([, variable]) => variable.required);
  expect(required.map(([name]) => name)).toEqual(['DATABASE_URL', 'ENCRYPTION_KEYS']);
  expect(readEnvironment(good)).toMatchObject({ ...good, API_PORT: 8080, ALLOW_PRIVATE_HOSTS: false });
});

test('an empty value counts as unset', () => {
  expect(readEnvironment({ ...good, API_PORT: '', MAILPROTECTOR_URL: '' })).toEqual(readEnvironment(good));
  expect(() => readEnvironment({ ...good, DATABASE_URL: '' })).toThrow(/DATABASE_URL is not set/);
});

test('every variable that is missing or wrong is named with its meaning, and no value is repeated', () => {
  const wrong = {
    DATABASE_URL: 'mysql://root:hunter2@db/secret',
    API_PORT: '70000',
    LOG_LEVEL: 'hunter2',
    ALLOW_PRIVATE_HOSTS: 'hunter2',
    CALLS_PER_SECOND: 'hunter2',
  };
  let message = '';
  try {
    readEnvironment(wrong);
  } catch (error) {
    message = String(error);
  }
  for (const name of Object.keys(wrong)) expect(message).toContain(`${name} has a value that does not fit`);
  expect(message).toContain(`ENCRYPTION_KEYS is not set: ${environmentVariables['ENCRYPTION_KEYS']?.meaning}`);
  expect(message).not.toMatch(/hunter2|mysql|70000/);
});

test.each([
  ['no id', Buffer.alloc(32).toString('base64')],
  ['a key that is too short', `k1:${Buffer.alloc(16).toString('base64')}`],
  ['a key that is too long', `k1:${Buffer.alloc(48).toString('base64')}`],
  ['a comma at the end', `k1:${Buffer.alloc(32).toString('base64')},`],
])('encryption keys with %s are refused', (_what, keys) => {
  expect(() => readEnvironment({ ...good, ENCRYPTION_KEYS: keys })).toThrow(/ENCRYPTION_KEYS has a value/);
});

test('several encryption keys are taken, the newest first', () => {
  const keys = [1, 2].map((n) => `2026-${n}:${Buffer.alloc(32, n).toString('base64')}`).join(',');
  expect(readEnvironment({ ...good, ENCRYPTION_KEYS: keys }).ENCRYPTION_KEYS).toBe(keys);
});
