/** How it is known that the database is away: by what its own connections say, and by nothing else. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isDatabaseAway, openDatabase } from '../../db/client.ts';
import { until } from '../../dev/until.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.close());

/** The database behind a server that can break its connections. */
async function breakable() {
  const { hostname, port, href } = new URL(database.url);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const other = connect(Number(port), hostname);
    sockets.add(socket);
    for (const each of [socket, other]) each.on('error', () => undefined);
    socket.on('close', () => other.destroy());
    socket.pipe(other).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(href);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { db, close } = openDatabase(url.href, 2);
  return { db, sockets, close: async () => void (await close(), server.close()) };
}

test.each([
  ['is reset', (socket: Socket): unknown => socket.resetAndDestroy()],
  ['is closed', (socket: Socket): unknown => socket.destroy()],
] as const)(
  'a connection that %s in the middle of a statement: the database is away, in a transaction or not',
  async (how, cut) => {
    const { db, sockets, close } = await breakable();
    // A text of its own: PostgreSQL goes on with what a lost connection had asked.
    const text = `select pg_sleep(30), 'its connection ${how}'`;
    const slow = sql.raw(text);
    const asked = Promise.allSettled([db.execute(slow), db.transaction((tx) => tx.execute(slow))]);
    const underWay = sql`select count(*)::int as n from pg_stat_activity
    where datname = current_database() and query = ${text} and state = 'active'`;
    await until('both to be under way', async (): Promise<boolean> => {
      const { rows } = await database.db.execute<{ n: number }>(underWay);
      return rows[0]?.n === 2;
    });
    for (const socket of sockets) cut(socket);
    const answers = await asked;
    expect(answers.map((answer) => answer.status === 'rejected' && isDatabaseAway(answer.reason))).toEqual([
      true,
      true,
    ]);
    // The pool has lost no place, and what PostgreSQL itself refuses is no sign that it is away.
    const refused = await Promise.allSettled(Array.from({ length: 4 }, () => db.execute(sql`select 1 / 0`)));
    expect(refused.map((answer) => answer.status === 'rejected' && isDatabaseAway(answer.reason))).toEqual([false, false, false, false]); // prettier-ignore
    expect((await db.execute<{ n: number }>(sql`select 1 as n`)).rows).toEqual([{ n: 1 }]);
    await close();
  },
);
