/** The guide, walked through the API; every claim is verified against the simulators' own state, not ours. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { members } from '../simulators/connectwise/members.ts';
import { keys } from '../simulators/mailprotector/keys.ts';
import { serviceProducts, type World, type WorldCustomer } from '../simulators/world.ts';
import { skuOf } from '../domain/skuCatalogue.ts';
import type { Checks } from './checks.ts';
import type { Stack } from './stack.ts';

interface Integration {
  id: string;
  process: { done: boolean; waitsFor: string | null; workflowId: string; steps: { step: string; state: string }[] };
}
interface CardView {
  id: string;
  psaAccountId: string;
  psaAccountName: string;
  psaProductId: string;
  productId: string;
  kind: string;
  usage: number | null;
  current: number;
  target: number | null;
  bulkApprovable: boolean;
  flags: { code: string }[];
}
interface CwState {
  companies: World['companies'];
  products: World['products'];
}

export async function walk(stack: Stack, checks: Checks, say: (line: string) => void): Promise<void> {
  const api = createApi(stack);
  const demoFile = join(dirname(stack.tokenFile), 'demo.json');
  if (existsSync(demoFile)) {
    const { integrationId, psaConnectionId } = JSON.parse(readFileSync(demoFile, 'utf8')) as {
      integrationId: string;
      psaConnectionId: string;
    };
    say('The demo was connected by an earlier start; going on where it was.');
    for (const id of [`connect/${integrationId}`, `sync/${integrationId}`, `psa/${psaConnectionId}`])
      stack.noteWorkflow(id);
    await checks.run('resync.noChange', () => resyncNoChange(api, integrationId));
    return;
  }

  say('\nThe guide, step by step:');
  const psa = await api.post<{ id: string }>('/v1/psa-connections', {
    kind: 'connectwise',
    name: 'Acme ConnectWise',
    credentials: {
      site: stack.simulators['connectwise'],
      companyId: 'acme',
      publicKey: members['full']?.publicKey,
      privateKey: members['full']?.privateKey,
    },
  });
  stack.noteWorkflow(`psa/${psa.id}`);
  const { integration } = await api.post<{ integration: Integration }>('/v1/integrations', {
    vendor: 'mailprotector',
    psaConnectionId: psa.id,
    intake: 'pull',
    modules: ['billing'],
    viaVirtualAdministrator: false,
  });
  stack.noteWorkflow(`connect/${integration.id}`);
  stack.noteWorkflow(`sync/${integration.id}`);
  const at = `/v1/integrations/${integration.id}`;
  const mailprotector = () => admin<{ customers: WorldCustomer[] }>(stack, 'mailprotector');
  const connectwise = () => admin<CwState>(stack, 'connectwise');

  await checks.run('connect.pull', async () => {
    await api.put(`${at}/vendor-credentials`, { resellerId: '500', apiKey: keys.reseller });
    await until(api, at, 'linkCustomers', 'the customers to be read');
    const customers = await api.all<{ id: string; name: string }>(`${at}/customers`);
    const truth = (await mailprotector()).customers;
    same(customers.map((row) => row.name).sort(), truth.map((row) => row.name).sort(), 'customers listed');
    const { linked } = await api.post<{ linked: number }>(`${at}/customers/link`, { all: true });
    return `${linked} customers read from Mailprotector and linked`;
  });

  await checks.run('restart', async () => {
    // In the middle of connect, while the PSA is being read: both die, both come back, the process goes on.
    await Promise.all([stack.kill('worker'), stack.kill('temporal')]);
    await stack.restart('temporal');
    await stack.restart('worker');
    await until(api, at, 'mapAccounts', 'accounts to be matched');
    return 'worker and Temporal killed in the middle of connect; it went on';
  });

  await checks.run('map.accounts', async () => {
    const truth = await mailprotector();
    const { companies } = await connectwise();
    const count = (list: { name: string }[], name: string) => list.filter((row) => row.name === name).length;
    const expected = truth.customers.filter((customer) => {
      const active = companies.filter((company) => company.status === 'Active');
      return count(truth.customers, customer.name) === 1 && count(active, customer.name) === 1;
    });
    const mapped = await api.all<{ id: string; name: string; psaAccountId: string }>(`${at}/accounts?mapped=true`);
    same(mapped.map((row) => row.id).sort(), expected.map((row) => String(row.id)).sort(), 'accounts matched by name');
    // A person maps the near misses, from the suggestions.
    let byHand = 0;
    for (const row of await api.all<{ id: string; name: string }>(`${at}/accounts?mapped=false`)) {
      if (truth.customers.find((customer) => String(customer.id) === row.id)?.story !== 'near') continue;
      const { items } = await api.get<{ items: { id: string }[] }>(`${at}/accounts/${row.id}/suggestions`);
      if (!items[0]) throw new Error(`No suggestion for "${row.name}".`);
      await api.put(`${at}/accounts/${row.id}/mapping`, { psaAccountId: items[0].id });
      byHand++;
    }
    await api.post(`${at}/steps/mapAccounts/complete`);
    return `${mapped.length} mapped by exact name, ${byHand} by a person, the rest left unmapped`;
  });

  await checks.run('map.services', async () => {
    for (const { display, productId } of serviceProducts) {
      const found = await api.get<{ items: { id: string; productId: string }[] }>(
        `/v1/psa-connections/${psa.id}/products?search=${encodeURIComponent(productId)}`,
      );
      const product = found.items.find((candidate) => candidate.productId === productId);
      if (!product) throw new Error(`Product ID ${productId} was not found.`);
      await api.put(`${at}/services/${skuOf(display)}/mapping`, { productIds: [product.id] });
    }
    await until(api, at, 'mapServices', 'the services step');
    await api.post(`${at}/steps/mapServices/complete`);
    return `${serviceProducts.length} services mapped by Product ID`;
  });

  await checks.run('finish', async () => {
    await until(api, at, 'finish', 'the review step');
    await api.post(`${at}/steps/finish/complete`);
    return 'reviewed and finished; the first sync starts by itself';
  });

  await checks.run('sync.first', async () => {
    await poll('the first sync', async () => (await api.get<Integration>(at)).process.done);
    const { items } = await api.get<{ items: { id: string; state: string; figures: Record<string, number> }[] }>(
      `${at}/syncs`,
    );
    if (items[0]?.state !== 'applied') throw new Error(`The first run is ${items[0]?.state ?? 'missing'}.`);
    return `run applied, ${items[0].figures['accounts'] ?? 0} accounts`;
  });

  let cards: CardView[] = [];
  await checks.run('cards', async () => {
    cards = await api.all<CardView>('/v1/cards');
    const truth = await mailprotector();
    const mapped = await api.all<{ id: string; psaAccountId: string }>(`${at}/accounts?mapped=true`);
    for (const card of cards) {
      const customers = mapped.filter((row) => row.psaAccountId === card.psaAccountId).map((row) => row.id);
      const display = serviceProducts.find((service) => service.productId === card.productId)?.display ?? '';
      const used = truth.customers
        .filter((customer) => customers.includes(String(customer.id)))
        .map((customer) => trueUsage(customer, display));
      const sum = used.some((value) => value !== null)
        ? used.reduce<number>((total, value) => total + (value ?? 0), 0)
        : null;
      if (card.usage !== sum)
        throw new Error(
          `${card.psaAccountName} × ${card.productId}: the card says ${card.usage}, Mailprotector has ${sum}.`,
        );
    }
    if (cards.length < 20) throw new Error(`Only ${cards.length} cards.`);
    table(say, cards);
    return `${cards.length} cards, each usage equal to Mailprotector's own`;
  });

  const before = await connectwise();
  let approved: CardView[] = [];
  let lines: { agreementId: string; lineId: string; to: number; state: string; cardId: string }[] = [];
  await checks.run('approve', async () => {
    await api.put(`/v1/psa-connections/${psa.id}/writes`, { enabled: true });
    approved = cards.filter((card) => card.bulkApprovable);
    const { approval } = await api.post<{ approval: { id: string } }>('/v1/approvals', {
      bulk: true,
      psaConnectionId: psa.id,
    });
    stack.noteWorkflow(`approve/${approval.id}`);
    const closed = await poll('the approval to be written', async () => {
      const now = await api.get<{ state: string; lines: typeof lines }>(`/v1/approvals/${approval.id}`);
      return now.state === 'closed' ? now : undefined;
    });
    lines = closed.lines;
    const bad = lines.filter((line) => line.state !== 'applied');
    if (bad.length > 0) throw new Error(`${bad.length} lines are not applied: ${bad[0]?.state}`);
    same(lines.map((line) => line.cardId).sort(), approved.map((card) => card.id).sort(), 'cards approved');
    return `${lines.length} cards signed off and written`;
  });

  await checks.run('approve.psa', async () => {
    const quantities = (state: CwState) =>
      new Map(
        state.companies.flatMap((company) =>
          company.agreements.flatMap((agreement) =>
            agreement.additions.map((addition) => [String(addition.id), addition.quantity] as const),
          ),
        ),
      );
    const expected = quantities(before);
    for (const line of lines) expected.set(line.lineId, line.to);
    const now = quantities(await connectwise());
    same([...now].sort(), [...expected].sort(), 'quantities in ConnectWise');
    const patches = await adminLog(stack, 'connectwise', 'PATCH');
    if (patches.length !== lines.length) throw new Error(`${patches.length} PATCH requests for ${lines.length} lines.`);
    return `ConnectWise holds the ${lines.length} right quantities, and nothing else moved`;
  });

  await checks.run('resync.noChange', async () => {
    const words = await resyncNoChange(api, integration.id);
    const after = await api.all<CardView>('/v1/cards');
    const wrong = approved.filter((card) => after.find((row) => row.id === card.id)?.kind !== 'no_change');
    if (wrong.length > 0) throw new Error(`${wrong.length} approved cards still differ after a sync.`);
    return words;
  });
  writeFileSync(demoFile, JSON.stringify({ integrationId: integration.id, psaConnectionId: psa.id }));
}

async function resyncNoChange(api: ReturnType<typeof createApi>, integrationId: string): Promise<string> {
  const at = `/v1/integrations/${integrationId}`;
  const latest = async () =>
    (await api.get<{ items: { id: string; state: string }[] }>(`${at}/syncs?limit=1`)).items[0];
  const previous = await latest();
  const before = await api.all<CardView>('/v1/cards');
  await api.post(`${at}/syncs`);
  const run = await poll('another sync', async () => {
    const now = await latest();
    return now && now.id !== previous?.id && now.state !== 'running' ? now : undefined;
  });
  if (run.state !== 'applied') throw new Error(`The run is ${run.state}.`);
  const numbers = (list: CardView[]) => list.map((card) => [card.id, card.usage, card.current, card.kind]).sort();
  same(numbers(await api.all<CardView>('/v1/cards')), numbers(before), 'cards before and after');
  return 'synced again; no number changed';
}

/** Users on a service, or null when no group of the customer carries it. */
function trueUsage(customer: WorldCustomer, display: string): number | null {
  const groups = customer.domains
    .filter((domain) => !domain.pending)
    .flatMap((domain) => domain.groups)
    .filter((group) => group.services.includes(display));
  return groups.length === 0 ? null : groups.reduce((sum, group) => sum + group.users, 0);
}

function table(say: (line: string) => void, cards: CardView[]): void {
  const kinds = { reconcile: 'to reconcile', new_revenue: 'new revenue', no_change: 'no change' };
  for (const [kind, words] of Object.entries(kinds)) {
    const of = cards.filter((card) => card.kind === kind);
    say(
      `    ${String(of.length).padStart(4)} ${words}${kind === 'reconcile' ? ` (${of.filter((card) => card.bulkApprovable).length} can be approved at once)` : ''}`,
    );
  }
  for (const card of cards.filter((row) => row.kind === 'reconcile').slice(0, 5)) {
    say(
      `      ${card.psaAccountName.slice(0, 30).padEnd(30)} ${card.productId.padEnd(16)} billed ${card.current} → used ${card.usage ?? '—'}`,
    );
  }
}

async function until(api: ReturnType<typeof createApi>, at: string, step: string, what: string): Promise<void> {
  await poll(what, async () => {
    const { process } = await api.get<Integration>(at);
    const blocked = process.steps.find((row) => row.state === 'blocked');
    if (blocked) throw new Error(process.waitsFor ?? `${blocked.step} is blocked`);
    const index = process.steps.findIndex((row) => row.step === step);
    return process.steps.slice(0, index).every((row) => row.state === 'done' || row.state === 'skipped');
  });
}

async function poll<T>(what: string, ask: () => Promise<T | false | undefined>, limitMs = 120_000): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`Waited ${limitMs / 1000} s for ${what}.`);
    await delay(100);
  }
}

function same(found: unknown, wanted: unknown, what: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b)
    throw new Error(`The ${what} are not as they should be: ${a.slice(0, 300)} instead of ${b.slice(0, 300)}`);
}

async function admin<T>(stack: Stack, name: string): Promise<T> {
  return (await (await fetch(`${stack.simulators[name]}/__admin/state`)).json()) as T;
}

async function adminLog(stack: Stack, name: string, method: string): Promise<unknown[]> {
  return (await (await fetch(`${stack.simulators[name]}/__admin/log?method=${method}`)).json()) as unknown[];
}

function createApi(stack: Stack) {
  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${stack.api}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${stack.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const answer = (await response.json()) as T & { detail?: string; code?: string };
    if (!response.ok)
      throw new Error(`${method} ${path} answered ${response.status} ${answer.code ?? ''}: ${answer.detail ?? ''}`);
    return answer;
  }
  return {
    get: <T>(path: string) => call<T>('GET', path),
    post: <T>(path: string, body?: unknown) => call<T>('POST', path, body),
    put: <T>(path: string, body: unknown) => call<T>('PUT', path, body),
    async all<T>(path: string): Promise<T[]> {
      const rows: T[] = [];
      let cursor: string | null = null;
      do {
        const mark = path.includes('?') ? '&' : '?';
        const page: { items: T[]; nextCursor: string | null } = await call(
          'GET',
          `${path}${mark}limit=200${cursor ? `&cursor=${cursor}` : ''}`,
        );
        rows.push(...page.items);
        cursor = page.nextCursor;
      } while (cursor);
      return rows;
    },
  };
}
