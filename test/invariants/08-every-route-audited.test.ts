import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routesOf, type Route } from '../kit/apiContract.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { addressOf, sampleOf } from '../kit/apiSamples.ts';

interface Entry {
  id: number;
  actor: string;
  action: string;
  subjectKind: string;
  subjectId: string;
}

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const changing = (): Route[] => routesOf(harness.contract).filter((route) => route.method !== 'GET');
const newest = async (): Promise<Entry[]> =>
  (await harness.admin.good<{ items: Entry[] }>('GET', '/v1/audit?limit=50')).items;

describe('every route that changes something', () => {
  test('leaves an audit row that says who did what to which row', async () => {
    expect(changing().length).toBeGreaterThan(20);
    for (const route of changing()) {
      const sample = await sampleOf(route, harness.one);
      const [before] = await newest();
      await harness.admin.good(route.method, addressOf(route, sample), sample.body);
      const rows = (await newest()).filter((row) => row.id > (before?.id ?? 0));
      const where = `${route.method} ${route.path}`;
      expect(rows, where).toHaveLength(1);
      expect(rows[0], where).toMatchObject({
        actor: `token:${harness.one.adminTokenId}`,
        action: expect.stringMatching(/^\w+\.\w+$/),
      });
      // It names the row of the address; what is made new is named by its own id, and a line by the id it has in the PSA.
      const named = rows[0]?.subjectKind ?? '';
      const id = ['approval', 'agreement_line'].includes(named) ? undefined : sample.params?.['id'];
      expect(rows[0]?.subjectId, where).toContain(id ?? '');
    }
  });

  test.each([
    ['its audit row cannot be written', 'audit'],
    ['its change cannot be committed', 'commit'],
  ] as const)('changes nothing, audits nothing and wakes nobody when %s: both are one transaction', async (_, what) => {
    for (const route of changing()) {
      const sample = await sampleOf(route, harness.one);
      const before = await harness.dump();
      const woken = harness.wakes.length;
      await harness.failing(what, () =>
        harness.admin.problem(500, 'internal', route.method, addressOf(route, sample), sample.body),
      );
      expect(await harness.dump(), `${route.method} ${route.path} changed something`).toEqual(before);
      expect(harness.wakes.length, `${route.method} ${route.path} woke something`).toBe(woken);
    }
  });
});

test("a tenant's audit is its own, and holds no secret that was sent", async () => {
  const { one, other, as } = harness;
  const theirs = await as(other.tokens.admin).good<{ items: Entry[] }>('GET', '/v1/audit?limit=200');
  expect(theirs.items).toEqual([]);
  const dump = await harness.dump();
  for (const secret of [one.tokens.admin, 'another-good-key', '"privateKey"']) {
    for (const [table, rows] of Object.entries(dump)) expect(rows.join('\n'), table).not.toContain(secret);
  }
  expect(harness.logs.join('\n')).not.toContain('another-good-key');
});
