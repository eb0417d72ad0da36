/** Calling a connection at once that asked for a pause: who checks it, or gives new credentials, does not wait for it. */
import type { Transaction } from '../db/client.ts';
import { clearPause, readPause, type Connection } from '../db/queries/rateLimit.ts';
import { audit, type Actor } from './actor.ts';

/** Nothing happens to a connection that does not pause. Whom to wake is known to the change that this is a part of. */
export async function endPause(tx: Transaction, actor: Actor, { of, id }: Connection): Promise<void> {
  const before = await readPause(tx, { of, id });
  if (!before) return;
  await clearPause(tx, { of, id });
  const subjectKind = of === 'vendor' ? 'integration' : 'psa_connection';
  await audit(tx, actor, { action: 'pause.end', subjectKind, subjectId: id, before });
}
