/**
 * Walks through what an operator does (docs/operations.md): each check breaks something in the running stack, sees that health, the
 * doctor's sources and Temporal say so, and frees it again.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { demoVendorKey, type Stack } from '../stack/stack.ts';
import { until } from '../until.ts';
import { createApiClient } from './apiClient.ts';
import type { Checks } from './checks.ts';
import { same } from './expectedUsage.ts';
import { latestRun } from './guide.ts';
import { psaOfStack, simulatorAdmin } from './simulatorAdmin.ts';
import { openVendorConsole } from './vendorConsole.ts';

interface Connected {
  id: string;
  psaConnectionId: string;
}

interface Wait {
  code?: string;
  what: string;
  workflowId: string;
}

/** Problems with which a process is not blocked. */
const notBlocked = new Set(['waits_for_blocked', 'retrying', 'paused', 'schedule_paused', 'sweep_late']);

/** @throws Error when a check does not hold */
export async function walkOps(
  stack: Stack,
  checks: Checks,
  say: (line: string) => void,
  { pull, push }: { pull: Connected; push: Connected },
): Promise<void> {
  const api = createApiClient(stack.api, stack.token);
  const mailprotector = simulatorAdmin(stack.simulators['mailprotector'] ?? '');
  const psa = psaOfStack(stack);
  const system = { api, mailprotector, psa };
  const connection = await Connection.connect({ address: stack.temporalAddress });
  const temporal = new Client({ connection });
  const find = async (query: string) => {
    const found: string[] = [];
    for await (const { workflowId } of temporal.workflow.list({ query })) found.push(workflowId);
    return found.toSorted();
  };
  const untilFound = (query: string, workflowId: string) =>
    until(`${query} to find ${workflowId}`, async () => (await find(query)).includes(workflowId));
  const untilGone = (query: string, workflowId: string) =>
    until(`${query} to find ${workflowId} no more`, async () => !(await find(query)).includes(workflowId));
  const waitsOf = async ({ id }: Connected) =>
    (await api.get<{ waits: Wait[] }>(`/v1/integrations/${id}/health`)).waits;
  const untilSaid = (of: Connected, code: string) =>
    until(`health to say ${code}`, async () => (await waitsOf(of)).find((wait) => wait.code === code));
  const untilSilent = (of: Connected, code: string) =>
    until(`health to say ${code} no more`, async () => !(await waitsOf(of)).some((wait) => wait.code === code));

  say('\nOperations:');
  const { key } = await api.post<{ key: string }>(`/v1/integrations/${push.id}/key`, { overlapHours: 0 });
  const console = await openVendorConsole(mailprotector.url);
  await console.enable(key);
  const [account] = await api.all<{ id: string }>(`/v1/integrations/${push.id}/accounts?mapped=true`);
  const [service] = await api.all<{ id: string; productIds: string[] | null }>(`/v1/integrations/${push.id}/services`);

  try {
    await checks.run('ops.held', async () => {
      // A number that the vendor sends by mistake; what the simulator knows stays as it is.
      const path = `/api/vendor-api/service/${encodeURIComponent(service?.id ?? '')}/count`;
      const before = await latestRun(system, push.id);
      const answer = await fetch(`${stack.api}${path}`, {
        method: 'POST',
        headers: {
          'GRADIENT-TOKEN': Buffer.from(`${demoVendorKey}:${key}`).toString('base64'),
          'content-type': 'application/json',
        },
        body: JSON.stringify({ accountId: account?.id, unitCount: 1_000_000 }),
      });
      if (!answer.ok) throw new Error(`The count was answered ${answer.status}: ${await answer.text()}`);
      const run = await until('the run to be held', async () => {
        const now = await latestRun(system, push.id);
        return now && now.id !== before?.id && now.state === 'held' ? now : undefined;
      });
      const workflowId = `sync/${push.id}`;
      await untilFound("Blocked = true and Problem = 'held'", workflowId);
      const { what } = await untilSaid(push, 'held');
      await api.post(`/v1/syncs/${run.id}/discard`);
      await untilGone("Problem = 'held'", workflowId);
      await untilSilent(push, 'held');
      return `a count of a million: Temporal and health said "${what.slice(0, 60)} …"; discarded, nothing is held`;
    });

    await checks.run('ops.refused', async () => {
      await psa.fault({ kind: 'status', ...psa.requests.createTicket, status: 400 });
      const alert = {
        alertId: `refused-${Date.now().toString(36)}`,
        title: 'Refused once',
        description: 'By the PSA.',
      };
      const id = await console.sendAlert(Number(account?.id), alert);
      await untilFound("Blocked = true and Problem = 'refused'", `alert/${id}`);
      const { what } = await untilSaid(push, 'refused');
      await temporal.workflow.getHandle(`alert/${id}`).signal('wake');
      await until('the alert to be delivered', async () => {
        const { state } = await api.get<{ state: string }>(`/v1/alerts/${id}`);
        return state === 'delivered';
      });
      await untilSilent(push, 'refused');
      return `${what.split('. ')[0]}: Temporal and health said so; the Signal wake tried it again, and there is a ticket`;
    });

    await checks.run('ops.deadWorker', async () => {
      await stack.kill('worker');
      const before = await latestRun(system, pull.id);
      await api.post(`/v1/integrations/${pull.id}/syncs`);
      const ready = () => api.get<{ temporal: string; words: string }>('/readyz');
      const began = performance.now();
      const { words } = await until('the dead worker to be missed', async () => {
        const now = await ready();
        return now.temporal === 'no worker' ? now : undefined;
      });
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      await stack.restart('worker');
      await until('the sync that was asked for to be over', async () => {
        const run = await latestRun(system, pull.id);
        return run !== undefined && run.id !== before?.id && run.state === 'applied';
      });
      await until('everything to work', async () => (await ready()).temporal === 'ready');
      return `after ${seconds} s /readyz said "${words}"; what was asked meanwhile was done by the next worker`;
    });

    await checks.run('ops.paused', async () => {
      const schedule = temporal.schedule.getHandle(`sync/${pull.id}`);
      await schedule.pause('The walkthrough pauses it');
      const { what } = await untilSaid(pull, 'schedule_paused');
      const { pausedInTemporal } = await api.get<{ pausedInTemporal: boolean }>(`/v1/integrations/${pull.id}/schedule`);
      if (!pausedInTemporal) throw new Error('The API does not say that the Schedule is paused.');
      await schedule.unpause('The walkthrough goes on');
      await untilSilent(pull, 'schedule_paused');
      return `paused in Temporal, health said "${what.split(':')[0]}"; unpaused there, it goes on`;
    });

    await checks.run('ops.searches', async () => {
      const file = fileURLToPath(new URL('../../docs/operations.md', import.meta.url));
      const documented = [...readFileSync(file, 'utf8').matchAll(/^\|[^|]+\| +`([^`]+)` +\|$/gm)];
      const { organization } = await api.get<{ organization: { id: string } }>('/v1/me');
      for (const [, query = ''] of documented)
        await find(
          query
            .replace("OrganizationId = '…'", `OrganizationId = '${organization.id}'`)
            .replace("IntegrationIds = '…'", `IntegrationIds = '${pull.id}'`),
        );
      // What Temporal calls blocked is what health calls blocked.
      const count = await until('Temporal and health to agree', async () => {
        const said = new Set<string>();
        const { items } = await api.get<{ items: { waits: Wait[] }[] }>('/v1/health');
        for (const { code, workflowId } of items.flatMap(({ waits }) => waits))
          if (code !== undefined && !notBlocked.has(code)) said.add(workflowId);
        same(await find("Blocked = true and Problem != 'waits_for_blocked'"), [...said].toSorted(), 'what is blocked');
        return { said: said.size };
      });
      return `Temporal answers the ${documented.length} searches of docs/operations.md; it and health agree on what is blocked (${count.said})`;
    });
  } finally {
    await connection.close();
  }
}
