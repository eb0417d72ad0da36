/**
 * Walks through the guide's own intake, push, in the simulated console of Mailprotector; every claim is verified against the
 * simulator's state.
 */
import type { WorldCustomer } from '../../simulators/world.ts';
import { createApiClient } from './apiClient.ts';
import type { Checks } from './checks.ts';
import {
  createPsaConnection,
  person,
  reach,
  untilConnected,
  type CardView,
  type IntegrationView,
  type RunView,
} from './guide.ts';
import { psaOfStack, simulatorAdmin } from './simulatorAdmin.ts';
import { demoVendorKey, type Stack } from '../stack/stack.ts';
import { names, same, trueUsage } from './expectedUsage.ts';
import { until } from '../until.ts';
import { openVendorConsole } from './vendorConsole.ts';

interface Refused {
  accountId: string;
  serviceId: string;
  reason: { code: string };
}

/**
 * Takes the guide's steps with the intake push, on a second PSA connection: both intakes count the same customers, and on one
 * connection the counts would be added up. A second start makes a new key, because a key is shown only once.
 *
 * @returns the integration that was connected
 * @throws Error when a check does not hold
 */
export async function walkPush(
  stack: Stack,
  checks: Checks,
  say: (line: string) => void,
): Promise<{ id: string; psaConnectionId: string }> {
  const api = createApiClient(stack.api, stack.token);
  const mailprotector = simulatorAdmin(stack.simulators['mailprotector'] ?? '');
  const psa = psaOfStack(stack);
  const psaName = `Acme ${psa.name}, for the vendor that pushes`;
  const system = { api, mailprotector, psa };
  const customers = async () => (await mailprotector.state<{ customers: WorldCustomer[] }>()).customers;
  const console = await openVendorConsole(mailprotector.url);

  say('\nThe same with a vendor that pushes:');
  const connections = await api.all<{ id: string; name: string }>('/v1/psa-connections');
  const knownPsa = connections.find((connection) => connection.name === psaName);
  const psaConnectionId = knownPsa?.id ?? (await createPsaConnection(system, undefined, psaName));
  if (knownPsa) await person.psaCredentials(system, psaConnectionId);
  const integrations = await api.all<IntegrationView>('/v1/integrations');
  const known = integrations.find((row) => row.psaConnectionId === psaConnectionId && row.modules.includes('billing'));
  const { id, key } = known ? { id: known.id, key: await newKey(known.id, 0) } : await connect();
  const at = `/v1/integrations/${id}`;
  for (const workflow of [`psa/${psaConnectionId}`, `connect/${id}`, `sync/${id}`]) stack.noteWorkflow(workflow);
  const isDone = async (step: string) =>
    (await api.get<IntegrationView>(at)).process.steps.some((row) => row.step === step && row.state === 'done');
  const cards = () => api.all<CardView>(`/v1/cards?psaConnectionId=${psaConnectionId}`);
  const runs = () => api.all<RunView>(`${at}/syncs`);

  async function connect(): Promise<{ id: string; key: string }> {
    const created = await api.post<{ integration: IntegrationView; key: string }>('/v1/integrations', {
      vendor: 'mailprotector',
      psaConnectionId,
      intake: 'push',
      modules: ['billing'],
      viaVirtualAdministrator: false,
    });
    return { id: created.integration.id, key: created.key };
  }
  async function newKey(integrationId: string, overlapHours: number): Promise<string> {
    const made = await api.post<{ key: string }>(`/v1/integrations/${integrationId}/key`, { overlapHours });
    return made.key;
  }
  /** Presses *Update Counts*, and waits until the sync that the counts asked for is applied. @returns the console's report */
  async function updateCounts() {
    // Only runs with posted counts are meant, because the run that connect asks for may have none.
    const over = async () =>
      (await runs()).filter((run) => run.state !== 'running' && (run.figures?.['posted'] ?? 0) > 0);
    const before = new Set((await over()).map((run) => run.id));
    const fresh = async () => (await over()).filter((run) => !before.has(run.id));
    const began = performance.now();
    const report = await console.updateCounts();
    const minutes = (performance.now() - began) / 60_000;
    if (report.failed > 0) throw new Error(`${report.failed} counts were refused.`);
    // Posting thousands of counts takes minutes, and each minute makes a run, so all runs together must have all counts. When
    // the last pair is not mapped, the console sends an earlier count a second time, and a run may have both as one; hence `-
    // 1`.
    const sent = report.posted + report.unmapped - 1;
    await until('the counts to be shown', async () => {
      const shown = (await fresh()).reduce((sum, run) => sum + (run.figures?.['posted'] ?? 0), 0);
      return shown >= sent && (await runs()).every((run) => run.state !== 'running');
    });
    return { ...report, runs: (await fresh()).length, maxRuns: 1 + Math.floor(minutes) };
  }

  await checks.run('connect.push', async () => {
    const { serviceAssignments } = await console.enable(key);
    if (!(await isDone('enable'))) throw new Error('Enable is not done.');
    return `key accepted; ${Object.keys(serviceAssignments).length} services offered`;
  });

  await checks.run('link.push', async () => {
    const truth = await customers();
    await console.link(truth.map((customer) => customer.id));
    await reach(system, id, 'mapAccounts');
    const accounts = await api.all<{ name: string }>(`${at}/accounts`);
    same(names(accounts), names(truth), 'accounts that the vendor made');
    return `${accounts.length} customers linked in the console are vendor accounts here`;
  });

  await checks.run('sync.updateCounts', async () => {
    if (!(await isDone('mapAccounts'))) await person.mapAccounts(system, id);
    if (!(await isDone('mapServices'))) await person.mapServices(system, id, psaConnectionId);
    if (!(await isDone('finish'))) await person.finish(system, id);
    const { posted } = await updateCounts();
    await untilConnected(system, id);
    const truth = await customers();
    const mapped = await api.all<{ id: string; psaAccountId: string }>(`${at}/accounts?mapped=true`);
    const shown = await cards();
    for (const card of shown) {
      const of = mapped.filter((row) => row.psaAccountId === card.psaAccountId).map((row) => row.id);
      const used =
        trueUsage(
          truth.filter((customer) => of.includes(String(customer.id))),
          card.productId,
        ) ?? 0;
      if (card.usage !== used)
        throw new Error(`${card.psaAccountName} × ${card.productId}: ${card.usage} here, ${used} in Mailprotector.`);
    }
    if (shown.length < Math.min(20, truth.length)) throw new Error(`Only ${shown.length} cards.`);
    return `${posted} counts posted; ${shown.length} cards, each usage equal to Mailprotector's own`;
  });

  await checks.run('push.unmapped', async () => {
    const open = await api.all<{ id: string; name: string }>(`${at}/accounts?mapped=false`);
    const taken = new Set(
      (await api.all<{ psaAccountId: string }>(`${at}/accounts?mapped=true`)).map((row) => row.psaAccountId),
    );
    const truth = await customers();
    for (const account of open) {
      const customer = truth.filter((row) => String(row.id) === account.id);
      const { items } = await api.get<{ items: { id: string }[] }>(`${at}/accounts/${account.id}/suggestions`);
      const free = items.find((item) => !taken.has(item.id));
      if (!free) continue;
      await api.decide('PUT', `${at}/accounts/${account.id}`, 'mapping', { psaAccountId: free.id });
      for (const card of (await cards()).filter((row) => row.psaAccountId === free.id)) {
        if (card.usage !== (trueUsage(customer, card.productId) ?? 0))
          throw new Error(`${card.psaAccountName} × ${card.productId} shows ${card.usage}.`);
      }
      return `"${account.name}" was mapped after its counts had come: they count at once`;
    }
    return 'every account that has a likely partner is mapped';
  });

  await checks.run('push.refusedIsShown', async () => {
    // Such posts come from a vendor's program that knows other accounts and services than it has created here.
    const token = Buffer.from(`${demoVendorKey}:${await newKey(id, 1)}`).toString('base64');
    const [account] = await api.all<{ id: string }>(`${at}/accounts?mapped=true`);
    const refused = { accountId: 'nobody, yet', serviceId: 'SpamTitan Seat' };
    const post = (serviceId: string, accountId: string) =>
      fetch(`${stack.api}/api/vendor-api/service/${encodeURIComponent(serviceId)}/count`, {
        method: 'POST',
        headers: { 'GRADIENT-TOKEN': token, 'content-type': 'application/json' },
        body: JSON.stringify({ accountId, unitCount: 3 }),
      });
    const answers = [await post('CloudFilter', refused.accountId), await post(refused.serviceId, account?.id ?? '')];
    const { items } = await api.get<{ items: Refused[] }>(`${at}/intake`);
    const shown = (code: string) => items.find((item) => item.reason.code === code);
    const codes = answers.map(({ status }) => status);
    same(codes, [404, 404], 'answers');
    same(shown('unknown-account')?.accountId, refused.accountId, 'the account that is shown');
    same(shown('unknown-service')?.serviceId, refused.serviceId, 'the service that is shown');
    const { refusedPosts } = await api.get<{ refusedPosts: number }>(`${at}/health`);
    if (refusedPosts !== items.length) throw new Error(`Health says ${refusedPosts}, the intake ${items.length}.`);
    return `counts of an unknown account and an unknown service were answered 404, and are shown with both ids`;
  });

  await checks.run('push.rotate', async () => {
    const second = await newKey(id, 1);
    await console.enable(key);
    await console.enable(second);
    const third = await newKey(id, 0);
    const refused = await console.enable(second).then(
      () => undefined,
      (error: unknown) => String(error),
    );
    if (!refused?.includes('401')) throw new Error(`The old key was answered: ${refused ?? 'as if it were good'}.`);
    await console.enable(third);
    return 'a new key works at once, the old one for its overlap and no longer';
  });

  await checks.run('push.quiet', async () => {
    const { posted, unmapped, runs: made, maxRuns } = await updateCounts();
    if (made < 1 || made > maxRuns) throw new Error(`${made} syncs were made.`);
    return `${posted + unmapped} counts made ${made === 1 ? 'one sync' : `${made} syncs, one a minute`}`;
  });
  return { id, psaConnectionId };
}
