/** Random worlds of cards that change between being shown and being signed off: what is to be written is what was seen. */
import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { previewApproval, signOff } from '../../commands/approval.ts';
import { Refusal } from '../../commands/refusal.ts';
import type { Transaction } from '../../db/client.ts';
import { listApprovalLines } from '../../db/queries/approvals.ts';
import { listSkipped } from '../../db/queries/approvalSkipped.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

/** A card as far as signing off goes. */
interface Shown {
  line: number;
  from: number;
  to: number;
  date: string | null;
  bulk: boolean;
  dismissed: boolean;
}
const quantity = fc.constantFrom(0, 1, 7, 7.5, 0.1, 31.35, 1_000_000);
const shown = fc.record({
  // So few that two cards sometimes write one line.
  line: fc.integer({ min: 1, max: 12 }),
  from: quantity,
  to: quantity,
  date: fc.constantFrom('2099-01-01', '2099-02-01', null),
  bulk: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.constant(false)),
  dismissed: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true)),
});
const change = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  fc.record({ line: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ from: quantity }),
  fc.record({ to: quantity }),
  fc.record({ date: fc.constantFrom('2099-01-01', '2099-02-01', null) }),
  fc.record({ bulk: fc.boolean() }),
  fc.record({ dismissed: fc.boolean() }),
  fc.constant('gone' as const),
);

class Enough extends Error {}

test.each(['preview', 'cards'] as const)('whatever changes meanwhile, what is written was seen: by %s', async (by) => {
  const { one } = harness;
  const actor = { organizationId: one.organizationId, name: 'test' };
  const { psaConnectionId } = one;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(shown, change), { minLength: 1, maxLength: 12 }), async (world) => {
      const cards = world.map(([before, then], at) => ({
        id: randomUUID(),
        account: `fc-${String(at).padStart(2, '0')}`,
        before,
        after: then === 'gone' ? null : { ...before, ...then },
      }));
      // Nothing of a world is kept.
      const trial = harness.db.transaction(async (tx) => {
        await tx.execute(sql`delete from card where psa_connection_id = ${psaConnectionId}`);
        for (const card of cards) await put(tx, card.id, card.account, card.before);
        // In bulk what can be shown is shown; one by one a person sees every card.
        const asked = cards.filter(({ before }) => by === 'cards' || (before.bulk && !before.dismissed));
        const { preview } = await previewApproval(tx, actor, { psaConnectionId, filter: {} });
        for (const card of cards) await put(tx, card.id, card.account, card.after);
        const input =
          by === 'preview'
            ? { previewId: preview.id }
            : { cards: cards.map(({ id, before }) => ({ cardId: id, ...writeOf(before) })) };
        const { written, skipped } = await signed(() => signOff(tx, actor, input), tx);

        const lines = new Set<number>();
        const expected = asked.filter(({ before, after }) => {
          if (!after || (by === 'preview' && (!after.bulk || after.dismissed))) return false;
          const same = JSON.stringify(writeOf(before)) === JSON.stringify(writeOf(after));
          if (!same || lines.has(after.line)) return false;
          lines.add(after.line);
          return true;
        });
        expect(written).toEqual(expected.map(({ id, before }) => ({ cardId: id, ...writeOf(before) })));
        if (!skipped) return finish();
        const left = asked.filter((card) => !expected.includes(card));
        expect(skipped).toEqual(
          left.map(({ id, before, after }) => ({
            cardId: id,
            asked: writeOf(before),
            now: after ? writeOf(after) : null,
          })),
        );
        finish();
      });
      await expect(trial).rejects.toThrow(Enough);
    }),
    { numRuns: 60 },
  );
});

/** Rolls everything back. */
function finish(): never {
  throw new Enough();
}

const writeOf = ({ line, from, to, date }: Shown) => ({ lineId: `fc-line-${line}`, from, to, effectiveDate: date });

async function put(tx: Transaction, id: string, account: string, card: Shown | null): Promise<void> {
  await tx.execute(sql`delete from card where id = ${id}`);
  if (!card) return;
  const { lineId, from, to, effectiveDate } = writeOf(card);
  const line = {
    lineId,
    agreementId: 'fc-agreement',
    quantity: from,
    version: '1',
    asOf: effectiveDate ?? '2099-03-01',
    asOfKnown: effectiveDate !== null,
  };
  const detail = { flags: [], money: [], write: { line, newQuantity: to } };
  await tx.execute(sql`
    insert into card (id, organization_id, psa_connection_id, psa_account_id, psa_product_id, kind, flags, current, approvable,
                      bulk_approvable, dismissed, detail)
    values (${id}, ${harness.one.organizationId}, ${harness.one.psaConnectionId}, ${account}, 'fc-product', 'reconcile', '{}',
            ${from}, true, ${card.bulk}, ${card.dismissed}, ${JSON.stringify(detail)}::jsonb)`);
}

/** What was stored; of a refusal nothing was. */
async function signed(command: () => ReturnType<typeof signOff>, tx: Transaction) {
  try {
    const { batch } = await command();
    const lines = await listApprovalLines(tx, batch.id, { limit: 100 });
    const skipped = await listSkipped(tx, batch.id, { limit: 100 });
    return {
      written: lines.map((line) => ({
        cardId: line.cardId,
        lineId: line.lineId,
        from: line.from,
        to: line.to,
        effectiveDate: line.nextInvoiceDate,
      })),
      skipped: skipped.map((row) => ({
        cardId: row.cardId,
        asked: { lineId: row.askedLineId, from: row.askedFrom, to: row.askedTo, effectiveDate: row.askedDate },
        now:
          row.nowLineId === null
            ? null
            : { lineId: row.nowLineId, from: row.nowFrom, to: row.nowTo, effectiveDate: row.nowDate },
      })),
    };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { written: [], skipped: undefined };
  }
}
