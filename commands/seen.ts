/**
 * Two people at once: whoever changes something says which version of it he has seen, and is told who has changed it
 * meanwhile, instead of taking that back without knowing.
 */
import { createHash } from 'node:crypto';
import { latestAudit } from '../db/queries/audit.ts';
import { findTokenName } from '../db/queries/organization.ts';
import type { Queryable } from '../db/client.ts';
import { Refusal } from './refusal.ts';

/**
 * What a value is told by: the same while the value is, however it came about. Opaque to the caller.
 *
 * @param value plain, its fields always in one order
 */
export function versionOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 16);
}

/** Something that a person changes, as it is now. */
export interface Present {
  organizationId: string;
  /** As in "The mapping of Acme Dental". */
  what: string;
  /** As in "It is mapped to Acme Dental (250)". */
  now: string;
  version: string;
  /** Whose audit tells who has changed it. */
  subjects: readonly { kind: string; id: string }[];
}

/**
 * The caller holds a lock under which the value stays what it is.
 *
 * @param seen the version that was shown; undefined = it is changed whatever it is
 * @throws Refusal `changed-meanwhile`, with who changed it, when, and what it is now
 */
export async function refuseUnseen(db: Queryable, seen: string | undefined, present: Present): Promise<void> {
  if (seen === undefined || seen === present.version) return;
  const last = await latestAudit(db, present.organizationId, present.subjects);
  const changed = last
    ? `${await whoIs(db, last.actor)} changed it at ${last.at.toISOString()}`
    : 'it was changed meanwhile';
  throw new Refusal(
    'conflict',
    'changed-meanwhile',
    `${present.what} is not what you have seen: ${changed}. ${present.now} now. Look at it again, and send the version that it has then.`,
  );
}

/** The actor of an audit row as a person knows it. */
export async function whoIs(db: Queryable, actor: string): Promise<string> {
  const [kind, id = ''] = actor.split(':');
  switch (kind) {
    case 'token':
      return `"${(await findTokenName(db, id)) ?? id}"`;
    case 'vendor':
      return `the vendor (${id})`;
    case 'countersign':
      return 'Countersign';
    default:
      return actor;
  }
}
