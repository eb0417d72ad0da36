/** The limits of an entry, within those of the deployment. */
import { expect, test } from 'vitest';
import { addPsa, callLimits, psas } from '../../connectors/registry.ts';

const [usual] = Object.values(psas);
if (!usual) throw new Error('The registry has no PSA.');
const of = (limits: { concurrency?: number; searchLagMs?: number }) => {
  addPsa('limited', { ...usual, limits: { callsPerSecond: 1, ...limits } });
  return callLimits('limited', { CALL_CONCURRENCY: 4, PSA_SEARCH_LAG_MS: 60_000 });
};

test('an entry that says nothing has what the deployment says, and so has a PSA that nobody knows', () => {
  expect(of({})).toEqual({ concurrency: 4, searchLagMs: 60_000 });
  expect(callLimits('unknown', { CALL_CONCURRENCY: 4, PSA_SEARCH_LAG_MS: 60_000 })).toEqual(of({}));
});

test('an entry may bear fewer calls at once, never more', () => {
  expect(of({ concurrency: 2 }).concurrency).toBe(2);
  expect(of({ concurrency: 16 }).concurrency).toBe(4);
});

test('an entry may lag longer, never less', () => {
  expect(of({ searchLagMs: 300_000 }).searchLagMs).toBe(300_000);
  expect(of({ searchLagMs: 1_000 }).searchLagMs).toBe(60_000);
});
