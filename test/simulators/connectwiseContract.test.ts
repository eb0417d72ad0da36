/** What a stranger's client expects of the simulated ConnectWise, from connectwise.md (§) alone. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { clientId, members } from '../../simulators/connectwise/members.ts';
import { startConnectwise } from '../../simulators/connectwise/start.ts';
import type { RunningSimulator } from '../../simulators/kit/simulator.ts';
import { asking, type Answer, type Ask } from './asking.ts';

type Row = Record<string, unknown> & { id: number };
interface Failure {
  code: string;
  message: string;
  errors?: { code: string; field: string }[];
}

let simulator: RunningSimulator;
let ask: Ask;
const api = '/v4_6_release/apis/3.0';

const as = (member: keyof typeof members): Ask => {
  const text = `acme+${members[member]?.publicKey}:${members[member]?.privateKey}`;
  return asking(simulator.url, { authorization: `Basic ${Buffer.from(text).toString('base64')}`, clientId });
};
const query = (of: Record<string, string>) => new URLSearchParams(of).toString();
const list = async (path: string, of: Record<string, string> = {}): Promise<Row[]> => {
  const answer = await ask<Row[]>('GET', `${api}${path}?${query({ pageSize: '1000', ...of })}`);
  expect([path, answer.status]).toEqual([path, 200]);
  return answer.body;
};
const first = async (path: string, of: Record<string, string> = {}): Promise<Row> => {
  const [row] = await list(path, of);
  if (!row) throw new Error(`${path} is empty.`);
  return row;
};
const change = (path: string, value: unknown) => [{ op: 'replace', path, value }];
const state = async () => JSON.stringify((await asking(simulator.url, {})('GET', '/__admin/state')).body);

beforeAll(async () => {
  simulator = await startConnectwise({ customers: 40 });
});
afterAll(() => simulator?.close());
beforeEach(async () => {
  await asking(simulator.url, {})('POST', '/__admin/reset', {});
  ask = as('full');
});

describe('a mistaken write looks wrong (§3)', () => {
  const lists = [
    '/company/companies', '/procurement/catalog', '/finance/agreements', '/service/boards', '/service/priorities',
    '/service/info/boards', '/system/members', '/system/securityRoles',
  ]; // prettier-ignore

  test.each(lists)('%s: what is not carried out is 405 with its code, and nothing changes', async (path) => {
    const before = await state();
    const { id } = await first(path);
    for (const [method, at] of [
      ['POST', path],
      ['PATCH', path],
      ['DELETE', path],
      ['POST', `${path}/${id}`],
      ['PATCH', `${path}/${id}`],
      ['PUT', `${path}/${id}`],
      ['DELETE', `${path}/${id}`],
    ] as const) {
      const { status, body } = await ask<Failure>(method, `${api}${at}`, method === 'PATCH' ? change('name', 'x') : {});
      expect([method, at, status, body.code]).toEqual([method, at, 405, 'ConnectWiseApi']);
    }
    expect(await state()).toBe(before);
  });

  test('without the right it is 403, as any write is', async () => {
    ask = as('readOnly');
    const { id } = await first('/finance/agreements');
    for (const method of ['PATCH', 'DELETE'])
      expect(await ask(method, `${api}/finance/agreements/${id}`, change('name', 'x'))).toMatchObject({
        status: 403,
        body: { code: 'Security' },
      });
  });

  test.each([
    ['PATCH', '/service/tickets'],
    ['PUT', '/service/tickets'],
    ['DELETE', '/service/tickets'],
    ['POST', '/service/tickets/count'],
    ['GET', '/service/tickets/search'],
    ['PATCH', '/system/info'],
  ])('%s %s is 405', async (method, path) => {
    expect((await ask(method, `${api}${path}`, method === 'GET' ? undefined : [])).status).toBe(405);
  });

  test('an addition is made in the list, and changed by its id', async () => {
    const { id } = await first('/finance/agreements');
    for (const [method, path] of [
      ['POST', '/1'],
      ['PATCH', ''],
      ['PUT', ''],
      ['DELETE', ''],
      ['DELETE', '/count'],
    ] as const)
      expect((await ask(method, `${api}/finance/agreements/${id}/additions${path}`, {})).status).toBe(405);
  });

  test('an unknown sub-path is no endpoint, and not its parent', async () => {
    for (const path of lists.slice(0, 4)) {
      const { id } = await first(path);
      for (const sub of [`/${id}/nothing`, `/${id}/nothing/1`, '/nothing', '/count/1'])
        expect(await ask('GET', `${api}${path}${sub}`), `${path}${sub}`).toMatchObject({
          status: 404,
          body: { code: 'ConnectWiseApi', message: 'The endpoint does not exist.' },
        });
    }
    for (const path of [
      '/system/info/nothing',
      '/service/tickets/nothing',
      '/service/boards/1/nothing',
      '/service/info',
    ])
      expect((await ask('GET', `${api}${path}`)).status, path).toBe(404);
  });

  test('a body that is not JSON has a code, as every refusal has', async () => {
    const text = `acme+${members['full']?.publicKey}:${members['full']?.privateKey}`;
    const response = await fetch(`${simulator.url}${api}/service/tickets`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(text).toString('base64')}`,
        clientId,
        'content-type': 'application/json',
      },
      body: '{"summary": ',
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      code: expect.any(String) as string,
      message: expect.any(String) as string,
    });
  });
});

describe('paging and order (§2)', () => {
  const links = ({ headers }: Answer<unknown>) =>
    Object.fromEntries(
      (headers.get('link') ?? '')
        .split(/,\s*(?=<)/)
        .filter(Boolean)
        .map((entry) => {
          const [, url = '', rel = ''] = /^<([^>]+)>;\s*rel="(\w+)"$/.exec(entry) ?? [];
          return [rel, url] as const;
        }),
    );

  test('Link has next, last, prev and first, each with its page as the last parameter', async () => {
    const at = (page: number) =>
      ask<Row[]>('GET', `${api}/company/companies?${query({ page: String(page), pageSize: '15', orderBy: 'id' })}`);
    const [one, two, three] = [links(await at(1)), links(await at(2)), links(await at(3))];
    expect(Object.keys(one).toSorted()).toEqual(['last', 'next']);
    expect(Object.keys(two).toSorted()).toEqual(['first', 'last', 'next', 'prev']);
    expect(Object.keys(three).toSorted()).toEqual(['first', 'prev']);
    expect(one['next']).toMatch(/\?.*pageSize=15.*&page=2$/);
    expect(two['last']).toMatch(/&page=3$/);
    expect(two['prev']).toMatch(/&page=1$/);
    expect(three['first']).toMatch(/&page=1$/);
  });

  test('one page has no Link', async () => {
    expect((await ask('GET', `${api}/service/priorities`)).headers.get('link')).toBeNull();
  });

  test('a second key orders what is equal in the first', async () => {
    const rows = await list('/company/companies', { orderBy: 'status/name desc, id desc' });
    const keys = rows.map((row) => [(row['status'] as { name: string }).name, row.id] as const);
    const expected = keys.toSorted(([a, x], [b, y]) => (a === b ? y - x : a < b ? 1 : -1));
    expect(new Set(keys.map(([name]) => name)).size).toBeGreaterThan(1);
    expect(keys).toEqual(expected);
  });
});

describe('fields (§4)', () => {
  test('of a catalogue item and of an addition', async () => {
    expect((await first('/procurement/catalog'))['customerDescription']).toEqual(expect.any(String));
    for (const { id } of await list('/finance/agreements', { conditions: 'agreementStatus="Active"' }))
      for (const addition of await list(`/finance/agreements/${id}/additions`)) {
        const { billedQuantity, unitPrice, unitCost } = addition as never as Record<string, number>;
        expect(addition['extPrice']).toBeCloseTo((billedQuantity ?? 0) * (unitPrice ?? 0), 1);
        expect(addition['extCost']).toBeCloseTo((billedQuantity ?? 0) * (unitCost ?? 0), 1);
      }
  });

  test('the color of a priority is a word of the enum', async () => {
    const colors = [
      'Black',
      'Blue',
      'Cyan',
      'Gray',
      'Green',
      'Lime',
      'Orange',
      'Pink',
      'Purple',
      'Red',
      'White',
      'Yellow',
      'Custom',
    ];
    for (const { color } of await list('/service/priorities')) expect(colors).toContain(color);
  });

  test('the setup tables and members can be read, whole, counted and by id', async () => {
    for (const [path, names] of [
      ['/system/members', ['identifier', 'firstName', 'lastName', 'licenseClass', 'securityRole']],
      ['/system/info/members', ['identifier', 'fullName', 'licenseClass']],
      ['/system/securityRoles', ['name', 'adminFlag']],
      [
        '/system/securityRoles/2/settings',
        ['inquireLevel', 'addLevel', 'editLevel', 'deleteLevel', 'moduleFunctionIdentifier'],
      ],
      ['/finance/agreements/types', ['name', 'defaultFlag', 'inactiveFlag']],
      ['/company/companies/statuses', ['name', 'defaultFlag', 'inactiveFlag']],
      ['/company/companies/types', ['name', 'defaultFlag']],
      ['/service/boards/1/teams', ['name', 'members', 'defaultFlag', 'boardId']],
      ['/service/boards/1/subtypes', ['name', 'board', 'inactiveFlag', 'typeAssociationIds']],
      ['/service/sources', ['name', 'defaultFlag']],
      ['/service/locations', ['name', 'where', 'defaultFlag']],
    ] as const) {
      const rows = await list(path);
      expect(rows.length, path).toBeGreaterThan(1);
      for (const row of rows) expect(Object.keys(row), path).toEqual(expect.arrayContaining([...names]));
      expect((await ask(`GET`, `${api}${path}/count`)).body).toEqual({ count: rows.length });
      expect((await ask('GET', `${api}${path}/${rows[0]?.id}`)).body).toEqual(rows[0]);
    }
    // What companies and agreements refer to stands in these tables.
    const statuses = (await list('/company/companies/statuses')).map(({ id }) => id);
    for (const company of await list('/company/companies')) expect(statuses).toContain((company['status'] as Row).id);
    for (const { addLevel } of await list('/system/securityRoles/2/settings'))
      expect(['None', 'My', 'All']).toContain(addLevel);
  });

  test('a role that may not read members is refused them, and gets the lighter list (§6, §4.7)', async () => {
    ask = as('readOnly');
    expect((await ask('GET', `${api}/system/members`)).status).toBe(403);
    expect((await ask('GET', `${api}/system/securityRoles/2/settings`)).status).toBe(403);
    expect((await ask('GET', `${api}/system/info/members`)).status).toBe(200);
  });
});

describe('references and changes (§4.4, §4.6, §5.1)', () => {
  async function anAgreement() {
    for (const agreement of await list('/finance/agreements', { conditions: 'agreementStatus="Active"' })) {
      const path = `/finance/agreements/${agreement.id}/additions`;
      const [addition] = await list(path);
      if (addition) return { agreement, path, addition };
    }
    throw new Error('There is no addition.');
  }

  test('a POST takes a product by its identifier, and a PATCH too', async () => {
    const { agreement, path, addition } = await anAgreement();
    const product = await first('/procurement/catalog', {
      conditions: 'productClass="Agreement" and inactiveFlag=false',
    });
    const body = {
      product: { identifier: product['identifier'] },
      quantity: 3,
      billCustomer: 'Billable',
      effectiveDate: agreement['nextInvoiceDate'],
    };
    const made = await ask<Row>('POST', `${api}${path}`, body);
    expect(made).toMatchObject({
      status: 201,
      body: { product: { id: product.id, identifier: product['identifier'] } },
    });
    const moved = await ask(
      'PATCH',
      `${api}${path}/${addition.id}`,
      change('product', { identifier: product['identifier'] }),
    );
    expect(moved).toMatchObject({ status: 200, body: { product: { id: product.id } } });
    const unknown = await ask<Failure>('POST', `${api}${path}`, { ...body, product: { identifier: 'NOTHING' } });
    expect(unknown.body.errors?.map(({ code }) => code)).toEqual(['NotFound']);
  });

  test('a PATCH of description and of unitCost is there when it is read', async () => {
    const { path, addition } = await anAgreement();
    const at = `${api}${path}/${addition.id}`;
    const body = [...change('description', 'As agreed'), ...change('unitCost', 1.5), ...change('serialNumber', 'S-1')];
    expect(await ask('PATCH', at, body)).toMatchObject({ status: 200, body: { description: 'As agreed' } });
    expect((await ask('GET', at)).body).toMatchObject({ description: 'As agreed', unitCost: 1.5, serialNumber: 'S-1' });
    // A PUT replaces everything: what is left out has its default again.
    const { quantity, billCustomer, effectiveDate, product } = addition;
    await ask('PUT', at, { quantity, billCustomer, effectiveDate, product });
    const after = (await ask<Row>('GET', at)).body;
    expect(after['description']).toBe(addition['description']);
    expect(after).not.toHaveProperty('serialNumber');
  });

  async function aTicket(more: object = {}) {
    const company = await first('/company/companies');
    const body = {
      summary: 'Mail is late',
      company: { identifier: company['identifier'] },
      board: { name: 'Alerts' },
      ...more,
    };
    return { company, body, made: await ask<Row>('POST', `${api}/service/tickets`, body) };
  }

  test('a ticket is made by identifier and name, and has what the service desk sorts by', async () => {
    const { company, made } = await aTicket({ severity: 'High', source: { name: 'Integration' } });
    expect(made).toMatchObject({
      status: 201,
      body: {
        company: { id: company.id, identifier: company['identifier'] },
        board: { id: 2, name: 'Alerts' },
        severity: 'High',
        impact: 'Medium',
        source: { name: 'Integration' },
        siteName: expect.any(String) as string,
        dateEntered: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
      },
    });
    const entered = String(made.body['dateEntered']);
    expect(await list('/service/tickets', { conditions: `dateEntered>=[${entered}]` })).toHaveLength(1);
    expect((await aTicket({ severity: 'Enormous' })).made.status).toBe(400);
    expect((await aTicket({ source: { name: 'Smoke signal' } })).made.status).toBe(400);
    const moved = await ask('PATCH', `${api}/service/tickets/${made.body.id}`, change('subType', { name: 'Spam' }));
    expect(moved).toMatchObject({ status: 200, body: { subType: { name: 'Spam' } } });
  });

  test('PUT of a ticket replaces it: what is left out goes, what updates require is asked for', async () => {
    const { body: whole, made } = await aTicket({ poNumber: 'PO-1', externalXRef: 'X-1' });
    const { poNumber: _, ...body } = whole as Record<string, unknown>;
    const at = `${api}/service/tickets/${made.body.id}`;
    const refused = await ask<Failure>('PUT', at, { ...body, summary: 'Mail is lost' });
    expect(refused.body.errors?.map(({ field }) => field)).toEqual(['severity', 'impact']);
    const put = await ask<Row>('PUT', at, {
      ...body,
      summary: 'Mail is lost',
      severity: 'Low',
      impact: 'Low',
      externalXRef: 'X-1',
    });
    expect(put).toMatchObject({
      status: 200,
      body: { id: made.body.id, summary: 'Mail is lost', severity: 'Low', externalXRef: 'X-1' },
    });
    const after = (await ask<Row>('GET', at)).body;
    expect(after['poNumber']).toBeNull();
    expect(after['dateEntered']).toBe(made.body['dateEntered']);
  });
});
