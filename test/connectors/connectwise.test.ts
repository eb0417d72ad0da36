/** The ConnectWise adapter against the simulated ConnectWise, over HTTP. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { unlimited } from '../../connectors/rateLimiter.ts';
import { createConnectwiseAdapter } from '../../connectors/connectwise/adapter.ts';
import { createConnectwiseClient } from '../../connectors/connectwise/client.ts';
import { quoted } from '../../connectors/connectwise/conditions.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import type { HttpLogger } from '../../connectors/http.ts';
import type { PsaAdapter, PsaLine, SetQuantityResult } from '../../connectors/psa.ts';
import { clientId, members } from '../../simulators/connectwise/members.ts';
import { startConnectwise } from '../../simulators/connectwise/start.ts';
import type { RunningSimulator } from '../../simulators/kit/simulator.ts';
import { simulatorAdmin, type SimulatorAdmin } from '../../dev/walkthrough/simulatorAdmin.ts';
import { json, recordingLogger, startHttpServer } from './httpServer.ts';

interface State {
  companies: {
    id: number;
    name: string;
    status: string;
    type: string;
    agreements: {
      id: number;
      name: string;
      status: string;
      billingCycle: string;
      nextInvoiceDate: string;
      additions: {
        id: number;
        productId: number;
        quantity: number;
        lessIncluded: number;
        billCustomer: string;
        cancelledDate: string | null;
      }[];
    }[];
  }[];
  products: { id: number; identifier: string; productClass: string; inactive: boolean }[];
  writes: { method: string; additionId: number; before: { quantity: number }; after: { quantity: number } }[];
}

let simulator: RunningSimulator;
let admin: SimulatorAdmin;

beforeAll(async () => {
  simulator = await startConnectwise({ customers: 40 });
  admin = simulatorAdmin(simulator.url);
});
afterAll(() => simulator.close());
beforeEach(async () => {
  await fetch(`${simulator.url}/__admin/reset`, { method: 'POST', body: JSON.stringify({ customers: 40 }) });
});

function adapter(
  over: {
    member?: string;
    privateKey?: string;
    companyId?: string;
    url?: string;
    timeoutMs?: number;
    logger?: HttpLogger;
  } = {},
): PsaAdapter {
  const member = members[over.member ?? 'full'];
  return createConnectwiseAdapter(
    createConnectwiseClient(
      {
        site: over.url ?? simulator.url,
        companyId: over.companyId ?? 'acme',
        publicKey: member?.publicKey ?? '',
        privateKey: over.privateKey ?? member?.privateKey ?? '',
      },
      {
        clientId,
        allowPrivateHosts: true,
        rateLimiter: unlimited,
        timeoutMs: over.timeoutMs ?? 10_000,
        logger: over.logger,
      },
    ),
  );
}

async function all<T>(batches: AsyncIterable<T[]>): Promise<T[]> {
  const rows: T[] = [];
  for await (const batch of batches) rows.push(...batch);
  return rows;
}

const failureOf = (asking: Promise<unknown>): Promise<ConnectorError> =>
  asking.then(
    () => {
      throw new Error('It did not fail.');
    },
    (error: unknown) => error as ConnectorError,
  );

const state = () => admin.state<State>();
const agreementsOf = ({ companies }: State) => companies.flatMap((company) => company.agreements);

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
      products.map(({ id, identifier, productClass, inactive }) => ({
        id: String(id),
        productId: identifier,
        active: !inactive,
        usableOnContract: productClass !== 'Bundle',
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
    const billing: Record<string, string> = { Billable: 'billable', DoNotBill: 'do_not_bill', NoCharge: 'no_charge' };
    const psa = adapter();
    for (const agreement of agreementsOf(await state())) {
      const lines = await psa.listLines({ agreementId: String(agreement.id) });
      expect(
        lines.map(({ id, quantity, includedQuantity, billing, effectiveTo }) => ({
          id,
          quantity,
          includedQuantity,
          billing,
          effectiveTo,
        })),
      ).toEqual(
        agreement.additions.map((addition) => ({
          id: String(addition.id),
          quantity: addition.quantity,
          includedQuantity: addition.lessIncluded,
          billing: billing[addition.billCustomer],
          effectiveTo: addition.cancelledDate ?? undefined,
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
    const [first] = agreement?.additions ?? [];
    const additions = Array.from({ length: 1_005 }, (_unused, at) => ({ ...first, id: 60_000_000 + at }));
    await admin.change({ change: 'setAgreement', agreementId: agreement?.id, fields: { additions } });
    const lines = await adapter().listLines({ agreementId: String(agreement?.id) });
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

describe('credentials and rights', () => {
  test.each([
    ['a wrong company', { companyId: 'nobody' }, /knows no company "nobody"/],
    ['a wrong key', { privateKey: 'wrong' }, /401/],
  ])('%s', async (_what, over, evidence) => {
    const report = await adapter(over).checkPermissions();
    expect(report).toMatchObject({ ok: false, auth: 'bad_credentials' });
    for (const finding of Object.values(report.capabilities)) {
      expect(finding.state).toBe('unknown');
      expect(finding.evidence).toMatch(evidence);
    }
  });

  test('on cloud a wrong key is a 404, and still said to be the credentials', async () => {
    await admin.settings({ cloudAuth: true });
    expect(await adapter({ privateKey: 'wrong' }).checkPermissions()).toMatchObject({
      ok: false,
      auth: 'bad_credentials',
    });
  });

  test('on cloud, credentials that stopped working do not make lines look removed', async () => {
    const [agreement] = agreementsOf(await state());
    const line = { agreementId: String(agreement?.id), lineId: String(agreement?.additions[0]?.id) };
    await admin.settings({ cloudAuth: true });
    const revoked = adapter({ privateKey: 'revoked' });
    expect(await failureOf(revoked.getLine(line))).toMatchObject({ kind: 'permanent', code: 'bad_credentials' });
    const write = await revoked.setQuantity({
      ...line,
      target: 5,
      expected: { quantity: 4 },
      decimals: 2,
      writeBefore: Date.now() + 60_000,
    });
    expect(write).toMatchObject({ outcome: 'not_sent', error: { code: 'bad_credentials' } });
  });

  test.each([
    ['the first question', {}],
    ['a question about one right', { path: '/procurement/catalog$' }],
  ])('a challenge page in answer to %s is no missing right and no bad credentials', async (_what, where) => {
    const text = '<html><title>Just a moment...</title></html>';
    await admin.fault({ kind: 'status', times: null, status: 403, text, ...where });
    expect(await failureOf(adapter().checkPermissions())).toMatchObject({ kind: 'transient', code: 'not_json' });
  });

  test('what answers 404 with a page has not said that a line is gone', async () => {
    const [agreement] = agreementsOf(await state());
    const line = { agreementId: String(agreement?.id), lineId: String(agreement?.additions[0]?.id) };
    const page = { kind: 'status', times: null, status: 404, text: '<html>Not Found</html>' };
    for (const path of ['/additions/', '/apis/']) {
      await admin.clearFaults();
      await admin.fault({ ...page, path });
      expect(await failureOf(adapter().getLine(line))).toMatchObject({ kind: 'transient', code: 'not_json' });
    }
  });

  test('another row than the one that was asked for is not taken for it', async () => {
    const server = await startHttpServer((asked, response) =>
      json(
        response,
        200,
        asked.url.startsWith('/login') ? { Codebase: 'v1/' } : { id: 20, product: { id: 1 }, quantity: 5 },
      ),
    );
    try {
      const asking = adapter({ url: server.url }).getLine({ agreementId: '1', lineId: '19' });
      expect(await failureOf(asking)).toMatchObject({ kind: 'transient', code: 'bad_shape' });
    } finally {
      await server.close();
    }
  });

  test('with every right: all granted with evidence, but for writing, which reads cannot show', async () => {
    const report = await adapter().checkPermissions();
    expect(report).toMatchObject({ ok: true, auth: 'ok', serverVersion: expect.stringMatching(/^v\d/) });
    const states = Object.entries(report.capabilities).map(([name, finding]) => [name, finding.state]);
    expect(Object.fromEntries(states)).toEqual({
      'accounts.read': 'granted',
      'products.read': 'granted',
      'agreements.read': 'granted',
      'lines.read': 'granted',
      'boards.read': 'granted',
      'lines.write': 'unknown',
    });
    expect(report.capabilities['accounts.read'].evidence).toBe('GET /company/companies answered with 5 row(s).');
    expect(report.capabilities['lines.write'].evidence).toContain('Finance > Agreements: Edit = All');
  });

  test.each([
    ['noCatalog', ['products.read'], 'Procurement > Product Catalog: Inquire = All'],
    ['noAgreements', ['agreements.read', 'lines.read'], 'Finance > Agreements: Inquire = All'],
  ] as const)('%s: what is missing is denied, with the exact setting to change', async (member, missing, setting) => {
    const report = await adapter({ member }).checkPermissions();
    expect(report).toMatchObject({ ok: false, auth: 'ok' });
    const denied = Object.entries(report.capabilities).filter(([, finding]) => finding.state === 'denied');
    expect(denied.map(([name]) => name).sort()).toEqual([...missing]);
    for (const [, finding] of denied) expect(finding.evidence).toContain(setting);
  });

  test('the check costs seven reads and no write', async () => {
    await adapter().checkPermissions();
    const log = await admin.log('GET');
    expect(log.map((entry) => entry.path.replace(/.*\/apis\/3.0/, '').replace(/\d+/g, 'N')).sort()).toEqual([
      '/company/companies?pageSize=N&fields=id',
      '/finance/agreements/N/additions?pageSize=N&fields=id',
      '/finance/agreements?pageSize=N&fields=id',
      '/login/companyinfo/acme',
      '/procurement/catalog?pageSize=N&fields=id',
      '/service/info/boards?pageSize=N&fields=id',
      '/system/info',
    ]);
    for (const method of ['POST', 'PATCH', 'PUT', 'DELETE']) expect(await admin.log(method)).toEqual([]);
  });

  test('neither key nor pair is in any error or log line', async () => {
    const logger = recordingLogger();
    const psa = adapter({ privateKey: 'wrongPrivateKey', logger });
    const report = await psa.checkPermissions();
    const error = await failureOf(all(psa.listAccounts()));
    const text = JSON.stringify([report, error, error.message, error.stack, logger.lines]);
    expect(text).not.toContain('wrongPrivateKey');
    expect(text).not.toContain(Buffer.from('acme+simPublicFull:wrongPrivateKey').toString('base64'));
    expect(error.requestId).toMatch(/^sim-/);
    expect(logger.lines.some(({ fields }) => /^sim-/.test(String(fields['requestId'])))).toBe(true);
  });
});

describe('G21 search by Product ID', () => {
  test.each(['MP-CLOUDFILTER', 'MP-"Q"-1'])('%s is found', async (productId) => {
    expect(await adapter().findProduct({ productId })).toMatchObject([{ productId }]);
  });

  test.each(['mp-cloudfilter', 'MP-CLOUD', 'MP-CLOUDFILTER ', 'MP-"Q', '" or id>0 or identifier="', 'a\\', '%', '*'])(
    '%j is not, however the PSA reads it',
    async (productId) => {
      expect(await adapter().findProduct({ productId })).toEqual([]);
    },
  );

  test('what comes back is compared: a PSA that answers with everything gives the one that was asked for', async () => {
    const server = await startHttpServer((asked, response) =>
      asked.url.startsWith('/login')
        ? json(response, 200, { Codebase: 'v1/' })
        : json(
            response,
            200,
            ['A', 'a', 'A-1', 'AA'].map((identifier, id) => ({ id, identifier })),
          ),
    );
    try {
      const found = await adapter({ url: server.url }).findProduct({ productId: 'A' });
      expect(found.map((product) => product.productId)).toEqual(['A']);
    } finally {
      await server.close();
    }
  });

  test('control characters, for which no escaping is known, are refused before anything is sent', async () => {
    expect(await failureOf(adapter().findProduct({ productId: 'MP\u0000' }))).toMatchObject({
      code: 'invalid_request',
    });
    expect(await admin.log('GET', '/catalog')).toEqual([]);
    expect(quoted('a"b\\c')).toBe('"a\\"b\\\\c"');
  });
});

describe('setting a quantity (invariant 5)', () => {
  async function aLine(): Promise<{ agreementId: string; line: PsaLine }> {
    for (const agreement of agreementsOf(await state())) {
      const [line] = await adapter().listLines({ agreementId: String(agreement.id) });
      if (line) return { agreementId: String(agreement.id), line };
    }
    throw new Error('There is no line.');
  }

  async function set(
    over: {
      psa?: PsaAdapter;
      target?: number;
      expected?: number;
      decimals?: number;
      writeBefore?: number;
      prepare?: () => Promise<unknown>;
    } = {},
  ) {
    const { agreementId, line } = await aLine();
    const psa = over.psa ?? adapter();
    await over.prepare?.();
    const result = await psa.setQuantity({
      agreementId,
      lineId: line.id,
      target: over.target ?? line.quantity + 3,
      expected: { quantity: over.expected ?? line.quantity },
      decimals: over.decimals ?? 2,
      writeBefore: over.writeBefore ?? Date.now() + 60_000,
    });
    const { writes } = await state();
    const now = await adapter().getLine({ agreementId, lineId: line.id });
    return { result, line, now, writes, agreementId, patches: await admin.log('PATCH') };
  }

  /** Where there will be no answer, nobody waits long for it. */
  const impatient = (fault: { kind: string; then?: string }) =>
    adapter(fault.kind === 'hang' || fault.then === 'hang' ? { timeoutMs: 1_500 } : {});

  test('applied: one PATCH, read back, and nothing else moved', async () => {
    const before = await state();
    const { result, line, now, writes, patches } = await set();
    expect(result).toEqual({
      outcome: 'applied',
      before: line.quantity,
      after: line.quantity + 3,
      version: now?.version,
    });
    expect(now?.version).not.toBe(line.version);
    expect(patches.map((entry) => entry.body)).toEqual([
      [{ op: 'replace', path: 'quantity', value: line.quantity + 3 }],
    ]);
    expect(writes).toHaveLength(1);
    const quantities = (of: State) =>
      agreementsOf(of).flatMap(({ additions }) => additions.map(({ id, quantity }) => `${id}=${quantity}`));
    const moved = quantities(await state()).filter((entry) => !quantities(before).includes(entry));
    expect(moved).toEqual([`${line.id}=${line.quantity + 3}`]);
  });

  test('a fraction arrives as it is', async () => {
    expect((await set({ target: 12.25 })).now?.quantity).toBe(12.25);
  });

  test('already: the target is there, nothing is sent', async () => {
    const { line } = await aLine();
    const { result, patches } = await set({ target: line.quantity, expected: line.quantity - 1 });
    expect(result).toMatchObject({ outcome: 'already', before: line.quantity, after: line.quantity });
    expect(patches).toEqual([]);
  });

  test('quantities are compared at the decimals that the PSA keeps', async () => {
    const { line } = await aLine();
    const kept = await set({ target: line.quantity + 0.004, expected: line.quantity - 1 });
    expect(kept).toMatchObject({ result: { outcome: 'already' }, patches: [] });
    const target = line.quantity + 0.02;
    expect((await set({ target, expected: line.quantity + 0.004 })).result).toMatchObject({ outcome: 'applied' });
    const finer = await set({ target: target + 0.004, expected: target, decimals: 4 });
    expect(finer.result).toMatchObject({ outcome: 'applied', after: target + 0.004 });
  });

  test('conflict: a third value, which is left alone and handed back', async () => {
    const { line } = await aLine();
    const { result, patches, now } = await set({ expected: line.quantity - 1 });
    expect(result).toMatchObject({ outcome: 'conflict', current: { id: line.id, quantity: line.quantity } });
    expect(patches).toEqual([]);
    expect(now?.quantity).toBe(line.quantity);
  });

  test('conflict: somebody changed the line a moment before', async () => {
    const { agreementId, line } = await aLine();
    const { result, patches } = await set({
      prepare: () =>
        admin.change({
          change: 'setQuantity',
          agreementId: Number(agreementId),
          additionId: Number(line.id),
          quantity: 99,
        }),
    });
    expect(result).toMatchObject({ outcome: 'conflict', current: { quantity: 99 } });
    expect(patches).toEqual([]);
  });

  test('conflict: the line is gone', async () => {
    const { agreementId, line } = await aLine();
    const { result, patches } = await set({
      prepare: () =>
        admin.change({ change: 'deleteAddition', agreementId: Number(agreementId), additionId: Number(line.id) }),
    });
    expect(result).toEqual({ outcome: 'conflict', current: null });
    expect(patches).toEqual([]);
  });

  test('not sent: without the right to edit, with the setting to change', async () => {
    const { result, line, now } = await set({ psa: adapter({ member: 'readOnly' }) });
    expect(result).toMatchObject({ outcome: 'not_sent', error: { code: 'forbidden' } });
    expect(result).toHaveProperty('error.detail', expect.stringContaining('Finance > Agreements: Edit = All'));
    expect(now?.quantity).toBe(line.quantity);
  });

  test('rejected: a 400 says that nothing happened', async () => {
    const { result, patches } = await set({
      prepare: () =>
        admin.fault({ kind: 'status', status: 400, method: 'PATCH', body: { code: 'InvalidObject', message: 'No.' } }),
    });
    expect(result).toMatchObject({ outcome: 'rejected', code: 'invalid_request' });
    expect(patches).toHaveLength(1);
  });

  test.each([409, 423, 425])('not sent: a %d says that somebody has the line in use', async (status) => {
    const { result, line, now } = await set({
      prepare: () => admin.fault({ kind: 'status', status, method: 'PATCH', body: { message: 'In use.' } }),
    });
    expect(result).toMatchObject({ outcome: 'not_sent', error: { kind: 'transient', code: 'locked' } });
    expect(now?.quantity).toBe(line.quantity);
  });

  const pages = [
    ['a maintenance page', { status: 200, text: '<html><title>Back soon</title></html>' }],
    ['an empty body', { status: 200, text: '' }],
    ['a message in place of the row', { status: 200, body: { message: 'Down for maintenance.' } }],
    ['a challenge page', { status: 403, text: '<html>Just a moment...</html>' }],
    ['a challenge', { status: 403, body: {}, headers: { 'cf-mitigated': 'challenge' } }],
  ] as const;

  test.each(pages)('not sent: the read before the write meets %s', async (_what, page) => {
    const { result, line, now, patches } = await set({
      prepare: () => admin.fault({ kind: 'status', method: 'GET', path: '/additions/', ...page }),
    });
    expect(result).toMatchObject({ outcome: 'not_sent', error: { kind: 'transient' } });
    expect(patches).toEqual([]);
    expect(now?.quantity).toBe(line.quantity);
  });

  test.each(pages)('the write meets %s: uncertain where it may have passed it, else not sent', async (_what, page) => {
    const { result, patches } = await set({
      prepare: () => admin.fault({ kind: 'status', method: 'PATCH', ...page }),
    });
    expect(result.outcome).toBe(page.status === 200 ? 'uncertain' : 'not_sent');
    expect(patches).toHaveLength(1);
  });

  test('applied: with a byte order mark before every answer', async () => {
    const { result } = await set({ prepare: () => admin.fault({ kind: 'encoded', bom: true, times: null }) });
    expect(result.outcome).toBe('applied');
  });

  test('not sent: the time to write has passed', async () => {
    const { result, patches } = await set({ writeBefore: Date.now() - 1 });
    expect(result).toMatchObject({ outcome: 'not_sent', error: { code: 'too_late' } });
    expect(patches).toEqual([]);
  });

  test('not sent: the time passed while the line was read', async () => {
    const { result, patches } = await set({
      writeBefore: Date.now() + 100,
      prepare: () => admin.fault({ kind: 'latency', ms: 300, method: 'GET', path: '/additions/' }),
    });
    expect(result).toMatchObject({ outcome: 'not_sent', error: { code: 'too_late' } });
    expect(patches).toEqual([]);
  });

  test.each([
    ['a failing read', { kind: 'status', status: 503, method: 'GET', path: '/additions/' }, 'upstream'],
    ['a read without an answer', { kind: 'hang', method: 'GET', path: '/additions/' }, 'timeout'],
    ['a read that is throttled', { kind: 'status', status: 429, method: 'GET', path: '/additions/' }, 'throttled'],
    ['a write that is throttled', { kind: 'status', status: 429, method: 'PATCH' }, 'throttled'],
  ])('not sent: %s', async (_what, fault, code) => {
    const { result, line, now } = await set({ psa: impatient(fault), prepare: () => admin.fault(fault) });
    expect(result).toMatchObject({ outcome: 'not_sent', error: { code } });
    expect(now?.quantity).toBe(line.quantity);
  });

  test('not sent: nobody listens any more', async () => {
    const server = await startHttpServer(() => undefined);
    await server.close();
    const { result } = await set({ psa: adapter({ url: server.url }) });
    expect(result).toMatchObject({ outcome: 'not_sent', error: { code: 'network' } });
  });

  test.each([
    ['500 after commit', { kind: 'afterCommit', status: 500 }, true],
    ['the connection dropped after commit', { kind: 'afterCommit', then: 'drop' }, true],
    ['no answer after commit', { kind: 'afterCommit', then: 'hang' }, true],
    ['half an answer', { kind: 'cut' }, true],
    ['an answer nobody understands', { kind: 'malformed' }, true],
    ['500 before anything happened', { kind: 'status', status: 500 }, false],
    ['the connection dropped before anything happened', { kind: 'drop' }, false],
    ['no answer and nothing done', { kind: 'hang' }, false],
  ])('uncertain: %s. It is never sent again, and only a later read can tell', async (_what, fault, acted) => {
    const { result, line, now, patches } = await set({
      psa: impatient(fault),
      prepare: () => admin.fault({ ...fault, method: 'PATCH' }),
    });
    expect(result.outcome).toBe('uncertain');
    expect(patches).toHaveLength(1);
    expect(now?.quantity).toBe(acted ? line.quantity + 3 : line.quantity);
  });

  test.each([
    ['the read back fails', { kind: 'status', status: 503, method: 'GET', path: '/additions/', skip: 1 }],
    ['the read back hangs', { kind: 'hang', method: 'GET', path: '/additions/', skip: 1 }],
  ])('uncertain: the write was answered, but %s', async (_what, fault) => {
    const { result, patches } = await set({ psa: impatient(fault), prepare: () => admin.fault(fault) });
    expect(result.outcome).toBe('uncertain');
    expect(patches).toHaveLength(1);
  });

  test('uncertain: a 200 without effect is not taken for a write', async () => {
    const { agreementId, line } = await aLine();
    const addition = { id: Number(line.id), product: { id: 1 }, quantity: line.quantity };
    const server = await startHttpServer((asked, response) =>
      json(response, 200, asked.url.startsWith('/login') ? { Codebase: 'v1/' } : addition),
    );
    try {
      const result: SetQuantityResult = await adapter({ url: server.url }).setQuantity({
        agreementId,
        lineId: line.id,
        target: line.quantity + 1,
        expected: { quantity: line.quantity },
        decimals: 2,
        writeBefore: Date.now() + 60_000,
      });
      expect(result.outcome).toBe('uncertain');
      expect(server.asked.filter((asked) => asked.method === 'PATCH')).toHaveLength(1);
    } finally {
      await server.close();
    }
  });

  test('the codebase that moved between read and write: still one write', async () => {
    const { result, writes } = await set({
      psa: await (async () => {
        const psa = adapter();
        await all(psa.listBoards());
        await admin.change({ change: 'rotateCodebase', codebase: 'v2027_1' });
        return psa;
      })(),
    });
    expect(result.outcome).toBe('applied');
    expect(writes).toHaveLength(1);
  });
});
