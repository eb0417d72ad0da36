import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from 'drizzle-orm';
import { postponeCalls, readPause, takePermits, type Connection } from '../../db/queries/rateLimit.ts';
import { beginStep, noteFailure, ownerOf, type StepKey } from '../../db/queries/process.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { psaCredentials } from '../kit/apiSamples.ts';
import { seedIntegration, seedRun, stepsBefore } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface Shown {
  pause: { until: string; why: string } | null;
}

const why = 'GET /resellers/{id}/domains answered 429: Slow down.';
const minuteMs = 60_000;

/** As a worker does it that was answered 429. */
async function pause(connection: Connection, ms = 20 * minuteMs): Promise<void> {
  const name = `${connection.of}/${connection.id}`;
  await takePermits(harness.db, name, { callsPerSecond: 5, permits: 5, maxWaitMs: 5_000 });
  await postponeCalls(harness.db, name, ms, why);
}

async function pausing(step: StepKey): Promise<void> {
  await beginStep(harness.db, step);
  await noteFailure(harness.db, step, { code: 'throttled', what: why, retryAfterMs: 20 * minuteMs });
}

const audited = async (subjectId: string) => {
  const { items } = await harness.admin.good<{ items: { action: string; subjectId: string; before: unknown }[] }>(
    'GET',
    '/v1/audit',
  );
  return items.filter((row) => row.action === 'pause.end' && row.subjectId === subjectId);
};

test.each([
  ['check', 'POST', undefined],
  ['credentials', 'PUT', psaCredentials],
] as const)('a PSA connection shows its pause, and %s ends it', async (rest, method, body) => {
  const psa = { of: 'psa', id: harness.one.psaConnectionId } as const;
  const other = { of: 'psa', id: harness.other.psaConnectionId } as const;
  const path = `/v1/psa-connections/${psa.id}`;
  expect((await harness.admin.good<Shown>('GET', path)).pause).toBeNull();
  await pause(psa);
  await pause(other);
  const { pause: shown } = await harness.admin.good<Shown>('GET', path);
  expect(shown?.why).toBe(why);
  const inMs = Date.parse(shown?.until ?? '') - Date.now();
  expect(inMs).toBeGreaterThan(19 * minuteMs);
  expect(inMs).toBeLessThanOrEqual(20 * minuteMs);

  const before = (await audited(psa.id)).length;
  expect((await harness.admin.call<Shown>(method, `${path}/${rest}`, body)).body.pause).toBeNull();
  expect(await takePermits(harness.db, `psa/${psa.id}`, { callsPerSecond: 5, permits: 5, maxWaitMs: 0 })).toEqual({
    delayMs: 0,
  });
  expect(await readPause(harness.db, other), "another tenant's").not.toBeNull();
  const entries = await audited(psa.id);
  expect(entries).toHaveLength(before + 1);
  expect(entries[0]?.before).toEqual({ until: shown?.until, why });
  // Without a pause nothing is ended.
  await harness.admin.call(method, `${path}/${rest}`, body);
  expect(await audited(psa.id)).toHaveLength(before + 1);
});

test("an integration shows its vendor's pause, and new credentials end it", async () => {
  const id = await seedIntegration(harness.one, stepsBefore('verifyCredentials'));
  await pause({ of: 'vendor', id });
  const path = `/v1/integrations/${id}`;
  expect((await harness.admin.good<Shown>('GET', path)).pause?.why).toBe(why);
  const metrics = await (await fetch(`${harness.url}/metrics`)).text();
  const seconds = new RegExp(`countersign_pause_seconds\\{integration="${id}",of="vendor"\\} (.*)`).exec(metrics)?.[1];
  expect(Number(seconds)).toBeGreaterThan(19 * 60);
  const body = { resellerId: '777', apiKey: 'a-brand-new-key' };
  expect((await harness.admin.good<Shown>('PUT', `${path}/vendor-credentials`, body)).pause).toBeNull();
  expect(await audited(id)).toHaveLength(1);
});

test('a step that waits for a pause says so, and a retry ends it', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('firstSync'));
  const runId = await seedRun(harness.one, id);
  const step = { kind: 'sync', id, round: runId, step: 'pullVendor' } as const;
  await pause({ of: 'vendor', id });
  await pausing(step);

  interface Sync {
    sync: { waitsFor: string | null; steps: { step: string; state: string; retryAt: string | null }[] };
  }
  const { sync } = await harness.admin.good<Sync>('GET', `/v1/integrations/${id}`);
  const shown = sync.steps.find((row) => row.step === 'pullVendor');
  expect(shown).toMatchObject({ state: 'running', problem: null });
  const inMs = Date.parse(shown?.retryAt ?? '') - Date.now();
  expect(inMs).toBeGreaterThan(19 * minuteMs);
  const at = shown?.retryAt?.slice(11, 16);
  expect(sync.waitsFor).toContain(`waits until ${at} UTC, because the vendor asked for a pause`);
  const { waits } = await harness.admin.good<{ waits: { for: string; what: string }[] }>(
    'GET',
    `/v1/integrations/${id}/health`,
  );
  expect(waits).toContainEqual(
    expect.objectContaining({ for: 'vendor', what: expect.stringContaining(`waits until ${at} UTC`) }),
  );

  harness.wakes.length = 0;
  await harness.admin.good('POST', `/v1/integrations/${id}/steps/pullVendor/retry`);
  expect(harness.wakes).toMatchObject([{ kind: 'sync', id }]);
  expect(await readPause(harness.db, { of: 'vendor', id })).toBeNull();
  expect(await audited(id)).toHaveLength(1);
  // Once it is tried it waits for nothing any more.
  await beginStep(harness.db, step);
  await harness.admin.problem(409, 'not-blocked', 'POST', `/v1/integrations/${id}/steps/pullVendor/retry`);
});

test('a pause that is over is not shown, and neither is the step that waited for it', async () => {
  const psa = { of: 'psa', id: harness.one.psaConnectionId } as const;
  await pause(psa);
  const round = (await ownerOf(harness.db, { kind: 'refreshPsa', id: psa.id }))?.round ?? '';
  await harness.db.execute(
    sql`update rate_limit set paused_until = now() - interval '1 second' where connection = ${`psa/${psa.id}`}`,
  );
  await harness.db.execute(
    sql`update process_step set not_before = now() - interval '1 second', state = 'running', done_at = null
         where kind = 'refreshPsa' and id = ${psa.id} and round = ${round} and step = 'pullPsa'`,
  );
  const view = await harness.admin.good<Shown & { process: { steps: { retryAt: string | null }[] } }>(
    'GET',
    `/v1/psa-connections/${psa.id}`,
  );
  expect(view.pause).toBeNull();
  expect(view.process.steps[1]?.retryAt).toBeNull();
});

test('a step whose attempt failed says which attempt, why, and when the next begins', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('firstSync'));
  const runId = await seedRun(harness.one, id);
  const step = { kind: 'sync', id, round: runId, step: 'pullVendor' } as const;
  await beginStep(harness.db, step);
  const what = 'GET /resellers/{id} got no answer.';
  interface Sync {
    sync: { steps: { step: string; trying: { attempt: number; what: string; againAt: string | null } | null }[] };
  }
  const trying = async () => {
    const { sync } = await harness.admin.good<Sync>('GET', `/v1/integrations/${id}`);
    return sync.steps.find((row) => row.step === step.step)?.trying;
  };
  expect(await trying()).toBeNull();
  await noteFailure(harness.db, step, { code: 'unreachable', what, attempt: 3, againInMs: 20 * minuteMs });
  const tried = await trying();
  expect(tried).toMatchObject({ attempt: 3, what });
  expect(Date.parse(tried?.againAt ?? '') - Date.now()).toBeGreaterThan(19 * minuteMs);
  await noteFailure(harness.db, step, { code: 'unreachable', what });
  expect(await trying()).toEqual({ attempt: 1, what, againAt: null });
});
