/** Lines of several agreements in one call: every agreement is asked for, and whatever is wrong with one concerns it alone. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { groupsOf, readLinesOf } from '../../activities/psaLines.ts';
import { ConnectorError, type ConnectorErrorCode } from '../../connectors/errors.ts';
import type { PsaAdapter, PsaLine } from '../../connectors/psa.ts';
import { differencePsa } from './differencePsa.ts';

/** What the PSA answers about an agreement: its lines, one that cannot be read among them, a refusal, or that it is gone. */
type Fate = 'lines' | 'none' | 'bad_row' | 'refused' | 'gone';

interface Agreement {
  id: string;
  asOf: string;
  fate: Fate;
}

const perList = fc.integer({ min: 1, max: 5 });
const agreements: fc.Arbitrary<Agreement[]> = fc
  .array(
    fc.record({
      asOf: fc.constantFrom('2026-11-01', '2026-12-01', '2027-01-01'),
      fate: fc.constantFrom<Fate>('lines', 'lines', 'lines', 'none', 'bad_row', 'refused', 'gone'),
    }),
    { maxLength: 12 },
  )
  .map((rows) => rows.map((row, at) => ({ id: `agreement-${at}`, ...row })));

const failure = (code: ConnectorErrorCode) => new ConnectorError({ kind: 'permanent', code, detail: code });
const lineOf = (agreementId: string, asOf: string): PsaLine => ({
  id: `line of ${agreementId}`,
  agreementId,
  productId: 'seat',
  quantity: 1,
  unitPrice: 1,
  billing: 'billable',
  status: 'active',
  version: asOf,
});

/** A PSA that notes which agreements each call asks for, and fails as a whole for one that it refuses. */
function psaOf(rows: readonly Agreement[], agreementsPerList: number) {
  const asked: string[][] = [];
  const { adapter: model } = differencePsa(1, { agreementsPerList });
  const adapter: Pick<PsaAdapter, 'caps' | 'getAgreement' | 'getLine' | 'listLines'> = {
    ...model,
    getLine: async () => null,
    listLines: async ({ agreementIds, asOf = '', unread }) => {
      asked.push([...agreementIds]);
      const wanted = rows.filter(({ id }) => agreementIds.includes(id));
      if (wanted.some(({ fate }) => fate === 'refused')) throw failure('invalid_request');
      if (wanted.some(({ fate }) => fate === 'gone')) throw failure('not_found');
      for (const { id } of wanted.filter(({ fate }) => fate === 'bad_row'))
        unread?.({ id: `bad line of ${id}`, raw: {}, why: 'It has no quantity.' });
      return wanted.filter(({ fate }) => fate !== 'none').map(({ id }) => lineOf(id, asOf));
    },
  };
  return { adapter: adapter as PsaAdapter, asked };
}

test('agreements are grouped by their day, none is lost or asked for twice, and no list is longer than the PSA takes', () => {
  fc.assert(
    fc.property(agreements, perList, (rows, agreementsPerList) => {
      const groups = groupsOf(psaOf(rows, agreementsPerList).adapter, rows);
      expect(groups.flat().toSorted((a, b) => rows.indexOf(a) - rows.indexOf(b))).toEqual(rows);
      for (const group of groups) {
        expect(group.length).toBeLessThanOrEqual(agreementsPerList);
        expect(new Set(group.map(({ asOf }) => asOf)).size).toBe(1);
      }
      // No more calls than it takes.
      const days = new Set(rows.map(({ asOf }) => asOf));
      const least = [...days].map((day) =>
        Math.ceil(rows.filter(({ asOf }) => asOf === day).length / agreementsPerList),
      );
      expect(groups).toHaveLength(least.reduce((sum, calls) => sum + calls, 0));
    }),
  );
});

test('an agreement that fails does so alone: a list without trouble is one call, and any other is read one by one', async () => {
  await fc.assert(
    fc.asyncProperty(agreements, perList, async (rows, agreementsPerList) => {
      const { adapter, asked } = psaOf(rows, agreementsPerList);
      for (const group of groupsOf(adapter, rows)) {
        asked.length = 0;
        const found = await readLinesOf(adapter, group, new Map(), {});
        expect([...found.keys()]).toEqual(group.map(({ id }) => id));
        for (const { id, asOf, fate } of group) {
          const lines = [lineOf(id, asOf)];
          const bad = { lines, unread: `line bad line of ${id}: It has no quantity.` };
          expect(found.get(id)).toEqual(
            {
              lines: { lines },
              none: { lines: [] },
              bad_row: bad,
              refused: { lines: [], unread: 'invalid_request' },
              gone: null,
            }[fate],
          );
        }
        const ids = group.map(({ id }) => id);
        const isWhole = group.every(({ fate }) => fate === 'lines' || fate === 'none');
        const oneByOne = ids.length > 1 && !isWhole ? ids.map((id) => [id]) : [];
        expect(asked).toEqual([ids, ...oneByOne]);
      }
    }),
  );
});

test.each(['bad_credentials', 'upstream', 'timeout', 'throttled'] as const)(
  'a failure of the whole connection (%s) fails the reading, and is not asked about one by one',
  async (code) => {
    const rows = ['one', 'two'].map((id) => ({ id, asOf: '2026-12-01', fate: 'lines' as const }));
    const { adapter } = psaOf(rows, 2);
    let calls = 0;
    adapter.listLines = async () => {
      calls++;
      throw failure(code);
    };
    await expect(readLinesOf(adapter, rows, new Map(), {})).rejects.toMatchObject({ code });
    expect(calls).toBe(1);
  },
);
