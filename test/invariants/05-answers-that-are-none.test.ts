/** Invariant 5 where the PSA does not answer of the row: nothing is rejected for it, nothing is written twice. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  connectAll,
  signOff,
  untilApprovalClosed,
  type CardView,
  type ClosedApproval,
  type StepView,
} from '../../dev/walkthrough/guide.ts';
import { until } from '../../dev/until.ts';
import { startSystem, type System } from '../kit/system.ts';

type Line = ClosedApproval['lines'][number];

let system: System;
let cards: CardView[];

beforeAll(async () => {
  system = await startSystem({ customers: 60 });
  const { psaConnectionId } = await connectAll(system);
  await system.api.put(`/v1/psa-connections/${psaConnectionId}/writes`, { enabled: true });
  cards = (await system.api.all<CardView>('/v1/cards')).filter((card) => card.bulkApprovable);
});
afterAll(() => system?.close());
beforeEach(async () => {
  await system.connectwise.clearFaults();
  await system.connectwise.clearLog();
});

const approve = async (count: number) => {
  expect(cards.length).toBeGreaterThanOrEqual(count);
  return (await signOff(system, cards.splice(0, count))).approval;
};
const linesOf = (id: string) => system.api.all<Line>(`/v1/approvals/${id}/lines`);

async function quantities(): Promise<Map<string, number>> {
  const { companies } = await system.connectwise.state<{
    companies: { agreements: { lines: { id: number; quantity: number }[] }[] }[];
  }>();
  const additions = companies.flatMap((company) => company.agreements.flatMap((agreement) => agreement.lines));
  return new Map(additions.map(({ id, quantity }) => [String(id), quantity]));
}

async function expectApplied(closed: ClosedApproval): Promise<void> {
  expect(closed.lines.map((line) => line.state)).toEqual(closed.lines.map(() => 'applied'));
  const held = await quantities();
  for (const line of closed.lines) expect(held.get(line.lineId)).toBe(line.to);
}

const page = { status: 200, text: '<html><head><title>Back soon</title></head></html>' };

test.each([
  ['a maintenance page to every call', 8, page],
  ['an empty body', 1, { status: 200, text: '' }],
  ['a challenge page', 1, { status: 403, text: '<html>Just a moment...</html>' }],
])('approvals that meet %s wait for its end, and none is rejected', async (_what, count, answer) => {
  await system.connectwise.fault({ kind: 'status', times: null, ...answer });
  const { id } = await approve(count);
  const problem = await until('the problem to be said', async () => {
    const { process } = await system.api.get<{ process: { steps: StepView[] } }>(`/v1/approvals/${id}`);
    return process.steps.find((step) => step.problem)?.problem;
  });
  expect(['not_json', 'unreachable']).toContain(problem.code);
  expect(problem.what).toContain(`answered ${answer.status === 403 ? '403 with a page' : 'with'}`);
  expect((await linesOf(id)).map((line) => line.state)).not.toContain('rejected');
  await system.connectwise.clearFaults();
  await expectApplied(await untilApprovalClosed(system, id));
  // The read before found out that it is no time to write.
  expect(await system.connectwise.log('PATCH')).toHaveLength(count);
});

test('a maintenance page in answer to the write alone is settled by reading again, with one PATCH', async () => {
  await system.connectwise.fault({ kind: 'afterCommit', method: 'PATCH', ...page });
  const { id } = await approve(1);
  await expectApplied(await untilApprovalClosed(system, id));
  expect(await system.connectwise.log('PATCH')).toHaveLength(1);
});

test('a page in answer to the read that settles is no third value: it is read again', async () => {
  await system.connectwise.fault({ kind: 'afterCommit', method: 'PATCH', status: 500 });
  // The read before the write gets through; those after it meet the page.
  await system.connectwise.fault({ kind: 'status', method: 'GET', path: '/additions/', skip: 1, times: 4, ...page });
  const { id } = await approve(1);
  await expectApplied(await untilApprovalClosed(system, id));
  expect(await system.connectwise.log('PATCH')).toHaveLength(1);
});

test.each([409, 423, 425])('lines that are in use (%d) go back, and are written later', async (status) => {
  await system.connectwise.fault({ kind: 'status', method: 'PATCH', status, body: { message: 'In use.' }, times: 3 });
  const { id } = await approve(3);
  const waiting = await until('the others to be written', async () => {
    const lines = await linesOf(id);
    return lines.some((line) => line.state === 'applied') ? lines : undefined;
  });
  for (const line of waiting) {
    if (line.state === 'intended' && line.problem) expect(line.problem.code).toBe('locked');
    expect(['intended', 'writing', 'applied']).toContain(line.state);
  }
  await expectApplied(await untilApprovalClosed(system, id));
  // Each refusal wrote nothing, so each try is a write of its own.
  expect(await system.connectwise.log('PATCH')).toHaveLength(3 + 3);
});

test('a line that stays in use is rejected as locked, past the limit; the others are applied long before', async () => {
  const card = await system.api.get<{ lines: { agreementId: string }[] }>(`/v1/cards/${cards[0]?.id}`);
  const path = `/agreements/${card.lines[0]?.agreementId}/additions/`;
  await system.connectwise.fault({ kind: 'status', method: 'PATCH', path, status: 423, times: null, body: {} });
  const { id } = await approve(2);
  // While it waits its problem is said.
  const waiting = await until('the line to be found in use', async () => (await linesOf(id))[0]?.problem);
  expect(waiting.code).toBe('locked');
  const closed = await untilApprovalClosed(system, id);
  const [locked, other] = closed.lines;
  expect([locked?.state, other?.state]).toEqual(['rejected', 'applied']);
  // The limit is 3 s here.
  expect(Date.parse(locked?.settledAt ?? '') - Date.parse(other?.settledAt ?? '')).toBeGreaterThan(1_500);
  expect(closed.lines[0]?.problem).toMatchObject({ code: 'locked' });
  expect(closed.lines[0]?.problem).toHaveProperty('detail', expect.stringContaining('then approve the card again'));
  expect((await quantities()).get(locked?.lineId ?? '')).toBe(locked?.from);
});
