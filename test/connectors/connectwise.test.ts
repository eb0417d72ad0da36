/** What the ConnectWise adapter reads, and how it finds its way, against the simulated ConnectWise. */
import { afterEach, describe, expect, test } from 'vitest';
import { quoted } from '../../connectors/connectwise/conditions.ts';
import type { PsaAdapter } from '../../connectors/psa.ts';
import { clientId } from '../../simulators/connectwise/members.ts';
import { json, startHttpServer } from './httpServer.ts';
import {
  adapter,
  admin,
  agreementsOf,
  all,
  failureOf,
  simulateConnectwise,
  simulator,
  state,
} from './simulatedConnectwise.ts';

simulateConnectwise();

describe('what is read', () => {
  test('companies: active or not, prospect or not, with the code people type', async () => {
    const { companies } = await state();
    const rows = await all(adapter().listAccounts());
    expect(rows.map(({ id, name, active, prospect }) => ({ id, name, active, prospect }))).toEqual(
      companies.map(({ id, name, status, type }) => ({
        id: String(id),
        name,
        active: status === 'Active',
        prospect: type === 'Prospect',
      })),
    );
    expect(rows.every((row) => /^C\d{6}$/.test(row.code ?? ''))).toBe(true);
  });

  test('products by their Product ID; a bundle cannot be on an agreement', async () => {
    const { products } = await state();
    const rows = await all(adapter().listProducts());
    expect(
      rows.map(({ id, productId, active, usableOnContract }) => ({ id, productId, active, usableOnContract })),
    ).toEqual(
      products.map(({ id, identifier, kind, inactive }) => ({
        id: String(id),
        productId: identifier,
        active: !inactive,
        usableOnContract: kind !== 'bundle',
      })),
    );
  });

  test('agreements: status, billing cycle, next invoice date', async () => {
    const expected = agreementsOf(await state());
    const rows = await all(adapter().listAgreements());
    expect(
      rows.map(({ id, status, nextInvoiceDate, monthly, neverBilled }) => ({
        id,
        status,
        nextInvoiceDate,
        monthly,
        neverBilled,
      })),
    ).toEqual(
      expected.map((agreement) => ({
        id: String(agreement.id),
        status: agreement.status.toLowerCase(),
        nextInvoiceDate: agreement.nextInvoiceDate,
        monthly: agreement.billingCycle === 'Monthly',
        neverBilled: agreement.billingCycle === 'None',
      })),
    );
    expect(new Set(rows.map((row) => row.currency))).toEqual(new Set(['USD']));
  });

  test('lines of every agreement, gross, with what is included and how they are billed', async () => {
    const billing: Record<string, string> = { billed: 'billable', notBilled: 'do_not_bill', free: 'no_charge' };
    const psa = adapter();
    for (const agreement of agreementsOf(await state())) {
      const lines = await psa.listLines({ agreementIds: [String(agreement.id)] });
      expect(
        lines.map(({ id, quantity, includedQuantity, billing, effectiveTo }) => ({
          id,
          quantity,
          includedQuantity,
          billing,
          effectiveTo,
        })),
      ).toEqual(
        agreement.lines.map((addition) => ({
          id: String(addition.id),
          quantity: addition.quantity,
          includedQuantity: addition.included,
          billing: billing[addition.billing],
          effectiveTo: addition.until ?? undefined,
        })),
      );
    }
  });

  test('boards, project boards and old ones marked', async () => {
    const boards = await all(adapter().listBoards());
    expect(boards.map(({ name, projectBoard, active }) => [name, projectBoard, active])).toEqual([
      ['Service Desk', false, true],
      ['Alerts', false, true],
      ['Projects', true, true],
      ['Old Board', false, false],
    ]);
  });

  describe('in any time zone', () => {
    const zone = process.env['TZ'];
    afterEach(() => {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    });

    test.each(['America/Los_Angeles', 'Pacific/Kiritimati', 'UTC'])('no date moves: %s', async (TZ) => {
      process.env['TZ'] = TZ;
      const expected = agreementsOf(await state());
      const rows = await all(adapter().listAgreements());
      expect(rows.map((row) => [row.nextInvoiceDate, row.startDate])).toEqual(
        expected.map((agreement) => [agreement.nextInvoiceDate, '2024-01-01']),
      );
    });
  });
});

describe('lists that are long, or do not arrive whole', () => {
  test.each([true, false])('more than 1000 rows are read to the end, forward-only: %s', async (forwardOnly) => {
    await fetch(`${simulator.url}/__admin/reset`, { method: 'POST', body: JSON.stringify({ customers: 1_250 }) });
    await admin.settings({ forwardOnly });
    const { companies } = await state();
    await admin.clearLog();
    const rows = await all(adapter().listAccounts());
    expect(rows.map((row) => row.id)).toEqual(companies.map((company) => String(company.id)));
    // Numbered pages: once to see that there are several, once more after the rows were counted.
    expect(await admin.log('GET', '/companies\\?')).toHaveLength(forwardOnly ? 2 : 3);
  });

  test('an agreement with more than 1000 lines is read whole', async () => {
    const [agreement] = agreementsOf(await state());
    const [first] = agreement?.lines ?? [];
    const additions = Array.from({ length: 1_005 }, (_unused, at) => ({ ...first, id: 60_000_000 + at }));
    await admin.change({ change: 'setAgreement', agreementId: agreement?.id, fields: { lines: additions } });
    const lines = await adapter().listLines({ agreementIds: [String(agreement?.id)] });
    expect(lines.map((line) => line.id)).toEqual(additions.map((addition) => String(addition.id)));
  });

  test.each([
    ['companies', '/company/companies$', (psa: PsaAdapter) => all<unknown>(psa.listAccounts())],
    ['products', '/procurement/catalog$', (psa: PsaAdapter) => all<unknown>(psa.listProducts())],
    ['agreements', '/finance/agreements$', (psa: PsaAdapter) => all<unknown>(psa.listAgreements())],
    ['boards', '/service/info/boards$', (psa: PsaAdapter) => all<unknown>(psa.listBoards())],
  ])('a page of %s that is cut short is an incomplete list, not a short one', async (_what, path, read) => {
    await admin.fault({ kind: 'truncate', path });
    expect(await failureOf(read(adapter()))).toMatchObject({ kind: 'transient', code: 'incomplete' });
  });

  /** ConnectWise with pages of 3 and no forward-only paging, whose rows change before the second page is given. */
  async function movingPages(before: number[], after: number[]) {
    let moved = false;
    const server = await startHttpServer((asked, response) => {
      const url = new URL(asked.url, 'http://server');
      if (url.pathname.startsWith('/login')) return json(response, 200, { Codebase: 'v1/' });
      const page = Number(url.searchParams.get('page') ?? 1);
      moved ||= page > 1;
      const rows = moved ? after : before;
      if (url.pathname.endsWith('/count')) return json(response, 200, { count: rows.length });
      const link =
        page * 3 < rows.length ? { link: `<${server.url}${url.pathname}?page=${page + 1}>; rel="next"` } : {};
      const body = rows.slice((page - 1) * 3, page * 3).map((id) => ({ id, name: `Company ${id}` }));
      json(response, 200, body, link);
    });
    return server;
  }

  test.each([
    ['a row in front, so that one comes twice', [2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]],
    ['a row that went, so that one is passed over', [1, 2, 3, 4, 5, 6], [2, 3, 4, 5, 6]],
  ])('rows that move between pages make it incomplete: %s', async (_how, before, after) => {
    const server = await movingPages(before, after);
    try {
      const error = await failureOf(all(adapter({ url: server.url }).listAccounts()));
      expect(error).toMatchObject({ kind: 'transient', code: 'incomplete' });
    } finally {
      await server.close();
    }
  });

  test('Link leads nowhere but to the site the credentials were given for', async () => {
    const other = await startHttpServer((_asked, response) => json(response, 200, []));
    const server = await startHttpServer((asked, response) => {
      const { pathname, searchParams } = new URL(asked.url, 'http://server');
      if (pathname.startsWith('/login')) return json(response, 200, { Codebase: 'v1/' });
      if (pathname.endsWith('/count')) return json(response, 200, { count: 2 });
      const second = searchParams.get('pageId') === '1';
      const link = second ? {} : { link: `<${other.url}/stolen?pageId=1>; rel="next"` };
      json(response, 200, [{ id: second ? 2 : 1, name: 'Company' }], link);
    });
    try {
      expect(await all(adapter({ url: server.url }).listAccounts())).toHaveLength(2);
      expect(other.asked).toEqual([]);
    } finally {
      await server.close();
      await other.close();
    }
  });
});

describe('discovery', () => {
  test('is asked once, without credentials; calls then carry Basic, clientId and the pinned version', async () => {
    const server = await startHttpServer((asked, response) =>
      asked.url.startsWith('/login')
        ? json(response, 200, { Codebase: 'v2026_9/' })
        : json(response, 200, asked.url.includes('count') ? { count: 0 } : []),
    );
    try {
      const psa = adapter({ url: server.url });
      await Promise.all([all(psa.listAccounts()), all(psa.listProducts())]);
      const logins = server.asked.filter((asked) => asked.url.startsWith('/login/companyinfo/acme'));
      expect(logins).toHaveLength(1);
      expect(logins[0]?.headers.authorization).toBeUndefined();
      expect(logins[0]?.headers['clientid']).toBeUndefined();
      const others = server.asked.filter((asked) => !asked.url.startsWith('/login'));
      expect(others.every((asked) => asked.url.startsWith('/v2026_9/apis/3.0/'))).toBe(true);
      expect(others[0]?.headers).toMatchObject({
        authorization: `Basic ${Buffer.from('acme+simPublicFull:simPrivateFull').toString('base64')}`,
        clientid: clientId,
        accept: expect.stringMatching(/version=\d{4}\.\d+/),
      });
    } finally {
      await server.close();
    }
  });

  test('a codebase that moved is found again, once, and the call goes through', async () => {
    const psa = adapter();
    await all(psa.listBoards());
    await admin.change({ change: 'rotateCodebase', codebase: 'v2027_1' });
    await admin.clearLog();
    await all(psa.listBoards());
    await all(psa.listProducts());
    expect(await admin.log('GET', '^/login')).toHaveLength(1);
    expect((await admin.log('GET', '/v2026_1/')).map((entry) => entry.status)).toEqual([404]);
  });

  test('what is not there stays not there: the codebase is looked up once, not for ever', async () => {
    const psa = adapter();
    await all(psa.listBoards());
    await admin.clearLog();
    expect(await psa.getLine({ agreementId: '300000', lineId: '1' })).toBeNull();
    expect(await admin.log('GET', '^/login')).toHaveLength(1);
  });
});

test('a text is quoted for a condition; control characters, for which no escaping is known, are refused', () => {
  expect(quoted('a"b\\c')).toBe('"a\\"b\\\\c"');
  expect(() => quoted('MP\u0000')).toThrow(expect.objectContaining({ code: 'invalid_request' }));
});
