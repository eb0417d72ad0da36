/**
 * Mailprotector's REST API, as mailprotector.md §1–4 and §10 describe it. There is evidence for its routes, fields, bare arrays
 * and status codes. Assumed, and marked so, are the keys of `X-Pagination`, the shape of an error's body, and the answer to a
 * reseller who buys through Virtual Administrator.
 */
import type { CreateSimulation, SimAnswer, SimRequest, Simulation } from '../kit/simulator.ts';
import { makeWorld, type WorldCustomer, type WorldDomain, type WorldGroup } from '../world.ts';
import { applyChange, type Held, type Row } from './changes.ts';
import type { KeptChange } from './connected.ts';
import { createConsole } from './console.ts';
import { createGradientMsp } from './gradientMsp.ts';
import { keys } from './keys.ts';
import { firstManagers } from './managers.ts';
import { createPages } from './pages/router.ts';
import type { ConsoleSettings } from './platform.ts';
import { createSessions } from './sessions.ts';
import { createSignals } from './signals.ts';
import { otherCustomers, otherReseller } from './otherReseller.ts';
import { createPage } from './paging.ts';
import { createPeople, userTypes, type UserFields } from './people.ts';
import { customerRow, displayOf, domainRows, groupRow, refOf, resellerRow, serviceRows, statementRow } from './rows.ts';
import { domainRowsOf, findUser, makeIndex, type GroupEntry } from './worldIndex.ts';

/** The address to which the console's integration pushes, and the way it does so. */
const consoleSettings: ConsoleSettings = {
  vendorApiUrl: '',
  vendorKey: '',
  postZeroes: true,
  noBuild: 'allButLast',
};

export const createMailprotector: CreateSimulation = ({ seed, customers, record }) => {
  const world = makeWorld({ seed, customers });
  const list = world.customers;
  const others = structuredClone(otherCustomers);
  const people = createPeople();
  const signals = createSignals();
  const settings: Record<string, unknown> & ConsoleSettings = {
    /** The most rows of a page (§2: 50 is the largest number that was seen). */
    maxPerPage: 50,
    /** The form of `X-Pagination` (paging.ts), because its key names are not known (§2); `none` leaves the header out. */
    paging: 'totals',
    /** How the server contradicts itself about pages; null = it does not. */
    pagingLie: null,
    /** The form of an error's body: `message`, `error` or `html` (§3.2: it is not confirmed). */
    errorBody: 'message',
    /** Whether a list of one service is answered as one record instead of an array (§5.1). */
    singleService: false,
    /** Whether a created user is answered as an array of one (§5.1). */
    userAsArray: true,
    /** The types of users that `user_count` counts, which is not known (§5.2). */
    userCountTypes: ['User'],
    ...consoleSettings,
  };
  const reseller = { id: world.reseller.id, name: world.reseller.name };
  const held: Held = { list, people, signals, configurations: new Map(), managers: new Map(), destinations: new Map() };
  const { configurations, managers, destinations } = held;
  for (const manager of firstManagers(reseller))
    managers.set(manager.id, { ...manager, entity: `resellers/${reseller.id}` });
  let nextId = 8_000_000;

  const error = (status: number, message: string): SimAnswer => {
    if (settings['errorBody'] === 'html') return { status, text: `<html><body><h1>${message}</h1></body></html>` };
    return { status, body: { [settings['errorBody'] === 'error' ? 'error' : 'message']: message } };
  };
  const ok = (body: unknown): SimAnswer => ({ status: 200, body });
  const created = (body: unknown): SimAnswer => ({ status: 201, body });
  const gone: SimAnswer = { status: 204 };

  let index = makeIndex(list, others);
  const userOf = (id: number) => findUser(index, people, id);
  const isOther = (customer: WorldCustomer) => others.includes(customer);
  const customersOf = (id: number) => (id === otherReseller.id ? others : list);
  const rowOf = (customer: WorldCustomer) =>
    customerRow(customer, isOther(customer) ? otherReseller : reseller, world.provider);
  const groupsOf = (customer: WorldCustomer): GroupEntry[] =>
    customer.domains.flatMap((domain) => domain.groups.map((group) => ({ customer, domain, group })));
  const groupRowOf = ({ domain, group }: GroupEntry) => groupRow(domain, group, userCount({ domain, group }));
  const usersOf = (entries: readonly GroupEntry[]) =>
    entries.flatMap((entry) => people.rows(entry.domain, entry.group));

  const page = createPage(settings);

  function userCount({ domain, group }: Pick<GroupEntry, 'domain' | 'group'>): number {
    const types = settings['userCountTypes'] as string[];
    if (types.length === 1 && types[0] === userTypes.user.name) return group.users;
    return people.rows(domain, group).filter((user) => types.includes(user.user_type.name)).length;
  }

  /** Refuses what a key may not see: it sees its reseller and everything below it, or its customer and everything below (§1, §6). */
  function refusal(token: string, resource: string, id: number): SimAnswer | undefined {
    if (resource === 'resellers') {
      if (token === keys.virtualAdministrator)
        return error(403, 'Resellers who buy through Virtual Administrator cannot use the API.');
      if (id !== reseller.id && id !== otherReseller.id) return error(404, 'Not found');
      if (token === keys.customerRole) return error(403, 'Forbidden');
      return token !== keys.provider && (token === keys.otherReseller) !== (id === otherReseller.id)
        ? error(403, 'Forbidden')
        : undefined;
    }
    if (resource === 'providers') {
      if (token !== keys.provider) return error(403, 'Forbidden');
      return id === world.provider.id ? undefined : error(404, 'Not found');
    }
    const customer = ownerOf(resource, id);
    if (customer === 'nobody') return undefined;
    if (!customer) return error(404, 'Not found');
    if (token === keys.provider) return undefined;
    if (token === keys.virtualAdministrator) return error(403, 'Forbidden');
    if (token === keys.customerRole) return customer === list[0] ? undefined : error(403, 'Forbidden');
    return (token === keys.otherReseller) === isOther(customer) ? undefined : error(403, 'Forbidden');
  }

  /** Finds the customer to which a row belongs; `nobody` for a row that belongs to no customer. */
  function ownerOf(resource: string, id: number): WorldCustomer | 'nobody' | undefined {
    switch (resource) {
      case 'customers':
        return index.customer.get(id);
      case 'domains':
        return (index.domain.get(id) ?? index.alias.get(id))?.customer;
      case 'user_groups':
        return index.group.get(id)?.customer;
      case 'users':
        return Number.isNaN(id) ? 'nobody' : userOf(id)?.customer;
      case 'managers':
        return managers.has(id) ? 'nobody' : undefined;
      case 'notification_destinations':
        return destinations.has(id) ? 'nobody' : undefined;
      default:
        return undefined;
    }
  }

  function handle(request: SimRequest): SimAnswer {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined || !Object.values(keys).includes(token)) return error(401, 'Unauthorized');
    if (!request.path.startsWith('/api/v1/')) return error(404, 'Not found');
    const [resource = '', idText = '', sub, ...more] = request.path.slice('/api/v1/'.length).split('/').filter(Boolean);
    const id = idText === 'find_by_address' ? Number.NaN : Number(idText);
    const refused = refusal(token, resource, id);
    if (refused) return refused;
    const below = [sub, ...more].filter((part) => part !== undefined).join('/');
    if (Number.isNaN(id)) return request.method === 'POST' ? findByAddress(request, token) : error(404, 'Not found');
    const shared = sharedRoute(request, resource, id, below);
    if (shared) return shared;
    switch (resource) {
      case 'providers':
        return below === 'resellers' && request.method === 'GET'
          ? page(request, [reseller, otherReseller], (one) => resellerRow(one, world.provider))
          : error(404, 'Not found');
      case 'resellers':
        return resellerRoute(request, id, below);
      case 'customers':
        return customerRoute(request, id, below);
      case 'domains':
        return domainRoute(request, id, below);
      case 'user_groups':
        return groupRoute(request, id, below);
      case 'users':
        return userRoute(request, id, below);
      default:
        return error(404, 'Not found');
    }
  }

  function resellerRoute(request: SimRequest, id: number, below: string): SimAnswer {
    const mine = customersOf(id);
    switch (`${request.method} ${below}`.trim()) {
      case 'GET':
        return ok(resellerRow(id === otherReseller.id ? otherReseller : reseller, world.provider));
      case 'GET customers':
        return page(request, mine, rowOf);
      case 'GET domains':
        return page(request, mine === list ? index.domainRows : mine.flatMap(domainRowsOf));
      case 'GET users':
        return page(request, usersOf(mine.flatMap(groupsOf)));
      case 'GET statements':
        return page(request, [statementRow()]);
      case 'POST customers': {
        const name = textOf(request, 'name');
        if (!name) return error(422, 'Name can\u2019t be blank');
        return created(rowOf(change({ change: 'addCustomer', id: nextId, name }) as WorldCustomer));
      }
      default:
        return error(404, 'Not found');
    }
  }

  function customerRoute(request: SimRequest, id: number, below: string): SimAnswer {
    const customer = index.customer.get(id);
    if (!customer) return error(404, 'Not found');
    switch (`${request.method} ${below}`.trim()) {
      case 'GET':
        return ok(rowOf(customer));
      case 'PUT': {
        const name = textOf(request, 'name');
        if (name) change({ change: 'renameCustomer', id, name });
        return ok(rowOf(customer));
      }
      case 'DELETE':
        change({ change: 'removeCustomer', id });
        return gone;
      case 'GET domains':
        return page(request, domainRowsOf(customer));
      case 'POST domains': {
        const name = textOf(request, 'name');
        if (!name) return error(422, 'Name can\u2019t be blank');
        if ([...index.domain.values()].some((entry) => entry.domain.name === name))
          return error(422, 'Name has already been taken');
        const made = change({ change: 'addDomain', customerId: id, id: nextId, groupId: nextId + 1, name });
        return created(domainRows(customer, made as WorldDomain)[0]);
      }
      case 'GET users':
        return page(request, usersOf(groupsOf(customer)));
      case 'GET statements':
        return page(request, signals.statementsOf(id));
      default:
        return error(404, 'Not found');
    }
  }

  function domainRoute(request: SimRequest, id: number, below: string): SimAnswer {
    const entry = index.domain.get(id);
    const alias = index.alias.get(id);
    if (alias && request.method === 'GET' && below === '')
      return ok(domainRows(alias.customer, alias.domain).find((row) => row.id === id));
    if (!entry) return error(404, 'Not found');
    const { customer, domain } = entry;
    switch (`${request.method} ${below}`.trim()) {
      case 'GET':
      case 'PUT':
        return ok(domainRows(customer, domain)[0]);
      case 'DELETE':
        change({ change: 'removeDomain', id });
        return gone;
      case 'POST move': {
        const to = index.customer.get(Number((request.body as Row | undefined)?.['customer_id']));
        // A domain moves only between customers of one reseller (§4.4).
        if (!to || isOther(to) !== isOther(customer)) return error(422, 'Customer is invalid');
        change({ change: 'moveDomain', id, customerId: to.id });
        return ok(domainRows(to, domain)[0]);
      }
      case 'GET aliases':
        return page(request, domainRows(customer, domain).slice(1));
      case 'POST aliases': {
        const name = textOf(request, 'name');
        if (!name) return error(422, 'Name can\u2019t be blank');
        const made = nextId;
        change({ change: 'addAlias', domainId: id, id: made, name });
        return created(domainRows(customer, domain).find((row) => row.id === made));
      }
      case 'GET user_syncs':
        return page(request, signals.syncsOf(domain));
      case 'GET user_groups':
        return page(
          request,
          domain.groups.map((group) => ({ ...entry, group })),
          groupRowOf,
        );
      case 'POST user_groups': {
        const name = textOf(request, 'name');
        if (!name) return error(422, 'Name can\u2019t be blank');
        const group = change({ change: 'addGroup', domainId: id, id: nextId, name }) as WorldGroup;
        return created(groupRowOf({ ...entry, group }));
      }
      case 'GET users':
        return page(request, usersOf(domain.groups.map((group) => ({ ...entry, group }))));
      default:
        return error(404, 'Not found');
    }
  }

  function groupRoute(request: SimRequest, id: number, below: string): SimAnswer {
    const entry = index.group.get(id);
    if (!entry) return error(404, 'Not found');
    const { domain, group } = entry;
    switch (`${request.method} ${below}`.trim()) {
      case 'GET':
        return ok(groupRowOf(entry));
      case 'PUT': {
        const name = textOf(request, 'name');
        if (name) change({ change: 'renameGroup', id, name });
        return ok(groupRowOf(entry));
      }
      case 'DELETE':
        change({ change: 'removeGroup', id });
        return gone;
      case 'GET users':
        return page(request, people.rows(domain, group));
      case 'POST users':
        return addUsers(entry, [request.body], settings['userAsArray'] === true);
      case 'POST users/create_many': {
        const users = (request.body as Row | undefined)?.['users'];
        return Array.isArray(users) ? addUsers(entry, users, true) : error(422, 'Users is invalid');
      }
      case 'GET services': {
        const rows = serviceRows(domain, group);
        return ok(settings['singleService'] && rows.length === 1 ? rows[0] : rows);
      }
      case 'PUT services': {
        // The request replaces all services: one that it leaves out is switched off (§4.5).
        const types = (request.body as { service_types?: { addons?: unknown } } | undefined)?.service_types;
        if (!Array.isArray(types?.addons)) return error(422, 'service_types is invalid');
        change({ change: 'setServices', id, services: ['CloudFilter Email Security', ...types.addons.map(displayOf)] });
        return ok(serviceRows(domain, group));
      }
      default:
        return error(404, 'Not found');
    }
  }

  function addUsers(entry: GroupEntry, given: readonly unknown[], asArray: boolean): SimAnswer {
    const wanted = given.map((one) => (one ?? {}) as Row & UserFields);
    if (wanted.some((one) => typeof one.name !== 'string' || one.name === ''))
      return error(422, 'Name can\u2019t be blank');
    const rows = wanted.map(({ name, first_name, last_name, user_type_id }) =>
      change({
        change: 'addUser',
        groupId: entry.group.id,
        id: nextId,
        typeId: Number(user_type_id ?? userTypes.user.id),
        fields: { name, ...(first_name ? { first_name } : {}), ...(last_name ? { last_name } : {}) },
      }),
    );
    return created(asArray ? rows : rows[0]);
  }

  function userRoute(request: SimRequest, id: number, below: string): SimAnswer {
    const entry = userOf(id);
    if (!entry) return error(404, 'Not found');
    const { user, domain, group } = entry;
    switch (`${request.method} ${below}`.trim()) {
      case 'GET':
        return ok(user);
      case 'PUT': {
        const fields: UserFields = {};
        for (const name of ['first_name', 'last_name'] as const) {
          const text = textOf(request, name);
          if (text) fields[name] = text;
        }
        change({ change: 'editUser', id, fields });
        return ok(userOf(id)?.user);
      }
      case 'DELETE':
        change({ change: 'removeUser', id });
        return gone;
      case 'POST reset_password':
        return ok(user);
      case 'GET aliases':
        return page(
          request,
          people.rows(domain, group).filter((one) => one.parent?.id === id),
        );
      case 'POST aliases': {
        const alias = (request.body as { alias?: { name?: unknown } } | undefined)?.alias;
        if (typeof alias?.name !== 'string') return error(422, 'Name can\u2019t be blank');
        const typeId = userTypes.alias.id;
        return created(
          change({
            change: 'addUser',
            groupId: group.id,
            id: nextId,
            typeId,
            parentId: id,
            fields: { name: alias.name },
          }),
        );
      }
      default:
        return error(404, 'Not found');
    }
  }

  /** Finds a user by an address; the address of an alias finds the user to whom the alias belongs (§4.6). */
  function findByAddress(request: SimRequest, token: string): SimAnswer {
    const address = textOf(request, 'address');
    for (const { customer, domain, group } of index.group.values()) {
      if (refusal(token, 'customers', customer.id) || !address?.endsWith(`@${domain.name}`)) continue;
      const rows = people.rows(domain, group);
      const found = rows.find((user) => user.email_addresses.includes(address));
      if (found) return ok(rows.find((user) => user.id === found.parent?.id) ?? found);
    }
    return error(404, 'Not found');
  }

  /** Routes that several levels have in the same form: configuration, managers, notification destinations. */
  function sharedRoute(request: SimRequest, resource: string, id: number, below: string): SimAnswer | undefined {
    const entity = `${resource}/${id}`;
    switch (`${request.method} ${below}`.trim()) {
      case 'GET configuration':
        return ok({ configuration: configurationOf(entity) });
      case 'PUT configuration':
        // The answer to GET wraps the configuration in an object, the answer to PUT does not (§4.10).
        change({ change: 'configure', entity, fields: request.body });
        return ok(configurationOf(entity));
      case 'GET managers':
        return page(
          request,
          [...managers.values()].filter((manager) => manager.entity === entity),
          ({ entity: _entity, ...row }) => row,
        );
      case 'POST managers': {
        const missing = ['first_name', 'last_name', 'email', 'username', 'password'].find(
          (name) => !textOf(request, name),
        );
        if (missing) return error(422, `${missing} can\u2019t be blank`);
        const { entity: _entity, ...row } = change({
          change: 'addManager',
          id: nextId,
          entity,
          name: `${textOf(request, 'first_name') ?? ''} ${textOf(request, 'last_name') ?? ''}`,
          username: textOf(request, 'username'),
          email: textOf(request, 'email'),
        }) as Row;
        return created(row);
      }
      case 'GET notification_destinations':
        return page(
          request,
          [...destinations.values()].filter(({ owner }) => owner.id === id),
        );
      case 'POST notification_destinations': {
        const value = textOf(request, 'value');
        if (!value) return error(422, 'Value can\u2019t be blank');
        const user = userOf(id)?.user;
        const owner = user
          ? { ...refOf(user), entity_type: 'User' }
          : { id, name: managers.get(id)?.['name'], entity_type: 'Manager' };
        // The API answers a creation with 200, not 201 (§3.1).
        return ok(change({ change: 'addDestination', id: nextId, value, owner }));
      }
      case 'GET':
        return resource === 'managers' ? ok(managers.get(id)) : undefined;
      case 'DELETE': {
        const verb = { managers: 'removeManager', notification_destinations: 'removeDestination' }[resource];
        if (!verb) return undefined;
        change({ change: verb, id });
        return gone;
      }
      default:
        return undefined;
    }
  }

  function configurationOf(entity: string): Row {
    return {
      region: { locale: 'en', time_zone: 'UTC' },
      billing: { cc_addresses: [] },
      branding: {},
      permissions: { messages: { allow_spam_release: true, allow_policy_release: false, allow_virus_release: false } },
      ...configurations.get(entity),
    };
  }

  function change(wanted: Row): unknown {
    const result = apply(wanted);
    record(wanted);
    return result;
  }

  function apply(wanted: Row): unknown {
    if (wanted['change'] === 'console') return gradient.apply(wanted as Row & KeptChange);
    const id = Number(wanted['id'] ?? nextId);
    const result = applyChange(held, index, wanted, id);
    // Only ids that the API gave out count here, not the ids of users, which are computed from their group's.
    if (id >= nextId && id < 9_000_000) nextId = id + 2;
    index = makeIndex(list, others);
    return result;
  }

  /** *Add Customer*: adds a customer with one verified domain and one group. */
  function addCustomer(name: string, domain: string, users: number): WorldCustomer {
    const [id, inside] = [nextId, nextId + 1];
    const groups = [{ id: inside, name: 'Default', services: ['CloudFilter Email Security'], users }];
    const domains = [{ id: inside, name: domain, pending: false, aliases: [], groups }];
    return change({ change: 'addCustomer', id, name, domains }) as WorldCustomer;
  }

  const customersNow = () => list;
  const gradient = createGradientMsp({ customers: customersNow, settings, record });
  const sessions = createSessions(() =>
    [...managers.values()].map((manager) => ({ name: String(manager['name']), email: String(manager['email']) })),
  );
  const console = createConsole({ customers: customersNow, gradient, sessions });
  const pages = createPages({ customers: customersNow, gradient, sessions, addCustomer });
  const simulation: Simulation = {
    handle: (request) =>
      request.path.startsWith('/console/') ? console(request) : (pages(request) ?? handle(request)),
    apply,
    settings,
    state: () => ({ reseller, customers: list }),
  };
  return simulation;
};

function textOf(request: SimRequest, name: string): string | undefined {
  const value = (request.body as Row | undefined)?.[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
