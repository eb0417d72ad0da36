/** Calling a connection at once that asked for a pause: who checks it, or gives new credentials, does not wait for it. */
import type { Transaction } from '../db/client.ts';
import { recordAudit } from '../db/queries/audit.ts';
import { clearPause, readPause, type Connection } from '../db/queries/rateLimit.ts';

/** Nothing happens to a connection that does not pause. Whom to wake is known to the change that this is a part of. */
export async function endPause(
  tx: Transaction,
  actor: string,
  { organizationId, ...connection }: Connection & { organizationId: string },
): Promise<void> {
  const pause = await readPause(tx, connection);
  if (!pause) return;
  await clearPause(tx, connection);
  await recordAudit(tx, organizationId, {
    actor,
    action: 'pause.end',
    subjectKind: connection.of === 'vendor' ? 'integration' : 'psa_connection',
    subjectId: connection.id,
    before: pause,
  });
}
