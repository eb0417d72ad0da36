import { expect, test } from 'vitest';
import { workflowIdOf, workflowInputOf } from '../../domain/process/ids.ts';
import { stepLabels } from '../../domain/process/labels.ts';
import { plainly, sayStep, type StepFacts } from '../../domain/process/statement.ts';
import { remedyOf } from '../../domain/process/remedies.ts';
import { problemOf } from '../../domain/process/problems.ts';
import {
  isFinished,
  reconnectSteps,
  skippedConnectSteps,
  stepsOf,
  type ProcessKind,
} from '../../domain/process/steps.ts';

const kinds = Object.keys(stepsOf) as ProcessKind[];
const stepsLeft = (intake: 'push' | 'pull', modules: ('billing' | 'alerts')[]) => {
  const skipped = skippedConnectSteps({ intake, modules });
  return stepsOf.connect.filter((step) => !skipped.includes(step));
};

test('every step of every process has words that a stranger understands', () => {
  const wordless = kinds
    .flatMap((kind) => [...stepsOf[kind]])
    .filter((step) => !/^[A-Z].{3,}/.test(stepLabels[step].title) || !/^(a|an|the) /i.test(stepLabels[step].waitsFor));
  expect(wordless).toEqual([]);
});

test('no words are there for a step that no process has', () => {
  expect(Object.keys(stepLabels).sort()).toEqual([...new Set(kinds.flatMap((kind) => [...stepsOf[kind]]))].sort());
});

test('no process has one step twice: a step is a row', () => {
  for (const kind of kinds) expect(new Set(stepsOf[kind]).size).toBe(stepsOf[kind].length);
});

test('pull and billing: credentials instead of a key, no board', () => {
  expect(stepsLeft('pull', ['billing'])).toEqual([
    'credentials', 'verifyCredentials', 'linkCustomers', 'psa', 'matchExactly', 'mapAccounts', 'mapServices', 'finish', 'firstSync',
  ]); // prettier-ignore
});

test('push and billing: a key instead of credentials', () => {
  expect(stepsLeft('push', ['billing']).slice(0, 3)).toEqual(['issueKey', 'enable', 'linkCustomers']);
});

test('G12 G13 with alerts, permissions are checked and a board is chosen before the PSA is read', () => {
  const steps = stepsLeft('pull', ['billing', 'alerts']);
  expect(steps.slice(3, 6)).toEqual(['checkPermissions', 'chooseBoard', 'psa']);
});

test('alerts alone: no services and no first sync', () => {
  const steps = stepsLeft('push', ['alerts']);
  expect(steps).not.toContain('mapServices');
  expect(steps).not.toContain('firstSync');
  expect(steps).toContain('mapAccounts');
});

test('a workflow id is the business id under its kind, and no two processes share one', () => {
  expect(workflowIdOf('connect', '7')).toBe('connect/7');
  expect(workflowIdOf('refreshPsa', '7')).toBe('psa/7');
  expect(workflowIdOf('sync', '7')).toBe('sync/7');
  expect(workflowIdOf('approveUsage', '7')).toBe('approve/7');
  expect(new Set(kinds.map((kind) => workflowIdOf(kind, '7'))).size).toBe(kinds.length);
});

test('a workflow is started with nothing but its own id (invariant 7)', () => {
  for (const kind of kinds) expect(Object.values(workflowInputOf(kind, 'a/7')).join('/')).toBe('a/7');
});

test('a problem always says what to do, even one nobody foresaw', () => {
  for (const code of ['bad_credentials', 'missing_rights', 'unreachable', 'a_code_from_the_future']) {
    expect(problemOf(code, 'what happened')).toMatchObject({ code, what: 'what happened' });
    expect(problemOf(code, '').todo.length).toBeGreaterThan(20);
  }
});

test('what to do names the connection, its request and its page: that of the side which refused', () => {
  const whose = {
    organization: 'Acme',
    vendor: 'Mailprotector',
    psa: 'Main',
    integrationId: 'i7',
    psaConnectionId: 'p7',
  };
  const refused = (step: string) => remedyOf({ step, code: 'bad_credentials' }, whose);
  // Each step of a sync that calls the vendor blames the vendor's credentials.
  for (const step of ['pullVendor', 'checkComplete', 'deriveAlerts', 'pullCustomer'])
    expect(refused(step)).toMatch(
      /of Mailprotector: `PUT \/v1\/integrations\/i7\/vendor-credentials`.*`\/integrations\/i7`/,
    );
  for (const step of ['pullPsa', 'write', 'writeTicket'])
    expect(refused(step)).toMatch(
      /of the PSA "Main": `PUT \/v1\/psa-connections\/p7\/credentials`.*`\/psa-connections\/p7`/,
    );
  const missing = ['Finance > Agreements: Inquire = All'];
  expect(remedyOf({ step: 'checkPsaPermissions', code: 'missing_rights', missing }, whose)).toContain(missing[0]);
  const unmapped = { step: 'mapCustomer', code: 'not_mapped' };
  expect(remedyOf(unmapped, whose)).toContain('nothing of it is billed');
  expect(remedyOf(unmapped, { ...whose, alertsOnly: true })).toContain('its alerts are parked');
  expect(remedyOf({ step: 'apply', code: 'of_the_future' }, whose)).toContain('to those who maintain Countersign');
  expect(remedyOf(unmapped, undefined)).toBe(problemOf('not_mapped', '').todo);
});

test('one statement says what a step does, since when it fails and with what, and what to do', () => {
  const whose = { vendor: 'Mailprotector', integrationId: 'i7' };
  const call = { status: 503, route: '/resellers/{id}/domains' };
  const failing = { forMs: 400_000, since: '03:02', code: 'upstream', ...call };
  const running = { step: 'pullVendor', state: 'running' as const };
  const say = (facts: Partial<StepFacts>, shownMs = 300_000) => {
    const { title, words, code } = sayStep({ ...running, ...facts }, whose, shownMs);
    expect(title).toBe('Read usage from the vendor');
    return [code, plainly(words)];
  };
  const at = '503, /resellers/{id}/domains';
  expect(say({})).toEqual([undefined, 'at work']);
  expect(say({ failing })).toEqual(['retrying', `retries since 03:02 UTC: ${at}`]);
  expect(say({ failing }, 500_000)).toEqual([undefined, 'at work']);
  expect(say({ pausedUntil: '03:30' })[1]).toBe('waits until 03:30 UTC, because the vendor asked for a pause');
  expect(say({ state: 'blocked', problem: 'unreachable', since: '2026-11-27 03:32', ...call })).toEqual([
    'unreachable',
    `blocked (unreachable) since 2026-11-27 03:32 UTC: ${at}. ${problemOf('unreachable', '').todo} The Signal wake tries it at once.`,
  ]);
  expect(say({ state: 'blocked', problem: 'bad_credentials' })[1]).toContain(
    'PUT /v1/integrations/i7/vendor-credentials',
  );
  // What is paused in Temporal goes before everything else: nothing else starts it.
  expect(say({ state: 'blocked', problem: 'unreachable', pausedInTemporal: true })[0]).toBe('paused');
  const waitsOn = { workflowId: 'psa/p7' };
  expect(say({ state: 'waiting' })).toEqual([undefined, 'waits for the vendor to answer']);
  expect(say({ state: 'waiting', waitsOn })).toEqual([undefined, 'waits for workflow psa/p7']);
  expect(say({ state: 'waiting', waitsOn: { ...waitsOn, problem: 'forbidden' } })).toEqual([
    'waits_for_blocked',
    'waits for workflow psa/p7, which is blocked (forbidden)',
  ]);
  // A person completes this one: a wake does not.
  expect(sayStep({ step: 'mapCustomer', state: 'blocked', problem: 'not_mapped' }, whose, 1).words).not.toContain(
    'Signal',
  );
});

test('a skipped step is as good as a done one; all others hold the process', () => {
  expect((['waiting', 'running', 'blocked', 'done', 'skipped'] as const).filter(isFinished)).toEqual([
    'done',
    'skipped',
  ]);
});

test('connected again, the access is asked for anew, and what was decided is not', () => {
  const done = stepsOf.connect.map((step) => ({ step, state: 'done' as const }));
  const again = (intake: 'push' | 'pull', modules: ('billing' | 'alerts')[], hasBoard = false) =>
    reconnectSteps({ intake, modules, hasBoard }, done);
  expect(again('pull', ['billing'])).toEqual(['credentials', 'verifyCredentials', 'psa', 'firstSync']);
  expect(again('push', ['billing'])).toEqual(['issueKey', 'enable', 'psa', 'firstSync']);
  expect(again('pull', ['alerts'], true)).toEqual(['credentials', 'verifyCredentials', 'checkPermissions', 'psa']);
});

test('connected again, what had not been done is, and a board only if there is none', () => {
  const steps = stepsOf.connect.map((step) => ({
    step,
    state: step === 'finish' ? ('skipped' as const) : ('done' as const),
  }));
  const billing = { intake: 'pull' as const, modules: ['billing' as const] };
  expect(reconnectSteps({ ...billing, hasBoard: false }, steps)).toContain('finish');
  // A migration to alerts that was under way: connect asks for the board.
  const skipped = stepsOf.connect.map((step) => ({ step, state: 'skipped' as const }));
  const both = { intake: 'pull' as const, modules: ['billing' as const, 'alerts' as const] };
  expect(reconnectSteps({ ...both, hasBoard: false }, skipped)).toContain('chooseBoard');
  expect(reconnectSteps({ ...both, hasBoard: true }, skipped)).not.toContain('chooseBoard');
});
