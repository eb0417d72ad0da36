import { expect, test } from 'vitest';
import {
  isFinished,
  problemOf,
  skippedConnectSteps,
  stepsOf,
  stepWords,
  workflowIdOf,
  workflowInputOf,
  type ProcessKind,
} from '../../domain/process.ts';

const kinds = Object.keys(stepsOf) as ProcessKind[];
const stepsLeft = (intake: 'push' | 'pull', modules: ('billing' | 'alerts')[]) => {
  const skipped = skippedConnectSteps({ intake, modules });
  return stepsOf.connect.filter((step) => !skipped.includes(step));
};

test('every step of every process has words that a stranger understands', () => {
  const wordless = kinds
    .flatMap((kind) => [...stepsOf[kind]])
    .filter((step) => !/^[A-Z].{3,}/.test(stepWords[step].title) || !/^(a|an|the) /i.test(stepWords[step].waitsFor));
  expect(wordless).toEqual([]);
});

test('no words are there for a step that no process has', () => {
  expect(Object.keys(stepWords).sort()).toEqual([...new Set(kinds.flatMap((kind) => [...stepsOf[kind]]))].sort());
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

test('a skipped step is as good as a done one; all others hold the process', () => {
  expect((['waiting', 'running', 'blocked', 'done', 'skipped'] as const).filter(isFinished)).toEqual([
    'done',
    'skipped',
  ]);
});
