/**
 * Ends the pause that a connection asked for, so that it is called at once: a person who checks the connection, or
 * gives new credentials, does not wait for the pause.
 */
import type { Transaction } from '../db/client.ts';
import { clearPause, readPause, type Connection } from '../db/queries/rateLimit.ts';
import { audit, type Actor } from './actor.ts';

/**
 * Does nothing for a connection that has no pause. The change of which this is a part knows which processes to wake.
 */
export async function endPause(tx: Transaction, actor: Actor, { of, id }: Connection): Promise<void> {
  const before = await readPause(tx, { of, id });
  if (!before) return;
  await clearPause(tx, { of, id });
  const subjectKind = of === 'vendor' ? 'integration' : 'psa_connection';
  await audit(tx, actor, { action: 'pause.end', subjectKind, subjectId: id, before });
}
