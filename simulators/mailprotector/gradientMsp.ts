/**
 * The actions of the console's integration *Gradient MSP*, for its pages and for its JSON endpoints. It is a client of Gradient's
 * Vendor API that sends its requests in the order of gradient.md §5.4, and has the buttons of mailprotector.md §7.2. What those
 * sections do not say is assumed: how a customer is assigned, and what is reported.
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

/** The category under which the console creates a service (gradient.md §4.2); a service without an entry is email security. */
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
  /**
   * By the platform's integration, because another key may belong to another integration, which has none of the customers that
   * were linked to this one.
   */
  const known = new Map<string, Connected>();
  let current = nothing;
  let linking: Activity | null = null;
  let updating: Activity | null = null;
  const clientNames = new Map<string, string>();

  const ask = (method: string, path: string, body?: unknown, of = current) =>
    askPlatform(settings, of.apiKey, method, path, body);

  /** @throws ConsoleProblem for an answer that is an error, with what could not be done and with the platform's words */
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
   * *Enable*, with the key that was pasted: checks the key, creates the services that the platform lacks, and sets the status
   * `pending` unless the integration is active.
   *
   * @throws ConsoleProblem with the platform's answer; then the earlier key stays in use
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

  /** *Migrate to Alerts*: tells the platform, with the only request of its API that has modules. */
  async function migrate(): Promise<void> {
    const of = enabledOne();
    const modules = ['billing', 'alerts'];
    const body = { modules: modules.map((variation) => ({ variation })) };
    must(await ask('PATCH', '', body), 'The integration was not migrated.');
    keep(of, { migrated: true, linkedForAlerts: false, modules });
  }

  /**
   * *Link Selected Customers*: creates the accounts that are missing, and renames those with another name; after a migration
   * it sends all.
   */
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

  /**
   * Picks a client in the text field of a customer's *Integrations* page, which also links the customer; null removes the
   * choice.
   */
  async function assign(id: number, clientId: string | null): Promise<void> {
    if (!customers().some((customer) => customer.id === id))
      throw new ConsoleProblem(404, 'There is no such customer.');
    if (clientId !== null) await link([id]);
    const { [id]: _before, ...assigned } = current.assigned;
    if (clientId !== null) assigned[id] = { id: clientId, name: clientNames.get(clientId) ?? clientId };
    keep(current, { assigned });
  }

  /** Lists the clients that the text field finds (route 16); an empty text finds all, of which the first page is listed. */
  async function clients(search: string): Promise<{ meta: unknown; clients: Client[] }> {
    const answer = await ask('GET', `/organization/clients?search=${encodeURIComponent(search)}`);
    must(answer, 'The clients could not be read.');
    const found = answer.body as { meta: unknown; clients: Client[] };
    for (const client of found.clients) clientNames.set(client.id, client.name);
    return found;
  }

  /** *Update Counts*: posts the count of every linked customer and service. A 404 is normal: nobody has mapped the pair yet. */
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
          // The platform shows the numbers only after a count without `no_build`. If that count was not accepted, the last
          // one that was accepted is sent once more, without `no_build`.
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
    // `clientOId` is deprecated (gradient.md §5.2), but no other field of a count can carry the client that was picked.
    return ask('POST', path, { accountId, unitCount, ...(client ? { clientOId: client.id } : {}) }, of);
  }

  return {
    enable,
    migrate,
    link,
    assign,
    clients,
    updateCounts,
    /** Sends an alert of a customer (gradient.md §5.3), and returns what became of it. */
    sendAlert: (id: number, alert: Record<string, unknown>) => ask('POST', `/alerting/${id}`, alert),
    /** Repeats a change that the journal has kept. */
    apply,
    state: (): Connected & { enabled: boolean } => ({ ...current, enabled: current.integrationId !== '' }),
    activities: () => ({ linking, updating }),
  };
}
