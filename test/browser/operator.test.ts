/**
 * What an operator does in the real Temporal UI with each thing that is wrong: finds it by a search of docs/operations.md, reads what
 * it is and what to do, and frees it. Every fault is a real one, and the rule of its alarm fires meanwhile. With SCREENSHOTS set to
 * a folder the pictures that docs/operations.md shows are kept there.
 */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  createIntegration,
  createPsaConnection,
  latestRun,
  person,
  signOff,
  syncNow,
  untilApprovalClosed,
  untilConnected,
  type ApprovalView,
  type CardView,
} from '../../dev/walkthrough/guide.ts';
import { addCustomer } from '../../dev/walkthrough/newCustomer.ts';
import { until } from '../../dev/until.ts';
import type { WorldCustomer } from '../../simulators/world.ts';
import { ticketsOf, untilAlert, type AlertView } from '../kit/alerts.ts';
import { findChromium, launchChromium, leaveChromium } from '../kit/chromium.ts';
import { sayWhatFailedPagesShow } from '../kit/failedPages.ts';
import { fires } from '../kit/alarms.ts';
import { startSystem, type System } from '../kit/system.ts';
import { openTemporalUi, type TemporalUi } from '../kit/temporalUi.ts';

let system: System;
let browser: Browser;
let ui: TemporalUi;
let id: string;
let psaConnectionId: string;
let customers: WorldCustomer[];

beforeAll(async () => {
  const env = {
    RETRYING_SHOWN_MS: '500',
    // What is retried stays so, and is not blocked as unreachable.
    TRANSIENT_LIMIT_MS: '120000',
    SWEEP_INTERVAL_MS: '1000',
    WORKER_SILENT_MS: '12000',
    MAX_RETRY_MS: '1000',
    // A write whose answer does not come leaves time to break something else.
    CALL_TIMEOUT_MS: '4000',
    ONBOARDING_REMIND_MS: '2000',
    ONBOARDING_ESCALATE_MS: '500',
    PUBLIC_URL: 'https://countersign.example',
  };
  const [path, started] = await Promise.all([findChromium(), startSystem({ customers: 26, env })]);
  system = started;
  browser = await launchChromium(path);
  ui = await openTemporalUi(browser, system);
  psaConnectionId = await createPsaConnection(system);
  id = await createIntegration(system, psaConnectionId, ['billing', 'alerts']);
  await person.credentials(system, id);
  await person.linkAll(system, id);
  await person.chooseBoard(system, id, psaConnectionId);
  await person.mapAccounts(system, id);
  await person.mapServices(system, id, psaConnectionId);
  await person.finish(system, id);
  await untilConnected(system, id);
  const mapped = await system.api.all<{ id: string }>(`/v1/integrations/${id}/accounts?mapped=true`);
  const all = (await system.mailprotector.state<{ customers: WorldCustomer[] }>()).customers;
  customers = all.filter((each) => mapped.some((account) => account.id === String(each.id)) && each.domains.length > 0);
}, 240_000);
afterAll(async () => {
  await leaveChromium(browser);
  await system?.close();
});
afterEach(sayWhatFailedPagesShow);
// One that fails leaves no fault behind for the next.
afterEach(async () => {
  await system.mailprotector.clearFaults();
  await system.connectwise.clearFaults();
});

interface HealthView {
  state: string;
  waits: { for: string; what: string; code?: string; workflowId: string }[];
}
const health = () => system.api.get<HealthView>(`/v1/integrations/${id}/health`);
const waitWith = (code: string) =>
  until(`health to say ${code}`, async () => (await health()).waits.find((wait) => wait.code === code));
/** @param above replaces the rule's limit, where it is longer than a test */
const alarm = (rule: string, labels: Record<string, string> = {}, above?: number) =>
  until(`${rule} to fire`, async () => fires(rule, system.api.url, labels, above));
/** The request that the words name, as an operator would copy it. */
const requestIn = (words: string, name: string) => {
  const [, method = '', path = ''] = new RegExp(`${name}:? ?(POST|PUT) (/v1/\\S+?)[.,;]?(\\s|$)`).exec(words) ?? [];
  expect(path, words).not.toBe('');
  return { method, path };
};
const doctor = (...args: string[]) => system.run('cli/doctor.js', {}, args);

test('a held run: open and blocked, with the figures that moved; released by the request that it names', async () => {
  const group = customers[0]?.domains[0]?.groups[0];
  await system.mailprotector.change({ change: 'setUsers', id: group?.id, users: 9_000 });
  const run = await syncNow(system, id);
  expect(run.state).toBe('held');
  await ui.find("Problem = 'held'", `sync/${id}`, 'temporal-held');
  const words = await ui.read(`sync/${id}`, 'A run is held: blocked (held)', 'temporal-held-problem');
  expect(words).toMatch(/total \d+ → \d+, above zero \d+ → \d+/);
  expect(words).toMatch(/Test MSP\s*·\s*Mailprotector\s*·\s*PSA\s*.Test PSA./);
  expect(words).toContain(`https://countersign.example/runs/${run.id}`);
  expect(words).toContain((await waitWith('held')).what.split('. ')[1]);
  await alarm('CountersignHeldRun', { integration: id });
  const { path } = requestIn(words, 'Release');
  expect(path).toBe(`/v1/syncs/${run.id}/release`);
  await system.api.post(path);
  await ui.untilCompleted();
});

test('a ticket, and a board, that the PSA refuses: one blocked row each, freed by the Signal wake', async () => {
  const pending = async (number: number, customer: WorldCustomer | undefined) => {
    await system.mailprotector.change({
      change: 'addDomain',
      customerId: customer?.id,
      id: 7_700_000 + number,
      groupId: 7_800_000 + number,
      name: `pending${number}.example`,
    });
    return `rule:domainPending:${7_700_000 + number}`;
  };
  const find = (alertId: string) =>
    until(`the alert ${alertId}`, async () =>
      (await system.api.all<AlertView>(`/v1/alerts?integrationId=${id}`)).find((alert) => alert.alertId === alertId),
    );
  await system.connectwise.fault({ kind: 'status', status: 400, method: 'POST', path: '/service/tickets$' });
  const first = await pending(1, customers[1]);
  await syncNow(system, id);
  const alert = await find(first);
  await untilAlert(system, alert.id, 'dead');
  await ui.find("Problem = 'refused'", `alert/${alert.id}`);
  const words = await ui.read(
    `alert/${alert.id}`,
    'The PSA refused the ticket (400): blocked (refused)',
    'temporal-refused',
  );
  expect(words).toContain(`POST /v1/alerts/${alert.id}/retry or the Signal wake`);
  expect(words).toContain((await waitWith('refused')).what.split('. ')[1]);
  await alarm('CountersignAlertsDead', { integration: id, state: 'dead' });
  await ui.wake();
  await ui.untilCompleted();
  expect(await ticketsOf(system, alert.id)).toHaveLength(1);

  const boardIs = (inactive: boolean) =>
    system.connectwise.change({ change: 'setBoardInactive', boardId: 2, inactive });
  await boardIs(true);
  const more = [await pending(2, customers[2]), await pending(3, customers[3])];
  await syncNow(system, id);
  const alerts = await Promise.all(more.map(find));
  const dead = await until('one to be dead', async () => {
    const now = await Promise.all(alerts.map((each) => system.api.get<AlertView>(`/v1/alerts/${each.id}`)));
    return now.find(({ state }) => state === 'dead');
  });
  await ui.find("Problem = 'refused'", `alert/${dead.id}`);
  expect((await system.temporal.workflow.count("Problem = 'refused'")).count).toBe(1);
  expect(await ui.read(`alert/${dead.id}`, 'The PSA refuses the board (400): blocked (refused)')).toContain(
    'No alert of this integration is delivered meanwhile',
  );
  await boardIs(false);
  await ui.wake();
  for (const each of alerts) await untilAlert(system, each.id, 'delivered');
});

test('an approval with an uncertain line: its lines are counted, and no line is written twice', async () => {
  await system.api.put(`/v1/psa-connections/${psaConnectionId}/writes`, { enabled: true });
  const cards = (await system.api.all<CardView>('/v1/cards'))
    .filter((card) => card.approvable && card.write)
    .slice(0, 3);
  // The answer to the second write is lost, and from then on the member may not read lines.
  await system.connectwise.clearLog();
  await system.connectwise.fault({ kind: 'afterCommit', then: 'hang', method: 'PATCH', path: '/additions/', skip: 1 });
  const { approval } = await signOff(system, cards);
  await until('the second write', async () => (await system.connectwise.log('PATCH')).length === 2);
  await system.connectwise.fault({ kind: 'status', status: 403, method: 'GET', path: '/additions', times: null });
  await ui.find("Blocked = true and Process = 'approveUsage'", `approve/${approval.id}`);
  const words = await ui.read(`approve/${approval.id}`, 'blocked (forbidden)', 'temporal-approval');
  expect(words).toContain('1 uncertain');
  expect(words).toMatch(/Test MSP\s*·\s*PSA\s*.Test PSA./);
  expect(words).toMatch(/Grant the missing right in the PSA .Test PSA./);
  expect((await waitWith('forbidden')).workflowId).toBe(`approve/${approval.id}`);
  await alarm('CountersignApprovalBlocked', { integration: id });
  await alarm('CountersignLinesUncertain', { integration: id });
  expect((await doctor()).said).toMatch(/approvals +of 1 approved lines it is not known/);
  await system.connectwise.clearFaults();
  await ui.wake();
  const { counts } = await untilApprovalClosed(system, approval.id);
  expect(counts).toMatchObject({ applied: 3 } satisfies ApprovalView['counts']);
  expect(await system.connectwise.log('PATCH')).toHaveLength(3);
  await ui.untilCompleted();
});

test('what is retried for long says since when and with what; paused in the UI it is said to be paused, and goes on there', async () => {
  await system.mailprotector.fault({ kind: 'status', status: 503, method: 'GET', path: '/domains$', times: null });
  await system.api.post(`/v1/integrations/${id}/syncs`);
  await ui.find("Problem = 'retrying'", `sync/${id}`);
  const words = await ui.read(`sync/${id}`, 'retries since', 'temporal-retrying');
  expect(words).toMatch(/Read usage from the vendor: retries since \d\d:\d\d UTC: 503, \/\S+\/domains/);
  expect(words).toContain((await waitWith('retrying')).what.split(': ').slice(1).join(': '));
  const { sync } = await system.api.get<{ sync: { waitsFor: string } }>(`/v1/integrations/${id}`);
  expect(words).toContain(sync.waitsFor);
  await alarm('CountersignRetrying', { integration: id, step: 'pullVendor' }, 0.5);
  await ui.tab('pending-activities');
  await ui.page.getByText('(upstream)').first().waitFor();
  await ui.click(ui.page.getByRole('button', { name: 'Pause' }));
  await ui.click(ui.page.getByRole('dialog').getByRole('button', { name: 'Pause' }));
  await system.mailprotector.clearFaults();
  expect((await waitWith('paused')).what).toContain('paused in the Temporal UI');
  await alarm('CountersignPaused', { integration: id, of: 'activity' });
  expect((await doctor()).said).toMatch(/✗ paused +the activity pullVendor of sync\//);
  const before = await latestRun(system, id);
  expect(before?.state).toBe('running');
  await ui.page.reload();
  await ui.click(ui.page.getByRole('button', { name: 'Unpause' }));
  await ui.click(ui.page.getByRole('dialog').getByRole('button', { name: 'Unpause' }));
  await until('the run to be over', async () => (await latestRun(system, id))?.state === 'applied');
  await ui.untilCompleted();
});

test('a Schedule that was paused in the UI is said to be paused, and goes on after it was unpaused there', async () => {
  await system.api.put(`/v1/integrations/${id}/schedule`, {
    choice: { every: 'night', at: '03:30' },
    timeZone: 'UTC',
    jitterMinutes: 0,
  });
  await until('the Schedule to be there', () => system.temporal.schedule.getHandle(`sync/${id}`).describe());
  await ui.page.goto(`/namespaces/${system.namespace}/schedules/${encodeURIComponent(`sync/${id}`)}`);
  await ui.click(ui.page.getByRole('button', { name: 'Pause' }));
  const dialog = ui.page.getByRole('dialog').filter({ visible: true });
  await dialog.getByRole('textbox').fill('Maintenance of the vendor');
  await ui.click(dialog.getByRole('button', { name: 'Pause' }));
  expect((await waitWith('schedule_paused')).what).toContain('Unpause it there');
  await alarm('CountersignPaused', { integration: id, of: 'schedule' });
  await ui.click(ui.page.getByRole('button', { name: 'Unpause' }));
  await dialog.getByRole('textbox').fill('It is over');
  await ui.click(dialog.getByRole('button', { name: 'Unpause' }));
  await until('health to follow', async () => !(await health()).waits.some(({ code }) => code === 'schedule_paused'));
  await system.api.put(`/v1/integrations/${id}/schedule`, {
    choice: { every: 'never' },
    timeZone: 'UTC',
    jitterMinutes: 0,
  });
});

test('credentials that the vendor refuses: whose they are and where new ones are given; the Signal wake tries again', async () => {
  await system.mailprotector.fault({ kind: 'status', status: 401, method: 'GET', times: null });
  await system.api.post(`/v1/integrations/${id}/syncs`);
  await ui.find('Blocked = true', `sync/${id}`, 'temporal-blocked');
  // The PSA is read beside the vendor, and may be done later.
  await ui.read(`sync/${id}`, '✓ Read the PSA afresh');
  await ui.find('Blocked = true', `sync/${id}`);
  const words = await ui.read(`sync/${id}`, 'blocked (bad_credentials)', 'temporal-problem');
  expect(words).toContain('Reads usage from the vendor and makes it visible, all or nothing');
  expect(words).toContain('Give new credentials of Mailprotector');
  expect(words).toContain('✓ Read the PSA afresh');
  await alarm('CountersignBlocked', { integration: id, problem: 'bad_credentials' });
  await system.mailprotector.clearFaults();
  await ui.wake('temporal-signal');
  await until('the run to be over', async () => (await latestRun(system, id))?.state === 'applied');
  await ui.untilCompleted('temporal-completed');
  await until(
    'nothing to be blocked',
    async () => (await system.temporal.workflow.count('Blocked = true')).count === 0,
  );
});

test('a new customer whom nobody maps; its workflow, terminated in the UI, is started again by the sweep', async () => {
  await addCustomer(system.mailprotector, { id: 7_900, name: 'Nobody Knows Ltd', users: 3 });
  await syncNow(system, id);
  const workflowId = `onboard/${id}/7900`;
  const search = "Process = 'onboardCustomer' and Problem = 'not_mapped'";
  await ui.find(search, workflowId);
  const words = await ui.read(workflowId, 'blocked (not_mapped)', 'temporal-unmapped');
  expect(words).toContain('/new-customers in the console shows it');
  expect(words).not.toContain('Nobody Knows');
  expect(words).toContain((await waitWith('not_mapped')).what.split(': ').slice(1).join(': '));
  await alarm('CountersignWaitsLong', { integration: id, kind: 'customer' }, 0);
  await ui.terminate();
  // The next sweep starts it again, because it has a reminder to give. (What waits without one comes back within a day, or by the doctor.)
  await ui.find(`${search} and ExecutionStatus = 'Running'`, workflowId);
  await ui.read(workflowId, 'blocked (not_mapped)');
  await system.api.decide('PUT', `/v1/integrations/${id}/accounts/7900`, 'exclusion', { reason: 'It is ours' });
  await ui.untilCompleted();
});

test('a dead worker is missed: doctor and the api say so, and what was asked meanwhile is done by the next one', async () => {
  const ready = () => system.api.get<{ temporal: string; words: string }>('/readyz');
  await system.killWorker();
  await system.api.post(`/v1/integrations/${id}/syncs`);
  await until('the worker to be missed', async () => (await ready()).temporal === 'no worker');
  expect((await doctor()).said).toMatch(/✗ worker +No worker asks for work/);
  await alarm('CountersignNoWorker', { why: 'no worker' });
  await ui.find("Process = 'sync' and ExecutionStatus = 'Running'", `sync/${id}`);
  await ui.click(ui.page.getByRole('link', { name: `sync/${id}` }));
  await ui.page.waitForURL(/history|user-metadata/);
  await ui.tab('workers');
  // A worker that died is listed for some minutes: the time of its last access tells.
  await ui.page.getByText('Last Accessed').filter({ visible: true }).first().waitFor();
  await ui.shoot('temporal-workers');
  await system.startWorker({});
  await until('the run to be over', async () => (await latestRun(system, id))?.state === 'applied');
  // The worker asks both task queues for work, and Temporal may hear of one a moment before the other.
  await until('the worker to be heard on every task queue', async () => (await ready()).words === 'Everything works.');
  await ui.untilCompleted();
});
