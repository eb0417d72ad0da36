/**
 * Walks through the guide with the API. Every claim is verified against the state of the simulators, not against
 * Countersign's.
 */
import { makeWorld, serviceProducts, type World, type WorldCustomer } from '../../simulators/world.ts';
import { createApiClient } from './apiClient.ts';
import type { Checks } from './checks.ts';
import {
  createIntegration,
  createPsaConnection,
  latestRun,
  person,
  reach,
  signOff,
  syncNow,
  untilApprovalClosed,
  untilConnected,
  type CardView,
  type IntegrationView,
  type SignedOff,
} from './guide.ts';
import { psaOfStack, simulatorAdmin } from './simulatorAdmin.ts';
import type { Stack } from '../stack/stack.ts';
import { names, same, trueUsage } from './expectedUsage.ts';
import { until } from '../until.ts';
import { lookAtReconcile } from './walkthroughSignIn.ts';

type Companies = World['companies'];

/**
 * Takes the guide's steps in order. A step that an earlier start has taken is only verified, so that a second start on the
 * same state goes on where the first one was killed.
 *
 * @param cookie of a session of the console
 * @returns the integration that was connected
 * @throws Error when a check does not hold
 */
export async function walk(
  stack: Stack,
  checks: Checks,
  say: (line: string) => void,
  cookie: string,
): Promise<{ id: string; psaConnectionId: string }> {
  const system = {
    api: createApiClient(stack.api, stack.token),
    mailprotector: simulatorAdmin(stack.simulators['mailprotector'] ?? ''),
    psa: psaOfStack(stack),
  };
  const { api } = system;
  const customers = async () => (await system.mailprotector.state<{ customers: WorldCustomer[] }>()).customers;
  const companies = async () => (await system.psa.state<{ companies: Companies }>()).companies;

  say('\nThe guide, step by step:');
  const psaName = `Acme ${system.psa.name}`;
  const { setQuantity } = system.psa.requests;
  const connections = await api.all<{ id: string; name: string }>('/v1/psa-connections');
  const knownPsa = connections.find((connection) => connection.name === psaName);
  const psaConnectionId = knownPsa?.id ?? (await createPsaConnection(system, undefined, psaName));
  // The simulator may have another port than at the last start, and its address is part of the credentials.
  if (knownPsa) await person.psaCredentials(system, knownPsa.id);
  const integrations = await api.all<IntegrationView>('/v1/integrations');
  const known = integrations.find((integration) => integration.psaConnectionId === psaConnectionId);
  const id = known?.id ?? (await createIntegration(system, psaConnectionId));
  const at = `/v1/integrations/${id}`;
  for (const workflow of [`psa/${psaConnectionId}`, `connect/${id}`, `sync/${id}`]) stack.noteWorkflow(workflow);
  if (known) say('It was connected by an earlier start; what is done is verified, and the rest goes on.');
  const isDone = async (step: string) =>
    (await api.get<IntegrationView>(at)).process.steps.some((row) => row.step === step && row.state === 'done');

  await checks.run('connect.pull', async () => {
    if (!(await isDone('credentials'))) await person.credentials(system, id);
    await reach(system, id, 'linkCustomers');
    const listed = await api.all<{ name: string }>(`${at}/customers`);
    const truth = await customers();
    same(names(listed), names(truth), 'customers listed');
    if (!(await isDone('linkCustomers'))) await person.linkAll(system, id);
    return `${listed.length} customers read from Mailprotector and linked`;
  });

  await checks.run('restart', async () => {
    // Worker and Temporal are killed in the middle of their work: reading the PSA, waiting for a person, or a sync.
    const matched = await isDone('matchExactly');
    const finished = await isDone('finish');
    const before = await latestRun(system, id);
    if (finished) await api.post(`${at}/syncs`);
    await Promise.all([stack.kill('worker'), stack.kill('temporal')]);
    await stack.restart('temporal');
    await stack.restart('worker');
    if (finished) await until('the sync to be over', async () => isOver(await latestRun(system, id), before?.id));
    else await reach(system, id, 'mapAccounts');
    const middle = finished ? 'a sync' : matched ? 'connect, while it waited for a person' : 'connect';
    return `worker and Temporal killed in the middle of ${middle}; it went on`;
  });

  await checks.run('map.accounts', async () => {
    const truth = await customers();
    const active = (await companies()).filter((company) => company.status === 'Active');
    const count = (list: { name: string }[], name: string) => list.filter((row) => row.name === name).length;
    const expected = truth.filter(({ name }) => count(truth, name) === 1 && count(active, name) === 1);
    const mapped = await api.all<{ id: string; how: string }>(`${at}/accounts?mapped=true`);
    const exact = mapped.filter((row) => row.how === 'exact');
    same(exact.map((row) => row.id).sort(), expected.map((row) => String(row.id)).sort(), 'accounts matched by name');
    if (await isDone('mapAccounts')) return `${mapped.length} mapped, ${exact.length} of them by exact name`;
    // A person maps the customers whose names are only similar, by the suggestions.
    let byHand = 0;
    for (const row of await api.all<{ id: string; name: string }>(`${at}/accounts?mapped=false`)) {
      if (truth.find((customer) => String(customer.id) === row.id)?.story !== 'near') continue;
      const { items } = await api.get<{ items: { id: string }[] }>(`${at}/accounts/${row.id}/suggestions`);
      if (!items[0]) throw new Error(`No suggestion for "${row.name}".`);
      await api.decide('PUT', `${at}/accounts/${row.id}`, 'mapping', { psaAccountId: items[0].id });
      byHand++;
    }
    await person.mapAccounts(system, id);
    return `${exact.length} mapped by exact name, ${byHand} by a person, the rest left unmapped`;
  });

  await checks.run('map.services', async () => {
    if (!(await isDone('mapServices'))) await person.mapServices(system, id, psaConnectionId);
    const services = await api.all<{ productIds: string[] | null }>(`${at}/services`);
    const mapped = services.filter((service) => service.productIds !== null).length;
    if (mapped !== serviceProducts.length) throw new Error(`${mapped} services are mapped.`);
    return `${mapped} services mapped by Product ID`;
  });

  await checks.run('finish', async () => {
    if (!(await isDone('finish'))) await person.finish(system, id);
    return 'reviewed and finished; the first sync starts by itself';
  });

  await checks.run('sync.first', async () => {
    await untilConnected(system, id);
    const runs = await api.all<{ state: string; figures: Record<string, number> | null }>(`${at}/syncs`);
    const first = runs.findLast((run) => run.state === 'applied');
    if (!first) throw new Error(`The first run is ${runs.at(-1)?.state ?? 'missing'}.`);
    return `run applied, ${first.figures?.['accounts'] ?? 0} accounts`;
  });

  let cards: CardView[] = [];
  await checks.run('cards', async () => {
    cards = await api.all<CardView>(`/v1/cards?psaConnectionId=${psaConnectionId}`);
    const truth = await customers();
    const mapped = await api.all<{ id: string; psaAccountId: string }>(`${at}/accounts?mapped=true`);
    for (const card of cards) {
      const of = mapped.filter((row) => row.psaAccountId === card.psaAccountId).map((row) => row.id);
      const used = trueUsage(
        truth.filter((customer) => of.includes(String(customer.id))),
        card.productId,
      );
      if (card.usage === used) continue;
      const what = `${card.psaAccountName} × ${card.productId}`;
      throw new Error(`${what}: the card says ${card.usage}, Mailprotector has ${used}.`);
    }
    if (cards.length < Math.min(20, truth.length)) throw new Error(`Only ${cards.length} cards.`);
    table(say, cards);
    return `${cards.length} cards, each usage equal to Mailprotector's own`;
  });

  await checks.run('console.guide', async () => lookAtReconcile(stack, cookie, await companies()));

  const approvable = cards.filter((card) => card.bulkApprovable);
  /** How many writes the PSA took: one that it throttled is sent again. */
  const countWrites = async () =>
    (await system.psa.log(setQuantity.method, setQuantity.path)).filter(({ status = 0 }) => status < 400).length;
  const writesBefore = await countWrites();
  /** How many cards are signed off one by one, before the rest is signed off in bulk. */
  const signedOff: CardView[] = [];
  await checks.run('approve.asSeen', async () => {
    await api.put(`/v1/psa-connections/${psaConnectionId}/writes`, { enabled: true });
    // One that still differs from what is billed when its number is one more.
    const stale = approvable.find((card) => card.write && card.write.to + 1 !== card.write.from);
    const other = approvable.find((card) => card !== stale);
    if (!stale) return 'nothing is left to sign off';
    const { psaAccountId, psaProductId } = stale;
    // An earlier start may have been killed while the rule below was set; the card must show its usual number first.
    const { write } = await api.put<CardView>(`/v1/cards/${stale.id}/rule`, { rule: null });
    const filter = { psaAccountId, psaProductId };
    const preview = await api.post<{ id: string }>('/v1/approvals/previews', { psaConnectionId, filter });
    // The number changes after the preview has shown it.
    await api.put(`/v1/cards/${stale.id}/rule`, { rule: { offset: 1, reason: 'The walkthrough changes a number' } });
    const refused = await api.call<{ detail: string }>('POST', '/v1/approvals', { previewId: preview.id });
    if (refused.status !== 422) throw new Error(`A preview whose number had changed was answered ${refused.status}.`);
    const asked = write?.to ?? 0;
    for (const number of [`to ${asked},`, `to ${asked + 1} now`])
      if (!refused.body.detail.includes(number)) throw new Error(`It does not say "${number}": ${refused.body.detail}`);
    if (other) {
      const { approval, skipped } = await signOff(system, [{ id: stale.id, write }, other]);
      stack.noteWorkflow(`approve/${approval.id}`);
      const numbers = skipped.items.map((item) => [item.cardId, item.reason, item.asked.to, item.now?.to]);
      same(numbers, [[stale.id, 'differs', asked, asked + 1]], 'skipped cards');
      const { counts } = await untilApprovalClosed(system, approval.id);
      if (counts['applied'] !== 1) throw new Error(`The other card is not written: ${JSON.stringify(counts)}`);
      signedOff.push(other);
    }
    const held = quantities(await companies()).get(write?.lineId ?? '');
    if (held !== write?.from) throw new Error(`The line of the changed card was written: ${write?.from} → ${held}.`);
    await api.put(`/v1/cards/${stale.id}/rule`, { rule: null });
    return `a number that changed from ${asked} to ${asked + 1} after it was shown is skipped with both, and not written`;
  });

  await checks.run('approve', async () => {
    const rest = approvable.filter((card) => !signedOff.includes(card));
    if (rest.length === 0) return 'nothing is left to sign off';
    const preview = await api.post<{ id: string; cards: number }>('/v1/approvals/previews', { psaConnectionId });
    if (preview.cards !== rest.length)
      throw new Error(`The preview has ${preview.cards} cards, and ${rest.length} can be approved at once.`);
    const { approval } = await api.post<SignedOff>('/v1/approvals', { previewId: preview.id });
    stack.noteWorkflow(`approve/${approval.id}`);
    // The limit allows one second for each line: a large batch may take long, but it must not stand still.
    const { lines } = await untilApprovalClosed(system, approval.id, 120_000 + approval.lines * 1_000);
    const bad = lines.filter((line) => line.state !== 'applied');
    if (bad.length > 0) throw new Error(`${bad.length} lines are not applied: ${bad[0]?.state}`);
    same(lines.map((line) => line.cardId).sort(), rest.map((card) => card.id).sort(), 'cards approved');
    return `${lines.length} cards signed off and written`;
  });

  await checks.run('approve.psa', async () => {
    // Every line must have its first quantity, except for the lines that were signed off, in this start or an earlier one.
    const expected = quantities(makeWorld(stack.world).companies);
    const audit = await api.all<{ action: string; subjectId: string; after: { quantity: number } }>('/v1/audit');
    const written = audit.filter((entry) => entry.action === 'approval.applied');
    for (const entry of written.toReversed()) expected.set(entry.subjectId, entry.after.quantity);
    same([...quantities(await companies())].sort(), [...expected].sort(), `quantities in ${system.psa.name}`);
    const writes = (await countWrites()) - writesBefore;
    if (writes !== approvable.length) throw new Error(`${writes} writes for ${approvable.length} signed-off cards.`);
    return `${system.psa.name} holds the ${written.length} right quantities, and nothing else moved`;
  });

  await checks.run('resync.noChange', async () => {
    const before = await api.all<CardView>(`/v1/cards?psaConnectionId=${psaConnectionId}`);
    const run = await syncNow(system, id);
    if (run.state !== 'applied') throw new Error(`The run is ${run.state}.`);
    const after = await api.all<CardView>(`/v1/cards?psaConnectionId=${psaConnectionId}`);
    const numbers = (list: CardView[]) => list.map((card) => [card.id, card.usage, card.current, card.kind]).sort();
    same(numbers(after), numbers(before), 'cards before and after');
    const wrong = approvable.filter((card) => after.find((row) => row.id === card.id)?.kind !== 'no_change');
    if (wrong.length > 0) throw new Error(`${wrong.length} approved cards still differ after a sync.`);
    return 'synced again; no number changed';
  });
  return { id, psaConnectionId };
}

function isOver(run: { id: string; state: string } | undefined, previous: string | undefined): boolean {
  return run !== undefined && run.id !== previous && run.state !== 'running';
}

/** Returns the quantities in the PSA, by line. */
function quantities(companies: Companies): Map<string, number> {
  const lines = companies.flatMap((company) => company.agreements).flatMap((agreement) => agreement.lines);
  return new Map(lines.map((line) => [String(line.id), line.quantity]));
}

function table(say: (line: string) => void, cards: CardView[]): void {
  const kinds = {
    reconcile: 'to reconcile',
    new_revenue: 'new revenue',
    no_change: 'no change',
    only_credits: 'only credits',
  };
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
