import { and, asc, eq, gt, isNull, lt, or, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { hashSecret } from '../encryption.ts';
import { fromNow } from '../interval.ts';
import { apiToken, idempotencyKey, organization } from '../schema/index.ts';

export async function insertOrganization(tx: Queryable, name: string): Promise<string> {
  const [row] = await tx.insert(organization).values({ name }).returning({ id: organization.id });
  if (!row) throw new Error('The organization was not stored.');
  return row.id;
}

export async function firstOrganization(db: Queryable): Promise<string | undefined> {
  const [row] = await db.select({ id: organization.id }).from(organization).orderBy(organization.createdAt).limit(1);
  return row?.id;
}

/** @returns the ids of the organizations of which this is the id or the name */
export async function findOrganizations(db: Queryable, idOrName: string): Promise<string[]> {
  const rows = await db
    .select({ id: organization.id })
    .from(organization)
    .where(or(sql`${organization.id}::text = ${idOrName}`, eq(organization.name, idOrName)));
  return rows.map(({ id }) => id);
}

export async function organizationName(db: Queryable, id: string): Promise<string> {
  const [row] = await db.select({ name: organization.name }).from(organization).where(eq(organization.id, id));
  return row?.name ?? '';
}

export async function insertToken(
  tx: Queryable,
  organizationId: string,
  token: { name: string; secret: string; scopes: string[]; createdBy?: string; lifeMs?: number },
): Promise<string> {
  const { secret, lifeMs, ...given } = token;
  const [row] = await tx
    .insert(apiToken)
    .values({
      organizationId,
      ...given,
      tokenHash: hashSecret(secret),
      expiresAt: lifeMs === undefined ? null : fromNow(lifeMs),
    })
    .returning({ id: apiToken.id });
  if (!row) throw new Error('The token was not stored.');
  return row.id;
}

/**
 * Finds the token of a secret. It is looked up by the secret's hash, so that the time taken reveals nothing about it.
 */
export async function findToken(db: Queryable, secret: string) {
  const [row] = await db
    .select()
    .from(apiToken)
    .where(and(eq(apiToken.tokenHash, hashSecret(secret)), isNull(apiToken.revokedAt), isInTime));
  return row;
}

const isInTime = or(isNull(apiToken.expiresAt), gt(apiToken.expiresAt, sql`now()`));

/** What may be shown of a token: everything but its hash. */
const shown = {
  id: apiToken.id,
  name: apiToken.name,
  scopes: apiToken.scopes,
  createdAt: apiToken.createdAt,
  createdBy: apiToken.createdBy,
  lastUsedAt: apiToken.lastUsedAt,
  expiresAt: apiToken.expiresAt,
};

/** A page of the tokens that nobody has revoked; those that have expired are among them. */
export function listTokens(db: Queryable, organizationId: string, page: { after?: string | undefined; limit: number }) {
  return db
    .select(shown)
    .from(apiToken)
    .where(
      and(
        eq(apiToken.organizationId, organizationId),
        isNull(apiToken.revokedAt),
        page.after === undefined ? undefined : gt(apiToken.id, page.after),
      ),
    )
    .orderBy(asc(apiToken.id))
    .limit(page.limit);
}

export async function readToken(db: Queryable, id: string): Promise<TokenRow> {
  const [row] = await db.select(shown).from(apiToken).where(eq(apiToken.id, id));
  if (!row) throw new Error(`There is no token ${id}.`);
  return row;
}

export type TokenRow = Awaited<ReturnType<typeof listTokens>>[number];

/** Revokes a token. @returns undefined when the organization has no such token that is not revoked yet */
export async function revokeTokenRow(tx: Queryable, organizationId: string, id: string): Promise<TokenRow | undefined> {
  const [row] = await tx
    .update(apiToken)
    .set({ revokedAt: sql`now()` })
    .where(and(eq(apiToken.organizationId, organizationId), eq(apiToken.id, id), isNull(apiToken.revokedAt)))
    .returning(shown);
  return row;
}

/** Records the use of a token, at most once a minute. */
export async function touchToken(db: Queryable, id: string): Promise<void> {
  await db
    .update(apiToken)
    .set({ lastUsedAt: sql`now()` })
    .where(
      and(
        eq(apiToken.id, id),
        or(isNull(apiToken.lastUsedAt), lt(apiToken.lastUsedAt, sql`now() - interval '1 minute'`)),
      ),
    );
}

/**
 * Takes an idempotency key for a request.
 *
 * @returns undefined when the request now holds the key; else the row that was already stored under the key
 */
export async function takeIdempotencyKey(
  db: Queryable,
  organizationId: string,
  request: { key: string; route: string; requestHash: string },
): Promise<typeof idempotencyKey.$inferSelect | undefined> {
  for (;;) {
    const answer = await tryIdempotencyKey(db, organizationId, request);
    if (answer !== 'gone') return answer;
  }
}

/**
 * @returns `gone` when another request held the key and released it before this one could read it: the key is free
 *   again
 */
async function tryIdempotencyKey(
  db: Queryable,
  organizationId: string,
  request: { key: string; route: string; requestHash: string },
): Promise<typeof idempotencyKey.$inferSelect | 'gone' | undefined> {
  const taken = await db
    .insert(idempotencyKey)
    .values({ organizationId, ...request })
    // A key whose request died with its process may be taken again after five minutes; an answered key is kept for a
    // day.
    .onConflictDoUpdate({
      target: [idempotencyKey.organizationId, idempotencyKey.key],
      set: {
        route: request.route,
        requestHash: request.requestHash,
        status: null,
        response: null,
        createdAt: sql`now()`,
      },
      setWhere: sql`(${idempotencyKey.status} is null and ${idempotencyKey.createdAt} < now() - interval '5 minutes')
                 or ${idempotencyKey.createdAt} < now() - interval '1 day'`,
    })
    .returning({ key: idempotencyKey.key });
  if (taken.length > 0) return undefined;
  const [row] = await db
    .select()
    .from(idempotencyKey)
    .where(and(eq(idempotencyKey.organizationId, organizationId), eq(idempotencyKey.key, request.key)));
  return row ?? 'gone';
}

/** Stores the answer to a request under its key; a failed request releases its key. */
export async function settleIdempotencyKey(
  db: Queryable,
  organizationId: string,
  key: string,
  answer: { status: number; response: unknown } | undefined,
): Promise<void> {
  const mine = and(eq(idempotencyKey.organizationId, organizationId), eq(idempotencyKey.key, key));
  if (answer) await db.update(idempotencyKey).set(answer).where(mine);
  else await db.delete(idempotencyKey).where(mine);
}
