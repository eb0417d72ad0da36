/**
 * Mailprotector's REST API as mailprotector.md §1–4 and §10 describe it. Evidence: routes, fields, bare arrays, status
 * codes. Assumed, and marked so: the keys of `X-Pagination`, the error body's shape, what a Virtual Administrator
 * reseller is answered.
 */
import type { CreateSimulation, SimAnswer, SimRequest, Simulation } from '../kit/simulator.ts';
import { makeWorld, type WorldCustomer, type WorldDomain, type WorldGroup } from '../world.ts';
import { keys } from './keys.ts';

const started = '2024-01-05T15:00:00.000Z';

export const createMailprotector: CreateSimulation = ({ seed, customers, record }) => {
  const world = makeWorld({ seed, customers });
  const list = world.customers;
  const settings: Record<string, unknown> = {
    /** Rows per page at most (§2: 50 is the largest seen). */
    maxPerPage: 50,
    /** The header's key names are assumed; `null` leaves the header out. */
    totalKey: 'total',
    /** `message`, `error` or `html` (§3.2: the shape is not confirmed). */
    errorBody: 'message',
    /** One record instead of an array (§5.1). */
    singleService: false,
  };
  const reseller = { id: world.reseller.id, name: world.reseller.name };
  let nextId = 8_000_000;

  const error = (status: number, message: string): SimAnswer => {
    if (settings['errorBody'] === 'html') return { status, text: `<html><body><h1>${message}</h1></body></html>` };
    return { status, body: { [settings['errorBody'] === 'error' ? 'error' : 'message']: message } };
  };

  const domains = () => list.flatMap((customer) => customer.domains.map((domain) => ({ customer, domain })));
  const groups = () =>
    domains().flatMap(({ customer, domain }) => domain.groups.map((group) => ({ customer, domain, group })));
  // Looked up by id on every request of a pull: indexed, so that 100,000 customers are served as fast as 40.
  let index = makeIndex();
  function makeIndex() {
    return {
      customer: new Map(list.map((customer) => [customer.id, customer])),
      domain: new Map(domains().map((entry) => [entry.domain.id, entry])),
      group: new Map(groups().map((entry) => [entry.group.id, entry])),
      domainRows: list.flatMap((customer) => customer.domains.flatMap((domain) => domainRows(customer, domain))),
    };
  }

  const customerRow = (customer: WorldCustomer) => ({
    id: customer.id,
    name: customer.name,
    provider: world.provider,
    reseller,
    created_at: started,
    updated_at: started,
  });

  function domainRows(customer: WorldCustomer, domain: WorldDomain) {
    const account = { id: customer.id, name: customer.name };
    const row = (id: number, name: string, parent: unknown) => ({
      id,
      name,
      account,
      domain_status: domain.pending ? { id: 1, name: 'Pending' } : { id: 2, name: 'Active' },
      parent,
      verification_token: domain.pending ? `mp-verify-${id}` : null,
      address_discovery_enabled: true,
      created_at: started,
      updated_at: started,
    });
    return [
      row(domain.id, domain.name, null),
      ...domain.aliases.map((alias) => row(alias.id, alias.name, { id: domain.id, name: domain.name })),
    ];
  }

  const groupRow = (domain: WorldDomain, group: WorldGroup) => ({
    id: group.id,
    name: group.name,
    domain: { id: domain.id, name: domain.name },
    user_count: group.users,
    created_at: started,
    updated_at: started,
  });

  function serviceRows(domain: WorldDomain, group: WorldGroup) {
    return group.services.map((service_type, at) => ({
      id: group.id * 10 + at,
      service_type,
      user_group: { id: group.id, name: group.name },
      domain: { id: domain.id, name: domain.name },
      created_at: started,
    }));
  }

  /** Users of a group, made when asked for: those that count, and one of each other type. */
  function userRows(domain: WorldDomain, group: WorldGroup) {
    const user = (at: number, type: { id: number; name: string }) => {
      const name = `${type.name.toLowerCase().replace(/\W/g, '')}${at}`;
      const address = `${name}@${domain.name}`;
      return {
        id: group.id * 10_000 + at,
        name,
        parent: null,
        user_type: type,
        user_group: { id: group.id, name: group.name },
        domain: { id: domain.id, name: domain.name },
        primary_address: address,
        email_addresses: [address],
        first_name: 'User',
        last_name: String(at),
        created_at: started,
        updated_at: started,
      };
    };
    const others = [
      { id: 2, name: 'Alias' },
      { id: 3, name: 'Mailing List' },
      { id: 11, name: 'Unlicensed User' },
    ];
    return [
      ...Array.from({ length: group.users }, (_unused, at) => user(at, { id: 1, name: 'User' })),
      ...others.map((type, at) => user(9_000 + at, type)),
    ];
  }

  function page(request: SimRequest, rows: unknown[]): SimAnswer {
    const perPage = Math.min(Number(request.query.get('per_page') ?? 25) || 25, Number(settings['maxPerPage']));
    const at = Math.max(1, Number(request.query.get('page') ?? 1) || 1);
    const key = settings['totalKey'];
    return {
      status: 200,
      body: rows.slice((at - 1) * perPage, at * perPage),
      headers:
        typeof key === 'string'
          ? { 'x-pagination': JSON.stringify({ [key]: rows.length, page: at, per_page: perPage }) }
          : {},
    };
  }

  function handle(request: SimRequest): SimAnswer {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined || !Object.values(keys).includes(token)) return error(401, 'Unauthorized');
    const path = request.path
      .replace(/^\/api\/v1/, '')
      .split('/')
      .filter(Boolean);
    const [resource, idText, sub] = path;
    const id = Number(idText);
    const route = `${request.method} ${resource ?? ''}/:id${sub ? `/${sub}` : ''}`;
    if (resource === 'resellers') {
      if (token === keys.virtualAdministrator)
        return error(403, 'Resellers who buy through Virtual Administrator cannot use the API.');
      if (id !== reseller.id && id !== 501) return error(404, 'Not found');
      if (token === keys.otherReseller ? id !== 501 : token === keys.customerRole || id === 501)
        return error(403, 'Forbidden');
    } else if (token === keys.otherReseller || token === keys.virtualAdministrator) {
      return error(403, 'Forbidden');
    }
    if (resource === 'providers') {
      return token === keys.provider && sub === 'resellers' ? page(request, [resellerRow()]) : error(403, 'Forbidden');
    }
    const customer = index.customer.get(id);
    const domain = index.domain.get(id);
    const group = index.group.get(id);
    switch (route) {
      case 'GET resellers/:id':
        return { status: 200, body: resellerRow() };
      case 'GET resellers/:id/customers':
        return page(request, list.map(customerRow));
      case 'GET resellers/:id/domains':
        return page(request, index.domainRows);
      case 'GET resellers/:id/statements':
      case 'GET customers/:id/statements':
        return page(request, [statement()]);
      case 'POST resellers/:id/customers': {
        const given = request.body as { name?: unknown; email?: unknown } | undefined;
        if (typeof given?.name !== 'string' || given.name === '') return error(422, 'Name can\u2019t be blank');
        return {
          status: 201,
          body: customerRow(change({ change: 'addCustomer', id: nextId++, name: given.name }) as WorldCustomer),
        };
      }
      case 'GET customers/:id':
        return customer ? { status: 200, body: customerRow(customer) } : error(404, 'Not found');
      case 'PUT customers/:id': {
        if (!customer) return error(404, 'Not found');
        const given = request.body as { name?: unknown } | undefined;
        if (typeof given?.name === 'string') change({ change: 'renameCustomer', id, name: given.name });
        return { status: 200, body: customerRow(customer) };
      }
      case 'DELETE customers/:id':
        if (!customer) return error(404, 'Not found');
        change({ change: 'removeCustomer', id });
        return { status: 204 };
      case 'GET customers/:id/domains':
        return customer
          ? page(
              request,
              customer.domains.flatMap((entry) => domainRows(customer, entry)),
            )
          : error(404, 'Not found');
      case 'GET customers/:id/users':
        return customer
          ? page(
              request,
              customer.domains.flatMap((entry) => entry.groups.flatMap((one) => userRows(entry, one))),
            )
          : error(404, 'Not found');
      case 'GET domains/:id':
        return domain ? { status: 200, body: domainRows(domain.customer, domain.domain)[0] } : error(404, 'Not found');
      case 'GET domains/:id/aliases':
        return domain ? page(request, domainRows(domain.customer, domain.domain).slice(1)) : error(404, 'Not found');
      case 'GET domains/:id/user_groups':
        return domain
          ? page(
              request,
              domain.domain.groups.map((one) => groupRow(domain.domain, one)),
            )
          : error(404, 'Not found');
      case 'GET domains/:id/users':
        return domain
          ? page(
              request,
              domain.domain.groups.flatMap((one) => userRows(domain.domain, one)),
            )
          : error(404, 'Not found');
      case 'GET user_groups/:id':
        return group ? { status: 200, body: groupRow(group.domain, group.group) } : error(404, 'Not found');
      case 'GET user_groups/:id/users':
        return group ? page(request, userRows(group.domain, group.group)) : error(404, 'Not found');
      case 'GET user_groups/:id/services': {
        if (!group) return error(404, 'Not found');
        const rows = serviceRows(group.domain, group.group);
        return { status: 200, body: settings['singleService'] && rows.length === 1 ? rows[0] : rows };
      }
      case 'PUT user_groups/:id/services': {
        if (!group) return error(404, 'Not found');
        const types = (request.body as { service_types?: { addons?: unknown } } | undefined)?.service_types;
        if (!Array.isArray(types?.addons)) return error(422, 'service_types is invalid');
        change({ change: 'setServices', id, services: ['CloudFilter Email Security', ...types.addons.map(displayOf)] });
        return { status: 200, body: serviceRows(group.domain, group.group) };
      }
      case 'GET resellers/:id/managers':
      case 'GET customers/:id/managers':
        return page(request, []);
      case 'GET resellers/:id/configuration':
      case 'GET customers/:id/configuration':
        return {
          status: 200,
          body: { configuration: { region: { locale: 'en', time_zone: 'UTC' }, billing: { cc_addresses: [] } } },
        };
      default:
        return error(404, 'Not found');
    }
  }

  const resellerRow = () => ({
    ...reseller,
    provider: world.provider,
    reseller: null,
    created_at: started,
    updated_at: started,
  });

  function change(wanted: Record<string, unknown>): unknown {
    const result = apply(wanted);
    record(wanted);
    return result;
  }

  function apply(wanted: Record<string, unknown>): unknown {
    const id = Number(wanted['id']);
    const result = applyOne(wanted, id);
    index = makeIndex();
    return result;
  }

  function applyOne(wanted: Record<string, unknown>, id: number): unknown {
    switch (wanted['change']) {
      case 'setUsers': {
        // By group, or of a customer's first group.
        const group =
          wanted['customerId'] === undefined
            ? index.group.get(id)?.group
            : index.customer.get(Number(wanted['customerId']))?.domains[0]?.groups[0];
        if (group) group.users = Number(wanted['users']);
        return group;
      }
      case 'setServices': {
        const group = index.group.get(id)?.group;
        if (group) group.services = wanted['services'] as string[];
        return group;
      }
      case 'addCustomer': {
        nextId = Math.max(nextId, id + 1);
        const made: WorldCustomer = {
          id,
          name: String(wanted['name']),
          story: 'unrelated',
          domains: (wanted['domains'] as WorldDomain[] | undefined) ?? [],
        };
        list.push(made);
        return made;
      }
      case 'renameCustomer': {
        const found = index.customer.get(id);
        if (found) found.name = String(wanted['name']);
        return found;
      }
      case 'removeCustomer': {
        const at = list.findIndex((customer) => customer.id === id);
        if (at >= 0) list.splice(at, 1);
        return {};
      }
      default:
        throw new Error(`The simulator knows no change "${String(wanted['change'])}".`);
    }
  }

  const simulation: Simulation = {
    handle,
    apply,
    settings,
    state: () => ({ reseller, customers: list }),
  };
  return simulation;
};

function displayOf(code: unknown): string {
  return { bracket: 'Bracket', securestore: 'SecureStore' }[String(code)] ?? String(code);
}

function statement() {
  return {
    id: 3_100_001,
    amount: 412.5,
    currency: 'USD',
    statement_type: 'Automatic',
    statement_status: 'Settled',
    starting_date: '2026-10-05',
    ending_date: '2026-11-04',
    billing_date: '2026-11-04',
    due_date: '2026-11-04',
  };
}
