/**
 * The messages of a vendor that pushes, through the Vendor API: its status, its profile, its accounts and its services.
 */
import type { Database, Transaction } from '../db/client.ts';
import type { IntegrationRow } from '../db/queries/integration.ts';
import { completeMigrationStep } from '../db/queries/migration.ts';
import { completeByFact } from '../db/queries/process.ts';
import { hasAcceptedAndLinked, movePushStatus, storePushStatus } from '../db/queries/push.ts';
import {
  changeThings,
  putSku,
  putThings,
  type PushedKind,
  type PushedSku,
  type PushedThing,
} from '../db/queries/pushCatalogue.ts';
import { connectProcess, type Wakeable } from '../domain/process/ids.ts';
import { canMove, pushStatusMoves, type PushStatus } from '../domain/transitions.ts';
import { audit, vendorActor, type Actor, type Command } from './actor.ts';
import { linkersOf } from './integration.ts';
import { askToMatch, beginOnboardings } from './onboarding.ts';
import { Refusal } from './refusal.ts';

interface Integration {
  integration: IntegrationRow;
}

const subjectOf = ({ id }: Pick<IntegrationRow, 'id'>) => ({ subjectKind: 'integration', subjectId: id });

/**
 * Sets the status that the vendor reports. `pending` never demotes an active integration: a vendor that restarts sends
 * it again.
 *
 * @returns the integration's status now
 */
export const setPushStatus: Command<Integration & { status: PushStatus }, { pushStatus: PushStatus }> = async (
  tx,
  actor,
  { integration, status },
) => {
  const connect = connectProcess(integration);
  const { pushStatus: before } = integration;
  const pushStatus = canMove(before, pushStatusMoves[status]) ? status : before;
  await storePushStatus(tx, integration.id, { pushStatus });
  if (pushStatus === 'pending' || pushStatus === 'active') {
    await completeByFact(tx, { ...connect, round: '1', step: 'enable' });
    await completeLinkCustomers(tx, integration);
  }
  const moved = { before: { status: before }, after: { status: pushStatus } };
  if (pushStatus !== before)
    await audit(tx, actor, { action: 'integration.pushStatus', ...subjectOf(integration), ...moved });
  return { pushStatus, toWake: [connect] };
};

/**
 * Makes an integration active on its first accepted count or alert, as Gradient's platform does. Of several that come at
 * once, one makes the change.
 *
 * @param seen the integration as the request found it: one that is active already costs no statement
 */
export async function activate(db: Database, seen: Pick<IntegrationRow, 'id' | 'pushStatus'>): Promise<void> {
  const { post } = pushStatusMoves;
  if (!canMove(seen.pushStatus, post)) return;
  await db.transaction(async (tx) => {
    const moved = await movePushStatus(tx, seen.id, post);
    if (!moved) return;
    const change = { before: { status: moved.before }, after: { status: post.to } };
    await audit(tx, vendorActor(moved), { action: 'integration.pushStatus', ...subjectOf(moved), ...change });
  });
}

/**
 * Completes `linkCustomers` when the vendor has accepted the key and reported a customer: that is how a vendor that
 * pushes links customers (G10).
 */
async function completeLinkCustomers(tx: Transaction, row: IntegrationRow): Promise<void> {
  if (await hasAcceptedAndLinked(tx, row.id))
    await completeByFact(tx, { ...connectProcess(row), round: '1', step: 'linkCustomers' });
}

/** Changes the vendor's description of itself; fields that the vendor does not send stay as they are. */
export const changeVendorProfile: Command<
  Integration & { change: IntegrationRow['vendorProfile'] },
  { vendorProfile: IntegrationRow['vendorProfile'] }
> = async (tx, actor, { integration, change }) => {
  const vendorProfile = { ...integration.vendorProfile, ...change };
  await storePushStatus(tx, integration.id, { vendorProfile });
  const moved = { before: integration.vendorProfile, after: vendorProfile };
  await audit(tx, actor, { action: 'vendor.profile', ...subjectOf(integration), ...moved });
  return { vendorProfile, toWake: [] };
};

/** Adds a SKU, or changes the SKU of the same name. */
export const putService: Command<Integration & { sku: PushedSku & { id: string } }> = async (
  tx,
  actor,
  { integration, sku },
) => {
  await putSku(tx, integration.id, sku);
  await audit(tx, actor, { action: 'service.put', ...subjectOf(integration), after: { name: sku.name } });
  return { toWake: [] };
};

/**
 * Creates accounts, or services of this organization alone, or updates existing ones; of several entries with one id,
 * the last one counts.
 */
export const putPushed: Command<
  Integration & { of: PushedKind; entries: readonly (PushedThing & { name: string })[] }
> = async (tx, actor, { integration, of, entries }) => {
  // One statement cannot write the same row twice.
  const lastOfEach = [...new Map(entries.map((entry) => [entry.id, entry])).values()];
  const created = await putThings(tx, of, integration.id, lastOfEach);
  const found = { by: 'vendor' as const, actor };
  const begun = of === 'accounts' ? await beginOnboardings(tx, integration, created, found) : [];
  return { toWake: await notePushed(tx, actor, { integration, of }, { action: `${of}.put`, entries, begun }) };
};

/**
 * Changes accounts, or services, all of them or none.
 *
 * @throws Refusal for an unknown id
 */
export const changePushed: Command<Integration & { of: PushedKind; entries: readonly PushedThing[] }> = async (
  tx,
  actor,
  { integration, of, entries },
) => {
  const unknown = await changeThings(tx, of, integration.id, merged(entries));
  if (unknown !== undefined)
    throw new Refusal(
      'unknown',
      'not-found',
      `No ${of === 'accounts' ? 'account' : 'service'} found with id: ${unknown}`,
    );
  // The account's new name may equal the name of a PSA account.
  const begun = of === 'accounts' ? await askToMatch(tx, { integrationId: integration.id }) : [];
  return { toWake: await notePushed(tx, actor, { integration, of }, { action: `${of}.change`, entries, begun }) };
};

async function notePushed(
  tx: Transaction,
  actor: Actor,
  { integration, of }: Integration & { of: PushedKind },
  { action, entries, begun }: { action: string; entries: readonly PushedThing[]; begun: readonly Wakeable[] },
): Promise<Wakeable[]> {
  const linkers = await linkersOf(tx, integration);
  if (of === 'accounts') {
    await completeLinkCustomers(tx, integration);
    await completeMigrationStep(tx, integration.id, 'linkCustomers');
  }
  await audit(tx, actor, { action, ...subjectOf(integration), after: { count: entries.length } });
  return [...linkers, ...begun];
}

/** Merges entries of one id: each field gets the value that was given last, as if the changes were made one by one. */
function merged(entries: readonly PushedThing[]): PushedThing[] {
  const byId = new Map<string, PushedThing>();
  for (const entry of entries) {
    const given = Object.entries(entry).filter(([, value]) => value !== undefined);
    byId.set(entry.id, { ...byId.get(entry.id), ...Object.fromEntries(given), id: entry.id });
  }
  return [...byId.values()];
}
