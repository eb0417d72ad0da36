/** Connects a PSA, and changes a connection: its credentials, its settings, whether Countersign writes to it. */
import { fieldsOf } from '../connectors/fields.ts';
import { psaOf } from '../connectors/registry.ts';
import type { Queryable, Transaction } from '../db/client.ts';
import { listAlertsAtWork, listRefusedForAll, retryRefusedForAll } from '../db/queries/alerts.ts';
import { listBatchesAtWork } from '../db/queries/approvals.ts';
import { recomputeConnection } from '../db/queries/cards.ts';
import { listPermissionChecks } from '../db/queries/migration.ts';
import { commitFact, reopenBlocked } from '../db/queries/process.ts';
import {
  insertPsaConnection,
  lockPsaConnection,
  requestRefresh,
  storePsaCredentials,
  storePsaSettings,
  storeWritesEnabled,
  type PsaConnectionRow,
} from '../db/queries/psaConnection.ts';
import { refusedTicketFields } from '../domain/ticketFields.ts';
import { approvalProcess, refreshProcess, type Wakeable } from '../domain/process/ids.ts';
import { audit, type Actor, type Command } from './actor.ts';
import { changeAndAdmit } from './alertAdmission.ts';
import { stopWriting } from './approvalOutcome.ts';
import { endPause } from './endPause.ts';
import { Refusal } from './refusal.ts';

type Connection = Pick<PsaConnectionRow, 'id' | 'organizationId' | 'writesEnabled'>;
/** As `permissions` of a connection holds it. */
interface CheckedRights {
  capabilities?: Record<string, { state: string; evidence: string }>;
}
type Woken = Promise<{ toWake: Wakeable[] }>;

/**
 * Connects a PSA; Countersign's rights and the PSA's data are read at once.
 *
 * @param input with the credentials encrypted for its `id`
 * @throws Refusal for a field of tickets whose values have to be read first
 */
export const connectPsa: Command<Parameters<typeof insertPsaConnection>[2]> = async (tx, actor, input) => {
  const { id, kind, name, settings } = input;
  refuseFields(kind, settings, { before: {}, options: null }, 'settings.');
  const processRef = refreshProcess({ id, organizationId: actor.organizationId });
  await insertPsaConnection(tx, actor.organizationId, input);
  await requestRefresh(tx, id);
  await commitFact(tx, processRef);
  const after = { kind, name, settings };
  await audit(tx, actor, { action: 'psaConnection.create', subjectKind: 'psa_connection', subjectId: id, after });
  return { toWake: [processRef] };
};

/**
 * Stores new credentials: every blocked step that may need them tries again, rights and data are read, and a pause is
 * over.
 *
 * @param input.credentials encrypted for the connection
 * @param input.expireOn the day on which the credentials expire, YYYY-MM-DD; null = not known
 */
export const givePsaCredentials: Command<{
  connection: Connection;
  credentials: string;
  expireOn: string | null;
}> = async (tx, actor, { connection, credentials, expireOn }) => {
  return change(tx, actor, connection, { action: 'psaConnection.credentials' }, async (toWake) => {
    await storePsaCredentials(tx, connection.id, credentials, expireOn);
    for (const processRef of toWake) await reopenBlocked(tx, processRef);
    await requestRefresh(tx, connection.id);
    await endPause(tx, actor, { of: 'psa', id: connection.id });
  });
};

/** Reads rights and data again, now; ends the connection's pause. */
export const checkPsa: Command<{ connection: Connection }> = async (tx, actor, { connection }) => {
  return change(tx, actor, connection, { action: 'psaConnection.check' }, async () => {
    await requestRefresh(tx, connection.id);
    await endPause(tx, actor, { of: 'psa', id: connection.id });
  });
};

/**
 * Turns writing to the PSA on or off; when it is turned off, lines that are not written yet become a to-do list.
 *
 * @throws Refusal when writing is turned on and the PSA said, when it was last asked, that Countersign may not write
 */
export const setWrites: Command<{
  connection: Connection & Pick<PsaConnectionRow, 'permissions'>;
  enabled: boolean;
}> = async (tx, actor, { connection, enabled }) => {
  const rights = connection.permissions as CheckedRights | null;
  const write = rights?.capabilities?.['lines.write'];
  if (enabled && write?.state === 'denied') {
    const words = `The PSA does not let Countersign write: ${write.evidence} Grant the right, let the rights be checked, then turn writing on.`;
    throw new Refusal('conflict', 'writing-denied', words);
  }
  const moved = { before: { writesEnabled: connection.writesEnabled }, after: { writesEnabled: enabled } };
  return change(tx, actor, connection, { action: 'psaConnection.writes', ...moved }, async () => {
    await storeWritesEnabled(tx, connection.id, enabled);
    if (!enabled) await stopWriting(tx, actor, { psaConnectionId: connection.id });
  });
};

/**
 * Changes the settings that state what a PSA does where its documentation is silent, and recomputes the cards that
 * depend on them. The connection is locked, so that no approval is made in between. Alerts that wait because the PSA refuses a field
 * of all tickets are tried with the new values.
 *
 * @param input.slots the most deliveries of one integration that may be under way at once
 * @throws Refusal when there is no such connection, or the PSA does not offer what a field of tickets is set to
 */
export const changePsaSettings: Command<Pick<PsaConnectionRow, 'id' | 'settings'> & { slots: number }> = async (
  tx,
  actor,
  { id, settings, slots },
) => {
  const connection = await lockPsaConnection(tx, actor.organizationId, id);
  if (!connection) throw new Refusal('unknown', 'not-found', 'There is no such PSA connection.');
  refuseFields(connection.kind, settings, { before: connection.settings, options: connection.ticketOptions }, '');
  await storePsaSettings(tx, id, settings);
  await recomputeConnection(tx, id);
  const moved = { before: { settings: connection.settings }, after: { settings } };
  await audit(tx, actor, { action: 'psaConnection.settings', subjectKind: 'psa_connection', subjectId: id, ...moved });
  const toWake: Wakeable[] = [];
  for (const integrationId of await listRefusedForAll(tx, id, 'field')) {
    const retry = () => retryRefusedForAll(tx, integrationId, 'field');
    toWake.push(...(await changeAndAdmit(tx, { integrationId, slots }, retry)).toWake);
  }
  return { toWake };
};

/** @param at the path of the settings in the request, for the names of refused fields */
function refuseFields(
  kind: string,
  settings: object,
  of: { before: object; options: PsaConnectionRow['ticketOptions'] },
  at: string,
): void {
  const known = psaOf(kind);
  const refused = known
    ? refusedTicketFields(fieldsOf(known.settings), { ...settings }, { ...of, before: { ...of.before } })
    : [];
  if (refused.length === 0) return;
  throw new Refusal(
    'impossible',
    'invalid-settings',
    refused.map(({ reason }) => reason).join(' '),
    refused.map(({ field, reason }) => ({ field: `${at}${field}`, message: reason })),
  );
}

/**
 * @param body makes the change; it receives every process of the connection, and each of them retries its blocked steps
 */
async function change(
  tx: Transaction,
  actor: Actor,
  connection: Connection,
  entry: { action: string; before?: unknown; after?: unknown },
  body: (toWake: readonly Wakeable[]) => Promise<void>,
): Woken {
  const toWake = [refreshProcess(connection), ...(await listAtWork(tx, connection))];
  await body(toWake);
  for (const processRef of toWake) await commitFact(tx, processRef);
  await audit(tx, actor, { ...entry, subjectKind: 'psa_connection', subjectId: connection.id });
  return { toWake };
}

/**
 * Returns the connection's processes other than its refresh: approvals and alerts under way, and checks of permissions.
 */
async function listAtWork(db: Queryable, { id, organizationId }: Connection): Promise<Wakeable[]> {
  const batches = await listBatchesAtWork(db, id);
  return [
    ...batches.map((batch) => approvalProcess({ id: batch, organizationId })),
    ...(await listAlertsAtWork(db, id)),
    ...(await listPermissionChecks(db, id)),
  ];
}
