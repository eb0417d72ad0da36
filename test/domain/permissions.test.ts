import { expect, test } from 'vitest';
import { judgePermissions, type PermissionFacts } from '../../domain/permissions.ts';

const needed = ['accounts.read', 'products.read', 'agreements.read', 'lines.read'];
const others = ['lines.write', 'boards.read'];

function report(
  over: Record<string, 'denied' | 'unknown'> = {},
  auth: PermissionFacts['auth'] = 'ok',
): PermissionFacts {
  return {
    auth,
    capabilities: Object.fromEntries(
      [...needed, ...others].map((name) => [name, { state: over[name] ?? 'granted', evidence: `asked for ${name}` }]),
    ),
  };
}

test('with every right there is nothing to say', () => {
  expect(judgePermissions(report())).toEqual({ ok: true, code: 'ok', missing: [], unknown: [] });
});

test.each(needed)('without %s nothing can be reconciled, and the evidence is handed on', (capability) => {
  expect(judgePermissions(report({ [capability]: 'denied' }))).toEqual({
    ok: false,
    code: 'missing_rights',
    missing: [{ capability, evidence: `asked for ${capability}` }],
    unknown: [],
  });
});

test.each(others)('without %s reconciling goes on', (capability) => {
  expect(judgePermissions(report({ [capability]: 'denied' }))).toMatchObject({ ok: true, missing: [] });
});

test('a right that cannot be seen is said, and does not block', () => {
  const verdict = judgePermissions(report({ 'lines.write': 'unknown', 'lines.read': 'unknown' }));
  expect(verdict).toMatchObject({ ok: true, code: 'ok', missing: [] });
  expect(verdict.unknown.toSorted()).toEqual(['lines.read', 'lines.write']);
});

test.each(['bad_credentials', 'bad_host', 'unreachable'] as const)(
  'when the connection itself fails as %s, that is the reason, whatever the rights look like',
  (auth) => {
    expect(judgePermissions(report({ 'accounts.read': 'denied' }, auth))).toMatchObject({
      ok: false,
      code: auth,
      missing: [],
    });
  },
);
