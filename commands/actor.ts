import { recordAudit, type AuditEntry } from '../db/queries/audit.ts';
import type { Queryable } from '../db/client.ts';

/** Who makes a change, and for which organization. */
export interface Actor {
  organizationId: string;
  /** As the audit names them: `token:<id>`, or Countersign itself. */
  name: string;
}

/** Writes the audit row of an actor's change, in the change's own transaction (invariant 8). Never pass a secret. */
export async function audit(tx: Queryable, actor: Actor, entry: Omit<AuditEntry, 'actor'>): Promise<void> {
  await recordAudit(tx, actor.organizationId, { actor: actor.name, ...entry });
}
