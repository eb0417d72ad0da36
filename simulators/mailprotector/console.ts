/**
 * The console's page *Integrations › Gradient MSP*, as actions: a client of Gradient's Vendor API in the order of
 * gradient.md §5.4, with the buttons of mailprotector.md §7.2. What a button does beyond that is assumed: how a customer
 * is assigned, what is reported.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { SimAnswer, SimRequest } from '../kit/simulator.ts';
import type { WorldCustomer } from '../world.ts';

/** Variants of vendor behaviour seen in the wild (gradient.md §5.2), and where the platform is. */
export interface ConsoleSettings {
  /** Base of the Vendor API, e.g. `http://127.0.0.1:8080/api`. */
  vendorApiUrl: string;
  /** The vendor's half of the key; the partner's half is pasted. */
  vendorKey: string;
  /** Post a zero, or leave it out as all of Gradient's samples do. */
  postZeroes: boolean;
  /** `no_build` on all counts but the last, or on none. */
  noBuild: 'allButLast' | 'none';
}

interface Platform {
  status: number;
  body: unknown;
}

/** The service as the console files it (gradient.md §4.2). */
const filed: Record<string, { category: string; subcategory: string }> = {
  CloudMail: { category: 'productivity', subcategory: 'hosted email' },
  SecureStore: { category: 'backup', subcategory: 'data archiving' },
  'XtraMail Email Continuity': { category: 'backup', subcategory: 'business continuity' },
};

export function createConsole(customers: () => readonly WorldCustomer[], settings: ConsoleSettings) {
  const sessions = new Set<string>();
  const linked = new Set<number>();
  /** Customer → the PSA client that was picked on its own Integrations page. */
  const assigned = new Map<number, string>();
  let apiKey = '';
  let enabled = false;
  /** *Migrate to Alerts* was pressed (assumed: what it sends; see docs/vendor-api.md). */
  let migrated = false;
  /** Service name → the platform's id of it. */
  let services = new Map<string, string>();
  let lastUpdate: Record<string, unknown> | null = null;

  async function ask(method: string, path: string, body?: unknown): Promise<Platform> {
    const response = await fetch(`${settings.vendorApiUrl}/vendor-api${path}`, {
      method,
      headers: {
        'GRADIENT-TOKEN': Buffer.from(`${settings.vendorKey}:${apiKey}`).toString('base64'),
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    // Too many at once (gradient.md §3): it waits as it is told, and sends it again.
    if (response.status === 429) {
      await delay(1_000 * Number(response.headers.get('retry-after') ?? 1));
      return ask(method, path, body);
    }
    return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
  }

  /** Pasted key and *Enable*: authenticate, create missing services, `pending` if it is not active. */
  async function enable(key: string): Promise<SimAnswer> {
    apiKey = key;
    const who = await ask('GET', '/organization');
    if (who.status !== 200) return problem(who.status, 'The Partner API Key was not accepted.');
    await readServices();
    for (const name of offered()) {
      if (services.has(name)) continue;
      const sku = {
        name,
        description: name,
        ...(filed[name] ?? { category: 'security', subcategory: 'email security' }),
      };
      const made = await ask('POST', '/service', sku);
      if (made.status >= 300) return problem(made.status, `The service "${name}" was not created.`);
    }
    await readServices();
    if ((who.body as { status: string }).status !== 'active') await ask('PATCH', '/organization/status/pending');
    enabled = true;
    return { status: 200, body: state() };
  }

  async function readServices(): Promise<void> {
    const vendor = await ask('GET', '');
    const { data } = vendor.body as { data: { skus: { id: string; name: string }[] } };
    services = new Map(data.skus.map((sku) => [sku.name, sku.id]));
  }

  /** *Migrate to Alerts*: tells the platform so, in the one place of its API where modules are spoken of. */
  async function migrate(): Promise<SimAnswer> {
    const modules = [{ variation: 'billing' }, { variation: 'alerts' }];
    const answer = await ask('PATCH', '', { modules });
    if (answer.status >= 300) return problem(answer.status, 'The platform did not take the migration.');
    migrated = true;
    return { status: 200, body: state() };
  }

  /** An alert of a customer, and what came of it (gradient.md §5.3). */
  async function sendAlert(id: number, alert: Record<string, unknown>): Promise<SimAnswer> {
    const answer = await ask('POST', `/alerting/${id}`, alert);
    return { status: answer.status, body: answer.body };
  }

  /** *Link Selected Customers*: create what is missing, rename what has another name; all of them after a migration. */
  async function link(ids: readonly number[]): Promise<SimAnswer> {
    const chosen = new Set(ids);
    const wanted = customers().filter((customer) => chosen.has(customer.id));
    const there = await ask('GET', '/organization/accounts');
    if (there.status !== 200) return problem(there.status, 'The accounts could not be read.');
    const names = new Map((there.body as { id: string; name: string }[]).map((account) => [account.id, account.name]));
    const missing = wanted.filter((customer) => migrated || !names.has(String(customer.id)));
    if (missing.length > 0) {
      const accounts = missing.map((customer) => ({ id: String(customer.id), name: customer.name }));
      const made = await ask('POST', '/organization/accounts', accounts);
      if (made.status >= 300) return problem(made.status, 'The accounts were not created.');
    }
    for (const customer of wanted) {
      const name = names.get(String(customer.id));
      if (name !== undefined && name !== customer.name)
        await ask('PATCH', `/organization/accounts/${customer.id}`, { name: customer.name });
      linked.add(customer.id);
    }
    return { status: 200, body: { linked: wanted.length, created: missing.length } };
  }

  /** A customer's *Integrations* page: the client picked in its text field. The customer is linked with it; null takes it away. */
  async function assign(id: number, clientId: string | null): Promise<SimAnswer> {
    if (!customers().some((customer) => customer.id === id)) return problem(404, 'There is no such customer.');
    if (clientId === null) {
      assigned.delete(id);
      return { status: 200, body: { id, clientId: null } };
    }
    const answer = await link([id]);
    if (answer.status >= 300) return answer;
    assigned.set(id, clientId);
    return { status: 200, body: { id, clientId } };
  }

  /** *Update Counts*: every linked customer × service; 404 is normal and means that nobody has mapped it yet. */
  async function updateCounts(): Promise<SimAnswer> {
    const names = offered();
    const counts = customers()
      .filter((customer) => linked.has(customer.id))
      .flatMap((customer) => countsOf(customer, names))
      .filter((count) => count.unitCount > 0 || settings.postZeroes);
    const report = { posted: 0, unmapped: 0, failed: 0 };
    let landed: (typeof counts)[number] | undefined;
    for (const [at, count] of counts.entries()) {
      const last = at === counts.length - 1;
      const ok = await post(count, settings.noBuild === 'allButLast' && !last, report);
      if (ok) landed = count;
      // Without a count that builds, the numbers would not be shown: the last good one is sent once more.
      else if (last && settings.noBuild === 'allButLast' && landed) await post(landed, false, report);
    }
    lastUpdate = report;
    return { status: 200, body: report };
  }

  async function post(
    count: { service: string; accountId: string; unitCount: number },
    noBuild: boolean,
    report: { posted: number; unmapped: number; failed: number },
  ): Promise<boolean> {
    const id = services.get(count.service) ?? count.service;
    const path = `/service/${encodeURIComponent(id)}/count${noBuild ? '?no_build=true' : ''}`;
    const client = assigned.get(Number(count.accountId));
    const { status } = await ask('POST', path, {
      accountId: count.accountId,
      unitCount: count.unitCount,
      // Deprecated (gradient.md §5.2), and the only field of a count that can carry what was picked.
      ...(client === undefined ? {} : { clientOId: client }),
    });
    if (status === 201) report.posted++;
    else if (status === 404) report.unmapped++;
    else report.failed++;
    return status === 201;
  }

  function countsOf(customer: WorldCustomer, names: readonly string[]) {
    const groups = customer.domains.filter((domain) => !domain.pending).flatMap((domain) => domain.groups);
    return names.map((service) => ({
      service,
      accountId: String(customer.id),
      unitCount: groups
        .filter((group) => group.services.includes(service))
        .reduce((sum, group) => sum + group.users, 0),
    }));
  }

  const offered = () => [
    ...new Set(
      customers().flatMap(({ domains }) => domains.flatMap(({ groups }) => groups.flatMap((g) => g.services))),
    ),
  ];
  const state = () => ({
    enabled,
    migrated,
    linked: [...linked],
    serviceAssignments: Object.fromEntries(services),
    lastUpdate,
  });

  return async function handle(request: SimRequest): Promise<SimAnswer> {
    const given = (request.body ?? {}) as Record<string, unknown>;
    if (`${request.method} ${request.path}` === 'POST /console/login') {
      if (given['password'] !== consolePassword) return problem(401, 'Wrong e-mail address or password.');
      const session = crypto.randomUUID();
      sessions.add(session);
      return { status: 200, body: { session } };
    }
    if (!sessions.has(String(request.headers['x-session'] ?? ''))) return problem(401, 'Log in first.');
    const customer = /^\/console\/customers\/(\d+)\/integrations$/.exec(request.path)?.[1];
    if (request.method === 'PUT' && customer !== undefined)
      return assign(Number(customer), given['clientId'] === null ? null : String(given['clientId']));
    switch (`${request.method} ${request.path}`) {
      case 'GET /console/customers':
        return {
          status: 200,
          body: customers().map(({ id, name }) => ({
            id,
            name,
            linked: linked.has(id),
            clientId: assigned.get(id) ?? null,
          })),
        };
      case 'GET /console/integrations/gradient':
        return { status: 200, body: state() };
      case 'POST /console/integrations/gradient/enable':
        return enable(String(given['partnerApiKey'] ?? ''));
      case 'POST /console/integrations/gradient/migrate-to-alerts':
        return enabled ? migrate() : problem(409, 'The integration is not enabled.');
      case 'POST /console/integrations/gradient/alerts':
        return sendAlert(Number(given['customerId']), given['alert'] as Record<string, unknown>);
      case 'POST /console/integrations/gradient/link':
        return link((given['customerIds'] as number[] | undefined) ?? []);
      case 'POST /console/integrations/gradient/update-counts':
        return enabled ? updateCounts() : problem(409, 'The integration is not enabled.');
      case 'GET /console/integrations/gradient/clients':
        return ask('GET', `/organization/clients?search=${encodeURIComponent(request.query.get('search') ?? '')}`);
      default:
        return problem(404, 'The console has no such page.');
    }
  };
}

/** The one login of the simulated console. */
export const consolePassword = 'sim-console-password';

function problem(status: number, message: string): SimAnswer {
  return { status, body: { message } };
}
