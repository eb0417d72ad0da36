/** The simulated ConnectWise against connectwise.md §1–5 and §7, and nothing else. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { clientId, members } from '../../simulators/connectwise/members.ts';
import { startConnectwise } from '../../simulators/connectwise/start.ts';
import type { RunningSimulator } from '../../simulators/kit/simulator.ts';
import { simulatorAdmin, type SimulatorAdmin } from '../../dev/walkthrough/simulatorAdmin.ts';
import { asking, type Ask } from './asking.ts';

interface Row {
  id: number;
  name: string;
  [field: string]: unknown;
}
interface Addition {
  id: number;
  quantity: number;
  product: { id: number; identifier: string };
  _info: { lastUpdated: string; updatedBy: string };
}
interface Failure {
  code: string;
  message: string;
  errors?: { code: string; field: string }[];
}

let simulator: RunningSimulator;
let admin: SimulatorAdmin;
let ask: Ask;
const api = '/v4_6_release/apis/3.0';

function as(member: { publicKey: string; privateKey: string } | undefined, client = clientId, company = 'acme'): Ask {
  const text = `${company}+${member?.publicKey ?? ''}:${member?.privateKey ?? ''}`;
  return asking(simulator.url, {
    authorization: `Basic ${Buffer.from(text).toString('base64')}`,
    ...(client ? { clientId: client } : {}),
  });
}

beforeAll(async () => {
  simulator = await startConnectwise({ customers: 40 });
  admin = simulatorAdmin(simulator.url);
});
afterAll(() => simulator.close());
beforeEach(async () => {
  await asking(simulator.url, {})('POST', '/__admin/reset', {});
  ask = as(members['full']);
});

const list = async <T = Row>(path: string, query: Record<string, string> = {}) => {
  const answer = await ask<T[]>(
    'GET',
    `${api}${path}?${new URLSearchParams({ pageSize: '1000', ...query }).toString()}`,
  );
  expect(answer.status).toBe(200);
  return answer.body;
};

/** An agreement with an addition on it. */
async function anAddition(): Promise<{ path: string; addition: Addition; agreement: Row }> {
  for (const agreement of await list('/finance/agreements', { conditions: 'agreementStatus="Active"' })) {
    const path = `/finance/agreements/${agreement.id}/additions`;
    const [addition] = await list<Addition>(path);
    if (addition) return { path: `${api}${path}`, addition, agreement };
  }
  throw new Error('There is no addition.');
}

describe('discovery and credentials (§1)', () => {
  test('the codebase is told to anybody; for an unknown company the answer is null', async () => {
    const nobody = asking(simulator.url, {});
    expect((await nobody('GET', '/login/companyinfo/acme')).body).toMatchObject({
      Codebase: expect.stringMatching(/\/$/),
    });
    expect(await nobody('GET', '/login/companyinfo/nobody')).toMatchObject({ status: 200, body: null });
  });

  test('v4_6_release and the dated codebase both work; when it moves, the old one is 404', async () => {
    const { Codebase } = (await ask<{ Codebase: string }>('GET', '/login/companyinfo/acme')).body;
    expect((await ask('GET', `/${Codebase}apis/3.0/system/info`)).status).toBe(200);
    await admin.change({ change: 'rotateCodebase', codebase: 'v2026_2' });
    expect((await ask('GET', `/${Codebase}apis/3.0/system/info`)).status).toBe(404);
    expect((await ask('GET', '/v2026_2/apis/3.0/system/info')).status).toBe(200);
    expect((await ask('GET', `${api}/system/info`)).status).toBe(200);
  });

  test.each([
    ['a wrong private key', { publicKey: 'simPublicFull', privateKey: 'wrong' }, clientId, 'acme'],
    ['another company', members['full'], clientId, 'other'],
    ['no clientId', members['full'], '', 'acme'],
    ['a clientId nobody registered', members['full'], '00000000-0000-4000-8000-000000000000', 'acme'],
  ])('%s is 401; on cloud it may be 404', async (_what, member, client, company) => {
    const wrong = as(member, client, company);
    expect(await wrong('GET', `${api}/system/info`)).toMatchObject({ status: 401, body: { code: 'Unauthorized' } });
    await admin.settings({ cloudAuth: true });
    expect((await wrong('GET', `${api}/system/info`)).status).toBe(404);
    await admin.settings({ cloudAuth: false });
  });

  test('answers carry a request id and the version of the model', async () => {
    const { headers } = await ask('GET', `${api}/system/info`);
    expect(headers.get('x-cw-request-id')).toBeTruthy();
    expect(headers.get('api-current-version')).toBeTruthy();
  });

  test('an unknown path says so', async () => {
    expect(await ask('GET', `${api}/finance/nothing`)).toMatchObject({
      status: 404,
      body: { code: 'ConnectWiseApi', message: 'The endpoint does not exist.' },
    });
  });
});

describe('paging (§2)', () => {
  const next = (headers: Headers) => /<([^>]+)>;\s*rel="next"/.exec(headers.get('link') ?? '')?.[1];
  async function follow(headers: Record<string, string>, pageSize: number): Promise<number[]> {
    const ids: number[] = [];
    let path: string | undefined = `${api}/company/companies?pageSize=${pageSize}`;
    while (path) {
      const answer: Awaited<ReturnType<typeof ask<Row[]>>> = await ask<Row[]>('GET', path, undefined, headers);
      ids.push(...answer.body.map((row) => row.id));
      const link = next(answer.headers);
      path = link?.slice(simulator.url.length);
    }
    return ids;
  }

  test('25 by default, never more than 1000', async () => {
    expect((await ask<Row[]>('GET', `${api}/company/companies`)).body).toHaveLength(25);
    expect((await ask<Row[]>('GET', `${api}/procurement/catalog?pageSize=5000`)).body.length).toBeLessThanOrEqual(1000);
  });

  test('both ways to page give every row once, and Link ends the list', async () => {
    const { count } = (await ask<{ count: number }>('GET', `${api}/company/companies/count`)).body;
    const whole = (await list('/company/companies')).map((row) => row.id);
    expect(whole).toHaveLength(count);
    expect(await follow({}, 7)).toEqual(whole);
    expect(await follow({ 'pagination-type': 'forward-only' }, 7)).toEqual(whole.toSorted((a, b) => a - b));
  });

  test('forward-only goes on after an id, whatever page says', async () => {
    const [, , third] = (await list('/company/companies')).map((row) => row.id).toSorted((a, b) => a - b);
    const { body } = await ask<Row[]>(
      'GET',
      `${api}/company/companies?pageSize=1&page=9&pageId=${Number(third) - 1}`,
      undefined,
      {
        'pagination-type': 'forward-only',
      },
    );
    expect(body.map((row) => row.id)).toEqual([third]);
  });

  test('fields leaves all others out; orderBy sorts', async () => {
    const rows = await list('/company/companies', { fields: 'id,name', orderBy: 'name desc' });
    expect(Object.keys(rows[0] ?? {}).sort()).toEqual(['id', 'name']);
    const names = rows.map((row) => row.name);
    expect(names).toEqual(names.toSorted((a, b) => (a < b ? 1 : -1)));
  });

  test('count takes the same conditions', async () => {
    const conditions = 'status/name="Active"';
    const query = new URLSearchParams({ conditions }).toString();
    const { count } = (await ask<{ count: number }>('GET', `${api}/company/companies/count?${query}`)).body;
    expect(count).toBe((await list('/company/companies', { conditions })).length);
  });
});

describe('conditions (§2.1)', () => {
  const companies = async (conditions: string) =>
    (await list('/company/companies', { conditions })).map((row) => row.name);

  test.each([
    ['id=20', (row: Row) => row.id === 20],
    ['id!=20', (row: Row) => row.id !== 20],
    ['id<22', (row: Row) => row.id < 22],
    ['id<=22', (row: Row) => row.id <= 22],
    ['id>22', (row: Row) => row.id > 22],
    ['id>=22 and id<25', (row: Row) => row.id >= 22 && row.id < 25],
    ['id=21 or id=23', (row: Row) => row.id === 21 || row.id === 23],
    ['(id=21 or id=23) and id>21', (row: Row) => row.id === 23],
    ['id=21 or id=23 and id>22', (row: Row) => row.id === 21 || row.id === 23],
    ['id in (21, 22,23)', (row: Row) => [21, 22, 23].includes(row.id)],
    ['id not in (21,22)', (row: Row) => ![21, 22].includes(row.id)],
    ['name contains "smith"', (row: Row) => /smith/i.test(row.name)],
    ['name not contains "smith"', (row: Row) => !/smith/i.test(row.name)],
    ['name like "Smith*"', (row: Row) => /^smith/i.test(row.name)],
    ['name like "%Law%"', (row: Row) => /law/i.test(row.name)],
    ['name not like "Smith*"', (row: Row) => !/^smith/i.test(row.name)],
    ['name="Smith Law"', (row: Row) => row.name === 'Smith Law'],
    ['status/name="Inactive"', (row: Row) => (row['status'] as { name: string }).name === 'Inactive'],
    ['deletedFlag=false', () => true],
    ['deletedFlag=False', () => true],
    ['deletedFlag=true', () => false],
    ['accountNumber=null', () => true],
    ['name!=null', () => true],
    ['name="Zo\u00eb\u2019s \\"Fine\\" Foods"', (row: Row) => row.name.includes('"Fine"')],
    ['name="\u0141\u00f3d\u017a Advisors \\\\ Partners"', (row: Row) => row.name.includes('\\')],
  ])('%s', async (conditions, passes) => {
    const everything = await list('/company/companies');
    expect(await companies(conditions)).toEqual(everything.filter(passes).map((row) => row.name));
  });

  test('dates stand in brackets, in UTC; milliseconds make no difference', async () => {
    const agreements = async (conditions: string) => (await list('/finance/agreements', { conditions })).length;
    const whole = await agreements('id>0');
    expect(await agreements('startDate>=[2024-01-01T00:00:00Z]')).toBe(whole);
    expect(await agreements('startDate>=[2024-01-01T00:00:00.000Z]')).toBe(whole);
    expect(await agreements('startDate>[2024-01-01T00:00:00Z]')).toBe(0);
    expect(await agreements('startDate=[2024-01-01]')).toBe(whole);
  });

  test('children are asked for by childConditions', async () => {
    const prospects = await list('/company/companies', { childConditions: 'types/name="Prospect"' });
    expect(prospects.map((row) => row.name)).toEqual(['Someday Prospect']);
  });

  test.each([
    'name="unclosed', 'name=', '=5', '(id=1', 'id=1 id=2', 'name=Smith', 'name not = "x"', 'id in 5', 'name ~ "x"', 'and',
    'startDate>[2024-01-01T00:00:00+02:00]',
  ])('%j is 400', async (conditions) => {
    const query = new URLSearchParams({ conditions }).toString();
    expect(await ask('GET', `${api}/company/companies?${query}`)).toMatchObject({
      status: 400,
      body: { code: 'InvalidObject' },
    });
  }); // prettier-ignore
});

describe('rights per module and level (§3, §6)', () => {
  const security = {
    status: 403,
    body: { code: 'Security', message: 'You do not have security permission to perform this action.' },
  };

  test('who may only read is refused a change, an addition and a removal', async () => {
    const { path, addition } = await anAddition();
    const reader = as(members['readOnly']);
    expect((await reader('GET', path)).status).toBe(200);
    const patch = [{ op: 'replace', path: 'quantity', value: 9 }];
    expect(await reader('PATCH', `${path}/${addition.id}`, patch)).toMatchObject(security);
    expect(await reader('POST', path, {})).toMatchObject(security);
    expect(await reader('DELETE', `${path}/${addition.id}`)).toMatchObject(security);
    expect((await ask<Addition>('GET', `${path}/${addition.id}`)).body.quantity).toBe(addition.quantity);
  });

  test('a module that may not be read is refused, its count and its rows too, and no other', async () => {
    const member = as(members['noCatalog']);
    for (const path of ['/procurement/catalog', '/procurement/catalog/count', '/procurement/catalog/100'])
      expect(await member('GET', `${api}${path}`)).toMatchObject(security);
    expect((await member('GET', `${api}/company/companies`)).status).toBe(200);
  });

  test('additions are a part of agreements', async () => {
    const { path } = await anAddition();
    expect(await as(members['noAgreements'])('GET', path)).toMatchObject(security);
  });

  test('boards to choose from need ticket rights only; the boards themselves are a setup table (§4.5)', async () => {
    const reader = as(members['readOnly']);
    expect((await reader('GET', `${api}/service/info/boards`)).status).toBe(200);
    expect(await reader('GET', `${api}/service/boards`)).toMatchObject(security);
  });
});

describe('boards (§4.5)', () => {
  test('have statuses and types of their own; statuses say inactive, boards and types inactiveFlag', async () => {
    const boards = await list('/service/info/boards');
    expect(boards.some((board) => board['projectFlag'] === true)).toBe(true);
    expect(boards.some((board) => board['inactiveFlag'] === true)).toBe(true);
    const ids = new Set<number>();
    for (const board of boards) {
      const statuses = await list(`/service/boards/${board.id}/statuses`);
      expect(statuses.filter((status) => status['defaultFlag'] === true)).toHaveLength(1);
      for (const status of statuses) {
        expect(status).toMatchObject({
          inactive: expect.any(Boolean),
          closedStatus: expect.any(Boolean),
          board: { id: board.id },
        });
        ids.add(status.id);
      }
      expect((await list(`/service/boards/${board.id}/types`))[0]).toHaveProperty('inactiveFlag');
    }
    expect(ids.size).toBe(boards.length * 4);
  });

  test('priorities have one default', async () => {
    expect((await list('/service/priorities')).filter((row) => row['defaultFlag'] === true)).toHaveLength(1);
  });
});

describe('PATCH of an addition (§5.1)', () => {
  test('a bare field name; the whole record comes back, and _info says when and by whom', async () => {
    const { path, addition } = await anAddition();
    const answer = await ask<Addition>('PATCH', `${path}/${addition.id}`, [
      { op: 'replace', path: 'quantity', value: 42.5 },
    ]);
    expect(answer).toMatchObject({ status: 200, body: { id: addition.id, quantity: 42.5, product: addition.product } });
    expect(answer.body._info.lastUpdated > addition._info.lastUpdated).toBe(true);
    expect(answer.body._info.updatedBy).toBe('simPublicFull');
    const again = await ask<Addition>('PATCH', `${path}/${addition.id}`, [
      { op: 'replace', path: 'quantity', value: 42.5 },
    ]);
    expect(again.body._info.lastUpdated > answer.body._info.lastUpdated).toBe(true);
  });

  test('several operations in one, all or none', async () => {
    const { path, addition } = await anAddition();
    const both = [
      { op: 'replace', path: 'quantity', value: 7 },
      { op: 'replace', path: 'nothing', value: 7 },
    ];
    expect(await ask<Failure>('PATCH', `${path}/${addition.id}`, both)).toMatchObject({
      status: 400,
      body: { code: 'InvalidObject' },
    });
    expect((await ask<Addition>('GET', `${path}/${addition.id}`)).body.quantity).toBe(addition.quantity);
  });

  test('a sub-path is answered 200 and does nothing', async () => {
    const { path, addition } = await anAddition();
    const answer = await ask<Addition>('PATCH', `${path}/${addition.id}`, [
      { op: 'replace', path: 'product/identifier', value: 'OTHER-1' },
    ]);
    expect(answer).toMatchObject({ status: 200, body: { product: addition.product } });
  });

  test('a leading slash is an unknown path, unless the switch says otherwise', async () => {
    const { path, addition } = await anAddition();
    const slash = [{ op: 'replace', path: '/quantity', value: 7 }];
    expect((await ask('PATCH', `${path}/${addition.id}`, slash)).status).toBe(400);
    await admin.settings({ leadingSlash: true });
    expect((await ask<Addition>('PATCH', `${path}/${addition.id}`, slash)).body.quantity).toBe(7);
    await admin.settings({ leadingSlash: false });
  });

  test.each([
    ['no array', { op: 'replace', path: 'quantity', value: 7 }],
    ['a quantity in words', [{ op: 'replace', path: 'quantity', value: 'seven' }]],
    ['another operation', [{ op: 'test', path: 'quantity', value: 7 }]],
    ['another case', [{ op: 'replace', path: 'Quantity', value: 7 }]],
    ['a date with an offset', [{ op: 'replace', path: 'cancelledDate', value: '2026-09-11T14:32:00-04:00' }]],
  ])('%s is 400', async (_what, body) => {
    const { path, addition } = await anAddition();
    expect((await ask('PATCH', `${path}/${addition.id}`, body)).status).toBe(400);
  });

  test('PUT replaces all: what is left out takes its default', async () => {
    const { path, addition } = await anAddition();
    const answer = await ask('PUT', `${path}/${addition.id}`, {
      product: addition.product,
      quantity: 3,
      billCustomer: 'NoCharge',
    });
    expect(answer).toMatchObject({ status: 200, body: { quantity: 3, unitPrice: 0, billCustomer: 'NoCharge' } });
  });
});

describe('POST of an addition (§3, §4.4)', () => {
  const minimal = (agreement: Row) => ({
    product: { id: 100 },
    quantity: 3,
    billCustomer: 'Billable',
    effectiveDate: String(agreement['nextInvoiceDate']),
  });

  test('the minimal one is 201, and a second line of the same product is taken too', async () => {
    const { path, agreement } = await anAddition();
    const first = await ask<Addition>('POST', path, minimal(agreement));
    const second = await ask<Addition>('POST', path, minimal(agreement));
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(first.body.id).not.toBe(second.body.id);
    expect(first.body).toMatchObject({ quantity: 3, product: { id: 100 } });
  });

  test('required fields are named', async () => {
    const { path } = await anAddition();
    const { status, body } = await ask<Failure>('POST', path, { quantity: 1 });
    expect([status, body.code]).toEqual([400, 'InvalidObject']);
    expect(body.errors?.map((error) => [error.code, error.field])).toEqual([
      ['MissingRequiredField', 'product/id'],
      ['MissingRequiredField', 'billCustomer'],
    ]);
  });

  test.each([
    [
      'before the agreement bills',
      { effectiveDate: '2020-01-01T00:00:00Z' },
      /effectiveDate cannot be less than the agreement billing start date/,
    ],
    ['in an invoiced period', { effectiveDate: '2024-06-01T00:00:00Z' }, /already been invoiced/],
    ['a bundle', { product: { id: 121 } }, /bundle/],
    ['a date with an offset', { effectiveDate: '2026-09-11T14:32:00-04:00' }, /invalid/],
    ['a product that does not exist', { product: { id: 99_999 } }, /invalid/],
    ['a word nobody bills by', { billCustomer: 'Sometimes' }, /invalid/],
  ])('%s is 400', async (_what, over, message) => {
    const { path, agreement } = await anAddition();
    const { status, body } = await ask<Failure>('POST', path, { ...minimal(agreement), ...over });
    expect([status, body.code]).toEqual([400, 'InvalidObject']);
    expect(body.message).toMatch(message);
  });

  test('an agreement that prorates takes one in the middle of a period', async () => {
    const { path, agreement } = await anAddition();
    await admin.change({ change: 'setAgreement', agreementId: agreement.id, fields: { prorate: true } });
    const answer = await ask('POST', path, { ...minimal(agreement), effectiveDate: '2024-06-01T00:00:00Z' });
    expect(answer.status).toBe(201);
  });

  test('a removed one is 204, then 404', async () => {
    const { path, addition } = await anAddition();
    expect((await ask('DELETE', `${path}/${addition.id}`)).status).toBe(204);
    expect(await ask('GET', `${path}/${addition.id}`)).toMatchObject({ status: 404, body: { code: 'NotFound' } });
  });
});

describe('search lag and faults (§5.2, §7)', () => {
  test('a list shows the old row, or not the new one, while a read by id is right at once', async () => {
    const { path, addition, agreement } = await anAddition();
    await admin.settings({ searchLagMs: 60_000 });
    await ask('PATCH', `${path}/${addition.id}`, [{ op: 'replace', path: 'quantity', value: addition.quantity + 1 }]);
    const made = await ask<Addition>('POST', path, {
      product: { id: 100 }, quantity: 3, billCustomer: 'Billable', effectiveDate: String(agreement['nextInvoiceDate']),
    }); // prettier-ignore
    const rows = (await ask<Addition[]>('GET', `${path}?pageSize=1000`)).body;
    expect(rows.find((row) => row.id === addition.id)?.quantity).toBe(addition.quantity);
    expect(rows.some((row) => row.id === made.body.id)).toBe(false);
    expect((await ask<Addition>('GET', `${path}/${addition.id}`)).body.quantity).toBe(addition.quantity + 1);
    expect((await ask('GET', `${path}/${made.body.id}`)).status).toBe(200);
    await admin.settings({ searchLagMs: 0 });
    expect((await ask<Addition[]>('GET', `${path}?pageSize=1000`)).body.some((row) => row.id === made.body.id)).toBe(
      true,
    );
  });

  test('500 "timeout" after commit: the answer is a failure, the write is there', async () => {
    const { path, addition } = await anAddition();
    await admin.fault({ kind: 'afterCommit', status: 500, method: 'PATCH' });
    const patch = [{ op: 'replace', path: 'quantity', value: 77 }];
    expect(await ask('PATCH', `${path}/${addition.id}`, patch)).toMatchObject({
      status: 500,
      body: { message: 'timeout' },
    });
    expect((await ask<Addition>('GET', `${path}/${addition.id}`)).body.quantity).toBe(77);
  });
});
