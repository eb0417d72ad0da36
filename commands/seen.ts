/**
 * Guards against two people who change the same thing at once: each change names the version that the person has seen.
 * When another person has changed it meanwhile, the change is refused and names that person, instead of overwriting
 * unnoticed.
 */
import { createHash } from 'node:crypto';
import { latestAudit } from '../db/queries/audit.ts';
import { namesOf } from '../db/queries/member.ts';
import type { Queryable } from '../db/client.ts';
import { Refusal } from './refusal.ts';

/**
 * Returns the version of a value: equal values have equal versions, whatever led to them. Opaque to the caller.
 *
 * @param value plain, its fields always in one order
 */
export function versionOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 16);
}

/** The present state of something that a person changes. */
export interface Present {
  organizationId: string;
  /** The name of the thing, as in "The mapping of Acme Dental". */
  what: string;
  /** The present value, as in "It is mapped to Acme Dental (250)". */
  now: string;
  version: string;
  /** The subjects whose audit rows show who changed it. */
  subjects: readonly { kind: string; id: string }[];
}

/**
 * Refuses a change when the version has changed since the person saw it. The caller holds a lock under which the value
 * does not change.
 *
 * @param seen the version that was shown; undefined = change the value, whatever its version is
 * @throws Refusal `changed-meanwhile`, which names the person who changed it, the time, and the present value
 */
export async function refuseUnseen(db: Queryable, seen: string | undefined, present: Present): Promise<void> {
  if (seen === undefined || seen === present.version) return;
  const last = await latestAudit(db, present.organizationId, present.subjects);
  const changed = last
    ? `${(await namesOfActors(db, [last.actor])).get(last.actor)} changed it at ${last.at.toISOString()}`
    : 'it was changed meanwhile';
  throw new Refusal(
    'conflict',
    'changed-meanwhile',
    `${present.what} is not what you have seen: ${changed}. ${present.now} now. Look at it again, and send the version that it has then.`,
  );
}

/** Returns the actors of audit rows under the names that a person knows, by actor, with one look at tokens and persons. */
export async function namesOfActors(db: Queryable, actors: readonly string[]): Promise<Map<string, string>> {
  const of = (kind: string) => [
    ...new Set(actors.filter((actor) => actor.startsWith(`${kind}:`)).map((actor) => actor.slice(kind.length + 1))),
  ];
  const names = await namesOf(db, { tokens: of('token'), persons: of('person') });
  return new Map(actors.map((actor) => [actor, nameOf(actor, names)]));
}

function nameOf(actor: string, names: ReadonlyMap<string, string>): string {
  const [kind, id = ''] = actor.split(':');
  switch (kind) {
    case 'token':
      return `"${names.get(id) ?? id}"`;
    case 'person':
      return names.get(id) ?? id;
    case 'vendor':
      return `the vendor (${id})`;
    case 'countersign':
      return 'Countersign';
    default:
      return actor;
  }
}
