import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConnectorError } from '../../connectors/errors.ts';
import { until } from '../../dev/until.ts';
import { startHarness, type ProcessHarness } from '../kit/processHarness.ts';

let harness: ProcessHarness;
beforeAll(async () => {
  harness = await startHarness({
    env: { TRANSIENT_LIMIT_MS: '1800000', UNREACHABLE_RETRY_MS: '900000', RETRYING_SHOWN_MS: '1000' },
  });
  await harness.startWorkers();
});
afterAll(() => harness?.close());

const pauses = (retryAfterMs: number) => async () => {
  throw new ConnectorError({
    kind: 'throttled',
    code: 'throttled',
    status: 429,
    detail: 'GET /x answered 429: the words of the outside system',
    retryAfterMs,
  });
};

test('a pause holds no activity: the Temporal UI says until when and why, and a wake ends it', async () => {
  const id = await harness.connection();
  const ref = { kind: 'refreshPsa' as const, id };
  harness.works('pullPsa', pauses(20 * 60_000), id);
  const from = Date.now();
  await harness.askRefresh(id);
  await harness.wake(ref);
  await until('the Temporal UI to say so', async () =>
    /waits until \d\d:\d\d UTC, because the PSA asked for a pause/.test(await harness.details(ref)),
  );
  const said = /until (\d\d:\d\d) UTC/.exec(await harness.details(ref))?.[1];
  const expected = [from, Date.now()].map((at) => new Date(at + 20 * 60_000).toISOString().slice(11, 16));
  expect(expected).toContain(said);

  const [run] = await harness.runs(ref);
  const activities = run?.events.filter((event) => event.activityTaskCompletedEventAttributes) ?? [];
  expect(activities.length, 'the attempt is over').toBeGreaterThanOrEqual(2);
  expect(JSON.stringify(run?.events)).not.toContain('the words of the outside system');
  await until('the process to be parked until then', async () => {
    const { dueAt } = await harness.row(ref);
    return dueAt !== null && Math.abs(dueAt.getTime() - from - 20 * 60_000) < 60_000;
  });

  harness.works('pullPsa', async () => undefined, id);
  await harness.wake(ref);
  await harness.untilClosed(ref);
  expect(harness.attemptsOf('pullPsa', id)).toBe(2);
});

test('a short pause is left to the retries of the activity', async () => {
  const id = await harness.connection();
  let tries = 0;
  harness.works('pullPsa', async () => (++tries === 1 ? pauses(1_000)() : undefined), id);
  await harness.askRefresh(id);
  await harness.wake({ kind: 'refreshPsa', id });
  await harness.untilClosed({ kind: 'refreshPsa', id });
  const [first, second] = harness.attempts.filter((attempt) => attempt.step === 'pullPsa' && attempt.id === id);
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(950);
});

test('a pause longer than passing failures are retried for blocks the step, and says that it was asked for', async () => {
  const id = await harness.connection();
  const ref = { kind: 'refreshPsa' as const, id };
  harness.works('pullPsa', pauses(45 * 60_000), id);
  await harness.askRefresh(id);
  await harness.wake(ref);
  const blocked = await harness.untilStep(ref, 'pullPsa', 'blocked');
  expect(blocked.problem?.code).toBe('throttled');
  expect((blocked.retryAt?.getTime() ?? 0) - Date.now()).toBeGreaterThan(44 * 60_000);
  await until('the Temporal UI to say so', async () => (await harness.details(ref)).includes('asks for a pause'));
});

test('a step that is retried for long says since when, and with which status and route; not that a minute was enough', async () => {
  const id = await harness.connection();
  const ref = { kind: 'refreshPsa' as const, id };
  const words = 'GET /company/companies answered 503: the words of the outside system';
  harness.works(
    'pullPsa',
    async () => {
      throw new ConnectorError({
        kind: 'transient',
        code: 'upstream',
        status: 503,
        route: '/company/companies',
        detail: words,
      });
    },
    id,
  );
  await harness.askRefresh(id);
  await harness.wake(ref);
  const handle = harness.client.workflow.getHandle(`psa/${id}`);
  const failure = await until('the failure to be pending', async () => {
    const { raw } = await handle.describe();
    return raw.pendingActivities?.[0]?.lastFailure?.message ?? undefined;
  });
  expect(failure).toBe('503, /company/companies (upstream)');
  const details = await until('the Temporal UI to say so', async () => {
    const text = await harness.details(ref);
    return text.includes('retries since') ? text : undefined;
  });
  expect(details).toMatch(/retries since \d\d:\d\d UTC: 503, \/company\/companies/);
  const shown = async () => {
    const { searchAttributes } = await handle.describe();
    return [searchAttributes['Problem']?.[0] ?? null, searchAttributes['Blocked']?.[0]];
  };
  await until('the search attribute to follow', async () => (await shown())[0] === 'retrying');
  expect(await shown()).toEqual(['retrying', false]);
  const [step] = (await harness.steps(ref)).filter((row) => row.step === 'pullPsa');
  expect(step).toMatchObject({
    state: 'running',
    facts: { failing: { code: 'upstream', status: 503, route: '/company/companies' } },
  });
  // It was told once: an hour passes until it is told again, whatever number of attempts fails.
  const attempts = harness.attemptsOf('pullPsa', id);
  await until('more attempts', async () => harness.attemptsOf('pullPsa', id) > attempts + 5);
  const [run] = await harness.runs(ref);
  const signals = run?.events.filter((event) => event.workflowExecutionSignaledEventAttributes) ?? [];
  expect(signals.length).toBe(2);
  expect(run?.events.some((event) => event.timerStartedEventAttributes)).toBe(false);
  expect(JSON.stringify(run?.events)).not.toContain('the words of the outside system');

  harness.works('pullPsa', async () => undefined, id);
  await harness.untilClosed(ref);
  expect(await shown()).toEqual([null, false]);
});
