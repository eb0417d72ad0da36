/** The guide to approved cards, disturbed in every step; what it is disturbed with is the test's. */
import { holdSteps, type HeldStep } from '../kit/faultyDatabase.ts';
import {
  createIntegration,
  createPsaConnection,
  person,
  reach,
  signOff,
  untilApprovalClosed,
  untilConnected,
  type CardView,
} from '../../dev/walkthrough/guide.ts';
import type { SimulatorAdmin } from '../../dev/walkthrough/simulatorAdmin.ts';
import type { System } from '../kit/system.ts';
import { until } from '../../dev/until.ts';
import type { ProcessKind } from '../../domain/process/steps.ts';

export interface Disturbance {
  /** Called while `step` of the process is in the middle of its work, or waits for a person. */
  during(kind: ProcessKind, id: string, step: string): Promise<void>;
  /** Called once the step may go on: what was killed is started again, for instance. */
  after(kind: ProcessKind, id: string, step: string): Promise<void>;
}

/** Three cards are approved: enough for a batch, few enough to settle fast. */
const approved = 3;

export async function walkDisturbed(system: System, disturbance: Disturbance): Promise<void> {
  let psaConnectionId = '';
  let integrationId = '';
  let batchId = '';
  const idOf = (kind: ProcessKind) => {
    if (kind === 'refreshPsa') return psaConnectionId;
    return kind === 'approveUsage' ? batchId : integrationId;
  };

  /** Disturbs in the middle of the transaction that finishes an automatic step, then lets it end or be done again. */
  async function inTransaction(held: HeldStep): Promise<void> {
    await held.reached();
    await disturbance.during(held.kind, idOf(held.kind), held.step);
    await held.release();
    await disturbance.after(held.kind, idOf(held.kind), held.step);
  }
  async function inTransactions(
    steps: readonly (readonly [ProcessKind, string])[],
    first: () => Promise<unknown>,
  ): Promise<void> {
    const held = await holdSteps(system, steps);
    await first();
    for (const step of held.steps) await inTransaction(step);
    await held.close();
  }

  /** Disturbs while a call to the outside is under way. */
  async function inCall(
    kind: ProcessKind,
    step: string,
    call: { simulator: SimulatorAdmin; path: string; skip?: number },
    cause: () => Promise<unknown>,
  ): Promise<void> {
    const { simulator, ...which } = call;
    // It hangs once; whoever asks again is answered.
    await simulator.fault({ kind: 'hang', method: 'GET', ...which });
    await cause();
    await until(`a call of ${step} to hang`, async () =>
      (await simulator.log('GET', call.path.replace(/\$$/, ''))).some((entry) => entry.faults?.includes('hang')),
    );
    await disturbance.during(kind, idOf(kind), step);
    await disturbance.after(kind, idOf(kind), step);
  }

  /** Disturbs while the process waits for a person, and once more right after the person has acted. */
  async function whileWaiting(step: string, act: () => Promise<void>): Promise<void> {
    await reach(system, integrationId, step);
    await disturbance.during('connect', integrationId, step);
    await act();
    await disturbance.after('connect', integrationId, step);
  }
  const nothing = () => Promise.resolve();
  const { mailprotector, psa } = system;
  const { checkRights, readLines, setQuantity } = psa.requests;
  const writes = () => psa.log(setQuantity.method, setQuantity.path);

  // The PSA is read when it is connected, and again when connect needs it.
  await inTransactions(
    [
      ['refreshPsa', 'pullPsa'],
      ['refreshPsa', 'applyPsa'],
    ],
    () =>
      inCall('refreshPsa', 'checkPsaPermissions', { simulator: psa, path: checkRights.path }, async () => {
        psaConnectionId = await createPsaConnection(system);
      }),
  );
  await until('the PSA to be read', async () => {
    const connection = await system.api.get<{ refreshedAt: string | null }>(`/v1/psa-connections/${psaConnectionId}`);
    return connection.refreshedAt !== null;
  });

  integrationId = await createIntegration(system, psaConnectionId);
  await whileWaiting('credentials', nothing);
  const customers = { simulator: mailprotector, path: '/resellers/500/customers$' };
  await inCall('connect', 'verifyCredentials', customers, () => person.credentials(system, integrationId));
  await whileWaiting('linkCustomers', nothing);
  // `psa` of connect is finished by the refresh that it needs, in the transaction that makes it visible.
  // So many that some lines are staged, and fewer than a PSA is asked that lists the lines of several agreements at once.
  const lines = { simulator: psa, path: readLines.path, skip: 5 };
  await inTransactions(
    [
      ['connect', 'psa'],
      ['connect', 'matchExactly'],
    ],
    () => inCall('refreshPsa', 'pullPsa', lines, () => person.linkAll(system, integrationId)),
  );
  await whileWaiting('mapAccounts', () => person.mapAccounts(system, integrationId));
  await whileWaiting('mapServices', () => person.mapServices(system, integrationId, psaConnectionId));
  await whileWaiting('finish', nothing);
  const groups = { simulator: mailprotector, path: '/user_groups/\\d+/services$', skip: 12 };
  await inTransactions(
    (['freshPsa', 'checkComplete', 'guard', 'apply', 'close'] as const).map((step) => ['sync', step]),
    () => inCall('sync', 'pullVendor', groups, () => person.finish(system, integrationId)),
  );
  await untilConnected(system, integrationId);

  await system.api.put(`/v1/psa-connections/${psaConnectionId}/writes`, { enabled: true });
  const cards = await cardsToApprove(system);
  // The second write is committed in the PSA and never answered.
  await psa.fault({ kind: 'afterCommit', then: 'hang', ...setQuantity, skip: 1 });
  await inTransactions(
    [
      ['approveUsage', 'write'],
      ['approveUsage', 'settle'],
      ['approveUsage', 'close'],
    ],
    async () => {
      const { approval } = await signOff(system, cards);
      batchId = approval.id;
      await until('the second write to arrive', async () => (await writes()).length === 2);
      await disturbance.during('approveUsage', batchId, 'write');
      await disturbance.after('approveUsage', batchId, 'write');
    },
  );
  await untilApprovalClosed(system, batchId);
}

/** The same cards in every run: their ids differ, what they are about does not. */
async function cardsToApprove(system: System): Promise<Pick<CardView, 'id' | 'write'>[]> {
  const cards = await system.api.all<CardView>('/v1/cards');
  return cards
    .filter((card) => card.bulkApprovable)
    .map((card) => ({ ...card, key: `${card.psaAccountId}/${card.psaProductId}` }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .slice(0, approved);
}
