import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isDatabaseAway, openDatabase, type Database } from '../../db/client.ts';
import { until } from '../../dev/until.ts';
import { startOwnStack, type OwnStack } from '../kit/ownStack.ts';

const size = 4;
let stack: OwnStack;
let db: Database;
let close: () => Promise<void>;

beforeAll(async () => {
  stack = await startOwnStack();
  const prepared = await stack.createDatabase();
  await prepared.db.execute(sql`create table written (attempt text, part int)`);
  await prepared.close();
  ({ db, close } = openDatabase(prepared.url, size));
}, 240_000);
afterAll(async () => {
  await close?.();
  await stack?.close();
});

/** Every connection of the pool in a transaction at the same moment: one that was lost for ever would be missing. */
async function everyConnection(): Promise<void> {
  let begun = 0;
  let allBegun = (): void => undefined;
  const all = new Promise<void>((resolve) => (allBegun = resolve));
  const transactions = Array.from({ length: size }, () =>
    db.transaction(async () => {
      if (++begun === size) allBegun();
      await all;
    }),
  );
  const late = delay(20_000).then(() => {
    throw new Error(`Only ${begun} of ${size} connections are left.`);
  });
  await Promise.race([Promise.all(transactions), late]);
}

test('PostgreSQL killed again and again under load: no caller waits for ever, no connection is lost, no transaction is half there', async () => {
  const over = new AbortController();
  let done = 0;
  const refused: unknown[] = [];
  const caller = async (n: number): Promise<void> => {
    for (let turn = 0; !over.signal.aborted; turn++) {
      const attempt = `${n} ${turn}`;
      try {
        if (n % 3 === 0) await db.execute(sql`select ${attempt}::text`);
        else
          await db.transaction(async (tx) => {
            await tx.execute(sql`insert into written values (${attempt}, 1)`);
            // Some die while nothing is asked of them.
            if (n % 3 === 1) await delay(turn % 20);
            await tx.execute(sql`insert into written values (${attempt}, 2)`);
          });
        done++;
      } catch (error) {
        refused.push(error);
        await delay(10);
      }
    }
  };
  const callers = Array.from({ length: 3 * size }, (_, n) => caller(n));
  for (let round = 0; round < 8; round++) {
    await delay(200 + 13 * round);
    await stack.kill('postgres');
    await delay(30);
    await stack.start('postgres');
    const before = done;
    await everyConnection();
    await until('the callers to go on', async () => done > before);
  }
  over.abort();
  await Promise.all(callers);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.filter((error) => !isDatabaseAway(error))).toEqual([]);
  const { rows } = await db.execute<{ n: number; half: number }>(sql`
    select count(*)::int as n, count(*) filter (where parts <> 2)::int as half
      from (select count(*) as parts from written group by attempt) attempts`);
  expect(rows[0]?.n).toBeGreaterThan(0);
  expect(rows[0]?.half).toBe(0);
}, 120_000);
