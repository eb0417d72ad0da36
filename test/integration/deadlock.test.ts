import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { transactAgain } from '../../db/client.ts';
import { insertOrganization } from '../../db/queries/organization.ts';
import { organization } from '../../db/schema/index.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';

let database: TestDatabase;
let ids: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  ids = [await insertOrganization(database.db, 'A'), await insertOrganization(database.db, 'B')];
});
afterAll(() => database?.close());

test('of two transactions that wait for each other PostgreSQL ends one, which is run again: both changes are made', async () => {
  const { db } = database;
  let runs = 0;
  let holding = 0;
  let bothHold: () => void;
  /** Both hold their first row before either asks for its second one. */
  const untilBothHold = new Promise<void>((resolve) => (bothHold = resolve));
  const change = (inOrder: string[]) =>
    transactAgain(db, async (tx) => {
      runs++;
      for (const id of inOrder) {
        await tx
          .update(organization)
          .set({ name: sql`${organization.name} || '+'` })
          .where(eq(organization.id, id));
        if (++holding === 2) bothHold();
        await untilBothHold;
      }
    });
  await Promise.all([change(ids), change(ids.toReversed())]);
  expect(runs).toBeGreaterThan(2);
  expect((await db.select({ name: organization.name }).from(organization)).map(({ name }) => name).toSorted()).toEqual([
    'A++',
    'B++',
  ]);
});

test('a transaction that fails otherwise is not run again', async () => {
  let runs = 0;
  const failing = transactAgain(database.db, async (tx) => {
    runs++;
    await tx.execute(sql`select 1 / 0`);
  });
  await expect(failing).rejects.toThrow('select 1 / 0');
  expect(runs).toBe(1);
});
