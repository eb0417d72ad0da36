/**
 * What the console's clicks for *Gradient MSP* do, whether they come from its pages or from its JSON endpoints: a client of
 * Gradient's Vendor API in the order of gradient.md §5.4, with the buttons of mailprotector.md §7.2. What a button does
 * beyond that is assumed: how a customer is assigned, what is reported.
 */
import type { WorldCustomer } from '../world.ts';
import {
  begun,
  nothing,
  type Activity,
  type Client,
  type Connected,
  type CountReport,
  type KeptChange,
} from './connected.ts';
import { ConsoleProblem } from './consoleProblem.ts';
import { countsOf, servicesIn, type Count } from './counts.ts';
import { askPlatform, wordsOf, type ConsoleSettings, type PlatformAnswer } from './platform.ts';

/** The service as the console files it (gradient.md §4.2). */
const filed: Record<string, { category: string; subcategory: string }> = {
  CloudMail: { category: 'productivity', subcategory: 'hosted email' },
  SecureStore: { category: 'backup', subcategory: 'data archiving' },
  'XtraMail Email Continuity': { category: 'backup', subcategory: 'business continuity' },
};

export type GradientMsp = ReturnType<typeof createGradientMsp>;

/**
 * @param deps.record keeps a change, so that a restart of the simulator repeats it
 */
export function createGradientMsp(deps: {
  customers: () => readonly WorldCustomer[];
  settings: ConsoleSettings;
  record: (change: Record<string, unknown>) => void;
}) {
  const { customers, settings } = deps;
  /** By the platform's integration: another key may belong to another one, which knows nothing of the customers linked with this. */
  const known = new Map<string, Connected>();
  let current = nothing;
  let linking: Activity | null = null;
  let updating: Activity | null = null;
  const clientNames = new Map<string, string>();

  const ask = (method: string, path: string, body?: unknown, of = current) =>
    askPlatform(settings, of.apiKey, method, path, body);

  /** @throws ConsoleProblem with what cannot be done, and with what the platform said */
  function must(answer: PlatformAnswer, failure: string): void {
    if (answer.status >= 300) throw new ConsoleProblem(answer.status, `${failure} ${wordsOf(answer)}`);
  }

  function apply({ integrationId, facts }: KeptChange): void {
    const changed = { ...(known.get(integrationId) ?? nothing), ...facts, integrationId };
    known.set(integrationId, changed);
    if (current.integrationId === integrationId) current = changed;
    else if ('apiKey' in facts) {
      current = changed;
      linking = updating = null;
    }
  }

  function keep({ integrationId }: Connected, facts: Partial<Connected>): void {
    apply({ integrationId, facts });
    deps.record({ change: 'console', integrationId, facts });
  }

  async function tracked<T>(activity: Activity, work: () => Promise<T>, words: (done: T) => string): Promise<T> {
    const end = (ok: boolean, said: string) => {
      activity.endedAt = new Date().toISOString();
      activity.outcome = { ok, words: said };
    };
    try {
      const done = await work();
      end(true, words(done));
      return done;
    } catch (error) {
      end(false, error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  /**
   * Pasted key and *Enable*: authenticate, create missing services, `pending` if it is not active.
   *
   * @throws ConsoleProblem with what the platform answered; the key before stays in use
   */
  async function enable(apiKey: string): Promise<void> {
    const tried = { ...nothing, apiKey };
    const who = await ask('GET', '/organization', undefined, tried);
    must(who, 'The Partner API Key was not accepted.');
    const { integrationId, name, status } = who.body as { integrationId: string; name: string; status: string };
    const { services: there } = await readVendor(tried);
    for (const service of servicesIn(customers())) {
      if (service in there) continue;
      const made = await ask(
        'POST',
        '/service',
        {
          name: service,
          description: service,
          ...(filed[service] ?? { category: 'security', subcategory: 'email security' }),
        },
        tried,
      );
      must(made, `The service "${service}" was not created.`);
    }
    const vendor = await readVendor(tried);
    if (status !== 'active')
      must(await ask('PATCH', '/organization/status/pending', undefined, tried), 'The status was not set.');
    keep({ ...nothing, integrationId }, { apiKey, organization: name, ...vendor });
  }

  async function readVendor(of: Connected): Promise<Pick<Connected, 'services' | 'modules'>> {
    const vendor = await ask('GET', '', undefined, of);
    must(vendor, 'The services could not be read.');
    const { data } = vendor.body as {
      data: { skus: { id: string; name: string }[]; modules: { variation: string }[] };
    };
    return {
      services: Object.fromEntries(data.skus.map((sku) => [sku.name, sku.id])),
      modules: data.modules.map(({ variation }) => variation),
    };
  }

  function enabledOne(): Connected {
    if (current.integrationId === '') throw new ConsoleProblem(409, 'The integration is not enabled.');
    return current;
  }

  /** *Migrate to Alerts*: tells the platform so, in the one place of its API where modules are spoken of. */
  async function migrate(): Promise<void> {
    const of = enabledOne();
    const modules = ['billing', 'alerts'];
    const body = { modules: modules.map((variation) => ({ variation })) };
    must(await ask('PATCH', '', body), 'The integration was not migrated.');
    keep(of, { migrated: true, linkedForAlerts: false, modules });
  }

  /** *Link Selected Customers*: create what is missing, rename what has another name; all of them after a migration. */
  async function link(ids: readonly number[]): Promise<{ linked: number; created: number }> {
    const of = current;
    const chosen = new Set(ids);
    const wanted = customers().filter((customer) => chosen.has(customer.id));
    const activity = (linking = begun(wanted.length));
    return tracked(
      activity,
      async () => {
        const there = await ask('GET', '/organization/accounts');
        must(there, 'The accounts could not be read.');
        const names = new Map((there.body as Client[]).map((account) => [account.id, account.name]));
        const missing = wanted.filter((customer) => of.migrated || !names.has(String(customer.id)));
        if (missing.length > 0) {
          const accounts = missing.map((customer) => ({ id: String(customer.id), name: customer.name }));
          must(await ask('POST', '/organization/accounts', accounts), 'The accounts were not created.');
        }
        for (const customer of wanted) {
          const name = names.get(String(customer.id));
          if (name !== undefined && name !== customer.name)
            await ask('PATCH', `/organization/accounts/${customer.id}`, { name: customer.name });
          activity.done++;
        }
        const linked = [...new Set([...(known.get(of.integrationId) ?? of).linked, ...wanted.map(({ id }) => id)])];
        keep(of, { linked, linkedForAlerts: of.migrated });
        return { linked: wanted.length, created: missing.length };
      },
      ({ linked }) =>
        `${linked.toLocaleString('en-US')} ${linked === 1 ? 'customer is' : 'customers are'} linked with Gradient MSP.`,
    );
  }

  /** A customer's *Integrations* page: the client picked in its text field. The customer is linked with it; null takes it away. */
  async function assign(id: number, clientId: string | null): Promise<void> {
    if (!customers().some((customer) => customer.id === id))
      throw new ConsoleProblem(404, 'There is no such customer.');
    if (clientId !== null) await link([id]);
    const { [id]: _before, ...assigned } = current.assigned;
    if (clientId !== null) assigned[id] = { id: clientId, name: clientNames.get(clientId) ?? clientId };
    keep(current, { assigned });
  }

  /** What the text field finds (route 16); an empty text finds all, a page of them. */
  async function clients(search: string): Promise<{ meta: unknown; clients: Client[] }> {
    const answer = await ask('GET', `/organization/clients?search=${encodeURIComponent(search)}`);
    must(answer, 'The clients could not be read.');
    const found = answer.body as { meta: unknown; clients: Client[] };
    for (const client of found.clients) clientNames.set(client.id, client.name);
    return found;
  }

  /** *Update Counts*: every linked customer × service; 404 is normal and means that nobody has mapped it yet. */
  async function updateCounts(): Promise<CountReport> {
    const of = enabledOne();
    const names = servicesIn(customers());
    const linked = new Set(of.linked);
    const counts = customers()
      .filter((customer) => linked.has(customer.id))
      .flatMap((customer) => countsOf(customer, names))
      .filter((count) => count.unitCount > 0 || settings.postZeroes);
    const activity = (updating = begun(counts.length));
    const report = { posted: 0, unmapped: 0, failed: 0 };
    let refusal: string | null = null;
    const post = async (count: Count, noBuild: boolean): Promise<boolean> => {
      const answer = await postCount(of, count, noBuild);
      if (answer.status === 201) report.posted++;
      else if (answer.status === 404) report.unmapped++;
      else {
        report.failed++;
        refusal ??= wordsOf(answer);
      }
      return answer.status === 201;
    };
    return tracked(
      activity,
      async () => {
        must(await ask('GET', '/organization'), 'The Partner API Key is not accepted any more.');
        let landed: Count | undefined;
        for (const [at, count] of counts.entries()) {
          const last = at === counts.length - 1;
          const ok = await post(count, settings.noBuild === 'allButLast' && !last);
          if (ok) landed = count;
          // Without a count that builds, the numbers would not be shown: the last good one is sent once more.
          else if (last && settings.noBuild === 'allButLast' && landed) await post(landed, false);
          activity.done++;
        }
        keep(of, { lastUpdate: { ...report, at: new Date().toISOString(), refusal } });
        return report;
      },
      () => 'The counts were sent.',
    );
  }

  function postCount(of: Connected, count: Count, noBuild: boolean): Promise<PlatformAnswer> {
    const id = of.services[count.service] ?? count.service;
    const path = `/service/${encodeURIComponent(id)}/count${noBuild ? '?no_build=true' : ''}`;
    const client = of.assigned[count.accountId];
    const { accountId, unitCount } = count;
    // Deprecated (gradient.md §5.2), and the only field of a count that can carry what was picked.
    return ask('POST', path, { accountId, unitCount, ...(client ? { clientOId: client.id } : {}) }, of);
  }

  return {
    enable,
    migrate,
    link,
    assign,
    clients,
    updateCounts,
    /** An alert of a customer, and what came of it (gradient.md §5.3). */
    sendAlert: (id: number, alert: Record<string, unknown>) => ask('POST', `/alerting/${id}`, alert),
    /** A change that was kept. */
    apply,
    state: (): Connected & { enabled: boolean } => ({ ...current, enabled: current.integrationId !== '' }),
    activities: () => ({ linking, updating }),
  };
}
