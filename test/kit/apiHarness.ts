/** Serves the API over real HTTP on a real database; only `wake` is a stand-in, which records who is woken. */
import type { Wakeable } from '../../domain/process/ids.ts';
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect } from 'vitest';
import { createApp } from '../../api/app.ts';
import type { Database } from '../../db/client.ts';
import { createEncryption } from '../../db/encryption.ts';
import { readEnvironment, type Environment } from '../../environment.ts';
import type { TemporalState } from '../../temporal/client.ts';
import { createApiClient, type ApiAnswer } from '../../dev/walkthrough/apiClient.ts';
import { findRoute, misfits, withDefinitions, type Contract } from './apiContract.ts';
import { seedTenant, type Tenant } from './apiTenant.ts';
import { createTestDatabase } from './database.ts';

export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  instance: string;
  errors?: { field: string; message: string }[];
}

/** A caller of the API; every answer that it gets is checked against the contract. */
export interface Caller {
  call<T>(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer<T>>;
  /** Calls, expects a status below 300, and returns the body. */
  good<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Reads a vendor account or a service (`thing` is its address), and decides about the version that was read. */
  decide<T>(method: 'PUT' | 'DELETE', thing: string, what: string, body?: unknown): Promise<T>;
  /** Calls, expects a problem with this status and code, and returns it. */
  problem(status: number, code: string, method: string, path: string, body?: unknown): Promise<ProblemBody>;
}

export interface ApiHarness {
  url: string;
  db: Database;
  environment: Environment;
  contract: Contract;
  one: Tenant;
  other: Tenant;
  /** The first tenant's admin. */
  admin: Caller;
  as: (token: string) => Caller;
  /** The processes that were woken, in order. */
  wakes: Wakeable[];
  /** Set `state` to make Temporal, or every worker, seem away. */
  temporal: { state: TemporalState };
  logs: string[];
  /** Every row of every table, as text, to show that a request changed nothing. */
  dump: () => Promise<Record<string, string[]>>;
  /** Counts the rows that were changed since the first count, by table: quicker than `dump` where little is to be compared often. */
  changes: () => Promise<Record<string, number>>;
  /** Runs `body` while every insert into the audit fails, or while every commit of a change of another table fails. */
  failing: <T>(what: 'audit' | 'commit', body: () => Promise<T>) => Promise<T>;
  close(): Promise<void>;
}

export interface ApiHarnessOptions {
  env?: Record<string, string>;
  /** Another database for the API, such as one that is away. */
  db?: Database;
  /** Aborted when the process is about to end. */
  stopping?: AbortSignal;
}

export async function startApi(options: ApiHarnessOptions = {}): Promise<ApiHarness> {
  const database = await createTestDatabase();
  const environment = readEnvironment({
    DATABASE_URL: database.url,
    ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    CONNECTWISE_CLIENT_ID: 'a-client-id',
    API_RATE_PER_SECOND: '100000',
    ...options.env,
  });
  const encryption = createEncryption(environment.ENCRYPTION_KEYS);
  const wakes: Wakeable[] = [];
  const logs: string[] = [];
  const temporal: ApiHarness['temporal'] = { state: 'ready' };
  const app = createApp({
    db: options.db ?? database.db,
    encryption,
    environment,
    logger: pino({ level: 'debug' }, { write: (line: string) => void logs.push(line) }),
    wake: async (process) => void wakes.push(process),
    temporalState: async () => temporal.state,
    metrics: new Registry(),
    ...(options.stopping ? { stopping: options.stopping } : {}),
  });
  const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
    // As api/main keeps them: a connection that is closed while a test works is one that its next request still takes.
    const serverOptions = { keepAliveTimeout: 75_000 };
    const starting = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0, serverOptions }, () =>
      resolve(starting),
    );
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [one, other] = await Promise.all([
    seedTenant(database.db, encryption, 'one'),
    seedTenant(database.db, encryption, 'other'),
  ]);
  const contract = withDefinitions(await (await fetch(`${url}/openapi.json`)).text());

  const as = (token: string): Caller => {
    const client = createApiClient(url, token);
    const caller: Caller = {
      async call<T>(method: string, path: string, body?: unknown, headers?: Record<string, string>) {
        const answer = await client.call<T>(method, path, body, headers);
        checkAnswer(contract, method, path, answer);
        return answer;
      },
      async good<T>(method: string, path: string, body?: unknown) {
        const answer = await caller.call<T>(method, path, body);
        expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
        return answer.body;
      },
      async decide(method, thing, what, body) {
        const { version } = await caller.good<{ version: string }>('GET', thing);
        return caller.good(method, `${thing}/${what}?seen=${version}`, body);
      },
      async problem(status, code, method, path, body) {
        const answer = await caller.call<ProblemBody>(method, path, body);
        expect(
          { status: answer.status, code: answer.body.code },
          `${method} ${path}: ${JSON.stringify(answer.body)}`,
        ).toEqual({ status, code });
        return answer.body;
      },
    };
    return caller;
  };

  return {
    url,
    db: database.db,
    environment,
    contract,
    one,
    other,
    admin: as(one.tokens.admin),
    as,
    wakes,
    temporal,
    logs,
    dump: () => dump(database.db),
    changes: () => changes(database.db),
    failing: (what, body) => failing(database.db, what, body),
    async close() {
      await new Promise((resolve) => {
        server.close(resolve);
        if ('closeAllConnections' in server) server.closeAllConnections();
      });
      await database.close();
    },
  };
}

/** Checks that a problem document is complete and its code declared, and that a good answer fits the schema of its operation. */
function checkAnswer(contract: Contract, method: string, path: string, answer: ApiAnswer<unknown>): void {
  const where = `${method} ${path} → ${answer.status} ${JSON.stringify(answer.body).slice(0, 500)}`;
  const requestId = answer.headers.get('x-request-id');
  expect(requestId, where).toMatch(/^[\w.-]{1,64}$/);
  const route = findRoute(contract, method, path);
  const declared = route?.operation.responses[answer.status];
  const content = declared?.content ?? { 'application/json': {} };
  const media = answer.status < 300 ? (Object.keys(content)[0] ?? '') : 'application/problem+json';
  expect(answer.headers.get('content-type'), where).toContain(media);
  if (answer.status >= 300) {
    const body = answer.body as ProblemBody;
    expect(body, where).toMatchObject({ status: answer.status, instance: requestId, type: 'about:blank' });
    expect(body.code, where).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(body.detail.length, where).toBeGreaterThan(10);
    if (route) expect(declared?.['x-codes'], `${where} is not declared by its route`).toContain(body.code);
  }
  const schema = declared?.content?.[media]?.schema;
  if (route) expect(schema, `${where} is not in the contract`).toBeDefined();
  if (!schema) return;
  const events = [...String(answer.body).matchAll(/^data: (.+)$/gm)].map(([, data = '']): unknown => JSON.parse(data));
  const bodies = media === 'text/event-stream' ? events : [answer.body];
  expect(bodies, where).not.toEqual([]);
  for (const body of bodies) expect(misfits(contract, schema, body), where).toEqual([]);
}

async function tablesOf(db: Database): Promise<string[]> {
  const { rows } = await db.execute<{ name: string }>(
    sql`select tablename as name from pg_tables where schemaname = 'public' order by 1`,
  );
  return rows.map((row) => row.name);
}

async function dump(db: Database): Promise<Record<string, string[]>> {
  // When a token was last used is left out, because every request changes it.
  const each = (await tablesOf(db)).map(
    (name) =>
      sql`select ${name}::text as name, (to_jsonb(t) - 'last_used_at')::text as row from ${sql.identifier(name)} t`,
  );
  const { rows: found } = await db.execute<{ name: string; row: string }>(
    sql`${sql.join(each, sql` union all `)} order by 1, 2`,
  );
  const rows: Record<string, string[]> = {};
  for (const { name, row } of found) (rows[name] ??= []).push(row);
  return rows;
}

async function changes(db: Database): Promise<Record<string, number>> {
  if (await isNew(db, 'changes')) {
    await db.execute(sql`create table testing.changes (name text)`);
    await db.execute(sql`
      create function testing.note() returns trigger language plpgsql as $$ begin
        if to_jsonb(old) - 'last_used_at' is distinct from to_jsonb(new) - 'last_used_at' then
          insert into testing.changes values (tg_table_name);
        end if;
        return null;
      end $$`);
    for (const table of await tablesOf(db))
      await db.execute(sql`
        create trigger note after insert or update or delete on ${sql.identifier(table)}
        for each row execute function testing.note()`);
  }
  const { rows } = await db.execute<{ name: string; n: number }>(
    sql`select name, count(*)::int as n from testing.changes group by name`,
  );
  return Object.fromEntries(rows.map(({ name, n }) => [name, n]));
}

/** Whether a table is not yet in the schema that `dump` does not read. */
async function isNew(db: Database, table: string): Promise<boolean> {
  await db.execute(sql`create schema if not exists testing`);
  const { rows } = await db.execute<{ there: boolean }>(
    sql`select to_regclass(${`testing.${table}`}) is not null as there`,
  );
  return rows[0]?.there === false;
}

/** The triggers are created once, and switched on by a row in a schema that `dump` does not read. */
async function failing<T>(db: Database, what: 'audit' | 'commit', body: () => Promise<T>): Promise<T> {
  await prepareFailing(db);
  await db.execute(sql`insert into testing.switch values (${what})`);
  try {
    return await body();
  } finally {
    await db.execute(sql`delete from testing.switch`);
  }
}

async function prepareFailing(db: Database): Promise<void> {
  if (!(await isNew(db, 'switch'))) return;
  await db.execute(sql`create table testing.switch (what text)`);
  await db.execute(sql`
    create function testing.refuse() returns trigger language plpgsql as $$ begin
      if exists (select from testing.switch where what = tg_argv[0]) then raise exception 'not today'; end if;
      return new;
    end $$`);
  for (const table of await tablesOf(db)) {
    if (table === 'audit')
      await db.execute(
        sql`create trigger refuse before insert on audit for each row execute function testing.refuse('audit')`,
      );
    else
      // Every request changes when its token was last used.
      await db.execute(sql`
        create constraint trigger refuse
        after insert or ${sql.raw(table === 'api_token' ? 'update of revoked_at' : 'update')} or delete on ${sql.identifier(table)}
        -- A deferred trigger runs when the transaction commits.
        deferrable initially deferred for each row execute function testing.refuse('commit')`);
  }
}
