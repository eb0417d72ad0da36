import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openConnection, openDatabase } from '../../db/client.ts';
import { freePort } from '../../dev/stack/ports.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

let away: ApiHarness;
let empty: ApiHarness;
const closing: (() => Promise<void>)[] = [];
beforeAll(async () => {
  const nowhere = openDatabase(`postgres://nobody@127.0.0.1:${await freePort(0)}/none`, 2);
  away = await startApi({ db: nowhere.db });
  const name = `empty_${randomUUID().replaceAll('-', '')}`;
  const admin = await openConnection(inject('postgresUrl'));
  await admin.query(`create database ${name} template template0`);
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${name}`;
  const unmigrated = openDatabase(url.href, 2);
  empty = await startApi({ db: unmigrated.db });
  closing.push(nowhere.close, unmigrated.close, async () => {
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  });
});
afterAll(async () => {
  await away?.close();
  await empty?.close();
  for (const close of closing) await close();
});

test('/readyz with the database away is 503, and says so; /healthz still answers', async () => {
  const response = await fetch(`${away.url}/readyz`);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({
    ready: false,
    database: 'away',
    words: 'The database does not answer, so nothing can be accepted.',
  });
  expect((await fetch(`${away.url}/healthz`)).status).toBe(200);
});

test('/readyz with a database that was not migrated is 503, and says what to run', async () => {
  const response = await fetch(`${empty.url}/readyz`);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({
    ready: false,
    database: 'not migrated',
    words: expect.stringContaining('run migrate'),
  });
});

test('a request while the database is away is a problem that tells nothing of the inside', async () => {
  const problem = await away.admin.problem(503, 'database-unavailable', 'GET', '/v1/cards');
  expect(JSON.stringify(problem)).not.toMatch(/ECONNREFUSED|postgres|127\.0\.0\.1/);
  expect(away.logs.join('\n')).toContain(problem.instance);
});

test('an address that is no route is a problem too', async () => {
  expect(await empty.as('').call('GET', '/nothing')).toMatchObject({ status: 404, body: { code: 'no-route' } });
  expect(await empty.as('').call('POST', '/healthz')).toMatchObject({ status: 404, body: { code: 'no-route' } });
});

test('a request id is taken from the caller if it is one, else made', async () => {
  const ask = (id: string) => fetch(`${empty.url}/nothing`, { headers: { 'x-request-id': id } });
  expect((await ask('trace-1.a_b')).headers.get('x-request-id')).toBe('trace-1.a_b');
  for (const bad of ['with space', 'x'.repeat(65), '<script>'])
    expect((await ask(bad)).headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
});
