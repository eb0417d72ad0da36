/**
 * The walk of the product with a PSA that the product does not know: a made-up one, whose writes are dated differences of whole
 * numbers. It joins by an entry in the tests' registry alone.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { connectAll, signOff, syncNow, untilApprovalClosed, type CardView } from '../../dev/walkthrough/guide.ts';
import { billedLinesOf } from '../kit/simulatorState.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let ids: { psaConnectionId: string; integrationId: string };

beforeAll(async () => {
  system = await startSystem({ psa: 'differences', customers: 26 });
  ids = await connectAll(system);
  await system.api.put(`/v1/psa-connections/${ids.psaConnectionId}/writes`, { enabled: true });
});
afterAll(() => system?.close());
beforeEach(async () => {
  await system.psa.clearFaults();
  await system.psa.clearLog();
});

const cards = () => system.api.all<CardView>('/v1/cards');
const writes = () => system.psa.log(system.psa.requests.setQuantity.method, system.psa.requests.setQuantity.path);
const held = async (lineId: string | undefined) =>
  (await billedLinesOf(system)).find(({ id }) => String(id) === lineId)?.quantity;

test('a difference is signed off, sent once from the day that was signed off, and read back', async () => {
  const [card] = (await cards()).filter((each) => each.bulkApprovable);
  const { write } = card ?? {};
  expect(write?.effectiveDate).toMatch(/-01$/);
  const closed = await untilApprovalClosed(system, (await signOff(system, card ? [card] : [])).approval.id);
  expect(closed.lines).toMatchObject([{ state: 'applied', from: write?.from, to: write?.to }]);
  expect((await writes()).map(({ body }) => body)).toEqual([
    {
      position: Number(write?.lineId),
      day: write?.effectiveDate,
      by: (write?.to ?? 0) - (write?.from ?? 0),
      note: closed.lines[0]?.id,
    },
  ]);
  expect(await held(write?.lineId)).toBe(write?.to);
  expect((await syncNow(system, ids.integrationId)).state).toBe('applied');
  expect((await cards()).find(({ id }) => id === card?.id)).toMatchObject({ kind: 'no_change', current: write?.to });
});
