/** A refresh reads for minutes, and a write may be done meanwhile: what it left in the PSA is newer than what was read before. */
import { randomUUID } from 'node:crypto';
import { and, eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyPsaRows, setLineQuantity } from '../../db/queries/psa.ts';
import { agreementLine, psaRefresh } from '../../db/schema/index.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { freshCard } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

/** Begins a refresh, and has it read everything as it is now. */
async function readEverything(psaConnectionId: string): Promise<string> {
  const id = randomUUID();
  await harness.db.insert(psaRefresh).values({ id, psaConnectionId });
  for (const entity of ['psa_account', 'psa_product', 'psa_board', 'agreement', 'agreement_line'])
    await harness.db.execute(sql`
      insert into staging_row (run_id, entity, id, data)
      select ${id}::uuid, ${entity}, t.id, to_jsonb(t) from ${sql.raw(entity)} t
       where t.psa_connection_id = ${psaConnectionId}`);
  return id;
}

test('a refresh that read a line before it was written leaves what was written; the next one shows what it reads', async () => {
  const { db, one } = harness;
  const { psaConnectionId } = one;
  const { write } = await freshCard(one);
  const { lineId, quantity, version } = write.line;
  const shown = async () => {
    const ofLine = and(eq(agreementLine.psaConnectionId, psaConnectionId), eq(agreementLine.id, lineId));
    const [line] = await db.select().from(agreementLine).where(ofLine);
    return { quantity: line?.quantity, version: line?.version };
  };
  const apply = (id: string) => db.transaction((tx) => applyPsaRows(tx, psaConnectionId, id));

  const early = await readEverything(psaConnectionId);
  const written = { quantity: write.newQuantity, version: 'written' };
  await setLineQuantity(db, psaConnectionId, { id: lineId, ...written });
  await apply(early);
  expect(await shown()).toEqual(written);

  const late = await readEverything(psaConnectionId);
  const another = JSON.stringify({ quantity, version });
  await db.execute(sql`
    update staging_row set data = data || ${another}::jsonb
     where run_id = ${late}::uuid and entity = 'agreement_line' and id = ${lineId}`);
  await apply(late);
  expect(await shown()).toEqual({ quantity, version });
});
