/** A list is complete only when every piece of evidence agrees; otherwise it is incomplete, and never a part of itself. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { unlimited } from '../../connectors/rateLimiter.ts';
import { createConnectwiseAdapter } from '../../connectors/connectwise/adapter.ts';
import { createConnectwiseClient } from '../../connectors/connectwise/client.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import type { HttpClient } from '../../connectors/http.ts';
import { createMailprotectorAdapter, mailprotectorSettings } from '../../connectors/mailprotector/adapter.ts';
import { createMailprotectorClient } from '../../connectors/mailprotector/client.ts';
import { simulatorAdmin, type SimulatorAdmin } from '../../dev/walkthrough/simulatorAdmin.ts';
import type { RunningSimulator } from '../../simulators/kit/simulator.ts';
import { keys } from '../../simulators/mailprotector/keys.ts';
import { pagingForms } from '../../simulators/mailprotector/paging.ts';
import { startMailprotector } from '../../simulators/mailprotector/start.ts';
import { json, startHttpServer } from './httpServer.ts';

interface Answer {
  rows: { id: number }[];
  headers?: Record<string, string>;
}

const pagination = (keysOfIt: object) => ({ 'x-pagination': JSON.stringify(keysOfIt) });
const numbered = (count: number, from = 1) => Array.from({ length: count }, (_unused, at) => ({ id: from + at }));

/** The Mailprotector client against a server in this process. */
function reading(answer: (page: number, perPage: number) => Answer, perPage = 50) {
  let calls = 0;
  const http: HttpClient = {
    async request(wanted) {
      calls++;
      const { rows, headers = {} } = answer(Number(wanted.query?.['page']), Number(wanted.query?.['per_page']));
      return { data: wanted.schema.parse(rows), headers: { get: (name) => headers[name.toLowerCase()] ?? null } };
    },
  };
  const client = createMailprotectorClient(http, perPage, 8);
  const schema = z.object({ id: z.number().transform(String) });
  return {
    calls: () => calls,
    list: (accept?: (what: string) => void) => client.list('/rows', '/rows', schema, accept ? { accept } : {}),
  };
}

const failureOf = (asking: Promise<unknown>): Promise<ConnectorError> =>
  asking.then(
    () => {
      throw new Error('It did not fail.');
    },
    (error: unknown) => error as ConnectorError,
  );

/** Pages of `size` rows. */
const cut = (rows: { id: number }[], size: number, page: number) => rows.slice((page - 1) * size, page * size);

describe('Mailprotector: what is said against what came', () => {
  test.each<[string, (page: number) => Answer, string | undefined, RegExp]>([
    [
      'a total that is the rows of the first page, and two pages',
      (page) => ({
        rows: cut(numbered(75), 50, page),
        headers: pagination({ page, per_page: 50, total: 50, total_pages: 2 }),
      }),
      'counts_too_few',
      /75 rows came where the server counts 50 in all/,
    ],
    [
      'a total that is the rows of each page',
      (page) => {
        const rows = cut(numbered(75), 50, page);
        return { rows, headers: pagination({ page, per_page: 50, total: rows.length }) };
      },
      'counts_too_few',
      /total is the number of each page's own rows/,
    ],
    [
      'a server that ignores page',
      () => ({ rows: numbered(50), headers: pagination({ total: 75 }) }),
      'ignores_page',
      /it ignores the page/,
    ],
    [
      'a server that ignores page and says nothing of pages',
      () => ({ rows: numbered(3) }),
      'ignores_page',
      /answered page 2 with rows of a page before/,
    ],
    [
      'a server that counts one more than it shows',
      (page) => ({ rows: cut(numbered(75), 50, page), headers: pagination({ page, per_page: 50, total: 76 }) }),
      'counts_one_more',
      /counts one row more than it shows \(76, and 75 came\)/,
    ],
    [
      'a last page that promises another',
      (page) => ({
        rows: cut(numbered(60), 50, page),
        headers: pagination({ page, per_page: 50, next_page: page + 1 }),
      }),
      'counts_other_pages',
      /promises a page after page 2, and there is none/,
    ],
    [
      'a last page that is not the last',
      (page) => ({ rows: cut(numbered(60), 25, page), headers: pagination({ page, per_page: 25, total_pages: 1 }) }),
      'counts_other_pages',
      /says 1 pages, and 3 held rows/,
    ],
    [
      'a page that is cut',
      (page) => ({
        rows: cut(numbered(75), 50, page).slice(0, 13),
        headers: pagination({ page, per_page: 50, total: 75 }),
      }),
      undefined,
      /26 of 75 rows came/,
    ],
    [
      'two headers that say different totals',
      () => ({ rows: numbered(3), headers: { ...pagination({ total: 3, per_page: 50 }), 'x-total': '4' } }),
      undefined,
      /say 3 and 4 of one thing/,
    ],
  ])('%s is incomplete, and named', async (_what, answer, contradiction, words) => {
    const error = await failureOf(reading(answer).list());
    expect(error).toMatchObject({ code: 'incomplete', kind: 'transient', contradiction });
    expect(error.detail).toMatch(words);
    // Who takes it knowingly gets every row that came, each once, and is told the same.
    const told: string[] = [];
    const rows = await reading(answer).list((what) => told.push(what));
    expect(told).toEqual([error.detail]);
    const came = new Set([1, 2, 3, 4].flatMap((page) => answer(page).rows.map((row) => String(row.id))));
    expect(new Set(rows.map((row) => row.id))).toEqual(came);
    expect(rows).toHaveLength(came.size);
  });

  test('a count that is the number of this page\u2019s rows ends nothing', async () => {
    const server = reading((page) => {
      const rows = cut(numbered(75), 25, page);
      return { rows, headers: pagination({ count: rows.length, page }) };
    });
    expect(await server.list()).toHaveLength(75);
  });

  test.each([
    ['a short page with a total', 3, { total: 3, per_page: 50 }, 1],
    ['a full page with a total', 50, { total: 50, per_page: 50 }, 2],
    ['a page that may be a full one of a smaller size', 25, { total: 25, per_page: 50 }, 2],
    ['an empty list', 0, { total: 0, per_page: 50 }, 1],
    ['two pages', 60, { total: 60, per_page: 50 }, 2],
  ])('%s costs no call too many', async (_what, count, said, calls) => {
    const server = reading((page) => ({
      rows: cut(numbered(count), 50, page),
      headers: pagination({ ...said, page }),
    }));
    expect(await server.list()).toHaveLength(count);
    expect(server.calls()).toBe(calls);
  });

  test('a number of pages that is made up costs no thousands of calls', async () => {
    const server = reading((page) => ({
      rows: cut(numbered(60), 50, page),
      headers: pagination({ total_pages: 19_000 }),
    }));
    await failureOf(server.list());
    expect(server.calls()).toBeLessThan(50);
  });

  const honest: Record<
    string,
    (of: { total: number; size: number; page: number; rows: number }) => Record<string, string>
  > = {
    nothing: () => ({}),
    total: ({ total }) => pagination({ total }),
    strings: ({ total, size, page }) => pagination({ total: `${total}`, per_page: `${size}`, page: `${page}` }),
    totalAndSize: ({ total, size }) => pagination({ total_count: total, per_page: size }),
    // The size as it was asked for, whatever a page holds.
    echoed: ({ total, page }) => pagination({ total_entries: total, per_page: 50, current_page: page }),
    pages: ({ total, size, page }) => pagination({ page, total_pages: Math.ceil(total / size) }),
    next: ({ total, size, page }) => pagination({ per_page: size, next_page: page * size < total ? page + 1 : null }),
    countOfAll: ({ total }) => pagination({ count: total }),
    countOfPage: ({ rows, page }) => pagination({ count: rows, page }),
    headers: ({ total, size }) => ({ 'x-total': `${total}`, 'x-total-pages': `${Math.ceil(total / size)}` }),
    link: ({ total, size, page }) => ({
      link: page * size < total ? `</rows?page=${page + 1}>; rel="next"` : '</rows?page=1>; rel="first"',
    }),
  };
  type Lie = 'none' | 'oneMore' | 'oneLess' | 'ofPage' | 'ignoresPage' | 'cutPage' | 'insert' | 'remove';
  const server = fc.record({
    total: fc.integer({ min: 0, max: 180 }),
    size: fc.integer({ min: 1, max: 50 }),
    form: fc.constantFrom(...Object.keys(honest)),
    lie: fc.constantFrom<Lie>(
      'none',
      'none',
      'oneMore',
      'oneLess',
      'ofPage',
      'ignoresPage',
      'cutPage',
      'insert',
      'remove',
    ),
    at: fc.integer({ min: 1, max: 4 }),
  });

  /** Where nothing but the rows speaks, a page that was cut or a row that slid past cannot be told. */
  const silent = (form: string, lie: Lie) =>
    ['nothing', 'countOfPage', 'pages', 'next', 'link'].includes(form) && ['cutPage', 'remove'].includes(lie);

  test('any server: exactly all rows, or incomplete; never a part of them', async () => {
    let whole = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(server, async ({ total, size, form, lie, at }) => {
        fc.pre(!silent(form, lie));
        // A size that is only echoed and a total that is only the page's, in pages of no usual size: nothing speaks the truth.
        fc.pre(!(form === 'echoed' && ['ofPage', 'oneLess'].includes(lie)));
        const before = numbered(total);
        const after = lie === 'insert' ? [{ id: 1_000 }, ...before] : lie === 'remove' ? before.slice(1) : before;
        const answer = (page: number): Answer => {
          const rows = page > at && (lie === 'insert' || lie === 'remove') ? after : before;
          const shown = cut(rows, size, lie === 'ignoresPage' ? 1 : page);
          const given = lie === 'cutPage' && page === at ? shown.slice(0, Math.floor(shown.length / 2)) : shown;
          const counted = { oneMore: 1, oneLess: -1 }[lie as string] ?? 0;
          const said = lie === 'ofPage' ? given.length : Math.max(0, rows.length + counted);
          return { rows: given, headers: honest[form]?.({ total: said, size, page, rows: given.length }) ?? {} };
        };
        try {
          const rows = (await reading(answer).list()).map((row) => row.id);
          const wanted = (list: { id: number }[]) => list.map((row) => String(row.id));
          // Rows that moved once all of them had been read are as they were, or as they are.
          expect([wanted(before), wanted(after)]).toContainEqual(rows);
          whole++;
        } catch (error) {
          if (!(error instanceof ConnectorError)) throw error;
          expect(error).toMatchObject({ code: 'incomplete', kind: 'transient' });
          expect(lie).not.toBe('none');
          refused++;
        }
      }),
      { numRuns: 3_000 },
    );
    expect(whole).toBeGreaterThan(200);
    expect(refused).toBeGreaterThan(200);
  });
});

describe('Mailprotector: every plausible form of the header', () => {
  let simulator: RunningSimulator;
  let admin: SimulatorAdmin;
  beforeAll(async () => {
    simulator = await startMailprotector({ customers: 75 });
    admin = simulatorAdmin(simulator.url);
  });
  afterAll(() => simulator.close());
  const customers = () =>
    createMailprotectorAdapter({ resellerId: '500', apiKey: keys.reseller }, mailprotectorSettings.parse({}), {
      baseUrl: simulator.url,
      rateLimiter: unlimited,
      concurrency: 8,
    }).listAccounts();

  test.each(pagingForms)('%s is read whole', async (paging) => {
    await admin.settings({ paging, pagingLie: null });
    for (const maxPerPage of [50, 25, 7]) {
      await admin.settings({ maxPerPage });
      expect(await customers()).toHaveLength(75);
    }
  });

  test.each(['totalOfPage', 'oneMore', 'ignoresPage'])(
    'a server that contradicts itself is told: %s',
    async (pagingLie) => {
      await admin.settings({ paging: 'totalPages', pagingLie, maxPerPage: 50 });
      const error = await failureOf(customers());
      expect(error.code).toBe('incomplete');
      expect(error.contradiction).toBeDefined();
    },
  );
});

describe('ConnectWise: a lost Link, a page that comes again, a count of its own', () => {
  /** @param rows of every list; `link` says whether the header is sent with this page */
  async function asking<T>(
    of: {
      rows: number;
      counts?: number;
      size?: number;
      forwardOnly?: boolean;
      link: (page: number) => boolean;
      ignoresPage?: boolean;
    },
    ask: (psa: ReturnType<typeof createConnectwiseAdapter>) => Promise<T>,
  ) {
    const rows = numbered(of.rows).map((row) => ({
      ...row,
      name: 'Row',
      agreement: { id: 1 },
      product: { id: 1, identifier: 'X' },
      quantity: 1,
    }));
    let calls = 0;
    const server = await startHttpServer((asked, response) => {
      const url = new URL(asked.url, 'http://server');
      if (url.pathname.startsWith('/login')) return json(response, 200, { Codebase: 'v1/' });
      if (url.pathname.endsWith('/count')) return json(response, 200, { count: of.counts ?? of.rows });
      calls++;
      const size = of.size ?? 1_000;
      const forward = of.forwardOnly && asked.headers['pagination-type'] === 'forward-only';
      const page = of.ignoresPage ? 1 : Number(url.searchParams.get('page') ?? 1);
      const from = forward ? Number(url.searchParams.get('pageId') ?? 0) : (page - 1) * size;
      const given = rows.slice(from, from + size);
      const next = forward ? `pageId=${from + size}` : `page=${page + 1}`;
      const more = from + size < rows.length && of.link(Math.ceil(from / size) + 1);
      json(response, 200, given, more ? { link: `<${server.url}${url.pathname}?${next}>; rel="next"` } : {});
    });
    const client = createConnectwiseClient(
      { site: server.url, companyId: 'acme', publicKey: 'public', privateKey: 'private' },
      { clientId: 'client', allowPrivateHosts: true, rateLimiter: unlimited },
    );
    try {
      return { answer: await ask(createConnectwiseAdapter(client)), calls };
    } finally {
      await server.close();
    }
  }
  const lines = (psa: ReturnType<typeof createConnectwiseAdapter>) => psa.listLines({ agreementIds: ['1'] });
  const companies = async (psa: ReturnType<typeof createConnectwiseAdapter>) => {
    const found = [];
    for await (const batch of psa.listAccounts()) found.push(...batch);
    return found;
  };

  test.each([true, false])(
    '1,500 additions whose Link is lost after 1,000 are 1,500 (forward-only: %s)',
    async (forwardOnly) => {
      const { answer } = await asking({ rows: 1_500, forwardOnly, link: () => false }, lines);
      expect(new Set(answer.map((line) => line.id)).size).toBe(1_500);
    },
  );

  test.each([true, false])('companies whose Link is lost are read on (forward-only: %s)', async (forwardOnly) => {
    const { answer } = await asking({ rows: 2_400, forwardOnly, link: (page) => page === 1 }, companies);
    expect(answer).toHaveLength(2_400);
  });

  test('a server that caps pages at its default size and sends no Link is found out by the count', async () => {
    const error = await failureOf(asking({ rows: 40, size: 25, link: () => false }, lines));
    expect(error).toMatchObject({ code: 'incomplete', kind: 'transient' });
  });

  test('few additions are one call', async () => {
    expect((await asking({ rows: 3, link: () => true }, lines)).calls).toBe(1);
  });

  test.each([
    ['one more than there are', { rows: 3, counts: 4 }, 'counts_one_more'],
    ['fewer than there are', { rows: 3, counts: 2 }, 'counts_too_few'],
    ['many more than there are', { rows: 3, counts: 30 }, undefined],
  ])('a count of %s is incomplete', async (_what, of, contradiction) => {
    const error = await failureOf(asking({ ...of, link: () => true }, companies));
    expect(error).toMatchObject({ code: 'incomplete', kind: 'transient', contradiction });
  });

  test('a server that gives the same page again is named', async () => {
    const error = await failureOf(asking({ rows: 1_500, ignoresPage: true, link: () => true }, companies));
    expect(error).toMatchObject({ code: 'incomplete', contradiction: 'ignores_page' });
  });
});
