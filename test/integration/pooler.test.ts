/** Everything through PgBouncer in transaction mode, where the next statement may be another session's. */
import { inject, afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openConnection } from '../../db/client.ts';
import { listUsage } from '../../db/queries/usage.ts';
import { person, reach } from '../../dev/walkthrough/guide.ts';
import { until } from '../../dev/until.ts';
import { createTestDatabase } from '../kit/database.ts';
import { findPgbouncer, startPgbouncer, type Pooler } from '../kit/pgbouncer.ts';
import { createPushing, postCount, pushEnv } from '../kit/push.ts';
import { startSystem, type System } from '../kit/system.ts';
import { createService } from '../kit/vendorApi.ts';

const program = findPgbouncer();
if (!program)
  process.stderr.write('NOT TRIED: a transaction pooler. PgBouncer is not here (apt-get install pgbouncer).\n');

describe.skipIf(!program)('with PgBouncer in transaction mode', () => {
  let pooler: Pooler;
  let system: System;

  beforeAll(async () => {
    pooler = await startPgbouncer(program ?? '', inject('postgresUrl'));
    const database = await createTestDatabase();
    system = await startSystem({
      database,
      env: { ...pushEnv, DATABASE_URL: pooler.through(database.url), VENDOR_API_RATE_PER_SECOND: '100000' },
    });
  });
  afterAll(async () => {
    await system?.close();
    await pooler?.stop();
  });

  test('it is a pooler: a named statement does not last', async () => {
    // More than the pooler has connections, so that some of them share one.
    const clients = await Promise.all(
      Array.from({ length: 8 }, () => openConnection(pooler.through(system.database.url))),
    );
    const ask = { name: 'named', text: 'select pg_sleep($1)', values: [0.02] };
    const asked = await Promise.allSettled(
      clients.map(async (client) => {
        for (let time = 0; time < 10; time++) await client.query(ask);
      }),
    );
    expect(asked.some(({ status }) => status === 'rejected')).toBe(true);
    for (const client of clients) await client.end();
  });

  test('an integration is connected, 200 counts posted at once are all kept, and the sync shows each', async () => {
    const { id, key, psaConnectionId, console } = await createPushing(system);
    await console.enable(key);
    await reach(system, id, 'linkCustomers');
    await console.link((await console.customers()).map((customer) => customer.id));
    await person.mapAccounts(system, id);
    await person.mapServices(system, id, psaConnectionId);
    await person.finish(system, id);
    const accounts = await system.api.all<{ id: string }>(`/v1/integrations/${id}/accounts`);
    await createService(system.api.url, key, 'Bracket Bundle');
    const services = ['CloudFilter', 'CloudMail', 'SafeSend', 'XtraMail', 'SecureStore', 'Bracket', 'BracketBundle'];
    const pairs = services.flatMap((service) => accounts.map((account) => ({ service, accountId: account.id })));
    const counts = pairs.slice(0, 200).map((pair, n) => ({ ...pair, unitCount: n }));
    expect(counts).toHaveLength(200);
    const answers = await Promise.all(counts.map((count) => postCount(system, key, count)));
    // 404 = not mapped, and kept.
    expect(answers.map(({ status }) => status).filter((status) => status !== 201 && status !== 404)).toEqual([]);
    const shown = await until('the counts to be shown', async () => {
      const usage = await listUsage(system.database.db, id);
      const of = new Map(usage.map((row) => [`${row.vendorAccountId} ${row.serviceId}`, row.quantity]));
      const quantities = counts.map((count) => of.get(`${count.accountId} ${count.service}`));
      return quantities.every((quantity, n) => quantity === n) ? quantities : undefined;
    });
    expect(shown).toHaveLength(200);
    expect(system.logs()).not.toMatch(/prepared statement/);
  });

  test('migrate goes past it, with DIRECT_DATABASE_URL', async () => {
    const server = new URL(inject('postgresUrl'));
    const admin = await openConnection(server.href);
    const name = `test_direct_${process.pid}`;
    await admin.query(`create database ${name} template template0`);
    try {
      server.pathname = `/${name}`;
      const direct = { DATABASE_URL: pooler.through(server.href), DIRECT_DATABASE_URL: server.href };
      // Two at once, as on two machines: they queue on the lock of a session.
      const migrated = await Promise.all([1, 2].map(() => system.run('cli/migrate.js', direct)));
      expect(migrated).toEqual(
        migrated.map(() => ({ code: 0, said: expect.stringContaining('up to date') as string })),
      );
      const client = await openConnection(server.href);
      const { rows } = await client.query('select 1 from pushed_count');
      expect(rows).toEqual([]);
      await client.end();
    } finally {
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    }
  });
});
