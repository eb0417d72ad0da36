/** Tests of what every route of a resource must refuse. They are generated from the contract, so no new route escapes them. */
import { describe, expect, test } from 'vitest';
import { scopes } from '../../api/define.ts';
import type { Scope } from '../../api/context.ts';
import { routesOf, type Route } from './apiContract.ts';
import type { ApiHarness } from './apiHarness.ts';
import { addressOf, nobodys, sampleOf, type Sample } from './apiSamples.ts';

/** For each scope the token with the next lesser one. */
const lesser: Record<Scope, 'none' | 'read' | 'operate'> = { read: 'none', operate: 'read', admin: 'operate' };

/**
 * @param tags the OpenAPI tags of the resource
 * @param harness a function, because the harness starts only in `beforeAll`
 */
export function proveSecurity(tags: readonly string[], harness: () => ApiHarness): void {
  describe.each(tags)('every route of %s', (tag) => {
    const routes = () => routesOf(harness().contract).filter((route) => route.operation.tags.includes(tag));

    /** Calls `ask` with each route and its sample, and checks that it changed nothing in the database and woke nothing. */
    async function eachRoute(ask: (route: Route, sample: Sample) => Promise<void>): Promise<void> {
      expect(routes().length).toBeGreaterThan(0);
      for (const route of routes()) {
        const sample = await sampleOf(route, harness().one);
        const before = await harness().dump();
        const woken = harness().wakes.length;
        await ask(route, sample);
        expect(await harness().dump(), `${route.method} ${route.path} changed something`).toEqual(before);
        expect(harness().wakes.length, `${route.method} ${route.path} woke something`).toBe(woken);
      }
    }

    test('refuses a request without a token, or with one that is not valid', async () => {
      const { one, url } = harness();
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
      await eachRoute(async (route, sample) => {
        for (const [code, headers] of Object.entries(bad)) {
          for (const authorization of headers) {
            const response = await fetch(`${url}${addressOf(route, sample)}`, {
              method: route.method,
              headers: {
                'content-type': 'application/json',
                ...(authorization === undefined ? {} : { authorization }),
              },
              body: sample.body === undefined ? null : JSON.stringify(sample.body),
            });
            expect(await response.json(), `${route.method} ${route.path} with ${authorization}`).toMatchObject({
              status: 401,
              code,
            });
            expect(response.headers.get('www-authenticate')).toBe('Bearer');
          }
        }
      });
    });

    test('refuses a token of a lesser scope', async () => {
      const { one, as } = harness();
      await eachRoute(async (route, sample) => {
        const scope = scopes.get(`${route.method} ${route.path}`);
        if (!scope) throw new Error(`${route.method} ${route.path} has no scope.`);
        const caller = as(one.tokens[lesser[scope]]);
        await caller.problem(403, 'missing-scope', route.method, addressOf(route, sample), sample.body);
      });
    });

    test("answers another tenant's id in its address as one that nobody has, and changes nothing", async () => {
      const { other, admin } = harness();
      for (const route of routes().filter(({ path }) => path.includes('{'))) {
        const mine = await sampleOf(route, harness().one);
        const theirs = await sampleOf(route, other);
        const before = await harness().dump();
        for (const params of swapped(mine.params ?? {}, theirs.params ?? {})) {
          await admin.problem(404, 'not-found', route.method, addressOf(route, { ...mine, params }), mine.body);
          // The answer is the same with the other tenant's query and body.
          await admin.problem(404, 'not-found', route.method, addressOf(route, { ...theirs, params }), theirs.body);
        }
        expect(await harness().dump(), `${route.method} ${route.path} changed something`).toEqual(before);
      }
    });

    test("answers another tenant's id in its body as one that nobody has, and changes nothing", async () => {
      const { other, admin } = harness();
      for (const route of routes().filter(({ operation }) => operation.requestBody)) {
        const mine = await sampleOf(route, harness().one);
        const theirs = await sampleOf(route, other);
        const before = await harness().dump();
        for (const [foreign, unknown] of swappedBodies(mine.body, theirs.body)) {
          const answer = await admin.call<{ code: string }>(route.method, addressOf(route, mine), foreign);
          expect([404, 422], `${route.method} ${route.path} ${JSON.stringify(foreign)}`).toContain(answer.status);
          const nobody = await admin.call<{ code: string }>(route.method, addressOf(route, mine), unknown);
          expect({ status: nobody.status, code: nobody.body.code }).toEqual({
            status: answer.status,
            code: answer.body.code,
          });
        }
        expect(await harness().dump(), `${route.method} ${route.path} changed something`).toEqual(before);
      }
    });
  });
}

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
