/**
 * The steps of the guide, taken through the API as a person would take them; for the walkthrough, the tests and the benches.
 */
import { keys } from '../../simulators/mailprotector/keys.ts';
import { simulatedPsa, usualPsa } from '../../simulators/psas.ts';
import { serviceProducts } from '../../simulators/world.ts';
import { skuOf } from '../../domain/skuCatalogue.ts';
import type { ApiClient } from './apiClient.ts';
import { until } from '../until.ts';

/** The programs with which the steps work. */
export interface System {
  api: ApiClient;
  /** The simulated PSA. */
  psa: { kind: string; url: string };
}

/** Credentials that the simulators accept. */
export const goodCredentials = {
  vendor: { resellerId: '500', apiKey: keys.reseller },
  /** Of the PSA that is simulated unless another one is asked for. */
  psa: (url: string, member?: string) => simulatedPsa(usualPsa).credentials(url, member),
};

const psaCredentialsFor = ({ psa }: System) => simulatedPsa(psa.kind).credentials(psa.url);

export interface StepView {
  step: string;
  state: string;
  problem: { code: string; what: string; todo: string } | null;
}

export interface IntegrationView {
  id: string;
  psaConnectionId: string;
  modules: string[];
  process: { done: boolean; waitsFor: string | null; workflowId: string; steps: StepView[] };
}

export interface CardView {
  id: string;
  psaAccountId: string;
  psaAccountName: string;
  psaProductId: string;
  productId: string;
  kind: string;
  usage: number | null;
  target: number | null;
  current: number;
  write: WriteView | null;
  approvable: boolean;
  bulkApprovable: boolean;
  flags: { code: string; reason: string }[];
}

/** The write that a card shows; signing the card off sends it back unchanged. */
export interface WriteView {
  lineId: string;
  from: number;
  to: number;
  effectiveDate: string | null;
}

export interface SkippedView {
  cardId: string;
  reason: string;
  words: string;
  asked: WriteView;
  now: WriteView | null;
}

export interface ApprovalView {
  id: string;
  psaConnectionId: string;
  state: string;
  note: string | null;
  lines: number;
  counts: Record<string, number>;
  skipped: { reason: string; cards: number }[];
}

/** An approval with all its lines. */
export interface ClosedApproval extends Omit<ApprovalView, 'lines'> {
  lines: {
    id: string;
    cardId: string;
    agreementId: string;
    lineId: string;
    from: number;
    to: number;
    state: string;
    problem: { code: string } | null;
    settledAt: string | null;
  }[];
}

export async function createPsaConnection(
  system: System,
  credentials = psaCredentialsFor(system),
  name = 'Test PSA',
): Promise<string> {
  const { id } = await system.api.post<{ id: string }>('/v1/psa-connections', {
    kind: system.psa.kind,
    name,
    credentials,
  });
  return id;
}

export type Module = 'billing' | 'alerts';

export async function createIntegration(
  system: System,
  psaConnectionId: string,
  modules: readonly Module[] = ['billing'],
): Promise<string> {
  const { integration } = await system.api.post<{ integration: IntegrationView }>('/v1/integrations', {
    vendor: 'mailprotector',
    psaConnectionId,
    intake: 'pull',
    modules,
    viaVirtualAdministrator: false,
  });
  return integration.id;
}

export async function stepOf(system: System, integrationId: string, step: string): Promise<StepView> {
  const { process } = await system.api.get<IntegrationView>(`/v1/integrations/${integrationId}`);
  const found = process.steps.find((row) => row.step === step);
  if (!found) throw new Error(`There is no step ${step}.`);
  return found;
}

/** Waits until every step before this one is finished. */
export async function reach(system: System, integrationId: string, step: string): Promise<void> {
  await until(`the connect process to reach ${step}`, async () => {
    const { process } = await system.api.get<IntegrationView>(`/v1/integrations/${integrationId}`);
    const at = process.steps.findIndex((row) => row.step === step);
    const open = process.steps.slice(0, at).find((row) => !['done', 'skipped'].includes(row.state));
    if (open) throw new Error(`It is at ${open.step}, which is ${open.state}: ${open.problem?.what}`);
    return true;
  });
}

/** What a person does at each step of connect. Each function waits until its step is the next one. */
export const person = {
  async psaCredentials(
    system: System,
    psaConnectionId: string,
    credentials = psaCredentialsFor(system),
  ): Promise<void> {
    await system.api.put(`/v1/psa-connections/${psaConnectionId}/credentials`, { kind: system.psa.kind, credentials });
  },
  async credentials(system: System, integrationId: string, credentials = goodCredentials.vendor): Promise<void> {
    await system.api.put(`/v1/integrations/${integrationId}/vendor-credentials`, credentials);
  },
  async linkAll(system: System, integrationId: string): Promise<void> {
    await reach(system, integrationId, 'linkCustomers');
    await system.api.post(`/v1/integrations/${integrationId}/customers/link`, { all: true });
  },
  /** Chooses the board of this name, after Check Permissions has read the boards (G12, G13). */
  async chooseBoard(system: System, integrationId: string, psaConnectionId: string, name = 'Alerts'): Promise<void> {
    const board = await until('the boards to be read', async () => {
      const boards = await system.api.all<{ id: string; name: string; statuses: object[] | null }>(
        `/v1/psa-connections/${psaConnectionId}/boards`,
      );
      return boards.find((each) => each.name === name && each.statuses);
    });
    await system.api.put(`/v1/integrations/${integrationId}/board`, { boardId: board.id });
  },
  async mapAccounts(system: System, integrationId: string): Promise<void> {
    await reach(system, integrationId, 'mapAccounts');
    await system.api.post(`/v1/integrations/${integrationId}/steps/mapAccounts/complete`);
  },
  async mapServices(system: System, integrationId: string, psaConnectionId: string): Promise<void> {
    await reach(system, integrationId, 'mapServices');
    for (const { display, productId } of serviceProducts) {
      const path = `/v1/psa-connections/${psaConnectionId}/products?search=${encodeURIComponent(productId)}`;
      const { items } = await system.api.get<{ items: { id: string; productId: string }[] }>(path);
      const product = items.find((item) => item.productId === productId);
      await system.api.decide('PUT', `/v1/integrations/${integrationId}/services/${skuOf(display)}`, 'mapping', {
        productIds: [product?.id],
      });
    }
    await system.api.post(`/v1/integrations/${integrationId}/steps/mapServices/complete`);
  },
  async finish(system: System, integrationId: string): Promise<void> {
    await reach(system, integrationId, 'finish');
    await system.api.post(`/v1/integrations/${integrationId}/steps/finish/complete`);
  },
};

export async function untilConnected(system: System, integrationId: string): Promise<void> {
  await until('connect to be done', async () => {
    const { process } = await system.api.get<IntegrationView>(`/v1/integrations/${integrationId}`);
    const open = process.steps.find((row) => !['done', 'skipped'].includes(row.state));
    if (open) throw new Error(`It is at ${open.step}, which is ${open.state}: ${open.problem?.what}`);
    return true;
  });
}

/** Goes through the whole guide, until the first counts are there. */
export async function connectAll(system: System): Promise<{ psaConnectionId: string; integrationId: string }> {
  const psaConnectionId = await createPsaConnection(system);
  const integrationId = await createIntegration(system, psaConnectionId);
  await person.credentials(system, integrationId);
  await person.linkAll(system, integrationId);
  await person.mapAccounts(system, integrationId);
  await person.mapServices(system, integrationId, psaConnectionId);
  await person.finish(system, integrationId);
  await untilConnected(system, integrationId);
  return { psaConnectionId, integrationId };
}

export interface RunView {
  id: string;
  state: string;
  finishedAt: string | null;
  guard: { reasons: string[]; figures: Record<string, number> } | null;
  figures: Record<string, number> | null;
}

export async function latestRun(system: System, integrationId: string): Promise<RunView | undefined> {
  const { items } = await system.api.get<{ items: RunView[] }>(`/v1/integrations/${integrationId}/syncs?limit=1`);
  return items[0];
}

/** Asks for a sync and waits until its run is over. */
export async function syncNow(system: System, integrationId: string, limitMs?: number): Promise<RunView> {
  const before = await latestRun(system, integrationId);
  await system.api.post(`/v1/integrations/${integrationId}/syncs`);
  const isOver = async () => {
    const run = await latestRun(system, integrationId);
    return run && run.id !== before?.id && run.finishedAt !== null ? run : undefined;
  };
  return until('the sync to be over', isOver, limitMs);
}

export interface SignedOff {
  approval: ApprovalView;
  skipped: { items: SkippedView[]; nextCursor: string | null };
}

/** Returns what is sent to sign a card off: the write that the card shows. */
export function seenOf({ id, write }: Pick<CardView, 'id' | 'write'>): object {
  return { cardId: id, ...write };
}

/** Signs these cards off with the writes that they show. */
export async function signOff(system: System, cards: readonly Pick<CardView, 'id' | 'write'>[]): Promise<SignedOff> {
  return system.api.post<SignedOff>('/v1/approvals', { cards: cards.map(seenOf) });
}

export async function untilApprovalClosed(system: System, id: string, limitMs?: number): Promise<ClosedApproval> {
  const closed = await until(
    'the approval to be closed',
    async () => {
      const approval = await system.api.get<ApprovalView>(`/v1/approvals/${id}`);
      return approval.state === 'closed' ? approval : undefined;
    },
    limitMs,
  );
  return { ...closed, lines: await system.api.all<ClosedApproval['lines'][number]>(`/v1/approvals/${id}/lines`) };
}
