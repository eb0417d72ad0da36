import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from 'drizzle-orm';
import { beginStep, createProcess, noteFailure, noteProgress, startRound } from '../../db/queries/process.ts';
import { lookAtProcess } from '../../db/queries/processView.ts';
import { noteSwept, takeOverSweep } from '../../db/queries/sweep.ts';
import { storePausedActivities, storeSchedules } from '../../db/queries/temporalSays.ts';
import { stepsOf } from '../../domain/process/steps.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import {
  block,
  seedAlert,
  seedApproval,
  seedHeldRun,
  seedIntegration,
  seedOnboarding,
  stepsBefore,
} from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface View {
  integrationId: string;
  state: string;
  connected: boolean;
  dataAgeSeconds: number | null;
  stale: boolean;
  nextSyncAt: string | null;
  waits: { for: string; what: string; code?: string; workflowId: string }[];
  unlisted: { for: string; code: string | null; count: number; list: string | null }[];
  heldRuns: number;
  customersWaiting: number;
  alertsDead: number;
  credentials: { of: string; ageDays: number; warning: string | null }[];
}
const health = (id: string) => harness.admin.good<View>('GET', `/v1/integrations/${id}/health`);

test('one that works is healthy, with the age of its data and its next sync', async () => {
  const view = await health(harness.one.integrationId);
  expect(view).toMatchObject({ state: 'healthy', connected: true, stale: false, customersWaiting: 0 });
  expect(view.dataAgeSeconds).toBeLessThan(600);
  expect(view.nextSyncAt).toMatch(/T03:30:00/);
  expect(view.credentials.map(({ of, ageDays, warning }) => [of, ageDays, warning])).toEqual([
    ['vendor', 0, null],
    ['psa', 0, null],
  ]);
});

test('one that is being connected says what it waits for', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('linkCustomers'));
  const view = await health(id);
  expect(view).toMatchObject({ state: 'attention', connected: false, nextSyncAt: null, dataAgeSeconds: null });
  expect(view.waits).toEqual([
    {
      for: 'person',
      what: 'Link customers: waits for a person to choose which customers to link',
      workflowId: `connect/${id}`,
    },
  ]);
});

test('a blocked step is failing, with who can do something about it', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('verifyCredentials'));
  await block(harness.one, { kind: 'connect', id, round: '1', step: 'verifyCredentials' });
  const view = await health(id);
  expect(view.state).toBe('failing');
  expect(view.waits[0]).toMatchObject({ for: 'person', code: 'bad_credentials' });
});

test('a blocked step that is being tried again is said to be blocked everywhere, until the try has made progress', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('verifyCredentials'));
  const step = { kind: 'connect', id, round: '1', step: 'verifyCredentials' } as const;
  await block(harness.one, step);
  await beginStep(harness.db, step);
  // What the new try fails with does not change what it is blocked by.
  await noteFailure(harness.db, step, { code: 'upstream', what: 'It is away.', status: 503, route: '/resellers/{id}' });
  const said =
    /^Try the vendor credentials: blocked \(bad_credentials\) since \d{4}-.* UTC: 503, \/resellers\/\{id\}\. Give/;
  expect(await health(id)).toMatchObject({
    state: 'failing',
    waits: [{ code: 'bad_credentials', what: expect.stringMatching(said) as string }],
  });
  const path = `/v1/integrations/${id}`;
  const { process } = await harness.admin.good<{
    process: { waitsFor: string; steps: { step: string; state: string; statement: string | null }[] };
  }>('GET', path);
  const [wait] = (await health(id)).waits;
  expect(process.waitsFor).toBe(wait?.what);
  expect(process.steps.map(({ statement }) => statement).filter(Boolean)).toEqual([
    wait?.what.split(': ').slice(1).join(': '),
  ]);
  expect(process.steps).toContainEqual(expect.objectContaining({ step: step.step, state: 'blocked' }));
  const view = await lookAtProcess(harness.db, step);
  expect(view?.steps).toContainEqual(expect.objectContaining({ step: step.step, problem: 'bad_credentials' }));
  await noteProgress(harness.db, step);
  expect(await health(id)).toMatchObject({ state: 'attention', waits: [{ for: 'vendor' }] });
});

test('one alert and one new customer that are retried for long say so, in health and in the metrics', async () => {
  const { db, one } = harness;
  const { id, accountId } = await seedOnboarding(one);
  const alert = await seedAlert(one, 'waiting', { integrationId: id });
  const delivery = { kind: 'deliverAlert', id: alert, organizationId: one.organizationId, integrationId: id } as const;
  await createProcess(db, one.organizationId, delivery);
  await db.transaction((tx) => startRound(tx, { ...delivery, round: '1' }));
  for (const step of [
    { ...delivery, round: '1', step: 'writeTicket' },
    { kind: 'onboardCustomer' as const, id: `${id}/${accountId}`, round: '1', step: 'pullCustomer' },
  ]) {
    await db.execute(sql`update process_step set state = 'done' where kind = ${step.kind} and id = ${step.id}
      and position < (select position from process_step where kind = ${step.kind} and id = ${step.id} and step = ${step.step})`);
    await beginStep(db, step);
    await noteFailure(db, step, { code: 'upstream', what: 'It is away.', status: 503, route: '/of/{id}' });
  }
  expect((await health(id)).waits).toEqual([]);
  await db.execute(
    sql`update process_step set failing_since = now() - interval '6 minutes' where state = 'running' and id in (${alert}, ${`${id}/${accountId}`})`,
  );
  const { state, waits } = await health(id);
  expect(state).toBe('attention');
  expect(waits.map(({ code, workflowId, what }) => [code, workflowId, what.replace(/\d\d:\d\d/, '{time}')])).toEqual([
    ['retrying', `alert/${alert}`, 'Find or create the ticket: retries since {time} UTC: 503, /of/{id}'],
    [
      'retrying',
      `onboard/${id}/${accountId}`,
      "Read the customer's usage from the vendor: retries since {time} UTC: 503, /of/{id}",
    ],
  ]);
  const metrics = await (await fetch(`${harness.url}/metrics`)).text();
  for (const step of ['writeTicket', 'pullCustomer'])
    expect(metrics).toMatch(
      new RegExp(`countersign_retrying_seconds\\{integration="${id}",step="${step}"\\} 3[67]\\d`),
    );
  // Temporal shows it with Blocked = false.
  expect(metrics).not.toContain(`countersign_blocked{integration="${id}"`);
});

test('of thousands of new customers whom nobody maps the oldest twenty are listed, and the others are counted', async () => {
  const { db, one } = harness;
  const { id, accountId } = await seedOnboarding(one);
  const first = `${id}/${accountId}`;
  await block(one, { kind: 'onboardCustomer', id: first, round: '1', step: 'mapCustomer' }, 'not_mapped');
  expect(await health(id)).toMatchObject({ waits: [{ code: 'not_mapped' }], unlisted: [] });
  for (const table of [sql`process`, sql`process_step`])
    await db.execute(sql`
      insert into ${table} select (jsonb_populate_record(t, jsonb_build_object('id', t.id || n))).*
        from ${table} t, generate_series(1, 2999) n where t.kind = 'onboardCustomer' and t.id = ${first}`);
  await db.execute(sql`update process_step set blocked_at = now() - interval '1 hour' where id = ${`${first}1234`}`);
  const { waits, unlisted } = await health(id);
  expect(waits).toHaveLength(20);
  expect(waits).toContainEqual(expect.objectContaining({ workflowId: `onboard/${first}1234` }));
  const list = `/v1/onboardings?integrationId=${id}&open=true`;
  expect(unlisted).toEqual([{ for: 'person', code: 'not_mapped', count: 2980, list }]);
  expect((await harness.admin.good<{ items: unknown[] }>('GET', list)).items).toHaveLength(1);
  const metrics = await (await fetch(`${harness.url}/metrics`)).text();
  expect(metrics).toContain(`countersign_blocked{integration="${id}",problem="not_mapped"} 3000`);
  expect(metrics).toContain(`countersign_waits{integration="${id}",for="person"} 3000`);
  // A problem of another kind is listed beside them.
  await db.execute(sql`update process_step set problem = jsonb_build_object('code', 'unreachable')
    where id = ${`${first}7`} and state = 'blocked'`);
  const codes = (await health(id)).waits.map(({ code }) => code);
  expect(codes.filter((code) => code === 'unreachable')).toHaveLength(1);
  expect(codes).toHaveLength(21);
  await db.execute(sql`delete from process where id like ${`${first}_%`}`);
});

test('what somebody paused in the Temporal UI is said, and wants a person: an activity, a Schedule', async () => {
  const { db } = harness;
  const id = await seedIntegration(harness.one, stepsBefore('verifyCredentials'));
  const step = { kind: 'connect', id, round: '1', step: 'verifyCredentials' } as const;
  await beginStep(db, step);
  await storePausedActivities(db, [
    { kind: 'connect', id, activity: 'verifyCredentials', pausedAt: '2026-11-25T03:02:00.000Z' },
  ]);
  expect(await health(id)).toMatchObject({
    state: 'attention',
    waits: [{ for: 'person', code: 'paused', what: expect.stringMatching(/paused in the Temporal UI/) as string }],
  });
  const { process } = await harness.admin.good<{ process: { waitsFor: string } }>('GET', `/v1/integrations/${id}`);
  expect(process.waitsFor).toMatch(/^Try the vendor credentials: paused in the Temporal UI/);
  await storePausedActivities(db, []);
  expect((await health(id)).waits[0]).not.toHaveProperty('code');

  const connected = await seedIntegration(harness.one, stepsOf.connect);
  await storeSchedules(db, [
    { scheduleId: `sync/${connected}`, integrationId: connected, revision: null, paused: true, nextRuns: [] },
  ]);
  expect(await health(connected)).toMatchObject({
    state: 'attention',
    nextSyncAt: null,
    waits: [{ for: 'person', code: 'schedule_paused', workflowId: `sync/${connected}` }],
  });
  await storeSchedules(db, []);
});

test('a sweep that is late is failing: whatever lost its wake stays asleep', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('linkCustomers'));
  await takeOverSweep(harness.db, 'a run');
  await noteSwept(harness.db, 'a run', 3);
  const ready = async () =>
    (await (await fetch(`${harness.url}/readyz`)).json()) as { words: string; sweepAgeSeconds: number };
  expect(await ready()).toMatchObject({ words: 'Everything works.' });
  await harness.db.execute(sql`update sweep set swept_at = now() - interval '40 minutes'`);
  expect(await health(id)).toMatchObject({ state: 'failing' });
  expect((await health(id)).waits).toContainEqual(expect.objectContaining({ code: 'sweep_late', for: 'countersign' }));
  expect((await ready()).words).toMatch(/^Nothing was swept for 40 minutes/);
  await harness.db.execute(sql`delete from sweep`);
});

test('customers that wait, runs that are held and alerts that are dead want a person', async () => {
  const onboarding = await seedOnboarding(harness.one);
  expect(await health(onboarding.id)).toMatchObject({ state: 'attention', customersWaiting: 1 });
  const alerting = await seedIntegration(harness.one, stepsOf.connect, ['billing', 'alerts']);
  await seedAlert(harness.one, 'dead', { integrationId: alerting });
  expect(await health(alerting)).toMatchObject({ state: 'attention', alertsDead: 1 });
  await seedHeldRun(harness.one);
  expect(await health(harness.one.integrationId)).toMatchObject({ state: 'attention', heldRuns: 1, linesUncertain: 0 });
});

test('data that is older than the schedule allows is stale, and that is failing', async () => {
  const { one, admin } = harness;
  await harness.db.execute(
    sql`update sync_run set started_at = now() - interval '3 days' where integration_id = ${one.integrationId}`,
  );
  expect(await health(one.integrationId)).toMatchObject({ state: 'failing', stale: true });
  await admin.good('PUT', `/v1/integrations/${one.integrationId}/schedule`, { choice: { every: 'month' } });
  expect(await health(one.integrationId)).toMatchObject({ stale: false });
});

test('the end of credentials that somebody told is warned of', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  const expiresOn = new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10);
  const body = { resellerId: '500', apiKey: 'another-good-key', expiresOn };
  await harness.admin.good('PUT', `/v1/integrations/${id}/vendor-credentials`, body);
  const view = await health(id);
  expect(view.credentials.find((each) => each.of === 'vendor')?.warning).toContain(expiresOn);
  expect(view.state).toBe('attention');
});

test('all of an organization, and the metrics of all, with ids of ours only', async () => {
  const { items } = await harness.admin.good<{ items: View[] }>('GET', '/v1/health');
  expect(items.map((item) => item.integrationId)).toContain(harness.one.integrationId);
  expect(items.map((item) => item.integrationId)).not.toContain(harness.other.integrationId);
  const metrics = await (await fetch(`${harness.url}/metrics`)).text();
  expect(metrics).toContain(
    `countersign_integration_state{integration="${harness.other.integrationId}",state="healthy"} 1`,
  );
  expect(metrics).toMatch(
    new RegExp(`countersign_data_age_seconds\\{integration="${harness.one.integrationId}"\\} \\d+`),
  );
  expect(metrics).toContain('countersign_blocked{');
  expect(metrics).not.toContain(harness.one.prefix + '-');
});

test('an approval with a line that may or may not have been written wants a person, and so does one that is blocked', async () => {
  const { db, integrationId } = harness.other;
  const healthOf = async () => {
    const path = `/v1/integrations/${integrationId}/health`;
    return harness.as(harness.other.tokens.admin).good<View>('GET', path);
  };
  const id = await seedApproval(harness.other);
  expect(await healthOf()).toMatchObject({ state: 'healthy', linesUncertain: 0 });
  await db.execute(sql`update approval_line set state = 'uncertain' where batch_id = ${id}`);
  expect(await healthOf()).toMatchObject({ state: 'attention', linesUncertain: 1 });
  await createProcess(db, harness.other.organizationId, { kind: 'approveUsage', id });
  await db.transaction((tx) => startRound(tx, { kind: 'approveUsage', id, round: '1' }));
  expect((await lookAtProcess(db, { kind: 'approveUsage', id }))?.lines).toEqual({ uncertain: 1 });
  await block(harness.other, { kind: 'approveUsage', id, round: '1', step: 'write' }, 'forbidden');
  const { state, waits } = await healthOf();
  expect(state).toBe('failing');
  expect(waits[0]).toMatchObject({ for: 'person', code: 'forbidden', workflowId: `approve/${id}` });
});
