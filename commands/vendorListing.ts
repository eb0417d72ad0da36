/** Takes over the customers that the vendor lists. */
import { addServices, storeVendorAccounts, storeVendorName, type IntegrationRow } from '../db/queries/integration.ts';
import { stagePushed } from '../db/queries/push.ts';
import { stageRead, type ReadRows } from '../db/queries/staging.ts';
import { noteIncomplete, readSyncRun, updateRun } from '../db/queries/sync.ts';
import { dropLowering, listStagedServices, stageZeroes } from '../db/queries/usage.ts';
import { audit, type Command } from './actor.ts';
import { noteCustomerChanges } from './customerChanges.ts';

interface Listed {
  integration: IntegrationRow;
  accounts: readonly { id: string; name: string }[];
  /** The incomplete lists that a person accepted; undefined = nobody has accepted any. */
  accepting: Parameters<typeof noteIncomplete>[2];
}

const subjectOf = ({ id }: IntegrationRow) => ({ subjectKind: 'integration', subjectId: id });

/** Stores the reseller's name, and the customers to choose from: the credentials are good. */
export const storeVerified: Command<Listed & { resellerName: string }> = async (tx, actor, input) => {
  const { integration, accounts, accepting, resellerName } = input;
  const incomplete = accepting?.lists.length ? { incomplete: accepting } : undefined;
  await storeVendorName(tx, integration.id, resellerName);
  const changes = await storeVendorAccounts(tx, integration.id, accounts, { whole: !incomplete });
  const after = { accounts: accounts.length, ...incomplete };
  await audit(tx, actor, { action: 'vendor.verified', ...subjectOf(integration), after });
  // On reconnecting, or on switching to the intake pull, customers may have appeared in the meantime.
  return { toWake: await noteCustomerChanges(tx, integration, null, changes) };
};

/**
 * Completes what a run has read, now that every page has arrived: takes over the customers, and stages the zeroes of what
 * is absent (invariant 2). Where a person accepted incomplete lists, nothing is zeroed, no customer counts as gone, and
 * staged counts that would lower a number are dropped (invariant 3).
 *
 * @param input.late what was read of customers that were missed before
 * @param input.missed how many customers were missed
 * @param input.absent linked customers that no list contains
 */
export const completeReading: Command<
  Listed & {
    runId: string;
    unread: NonNullable<ReadRows['unread']>;
    late: readonly ReadRows[];
    missed: number;
    absent: readonly string[];
  }
> = async (tx, actor, { integration, runId, accounts, unread, accepting, late, missed, absent }) => {
  const { id } = integration;
  await noteIncomplete(tx, runId, accepting);
  const { incomplete } = await readSyncRun(tx, runId);
  const whole = incomplete === null;
  const gone = whole ? absent : [];
  await stageRead(tx, runId, { accounts, unread });
  for (const page of late) await stageRead(tx, runId, page);
  const posted = await stagePushed(tx, id, runId);
  if (whole) await stageZeroes(tx, id, runId, gone);
  const changes = await storeVendorAccounts(tx, id, accounts, { whole });
  await addServices(tx, id, await listStagedServices(tx, runId));
  if (!whole) await dropLowering(tx, id, runId);
  const figures = {
    accounts: accounts.length,
    lateAccounts: missed,
    goneAccounts: gone.length,
    posted,
    ...(incomplete ? { incompleteLists: incomplete.count } : {}),
  };
  await updateRun(tx, runId, { figures });
  await audit(tx, actor, { action: 'vendor.listed', ...subjectOf(integration), after: figures });
  return { toWake: await noteCustomerChanges(tx, integration, runId, changes) };
};
