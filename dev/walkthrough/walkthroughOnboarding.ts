/**
 * Walks through new customers: found by the next sync, assigned in Mailprotector, or mapped late (G37 to G44); and sets the
 * nightly sync.
 */
import type { WorldCustomer } from '../../simulators/world.ts';
import { createApiClient } from './apiClient.ts';
import type { Checks } from './checks.ts';
import { syncNow, type CardView, type RunView } from './guide.ts';
import { addCustomer, type OnboardingView } from './newCustomer.ts';
import { psaOfStack, simulatorAdmin } from './simulatorAdmin.ts';
import type { Stack } from '../stack/stack.ts';
import { same, trueUsage } from './expectedUsage.ts';
import { until } from '../until.ts';
import { openVendorConsole } from './vendorConsole.ts';

interface Connected {
  id: string;
  psaConnectionId: string;
}

interface Health {
  integrationId: string;
  state: string;
  dataAgeSeconds: number | null;
  customersWaiting: number;
  waits: { what: string }[];
}

/**
 * The new customers. Their ids, and the ids that are made of them, are higher than those of the largest simulated MSP (whose
 * domains go up to 10,000,000). The simulated PSA has a company with the first one's name, to which no customer is mapped yet.
 */
const withPartner = { id: 1_100_001, name: 'Catchall (internal)', users: 11 };
const stranger = { id: 1_100_002, name: 'Zanzibar Yacht Club', users: 23 };
const assigned = { id: 1_100_003, name: 'Pelican Freight', users: 12 };

/**
 * Adds customers in Mailprotector, and verifies that each gets its card. Customers that an earlier start has added are only
 * verified.
 *
 * @throws Error when a check does not hold
 */
export async function walkOnboarding(
  stack: Stack,
  checks: Checks,
  say: (line: string) => void,
  { pull, push }: { pull: Connected; push: Connected },
): Promise<void> {
  const api = createApiClient(stack.api, stack.token);
  const mailprotector = simulatorAdmin(stack.simulators['mailprotector'] ?? '');
  const psa = psaOfStack(stack);
  const system = { api, mailprotector, psa };
  const customers = async () => (await mailprotector.state<{ customers: WorldCustomer[] }>()).customers;
  const known = new Set((await customers()).map((customer) => customer.id));
  const runs = () => api.all<RunView>(`/v1/integrations/${pull.id}/syncs`);
  const pathOf = (of: Connected, customer: { id: number }) => `/v1/integrations/${of.id}/accounts/${customer.id}`;
  const untilState = (of: Connected, customer: { id: number }, state: string) =>
    until(`customer ${customer.id} to be ${state}`, async () => {
      const view = await api.get<OnboardingView>(`${pathOf(of, customer)}/onboarding`);
      if (view.state !== state) throw new Error(`It is ${view.state}: ${view.process?.waitsFor}`);
      return view;
    });
  /** Compares a card with the simulated Mailprotector. @throws Error when the card shows another usage */
  const sameUsage = async (of: Connected, psaAccountId: string | null) => {
    const mapped = await api.all<{ id: string; psaAccountId: string }>(
      `/v1/integrations/${of.id}/accounts?mapped=true`,
    );
    const ids = mapped.filter((row) => row.psaAccountId === psaAccountId).map((row) => row.id);
    const used = trueUsage(
      (await customers()).filter((customer) => ids.includes(String(customer.id))),
      'MP-CLOUDFILTER',
    );
    return until('its card to have its usage', async () => {
      const cards = await api.all<CardView>(`/v1/cards?psaConnectionId=${of.psaConnectionId}`);
      const card = cards.find((row) => row.psaAccountId === psaAccountId && row.productId === 'MP-CLOUDFILTER');
      if (card?.usage !== used) throw new Error(`The card says ${card?.usage}, Mailprotector has ${used}.`);
      return card;
    });
  };
  for (const { id } of [withPartner, stranger]) stack.noteWorkflow(`onboard/${pull.id}/${id}`);

  say('\nNew customers:');
  await checks.run('onboard.push', async () => {
    if (!known.has(assigned.id)) {
      const { key } = await api.post<{ key: string }>(`/v1/integrations/${push.id}/key`, { overlapHours: 0 });
      const console = await openVendorConsole(mailprotector.url);
      await console.enable(key);
      await addCustomer(mailprotector, assigned);
      const client = (await console.clients('northwind'))[0];
      if (!client) throw new Error('The text field finds no client.');
      await console.assign(assigned.id, client.id);
      await untilState(push, assigned, 'waiting');
      await console.updateCounts();
    }
    const view = await untilState(push, assigned, 'done');
    if (view.how !== 'vendor') throw new Error(`It was mapped by ${view.how}.`);
    const card = await sameUsage(push, view.psaAccountId);
    return `"${assigned.name}" was assigned to "${card.psaAccountName}" in Mailprotector; Update Counts showed its card`;
  });

  await checks.run('onboard.pull', async () => {
    if (!known.has(withPartner.id)) {
      await addCustomer(mailprotector, withPartner);
      await addCustomer(mailprotector, stranger);
      await syncNow(system, pull.id);
    }
    const view = await untilState(pull, withPartner, 'done');
    if (view.how !== 'exact') throw new Error(`It was mapped by ${view.how}.`);
    await sameUsage(pull, view.psaAccountId);
    return `"${withPartner.name}" was found by a sync, matched by its name and counted; nobody was asked`;
  });

  await checks.run('onboard.lateMapping', async () => {
    const mappedBefore = known.has(stranger.id);
    let took = '';
    if (!mappedBefore) {
      await untilState(pull, stranger, 'waiting');
      const before = (await runs()).length;
      const path = `/v1/psa-connections/${pull.psaConnectionId}/accounts?search=northwind`;
      const { items } = await api.get<{ items: { id: string }[] }>(path);
      const began = performance.now();
      await api.decide('PUT', pathOf(pull, stranger), 'mapping', { psaAccountId: items[0]?.id });
      await untilState(pull, stranger, 'done');
      took = ` within ${((performance.now() - began) / 1000).toFixed(1)} s`;
      if ((await runs()).length !== before) throw new Error('It took a full sync.');
    }
    const view = await untilState(pull, stranger, 'done');
    const card = await sameUsage(pull, view.psaAccountId);
    say(`    "${stranger.name}" is billed with "${card.psaAccountName}": ${card.usage} users together`);
    return `"${stranger.name}" waited for a person; mapped, it alone was read, and its card was there${took}`;
  });

  await checks.run('schedule', async () => {
    // Twelve hours from now, so that no nightly sync starts while the walkthrough runs.
    const at = new Date(Date.now() + 12 * 3_600_000).toISOString().slice(11, 16);
    const chosen = await api.put<{ nextRuns: string[] }>(`/v1/integrations/${pull.id}/schedule`, {
      choice: { every: 'night', at },
      timeZone: 'UTC',
      jitterMinutes: 0,
    });
    const scheduleId = `sync/${pull.id}`;
    const path = `/api/v1/namespaces/default/schedules/${encodeURIComponent(scheduleId)}`;
    // The Schedule as the Temporal UI shows it.
    const shown = await until('the Schedule to be in Temporal, as it was chosen', async () => {
      const answer = await fetch(`${stack.temporalUi}${path}`);
      if (!answer.ok) throw new Error(`The Temporal UI answered ${answer.status}.`);
      const { info } = (await answer.json()) as { info: { futureActionTimes: string[] } };
      const next = info.futureActionTimes.slice(0, chosen.nextRuns.length);
      same(next.map(instant), chosen.nextRuns.map(instant), 'next runs in Temporal');
      return next;
    });
    return `every night at ${at}; Temporal's next ${shown.length} runs are those that the API lists`;
  });

  await checks.run('health', async () => {
    const { items } = await api.get<{ items: Health[] }>('/v1/health');
    const [pulled, pushed] = [pull, push].map((of) => items.find((item) => item.integrationId === of.id));
    for (const item of [pulled, pushed]) {
      if (!item || item.state === 'failing') throw new Error(`Health is ${item?.state}: ${item?.waits[0]?.what}`);
      if (item.dataAgeSeconds === null || item.dataAgeSeconds > 3_600) throw new Error('The data is old.');
    }
    const metrics = await (await fetch(`${stack.api}/metrics`)).text();
    if (!metrics.includes(`countersign_data_age_seconds{integration="${pull.id}"}`))
      throw new Error('The metrics do not have it.');
    const { items: open } = await api.get<{ items: object[] }>(`/v1/onboardings?integrationId=${pull.id}&open=true`);
    if (pulled?.customersWaiting !== open.length) throw new Error(`${pulled?.customersWaiting} customers wait.`);
    return `${items.length} integrations, none failing; data ${pulled?.dataAgeSeconds} s old, in the API and in the metrics`;
  });
}

const instant = (time: string) => new Date(time).getTime();
