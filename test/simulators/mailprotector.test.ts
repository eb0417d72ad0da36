/** The simulated Mailprotector against mailprotector.md §1–4 and §10, and nothing else. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RunningSimulator } from '../../simulators/kit/simulator.ts';
import { keys } from '../../simulators/mailprotector/keys.ts';
import { startMailprotector } from '../../simulators/mailprotector/start.ts';
import { simulatorAdmin, type SimulatorAdmin } from '../../dev/walkthrough/simulatorAdmin.ts';
import { asking, type Ask } from './asking.ts';

interface Ref {
  id: number;
  name: string;
}
interface Customer extends Ref {
  provider: Ref;
  reseller: Ref;
}
interface Domain extends Ref {
  account: Ref;
  domain_status: Ref;
  parent: Ref | null;
  verification_token: string | null;
}
interface Group extends Ref {
  domain: Ref;
  user_count: number;
}
interface User extends Ref {
  parent: { id: number; name: string; primary_address: string } | null;
  user_type: Ref;
  user_group: Ref;
  primary_address: string;
  email_addresses: string[];
  first_name: string;
}

let simulator: RunningSimulator;
let admin: SimulatorAdmin;
let ask: Ask;
const api = '/api/v1';
const as = (key: string) => asking(simulator.url, { authorization: `Bearer ${key}` });

beforeAll(async () => {
  simulator = await startMailprotector({ customers: 30 });
  admin = simulatorAdmin(simulator.url);
});
afterAll(() => simulator.close());
beforeEach(async () => {
  await asking(simulator.url, {})('POST', '/__admin/reset', {});
  ask = as(keys.reseller);
});

/** All rows of a list, page by page until one is empty. */
async function all<T>(path: string): Promise<T[]> {
  const rows: T[] = [];
  for (let page = 1; ; page++) {
    const { body } = await ask<T[]>('GET', `${path}?per_page=50&page=${page}`);
    if (body.length === 0) return rows;
    rows.push(...body);
  }
}
const customers = () => all<Customer>(`${api}/resellers/500/customers`);
const domains = () => all<Domain>(`${api}/resellers/500/domains`);
async function firstGroup(): Promise<Group> {
  const [domain] = await domains();
  const { body } = await ask<Group[]>('GET', `${api}/domains/${domain?.id}/user_groups`);
  if (!body[0]) throw new Error('There is no group.');
  return body[0];
}

describe('keys (§1, §6)', () => {
  test('no key and a wrong key are 401; so is a key without the word Bearer', async () => {
    for (const headers of [{}, { authorization: 'Bearer wrong-key-000' }, { authorization: keys.reseller }]) {
      const answer = await asking(simulator.url, headers as Record<string, string>)('GET', `${api}/resellers/500`);
      expect(answer).toMatchObject({ status: 401, body: { message: expect.any(String) } });
    }
  });

  test('a reseller\u2019s key sees its own reseller, not another (403), and knows no third (404)', async () => {
    expect(await ask('GET', `${api}/resellers/500`)).toMatchObject({ status: 200, body: { id: 500 } });
    expect((await ask('GET', `${api}/resellers/501`)).status).toBe(403);
    expect((await ask('GET', `${api}/resellers/999`)).status).toBe(404);
  });

  test('below the reseller it is the same: another one\u2019s ids are 403, unknown ids are 404', async () => {
    const other = as(keys.otherReseller);
    const [customer] = (await other<Customer[]>('GET', `${api}/resellers/501/customers`)).body;
    const [domain] = (await other<Domain[]>('GET', `${api}/customers/${customer?.id}/domains`)).body;
    const [group] = (await other<Group[]>('GET', `${api}/domains/${domain?.id}/user_groups`)).body;
    const [user] = (await other<User[]>('GET', `${api}/user_groups/${group?.id}/users`)).body;
    const theirs = { customers: customer?.id, domains: domain?.id, user_groups: group?.id, users: user?.id };
    for (const [resource, id] of Object.entries(theirs)) {
      expect(id).toBeGreaterThan(0);
      expect([resource, (await ask('GET', `${api}/${resource}/${id}`)).status]).toEqual([resource, 403]);
      expect([resource, (await ask('DELETE', `${api}/${resource}/${id}`)).status]).toEqual([resource, 403]);
      expect([resource, (await ask('GET', `${api}/${resource}/123`)).status]).toEqual([resource, 404]);
    }
  });

  test('a customer\u2019s key sees its customer and no other, and no reseller', async () => {
    const [own, next] = await customers();
    const customer = as(keys.customerRole);
    expect((await customer('GET', `${api}/customers/${own?.id}/domains`)).status).toBe(200);
    expect((await customer('GET', `${api}/customers/${next?.id}`)).status).toBe(403);
    expect((await customer('GET', `${api}/resellers/500/customers`)).status).toBe(403);
  });

  test('only a provider\u2019s key lists resellers', async () => {
    expect((await ask('GET', `${api}/providers/65/resellers`)).status).toBe(403);
    const { body } = await as(keys.provider)<Ref[]>('GET', `${api}/providers/65/resellers`);
    expect(body.map((row) => row.id)).toEqual([500, 501]);
  });

  test('a reseller of Virtual Administrator is refused with that reason', async () => {
    const answer = await as(keys.virtualAdministrator)<{ message: string }>('GET', `${api}/resellers/500`);
    expect(answer.status).toBe(403);
    expect(answer.body.message).toMatch(/Virtual Administrator/);
  });
});

describe('lists (§2)', () => {
  test('are bare arrays of 25, with a header that says how many there are', async () => {
    const answer = await ask<Customer[]>('GET', `${api}/resellers/500/customers`);
    expect(answer.body).toHaveLength(25);
    expect(JSON.parse(answer.headers.get('x-pagination') ?? '')).toMatchObject({ total: 30 });
  });

  test('per_page is taken up to 50; a page past the end is empty; pages neither overlap nor leave a row out', async () => {
    const answer = await ask<Domain[]>('GET', `${api}/resellers/500/users?per_page=500`);
    expect(answer.body).toHaveLength(50);
    expect((await ask<Customer[]>('GET', `${api}/resellers/500/customers?page=9`)).body).toEqual([]);
    const ids = (await customers()).map((row) => row.id);
    expect(new Set(ids).size).toBe(30);
    const small: number[] = [];
    for (let page = 1; page <= 5; page++) {
      const { body } = await ask<Customer[]>('GET', `${api}/resellers/500/customers?per_page=7&page=${page}`);
      small.push(...body.map((row) => row.id));
    }
    expect(small).toEqual(ids);
  });

  test('the header can be left out or carry another key: its names are unknown', async () => {
    await admin.settings({ paging: 'none' });
    expect((await ask('GET', `${api}/resellers/500/customers`)).headers.get('x-pagination')).toBeNull();
    await admin.settings({ paging: 'unknownKeys' });
    expect((await ask('GET', `${api}/resellers/500/customers`)).headers.get('x-pagination')).toContain('"rows":30');
  });

  test('are filtered by a field, and by a date with an operator', async () => {
    const [, second] = await customers();
    const name = encodeURIComponent(second?.name ?? '');
    const { body } = await ask<Customer[]>('GET', `${api}/resellers/500/customers?name=${name}`);
    expect(body.map((row) => row.name)).toEqual([second?.name]);
    const after = await ask<Customer[]>('GET', `${api}/resellers/500/customers?created_at[geq]=2090-01-01`);
    expect(after.body).toEqual([]);
  });
});

describe('errors (§3.2)', () => {
  test.each([
    ['message', { message: 'Not found' }],
    ['error', { error: 'Not found' }],
  ])('are JSON under %s', async (errorBody, body) => {
    await admin.settings({ errorBody });
    expect(await ask('GET', `${api}/resellers/999`)).toMatchObject({ status: 404, body });
  });

  test('or HTML', async () => {
    await admin.settings({ errorBody: 'html' });
    const answer = await ask('GET', `${api}/resellers/999`);
    expect(answer.headers.get('content-type')).toContain('text/html');
    expect(answer.text).toContain('Not found');
  });

  test('a create without a name is 422', async () => {
    const group = await firstGroup();
    const [customer] = await customers();
    for (const path of [
      '/resellers/500/customers',
      `/customers/${customer?.id}/domains`,
      `/domains/${group.domain.id}/user_groups`,
      `/user_groups/${group.id}/users`,
      `/domains/${group.domain.id}/aliases`,
    ])
      expect([path, (await ask('POST', `${api}${path}`, {})).status]).toEqual([path, 422]);
  });

  test('429 with and without Retry-After, and 5xx, can be asked for', async () => {
    await admin.fault({ kind: 'status', status: 429, retryAfter: 7 });
    expect((await ask('GET', `${api}/resellers/500`)).headers.get('retry-after')).toBe('7');
    await admin.fault({ kind: 'status', status: 429 });
    const second = await ask('GET', `${api}/resellers/500`);
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, null]);
    await admin.fault({ kind: 'status', status: 503 });
    expect((await ask('GET', `${api}/resellers/500`)).status).toBe(503);
    expect((await ask('GET', `${api}/resellers/500`)).status).toBe(200);
  });
});

describe('customers, domains and groups (§4.3–4.5)', () => {
  test('a customer carries reseller and provider; a create is 201, a delete 204 and cascades', async () => {
    const made = await ask<Customer>('POST', `${api}/resellers/500/customers`, {
      name: 'New & Co',
      email: 'a@b.example',
    });
    expect(made).toMatchObject({
      status: 201,
      body: { name: 'New & Co', reseller: { id: 500 }, provider: { id: 65 } },
    });
    const domain = await ask<Domain>('POST', `${api}/customers/${made.body.id}/domains`, { name: 'new.example' });
    const [group] = (await ask<Group[]>('GET', `${api}/domains/${domain.body.id}/user_groups`)).body;
    expect((await ask('DELETE', `${api}/customers/${made.body.id}`)).status).toBe(204);
    for (const path of [`customers/${made.body.id}`, `domains/${domain.body.id}`, `user_groups/${group?.id}`])
      expect([path, (await ask('GET', `${api}/${path}`)).status]).toEqual([path, 404]);
    expect((await customers()).some((row) => row.id === made.body.id)).toBe(false);
  });

  test('a new domain is Pending with a token and has a Default group; verified it is Active without one', async () => {
    const [customer] = await customers();
    const { body } = await ask<Domain>('POST', `${api}/customers/${customer?.id}/domains`, { name: 'fresh.example' });
    expect(body).toMatchObject({
      domain_status: { id: 1, name: 'Pending' },
      parent: null,
      account: { id: customer?.id },
    });
    expect(body.verification_token).toEqual(expect.any(String));
    expect((await ask<Group[]>('GET', `${api}/domains/${body.id}/user_groups`)).body).toMatchObject([
      { name: 'Default' },
    ]);
    await admin.change({ change: 'verifyDomain', id: body.id });
    expect((await ask('GET', `${api}/domains/${body.id}`)).body).toMatchObject({
      domain_status: { id: 2, name: 'Active' },
      verification_token: null,
    });
  });

  test('an alias is a domain with a parent, in the lists of domains and under its parent', async () => {
    const [domain] = await domains();
    const made = await ask<Domain>('POST', `${api}/domains/${domain?.id}/aliases`, { name: 'also.example' });
    expect(made).toMatchObject({ status: 201, body: { parent: { id: domain?.id } } });
    expect((await domains()).filter((row) => row.id === made.body.id)).toHaveLength(1);
    const aliases = await ask<Domain[]>('GET', `${api}/domains/${domain?.id}/aliases`);
    expect(aliases.body.map((row) => row.id)).toContain(made.body.id);
  });

  test('a domain moves to another customer of the reseller, with its groups; not to another reseller\u2019s', async () => {
    const [first, second] = await customers();
    const [domain] = (await ask<Domain[]>('GET', `${api}/customers/${first?.id}/domains`)).body;
    const groups = (await ask<Group[]>('GET', `${api}/domains/${domain?.id}/user_groups`)).body;
    const move = (customer_id: number | undefined) => ask('POST', `${api}/domains/${domain?.id}/move`, { customer_id });
    expect((await move(3_901)).status).toBe(422);
    expect(await move(second?.id)).toMatchObject({ status: 200, body: { account: { id: second?.id } } });
    expect((await ask<Group[]>('GET', `${api}/domains/${domain?.id}/user_groups`)).body).toEqual(groups);
  });

  test('deleting a group removes its users', async () => {
    const group = await firstGroup();
    const [user] = (await ask<User[]>('GET', `${api}/user_groups/${group.id}/users`)).body;
    expect((await ask('DELETE', `${api}/user_groups/${group.id}`)).status).toBe(204);
    expect((await ask('GET', `${api}/users/${user?.id}`)).status).toBe(404);
    const left = await all<User>(`${api}/domains/${group.domain.id}/users`);
    expect(left.some((row) => row.user_group.id === group.id)).toBe(false);
  });

  test('services are records with display names; writing takes codes and replaces all', async () => {
    const group = await firstGroup();
    const put = await ask('PUT', `${api}/user_groups/${group.id}/services`, {
      service_types: { hosting: 'other', addons: ['bracket'] },
    });
    expect(put.status).toBe(200);
    const services = await ask<{ service_type: string; user_group: Ref }[]>(
      'GET',
      `${api}/user_groups/${group.id}/services`,
    );
    expect(services.body.map((row) => row.service_type)).toEqual(['CloudFilter Email Security', 'Bracket']);
    expect(services.body[0]?.user_group.id).toBe(group.id);
  });

  test('the one service of a group may come as an object instead of an array', async () => {
    const group = await firstGroup();
    await ask('PUT', `${api}/user_groups/${group.id}/services`, { service_types: { hosting: 'other', addons: [] } });
    await admin.settings({ singleService: true });
    const { body } = await ask('GET', `${api}/user_groups/${group.id}/services`);
    expect(body).toMatchObject({ service_type: 'CloudFilter Email Security' });
    await admin.settings({ singleService: false });
  });
});

describe('users (§4.6)', () => {
  test('of several types; user_count is the number of type User unless told otherwise', async () => {
    const group = await firstGroup();
    const users = await all<User>(`${api}/user_groups/${group.id}/users`);
    const types = users.map((user) => user.user_type.name);
    expect([...new Set(types)].sort()).toEqual(['Alias', 'Discovered User', 'Mailing List', 'Unlicensed User', 'User']);
    expect(types.filter((type) => type === 'User')).toHaveLength(group.user_count);
    await admin.settings({ userCountTypes: ['User', 'Mailing List'] });
    expect((await ask<Group>('GET', `${api}/user_groups/${group.id}`)).body.user_count).toBe(group.user_count + 1);
    await admin.settings({ userCountTypes: ['User'] });
  });

  test('an alias names its user; asking by an alias\u2019s address answers with the user', async () => {
    const group = await firstGroup();
    const users = await all<User>(`${api}/user_groups/${group.id}/users`);
    const alias = users.find((user) => user.user_type.name === 'Alias');
    const root = users.find((user) => user.id === alias?.parent?.id);
    expect(alias?.parent?.primary_address).toBe(root?.primary_address);
    const found = await ask<User>('POST', `${api}/users/find_by_address`, { address: alias?.primary_address });
    expect(found).toMatchObject({ status: 200, body: { id: root?.id } });
    expect((await ask('POST', `${api}/users/find_by_address`, { address: 'no@where.example' })).status).toBe(404);
  });

  test('a create is 201, an array of one by default and an object on request, and counts', async () => {
    const group = await firstGroup();
    const path = `${api}/user_groups/${group.id}/users`;
    const made = await ask<User[]>('POST', path, { name: 'dana.lee', first_name: 'Dana' });
    expect(made).toMatchObject({ status: 201, body: [{ name: 'dana.lee', first_name: 'Dana', user_type: { id: 1 } }] });
    await admin.settings({ userAsArray: false });
    const list = await ask<User>('POST', path, { name: 'news', user_type_id: 3 });
    expect(list.body).toMatchObject({ name: 'news', user_type: { id: 3, name: 'Mailing List' } });
    const after = await ask<Group>('GET', `${api}/user_groups/${group.id}`);
    expect(after.body.user_count).toBe(group.user_count + 1);
    await admin.settings({ userAsArray: true });
  });

  test('several at once; edited; deleted', async () => {
    const group = await firstGroup();
    const path = `${api}/user_groups/${group.id}/users/create_many`;
    const made = await ask<User[]>('POST', path, { users: [{ name: 'one' }, { name: 'two' }] });
    expect([made.status, made.body.map((user) => user.name)]).toEqual([201, ['one', 'two']]);
    const [one, two] = made.body;
    const edited = await ask<User>('PUT', `${api}/users/${one?.id}`, { first_name: 'Eins' });
    expect(edited).toMatchObject({ status: 200, body: { first_name: 'Eins', name: 'one' } });
    expect((await ask('DELETE', `${api}/users/${one?.id}`)).status).toBe(204);
    expect((await ask('GET', `${api}/users/${one?.id}`)).status).toBe(404);
    expect((await ask('GET', `${api}/users/${two?.id}`)).status).toBe(200);
    expect((await ask<Group>('GET', `${api}/user_groups/${group.id}`)).body.user_count).toBe(group.user_count + 1);
  });
});

describe('statements, configuration, managers (§4.7–4.10)', () => {
  test('statements have an amount and a currency, and no lines', async () => {
    const { body } = await ask<object[]>('GET', `${api}/resellers/500/statements`);
    expect(body).toMatchObject([{ amount: expect.any(Number), currency: 'USD', billing_date: expect.any(String) }]);
    expect((await ask('GET', `${api}/resellers/500/statements/3100001`)).status).toBe(404);
  });

  test('configuration is read wrapped and answered unwrapped; a part is enough', async () => {
    const path = `${api}/resellers/500/configuration`;
    expect((await ask('GET', path)).body).toMatchObject({ configuration: { region: { time_zone: 'UTC' } } });
    const put = await ask('PUT', path, { billing: { cc_addresses: ['a@b.example'] } });
    expect(put.body).toMatchObject({ billing: { cc_addresses: ['a@b.example'] }, region: { time_zone: 'UTC' } });
    expect((await ask('GET', path)).body).toMatchObject({
      configuration: { billing: { cc_addresses: ['a@b.example'] } },
    });
  });

  test('managers are created without roles; their notification destinations are created with 200', async () => {
    const manager = await ask<Ref>('POST', `${api}/resellers/500/managers`, {
      first_name: 'Pat', last_name: 'Doe', email: 'p@d.example', username: 'pat', password: 'long enough',
    }); // prettier-ignore
    expect(manager).toMatchObject({ status: 201, body: { name: 'Pat Doe', roles: [] } });
    expect(manager.text).not.toContain('long enough');
    const path = `${api}/managers/${manager.body.id}/notification_destinations`;
    const made = await ask<{ id: number }>('POST', path, {
      value: 'noc@x.example',
      destination_type_id: 1,
      level_id: 1,
    });
    expect(made).toMatchObject({
      status: 200,
      body: { owner: { entity_type: 'Manager' }, level: { level: 'Normal' } },
    });
    expect((await ask('GET', path)).body).toHaveLength(1);
    expect((await ask('DELETE', `${api}/notification_destinations/${made.body.id}`)).status).toBe(204);
    expect((await ask('GET', path)).body).toEqual([]);
  });
});
