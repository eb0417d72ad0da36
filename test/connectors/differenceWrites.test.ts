/** Where a write is a difference no history ends in a doubled one (invariant 5): the machine of lineWrites.ts over a model. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLineWrites, type LineRows } from '../../activities/lineWrites.ts';
import { writeTiming } from '../../activities/writeTiming.ts';
import type { ApprovalLineRow, LineOutcome } from '../../db/queries/approvals.ts';
import { needsAnswer } from '../../domain/settling.ts';
import { differencePsa, type Fate } from './differencePsa.ts';

const timing = writeTiming({ CALL_TIMEOUT_MS: 60_000 });
const start = 65;
const target = 62;

/** The rows of one approval after another, in memory, with the guards of db/queries/approvals.ts. */
function approvals(psa: ReturnType<typeof differencePsa>, said: { dies: boolean[] }) {
  let line: ApprovalLineRow;
  const posts = new Map<string, number>();
  const stillOpen = () => ['intended', 'writing', 'uncertain'].includes(line.state);
  const rows: LineRows = {
    claim: async (seen) => {
      if (seen.claims !== line.claims || !stillOpen()) return undefined;
      line = { ...line, state: 'writing', claims: line.claims + 1 };
      posts.set(line.id, (posts.get(line.id) ?? 0) + 1);
      return line;
    },
    release: async (before) => void (line = { ...line, state: before.state, claims: before.claims }),
    waitForLock: async () => undefined,
    record: async (seen, outcome: LineOutcome) => {
      // The worker dies before it can say what became of its write: the line stays `writing`.
      if (line.state === 'writing' && said.dies.shift()) throw new Error('killed');
      if (seen.claims !== line.claims) return;
      line = { ...line, state: outcome.state, problem: 'problem' in outcome ? outcome.problem : null };
    },
    isOver: async () => false,
    readNextInvoiceDate: async () => undefined,
    isWritingOn: async () => true,
    readLater: async () => undefined,
  };
  const machine = createLineWrites({ adapter: psa.adapter, decimals: 0 }, rows, timing);
  const alive = (work: Promise<unknown>) => work.catch(() => undefined);
  return {
    posts,
    lineNow: () => line,
    async signOff(id: string, from: number) {
      line = { id, agreementId: 'managed', lineId: 'line-1', from, to: target, state: 'intended', claims: 0, nextInvoiceDate: null, problem: null } as ApprovalLineRow; // prettier-ignore
      for (let times = 0; times < 3 && line.state === 'intended'; times++) await alive(machine.write(line));
    },
    async settle(isOverdue: boolean) {
      if (line.state === 'writing' || line.state === 'uncertain') await alive(machine.settle(line, isOverdue));
    },
    /** The person looks in the PSA's own pages, which show what is true. */
    answer() {
      if (line.problem?.code !== needsAnswer) return;
      line = { ...line, state: psa.truth() === target ? 'applied' : 'conflict', problem: null };
    },
    isOpen: () => stillOpen(),
  };
}

const fate = fc.record({
  fate: fc.constantFrom<Fate>('answered', 'answer_lost', 'request_lost', 'refused'),
  lag: fc.integer({ min: 0, max: 12 }),
});
const history = fc.record({
  fates: fc.array(fate, { maxLength: 6 }),
  dies: fc.array(fc.boolean(), { maxLength: 6 }),
  /** What happens one after another, with other people's changes at any moment. */
  events: fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant({ kind: 'settle' as const }) },
      fc.constant({ kind: 'sign_off' as const }),
      fc.record({
        kind: fc.constant('others' as const),
        change: fc.integer({ min: -3, max: 3 }),
        lag: fc.integer({ min: 0, max: 6 }),
      }),
    ),
    { maxLength: 14 },
  ),
});

test('whatever is lost, late or changed by others, each sign-off is sent once, and none is added to another', async () => {
  await fc.assert(
    fc.asyncProperty(history, async ({ fates, dies, events }) => {
      const psa = differencePsa(start);
      psa.fateOfPosts(fates);
      const of = approvals(psa, { dies: [...dies] });
      await of.signOff('approval-0', start);
      for (const [at, event] of events.entries()) {
        if (event.kind === 'settle') await of.settle(false);
        else if (event.kind === 'others') {
          psa.changedByOthers(event.change, event.lag);
        } else if (!of.isOpen()) {
          // The card is signed off again by what the PSA shows; while a write is open the API refuses that.
          const shown = await psa.adapter.getLine({ agreementId: 'managed', lineId: 'line-1' });
          if (shown && shown.quantity !== target) await of.signOff(`approval-${at + 1}`, shown.quantity);
        }
      }
      // It is read until the limit, and then a person says what holds.
      for (let times = 0; times < 3; times++) await of.settle(false);
      for (let times = 0; times < 8; times++) await of.settle(true);
      of.answer();
      expect(of.isOpen()).toBe(false);
      for (const [approval, sent] of of.posts) expect(`${approval}: ${sent}`).toBe(`${approval}: 1`);
      const ours = psa.taken.filter(({ by }) => by === 'us');
      expect(new Set(ours.map(({ operationId }) => operationId)).size).toBe(ours.length);
      // Without others the line ends at its target, or where it was: nothing is taken off twice.
      if (events.every(({ kind }) => kind !== 'others')) expect([start, target]).toContain(psa.truth());
    }),
    { numRuns: 1_000 },
  );
});

test('the stranger’s case: 65 → 62, shown late, is never 59; the person is asked after the limit', async () => {
  const psa = differencePsa(start);
  psa.fateOfPosts([{ fate: 'answer_lost', lag: 1_000 }]);
  const of = approvals(psa, { dies: [] });
  await of.signOff('approval', start);
  for (let times = 0; times < 5; times++) await of.settle(false);
  expect(of.lineNow()).toMatchObject({ state: 'uncertain', claims: 1 });
  await of.settle(true);
  expect(of.lineNow()).toMatchObject({ state: 'uncertain', problem: { code: needsAnswer } });
  expect(psa.truth()).toBe(target);
  of.answer();
  expect(of.lineNow().state).toBe('applied');
});
