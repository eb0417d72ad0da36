/** Who may ask for what, tested for every operation of the contract. None escapes: contract.test.ts demands a sample of each. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Scope } from '../../api/context.ts';
import { roles as roleNames, scopeOfRole, type Role } from '../../domain/roles.ts';
import { routesOf, type Route } from '../kit/apiContract.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { addressOf, nobodys, onlyShown, sampleOf, samples, type Sample } from '../kit/apiSamples.ts';
import { seedPerson, signedIn, type Browser } from '../kit/people.ts';

/** Operations that need `admin`: they change connections, credentials, keys and what an integration carries. */
const forAdmins = [
  'abandonMigration',
  'changeMember',
  'createInvitation',
  'createIntegration',
  'createPsaConnection',
  'createToken',
  'disconnectIntegration',
  'migrateToAlerts',
  'putPsaCredentials',
  'putPsaSettings',
  'putPsaWrites',
  'putVendorCredentials',
  'reconnectIntegration',
  'removeMember',
  'revokeIntegrationKey',
  'revokeToken',
  'rotateIntegrationKey',
  'setIntake',
  'withdrawInvitation',
];
const roles = ['none', 'read', 'operate', 'admin'] as const;
const operations = Object.keys(samples);

let harness: ApiHarness;
/** A browser of a person with each role. */
let browsers: Record<Role, Browser>;
async function begin(): Promise<void> {
  harness = await startApi();
  const { db, one, url } = harness;
  const [viewer, operator, admin] = await Promise.all(
    (['viewer', 'operator', 'admin'] as const).map(async (role) =>
      signedIn(url, await seedPerson(db, one.organizationId, role)),
    ),
  );
  if (!viewer || !operator || !admin) throw new Error('Somebody is not signed in.');
  browsers = { viewer, operator, admin };
}
beforeAll(begin);
afterAll(() => harness?.close());

function routeOf(operationId: string): Route {
  const route = routesOf(harness.contract).find(({ operation }) => operation.operationId === operationId);
  if (!route) throw new Error(`The contract has no operation ${operationId}.`);
  return route;
}

/** The least scope that suffices for a route. */
function scopeOf({ method, operation }: Route): Scope {
  if (forAdmins.includes(operation.operationId)) return 'admin';
  return method === 'GET' || onlyShown.includes(operation.operationId) ? 'read' : 'operate';
}

/** The role that gives just that scope. */
const roleOf = (route: Route): Role => roleNames.find((role) => scopeOfRole[role] === scopeOf(route)) ?? 'admin';

/** Calls `ask` with the route's sample, and checks that it changed nothing in the database and woke nothing. */
async function changesNothing(route: Route, ask: (sample: Sample) => Promise<void>): Promise<void> {
  const sample = await sampleOf(route, harness.one);
  const before = await harness.changes();
  const woken = harness.wakes.length;
  await ask(sample);
  expect(await harness.changes(), `${route.method} ${route.path} changed something`).toEqual(before);
  expect(harness.wakes.length, `${route.method} ${route.path} woke something`).toBe(woken);
}

describe.each(operations)('%s', (operationId) => {
  test('refuses a request without a token, or with one that is not valid', async () => {
    const { one, url } = harness;
    const route = routeOf(operationId);
    const bad = {
      'no-token': [
        undefined,
        '',
        'Bearer',
        'Bearer short',
        `Basic ${one.tokens.admin}`,
        `Bearer ${one.tokens.admin} x`,
      ],
      'bad-token': [`Bearer ${'x'.repeat(40)}`, `Bearer ${one.tokens.admin}x`, `Bearer ${one.tokens.revoked}`],
    };
    await changesNothing(route, async (sample) => {
      for (const [code, headers] of Object.entries(bad)) {
        for (const authorization of headers) {
          const response = await fetch(`${url}${addressOf(route, sample)}`, {
            method: route.method,
            headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
            body: sample.body === undefined ? null : JSON.stringify(sample.body),
          });
          expect(await response.json(), `with ${authorization}`).toMatchObject({ status: 401, code });
          expect(response.headers.get('www-authenticate')).toBe('Bearer');
        }
      }
    });
  });

  test('refuses a token of every lesser scope', async () => {
    const route = routeOf(operationId);
    await changesNothing(route, async (sample) => {
      for (const role of roles.slice(0, roles.indexOf(scopeOf(route)))) {
        const caller = harness.as(harness.one.tokens[role]);
        await caller.problem(403, 'missing-scope', route.method, addressOf(route, sample), sample.body);
      }
    });
  });

  test('treats a session like a token of its role', async () => {
    const route = routeOf(operationId);
    await changesNothing(route, async (sample) => {
      for (const role of roleNames.slice(0, roleNames.indexOf(roleOf(route)))) {
        const answer = await browsers[role].ask(route.method, addressOf(route, sample), sample.body);
        expect([answer.status, answer.body.code], role).toEqual([403, 'missing-scope']);
      }
    });
  });

  test("refuses an admin's session when another site's page sends it, or nobody says which page does", async () => {
    const route = routeOf(operationId);
    if (route.method === 'GET') return;
    await changesNothing(route, async (sample) => {
      for (const origin of [undefined, 'null', 'https://evil.example', `${harness.url}.evil.example`]) {
        const answer = await browsers.admin.ask(route.method, addressOf(route, sample), sample.body, { origin });
        expect([answer.status, answer.body.code], origin).toEqual([403, 'wrong-origin']);
      }
    });
  });

  test("answers another tenant's id in its address as one that nobody has, and changes nothing", async () => {
    const { other, admin } = harness;
    const route = routeOf(operationId);
    if (!route.path.includes('{')) return;
    const theirs = await sampleOf(route, other);
    await changesNothing(route, async (mine) => {
      for (const params of swapped(mine.params ?? {}, theirs.params ?? {})) {
        await admin.problem(404, 'not-found', route.method, addressOf(route, { ...mine, params }), mine.body);
        // The answer is the same with the other tenant's query and body.
        await admin.problem(404, 'not-found', route.method, addressOf(route, { ...theirs, params }), theirs.body);
      }
    });
  });

  test("answers another tenant's id in its body as one that nobody has, and changes nothing", async () => {
    const { other, admin } = harness;
    const route = routeOf(operationId);
    if (!route.operation.requestBody) return;
    const theirs = await sampleOf(route, other);
    await changesNothing(route, async (mine) => {
      for (const [foreign, unknown] of swappedBodies(mine.body, theirs.body)) {
        const answer = await admin.call<{ code: string }>(route.method, addressOf(route, mine), foreign);
        expect([404, 422], JSON.stringify(foreign)).toContain(answer.status);
        const nobody = await admin.call<{ code: string }>(route.method, addressOf(route, mine), unknown);
        expect({ status: nobody.status, code: nobody.body.code }).toEqual({
          status: answer.status,
          code: answer.body.code,
        });
      }
    });
  });
});

describe('a token of every scope that suffices, and a session of the role, are answered by', () => {
  // Two tenants of whom nothing is used up by what was refused.
  beforeAll(async () => {
    await harness.close();
    await begin();
  });

  test.each(operations)('%s', async (operationId) => {
    const route = routeOf(operationId);
    for (const role of roles.slice(roles.indexOf(scopeOf(route)))) {
      const sample = await sampleOf(route, harness.one);
      await harness.as(harness.one.tokens[role]).good(route.method, addressOf(route, sample), sample.body);
    }
    const sample = await sampleOf(route, harness.one);
    const answer = await browsers[roleOf(route)].ask(route.method, addressOf(route, sample), sample.body);
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  });
});

const open = ['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs', '/docs/scalar.js'];
test.each(open)('%s needs no token, and tells nothing of a tenant', async (path) => {
  const response = await fetch(`${harness.url}${path}`);
  expect(response.status).toBe(200);
  const text = await response.text();
  for (const tenant of [harness.one, harness.other]) {
    for (const known of [tenant.organizationId, tenant.psaConnectionId, tenant.tokens.admin])
      expect(text).not.toContain(known);
    // The metrics are per integration: by its id, which says nothing to whoever does not have it already.
    if (path !== '/metrics') expect(text).not.toContain(tenant.integrationId);
  }
});

test('nothing else answers without a token', async () => {
  for (const { path } of routesOf(harness.contract)) expect(path).toMatch(/^\/v1\//);
  for (const path of ['/v1', '/v1/', '/v1/nothing', '/v1//cards', '/v1/../v1/cards', '/V1/cards', '/v1/cards/']) {
    expect([401, 404], path).toContain((await fetch(`${harness.url}${path}`)).status);
  }
});

test('answers carry the headers that keep a browser from being used against us', async () => {
  const { headers } = await fetch(`${harness.url}/docs`);
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
  expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
});

test('no log line of a request holds its token', async () => {
  await harness.admin.good('GET', '/v1/cards?limit=1');
  expect(harness.logs.join('\n')).toContain('/v1/cards');
  expect(harness.logs.join('\n')).not.toContain(harness.one.tokens.admin);
});

/** My ids with one of theirs swapped in, for each; and all of theirs. Equal values are names that all tenants share, not ids. */
function swapped(mine: Record<string, string>, theirs: Record<string, string>): Record<string, string>[] {
  const names = Object.keys(mine).filter((name) => mine[name] !== theirs[name]);
  return [...names.map((name) => ({ ...mine, [name]: theirs[name] ?? '' })), theirs];
}

/** Pairs of bodies: mine with one id swapped for theirs, and the same with an id that nobody has. */
function swappedBodies(mine: unknown, theirs: unknown): [unknown, unknown][] {
  if (typeof mine === 'string') {
    return typeof theirs === 'string' && mine !== theirs ? [[theirs, nobodys(mine)]] : [];
  }
  if (typeof mine !== 'object' || mine === null) return [];
  return Object.entries(mine).flatMap(([name, value]) =>
    swappedBodies(value, (theirs as Record<string, unknown>)[name]).map((pair) =>
      pair.map((inner) => (Array.isArray(mine) ? mine.with(Number(name), inner) : { ...mine, [name]: inner })),
    ),
  ) as [unknown, unknown][];
}
