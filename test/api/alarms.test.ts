/** Everything of deploy/prometheus: each rule's metric says so when its thing is broken, and each rule has its entry in the runbook. */
import { readFileSync } from 'node:fs';
import { Client } from 'pg';
import { register } from 'prom-client';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { beginStep, createProcess, noteFailure, startRound } from '../../db/queries/process.ts';
import { noteSwept, takeOverSweep } from '../../db/queries/sweep.ts';
import { storePausedActivities, storeSchedules } from '../../db/queries/temporalSays.ts';
import { problemCodes } from '../../domain/process/problems.ts';
import { stepsOf } from '../../domain/process/steps.ts';
import { firing, rules, scrape as scrapeAt } from '../kit/alarms.ts';
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
import '../../activities/alarm.ts';

const ruleOf = new Map(rules.map((rule) => [rule.alert, rule]));
const dashboard = JSON.parse(readFileSync('deploy/prometheus/grafana-dashboard.json', 'utf8')) as {
  panels: { title: string; targets: { expr: string }[] }[];
};

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
  await takeOverSweep(harness.db, 'a run');
  await noteSwept(harness.db, 'a run', 0);
});
afterAll(() => harness?.close());

const scrape = () => scrapeAt(harness.url);

test('where nothing is wrong no rule fires', async () => {
  const samples = await scrape();
  expect(samples.some(({ name }) => name === 'countersign_sweep_age_seconds')).toBe(true);
  const ofApi = rules.filter(({ expr }) => !expr.includes('countersign_activity_alarms_total'));
  expect(ofApi.filter((rule) => firing(rule, samples).length > 0).map(({ alert }) => alert)).toEqual([]);
});

test('a scrape asks two statements, however many integrations there are', async () => {
  const sent = vi.spyOn(Client.prototype, 'query');
  try {
    await scrape();
    expect(sent.mock.calls.length).toBe(2);
  } finally {
    sent.mockRestore();
  }
});

/** What is broken for each rule, and the labels with which the rule then fires. */
const broken: Record<string, () => Promise<Record<string, string>>> = {
  async CountersignBlocked() {
    const id = await seedIntegration(harness.one, stepsBefore('verifyCredentials'));
    await block(harness.one, { kind: 'connect', id, round: '1', step: 'verifyCredentials' });
    return { integration: id, problem: 'bad_credentials' };
  },
  async CountersignRetrying() {
    const id = await seedIntegration(harness.one, stepsBefore('verifyCredentials'));
    const step = { kind: 'connect', id, round: '1', step: 'verifyCredentials' } as const;
    await beginStep(harness.db, step);
    await noteFailure(harness.db, step, { code: 'upstream', what: 'GET /x answered 503.' });
    await harness.db.execute(sql`update process_step set failing_since = now() - interval '20 minutes' where id = ${id}
      and step = 'verifyCredentials'`);
    return { integration: id, step: 'verifyCredentials' };
  },
  async CountersignHeldRun() {
    await seedHeldRun(harness.one);
    return { integration: harness.one.integrationId };
  },
  async CountersignApprovalBlocked() {
    const id = await seedApproval(harness.other);
    await createProcess(harness.db, harness.other.organizationId, { kind: 'approveUsage', id });
    await harness.db.transaction((tx) => startRound(tx, { kind: 'approveUsage', id, round: '1' }));
    await block(harness.other, { kind: 'approveUsage', id, round: '1', step: 'write' }, 'forbidden');
    return { integration: harness.other.integrationId };
  },
  async CountersignLinesUncertain() {
    const id = await seedApproval(harness.other);
    await harness.db.execute(sql`update approval_line set state = 'uncertain' where batch_id = ${id}`);
    return { integration: harness.other.integrationId };
  },
  async CountersignPaused() {
    const id = await seedIntegration(harness.one, stepsOf.connect);
    await storeSchedules(harness.db, [
      { scheduleId: `sync/${id}`, integrationId: id, revision: null, paused: true, nextRuns: [] },
    ]);
    return { integration: id, of: 'schedule' };
  },
  async CountersignDataStale() {
    const { integrationId } = harness.other;
    await harness.db.execute(
      sql`update sync_run set started_at = now() - interval '3 days' where integration_id = ${integrationId}`,
    );
    return { integration: integrationId };
  },
  async CountersignWaitsLong() {
    const { id } = await seedOnboarding(harness.one);
    await harness.db.execute(
      sql`update onboarding set found_at = now() - interval '4 days' where integration_id = ${id}`,
    );
    return { integration: id, kind: 'customer' };
  },
  async CountersignAlertsDead() {
    const id = await seedIntegration(harness.one, stepsOf.connect, ['billing', 'alerts']);
    await seedAlert(harness.one, 'dead', { integrationId: id });
    return { integration: id, state: 'dead' };
  },
  async CountersignPostsRefused() {
    const id = await seedIntegration(harness.one, stepsOf.connect);
    await harness.db.execute(sql`
      insert into refused_post (integration_id, kind, vendor_account_id, service_id, code, detail, times)
      values (${id}, 'count', 'unknown', 'x', 'unknown-account', 'There is no such account.', 1)`);
    return { integration: id };
  },
  async CountersignNoWorker() {
    harness.temporal.state = 'no worker';
    return { why: 'no worker' };
  },
  async CountersignNotSwept() {
    await harness.db.execute(sql`update sweep set swept_at = now() - interval '20 minutes'`);
    return {};
  },
  async CountersignSilent() {
    await harness.db.execute(sql`delete from sweep`);
    return {};
  },
};

test.each(Object.keys(broken))('%s fires when its thing is broken, and says whose it is', async (alert) => {
  const rule = ruleOf.get(alert);
  const before = firing(rule, await scrape());
  const labels = (await broken[alert]?.()) ?? {};
  const now = firing(rule, await scrape());
  expect(before).not.toContainEqual(expect.objectContaining({ labels: expect.objectContaining(labels) as object }));
  expect(now).toContainEqual(expect.objectContaining({ labels: expect.objectContaining(labels) as object }));
});

test('what else is measured: an activity and the Schedule of the sweep that are paused, the oldest wait of each kind', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('verifyCredentials'));
  await beginStep(harness.db, { kind: 'connect', id, round: '1', step: 'verifyCredentials' });
  const activity = 'verifyCredentials';
  await storePausedActivities(harness.db, [{ kind: 'connect', id, activity, pausedAt: new Date().toISOString() }]);
  await storeSchedules(harness.db, [
    { scheduleId: 'sweep', integrationId: null, revision: null, paused: true, nextRuns: [] },
  ]);
  const samples = await scrape();
  const paused = samples.filter(({ name }) => name === 'countersign_paused').map(({ labels }) => labels);
  expect(paused).toContainEqual({ integration: id, of: 'activity' });
  expect(paused).toContainEqual({ integration: '', of: 'sweep' });
  const kinds = samples
    .filter(({ name }) => name === 'countersign_oldest_wait_seconds')
    .map(({ labels }) => labels['kind']);
  expect([...new Set(kinds)].toSorted()).toEqual([
    'blocked',
    'customer',
    'dead alert',
    'held',
    'refused post',
    'uncertain',
  ]);
});

/** Names of metrics in an expression, without the suffixes of a histogram. */
const metricsIn = (expr: string) =>
  [...expr.matchAll(/\bcountersign_\w+/g)].map(([name]) => name.replace(/_(count|sum|bucket)$/, ''));

test('every rule is broken above or of the worker, and has an entry in the runbook', () => {
  expect([...Object.keys(broken), 'CountersignStepAlarm'].toSorted()).toEqual([...ruleOf.keys()].toSorted());
  const runbook = readFileSync('docs/operations.md', 'utf8');
  const entries = [...runbook.matchAll(/^### (Countersign\w+)\n\n(.+)$/gm)].map(([, alert]) => alert);
  expect(entries.toSorted()).toEqual([...ruleOf.keys()].toSorted());
  for (const { alert, annotations, labels } of rules) {
    expect(annotations.runbook_url).toBe(`docs/operations.md#${alert.toLowerCase()}`);
    expect(annotations.summary.length, alert).toBeGreaterThan(20);
    expect(['warning', 'critical']).toContain(labels.severity);
  }
});

test('every problem that CountersignBlocked may name has its row in the runbook', () => {
  const [, symptoms = ''] = readFileSync('docs/operations.md', 'utf8').split('\n## By symptom\n');
  const rows = symptoms.split('\n').filter((line) => line.startsWith('|'));
  const named = (code: string) => rows.some((row) => row.split('|')[1]?.includes(`\`${code}\``));
  expect(problemCodes.length).toBeGreaterThan(10);
  expect(problemCodes.filter((code) => !named(code))).toEqual([]);
});

test('every metric that a rule or the dashboard asks for is one of ours, and the documentation names it', async () => {
  const text = await (await fetch(`${harness.url}/metrics`)).text();
  const ofWorker = (await register.getMetricsAsJSON()).map(({ name }) => name);
  const ours = new Set([...[...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name), ...ofWorker]);
  const targets = dashboard.panels.flatMap((panel) => panel.targets);
  expect(targets.length).toBeGreaterThan(10);
  const asked = new Set([...rules, ...targets].flatMap(({ expr }) => metricsIn(expr)));
  expect([...asked].filter((name) => !ours.has(name))).toEqual([]);
  const docs = readFileSync('docs/operations.md', 'utf8');
  const mine = [...ours].filter((name) => name?.startsWith('countersign_'));
  expect(
    mine.filter((name) => !docs.includes(name ?? '')),
    'not in docs/operations.md',
  ).toEqual([]);
});
