/**
 * Walks through alerts: an integration that has them from the start, and one that migrates to them. Each alert must become one
 * ticket of the PSA.
 */
import type { SimulatedTicket } from '../../simulators/psas.ts';
import type { WorldCustomer } from '../../simulators/world.ts';
import { createApiClient } from './apiClient.ts';
import type { Checks } from './checks.ts';
import { createIntegration, person, syncNow, untilConnected, type CardView, type IntegrationView } from './guide.ts';
import { psaOfStack, simulatorAdmin } from './simulatorAdmin.ts';
import type { Stack } from '../stack/stack.ts';
import { names, same } from './expectedUsage.ts';
import { until } from '../until.ts';
import { openVendorConsole } from './vendorConsole.ts';

interface AlertView {
  id: string;
  alertId: string;
  source: string;
  state: string;
  vendorAccountId: string;
  ticketId: string | null;
  reason: { detail: string } | null;
  process: { waitsFor: string | null } | null;
}

/**
 * Takes the guide's steps for alerts (G12, G13, G30 to G36), on the PSA connection of the integration that pushes and carries
 * only billing so far. A second start verifies the steps that were taken, and sends new alerts.
 *
 * @param pushing the integration whose intake is push
 * @throws Error when a check does not hold
 */
export async function walkAlerts(
  stack: Stack,
  checks: Checks,
  say: (line: string) => void,
  pushing: { id: string; psaConnectionId: string },
): Promise<void> {
  const api = createApiClient(stack.api, stack.token);
  const mailprotector = simulatorAdmin(stack.simulators['mailprotector'] ?? '');
  const psa = psaOfStack(stack);
  const system = { api, mailprotector, psa };
  const { id, psaConnectionId } = pushing;
  const at = `/v1/integrations/${id}`;
  const console = await openVendorConsole(mailprotector.url);
  const { key } = await api.post<{ key: string }>(`${at}/key`, { overlapHours: 0 });
  await console.enable(key);
  const customers = async () => (await mailprotector.state<{ customers: WorldCustomer[] }>()).customers;
  const tickets = async () => (await psa.state<{ tickets: SimulatedTicket[] }>()).tickets;
  const ticketsOf = async (alertRowId: string) =>
    (await tickets()).filter((ticket) => ticket.reference.includes(alertRowId));
  const mapped = () => api.all<{ id: string; name: string; psaAccountId: string }>(`${at}/accounts?mapped=true`);
  const reached = (alertRowId: string, state: string) =>
    until(`the alert to be ${state}`, async () => {
      const alert = await api.get<AlertView>(`/v1/alerts/${alertRowId}`);
      if (alert.state === 'dead') throw new Error(alert.reason?.detail);
      return alert.state === state ? alert : undefined;
    });
  /** Makes an alert id that no earlier start has used. */
  const fresh = (what: string) => `${what}-${Date.now().toString(36)}`;

  say('\nAlerts:');
  await checks.run('alerts.connect', async () => {
    const integrations = await api.all<IntegrationView>('/v1/integrations');
    const known = integrations.find((row) => row.psaConnectionId === psaConnectionId && row.id !== id);
    const alertsOnly = known?.id ?? (await createIntegration(system, psaConnectionId, ['alerts']));
    stack.noteWorkflow(`connect/${alertsOnly}`);
    const steps = (await api.get<IntegrationView>(`/v1/integrations/${alertsOnly}`)).process.steps;
    const isDone = (step: string) => steps.some((row) => row.step === step && row.state === 'done');
    if (!isDone('credentials')) await person.credentials(system, alertsOnly);
    if (!isDone('linkCustomers')) await person.linkAll(system, alertsOnly);
    if (!isDone('chooseBoard')) await person.chooseBoard(system, alertsOnly, psaConnectionId);
    const boards = await api.all<{ id: string; name: string; active: boolean; projectBoard: boolean }>(
      `/v1/psa-connections/${psaConnectionId}/boards`,
    );
    // Every simulated PSA has one that takes no tickets.
    const unfit = boards.filter(({ active, projectBoard }) => !active || projectBoard);
    if (unfit.length === 0) throw new Error('Every board is shown as one that takes tickets.');
    for (const { id: boardId, name, active } of unfit) {
      const why = active ? 'project' : 'inactive';
      const refused = await api.call<{ detail: string }>('PUT', `/v1/integrations/${alertsOnly}/board`, { boardId });
      if (refused.status !== 422 || !refused.body.detail.includes(why))
        throw new Error(`The board "${name}" was answered ${refused.status}: ${refused.body.detail}`);
    }
    if (!isDone('mapAccounts')) await person.mapAccounts(system, alertsOnly);
    if (!isDone('finish')) await person.finish(system, alertsOnly);
    await untilConnected(system, alertsOnly);
    await syncNow(system, alertsOnly);
    // Mailprotector sends no alerts by itself: each sync looks at what it shows, and Countersign makes the alerts.
    const accounts = await api.all<{ id: string }>(`/v1/integrations/${alertsOnly}/accounts?mapped=true`);
    const truth = (await customers()).filter((row) => accounts.some((account) => account.id === String(row.id)));
    const pending = truth.flatMap((row) => row.domains.filter((domain) => domain.pending)).length;
    const derived = (await api.all<AlertView>(`/v1/alerts?integrationId=${alertsOnly}`)).filter(
      (alert) => alert.source === 'rule' && alert.alertId.includes('domainPending') && alert.state !== 'parked',
    );
    if (derived.length !== pending)
      throw new Error(`${derived.length} alerts for ${pending} domains that are Pending.`);
    for (const alert of derived) await reached(alert.id, 'delivered');
    return `alerts only: rights checked, board chosen, ${names(unfit).join(' and ')} refused; tickets of its own for domains that are Pending: ${pending}`;
  });

  await checks.run('migrate', async () => {
    const cards = () => api.all<CardView>(`/v1/cards?psaConnectionId=${psaConnectionId}`);
    const numbers = (list: CardView[]) => list.map((card) => [card.id, card.usage, card.current, card.kind]).sort();
    const before = { cards: numbers(await cards()), mapped: await mapped() };
    const migration = async () => (await api.get<{ migration: IntegrationView['process'] | null }>(at)).migration;
    if ((await migration()) === null) await console.migrateToAlerts();
    stack.noteWorkflow(`migrate/${id}`);
    const open = async (step: string) =>
      (await migration())?.steps.some((row) => row.step === step && row.state !== 'done');
    if (await open('linkCustomers')) await console.link((await customers()).map((customer) => customer.id));
    if (await open('updateAccountMapping')) await api.post(`${at}/steps/updateAccountMapping/complete`);
    if (await open('updateCounts')) await console.updateCounts();
    await until('the migration to be through', async () => !(await open('updateCounts')));
    // Alerts wait until a board is chosen; the migration does not wait for it.
    if (await open('chooseBoard')) await person.chooseBoard(system, id, psaConnectionId);
    await until('the migration to be over', async () => (await migration())?.done);
    same(numbers(await cards()), before.cards, 'cards before and after');
    same(await mapped(), before.mapped, 'mappings before and after');
    return 'Migrate to Alerts in the console, linked, mapped, counted; billing and mappings as before';
  });

  await checks.run('alerts.ticket', async () => {
    const account = (await mapped())[0];
    const alert = { alertId: fresh('queue'), title: 'Mail is delayed', description: 'The queue is long.', priority: 4 };
    const messageId = await console.sendAlert(Number(account?.id), alert);
    stack.noteWorkflow(`alert/${messageId}`);
    const { ticketId } = await reached(messageId, 'delivered');
    const [ticket] = await ticketsOf(messageId);
    if (String(ticket?.id) !== ticketId) throw new Error(`Ticket ${ticketId} here, ${ticket?.id} in ${psa.name}.`);
    same([ticket?.company.id, ticket?.board.name], [Number(account?.psaAccountId), 'Alerts'], 'company and board');
    return `ticket ${ticketId} "${ticket?.summary}" on the board Alerts`;
  });

  await checks.run('alerts.parked', async () => {
    const account = (await mapped())[0];
    const path = `${at}/accounts/${account?.id}`;
    await api.decide('DELETE', path, 'mapping');
    const alert = { alertId: fresh('parked'), title: 'Nobody knows whose', description: 'The account is not mapped.' };
    const messageId = await console.sendAlert(Number(account?.id), alert);
    await reached(messageId, 'parked');
    if ((await ticketsOf(messageId)).length > 0) throw new Error('There is a ticket already.');
    await api.decide('PUT', path, 'mapping', { psaAccountId: account?.psaAccountId });
    await reached(messageId, 'delivered');
    if ((await ticketsOf(messageId)).length !== 1) throw new Error('There is not one ticket.');
    return `an alert of "${account?.name}", which was not mapped, waited; mapped, it became a ticket by itself`;
  });

  await checks.run('alerts.once', async () => {
    const account = (await mapped())[1];
    await psa.fault({ kind: 'afterCommit', ...psa.requests.createTicket, status: 500 });
    const alert = { alertId: fresh('once'), title: 'Sent five times', description: 'At once.' };
    const ids = await Promise.all(Array.from({ length: 5 }, () => console.sendAlert(Number(account?.id), alert)));
    if (new Set(ids).size !== 1) throw new Error('It became several alerts.');
    await reached(ids[0] ?? '', 'delivered');
    const found = await ticketsOf(ids[0] ?? '');
    if (found.length !== 1) throw new Error(`${found.length} tickets.`);
    return `sent five times at once, and ${psa.name} failed after it had taken the ticket: there is one`;
  });

  await checks.run('alerts.perAccount', async () => {
    const accounts = (await mapped()).slice(2, 4);
    const alertId = fresh('quota-90');
    for (const account of accounts) {
      const alert = { alertId, title: `Mailbox of ${account.name} is full`, description: '90 % of it are used.' };
      const messageId = await console.sendAlert(Number(account.id), alert);
      await reached(messageId, 'delivered');
      const found = await ticketsOf(messageId);
      same(
        found.map((ticket) => ticket.company.id),
        [Number(account.psaAccountId)],
        `companies of the tickets for "${account.name}"`,
      );
      if (!found[0]?.summary.startsWith('Mailbox of')) throw new Error(`The ticket says "${found[0]?.summary}".`);
    }
    return `the id ${alertId} was sent for ${accounts.map(({ name }) => `"${name}"`).join(' and ')}: a ticket for each`;
  });
}
