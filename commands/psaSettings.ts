/** What a PSA does where its documentation is silent: said anew, with the cards that follow from it. */
import type { Transaction } from '../db/client.ts';
import { recordAudit } from '../db/queries/audit.ts';
import { recomputeConnection } from '../db/queries/cards.ts';
import { lockPsaConnection, storePsaSettings, type PsaConnectionRow } from '../db/queries/psaConnection.ts';
import { Refusal } from './refusal.ts';

/**
 * Replaces the settings of a connection and computes its cards anew. The connection is locked, so that no approval is made
 * in between. There is nobody to wake.
 *
 * @throws Refusal when there is no such connection
 */
export async function changePsaSettings(
  tx: Transaction,
  { id, organizationId }: Pick<PsaConnectionRow, 'id' | 'organizationId'>,
  actor: string,
  settings: PsaConnectionRow['settings'],
): Promise<void> {
  const before = await lockPsaConnection(tx, organizationId, id);
  if (!before) throw new Refusal('unknown', 'not-found', 'There is no such PSA connection.');
  await storePsaSettings(tx, id, settings);
  await recomputeConnection(tx, id);
  await recordAudit(tx, organizationId, {
    actor,
    action: 'psaConnection.settings',
    subjectKind: 'psa_connection',
    subjectId: id,
    before: { settings: before.settings },
    after: { settings },
  });
}
