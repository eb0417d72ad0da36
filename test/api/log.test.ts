/** What a failing statement leaves in a log: what failed and where, and nothing of the customer it was about. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createLogger } from '../../logger.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';

const customer = 'Kowalski & Daughters';
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.close());

/** What the programs' logger writes of an error. */
function logged(error: unknown): string {
  const lines: string[] = [];
  const logger = createLogger('test', 'info', { write: (line) => void lines.push(line) });
  logger.child({ connection: 'c' }).error({ err: error }, 'activity failed unexpectedly');
  logger.error(error);
  return lines.join('');
}

test.each([
  ['a value that no text may hold', sql`select ${`${customer}\0`}::text`, '22021'],
  ['a date that is none', sql`select ${customer}::date`, '22007'],
  ['a JSON that is none', sql`select ${`{"name": ${customer}}`}::jsonb`, '22P02'],
  ['the same row twice', sql`insert into person_twice values (${customer})`, '23505'],
  ['a row that fits no check', sql`insert into person_checked values (${customer})`, '23514'],
])('%s: what failed is said, the customer is not', async (_what, statement, code) => {
  await database.db.execute(sql`create table if not exists person_twice (name text primary key)`);
  await database.db.execute(sql`insert into person_twice values (${customer}) on conflict do nothing`);
  await database.db.execute(sql`create table if not exists person_checked (name text check (name = 'nobody'))`);
  const error: unknown = await database.db.execute(statement).catch((thrown: unknown) => thrown);
  expect(String(error)).toContain(customer);
  const text = logged(new Error('It failed.', { cause: error }));
  expect(text).not.toContain(customer);
  expect(text).not.toContain('Kowalski');
  expect(text).toContain(code);
  expect(text).toContain('A statement failed.');
  // Where it happened.
  expect(text).toMatch(/ at .*(log\.test|pg-core)/);
});

test('an error of the outside world is said by its code, and an ordinary one in its own words', async () => {
  expect(logged(new TypeError('x is not a function'))).toContain('x is not a function');
  expect(logged(new AggregateError([new Error('one'), new Error('two')], 'both'))).toMatch(/both.*one.*two/);
});

test('a program that ends with such an error does not print it either', async () => {
  const broken = await createTestDatabase();
  try {
    await broken.db.execute(sql`create function refuse() returns trigger language plpgsql as
      $$ begin raise exception using errcode = '23514', message = 'no', detail = new.name; end $$`);
    await broken.db.execute(
      sql`create trigger refuse before insert on organization for each row execute function refuse()`,
    );
    const args = [join(inject('built'), 'cli/admin.js'), 'init', '--organization', customer];
    const env = { ...process.env, DATABASE_URL: broken.url };
    const ended: unknown = await promisify(execFile)(process.execPath, args, { env }).catch(
      (thrown: unknown) => thrown,
    );
    const { stderr, code } = ended as { stderr: string; code: number };
    expect(code).toBe(1);
    expect(stderr).toContain('A statement failed.');
    expect(stderr).not.toContain('Kowalski');
  } finally {
    await broken.close();
  }
});
