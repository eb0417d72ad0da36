import { insertAudits, type AuditEntry } from '../db/queries/audit.ts';
import type { Queryable, Transaction } from '../db/client.ts';
import type { Wakeable } from '../domain/process/ids.ts';

/** The person, token or process that makes a change, and the organization for which it does. */
export interface Actor {
  organizationId: string;
  /** The name in the audit: `token:<id>`, `person:<id>`, or Countersign itself. */
  name: string;
}

/** Returns the actor for changes that a process makes by itself. @param row of the organization */
export const countersign = ({ organizationId }: { organizationId: string }): Actor => ({
  organizationId,
  name: 'countersign',
});

/** Returns the actor for changes that a person makes who is signed in. @param userId of the person */
export const personActor = (organizationId: string, userId: string): Actor => ({
  organizationId,
  name: `person:${userId}`,
});

/** Returns the actor for changes that a vendor makes through the Vendor API. @param row of its integration */
export const vendorActor = ({ organizationId, vendor }: { organizationId: string; vendor: string }): Actor => ({
  organizationId,
  name: `vendor:${vendor}`,
});

/**
 * A change that a person, a vendor or a process makes, in one transaction with its audit row. A command returns what
 * has changed, and the processes to wake after the commit.
 *
 * @throws Refusal when the change cannot be made as asked
 */
export type Command<Input, Changed = unknown> = (
  tx: Transaction,
  actor: Actor,
  input: Input,
) => Promise<Changed & { toWake: Wakeable[] }>;

/**
 * Writes the audit row of an actor's change, or the rows of any number of changes, in the change's own transaction
 * (invariant 8). Never pass a secret.
 */
export async function audit(tx: Queryable, actor: Actor, entries: AuditEntry | readonly AuditEntry[]): Promise<void> {
  await insertAudits(tx, actor, [entries].flat());
}
