/** The token that all workers share for one connection. What is stored is encrypted; only its claim is decided here. */
import { and, eq, isNotNull, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { fromNow } from '../interval.ts';
import { psaToken } from '../schema/index.ts';

export interface TokenRow {
  /** Encrypted. */
  token: string;
  generation: string;
}

/** What a token is encrypted for: it does not decrypt as credentials, nor for another connection. */
export const tokenBoundTo = (psaConnectionId: string) => `${psaConnectionId}/token`;

/** @returns undefined when nobody has signed in yet */
export async function readToken(db: Queryable, psaConnectionId: string): Promise<TokenRow | undefined> {
  const [row] = await db.select().from(psaToken).where(eq(psaToken.psaConnectionId, psaConnectionId));
  return row?.token && row.generation ? { token: row.token, generation: row.generation } : undefined;
}

/**
 * Lets the caller alone replace the token, for `leaseMs` milliseconds.
 *
 * @param generation of the token that is to be replaced; undefined = there is none
 * @returns false when another worker is at it, or has replaced it
 */
export async function claimToken(
  db: Queryable,
  psaConnectionId: string,
  { generation, leaseMs }: { generation: string | undefined; leaseMs: number },
): Promise<boolean> {
  const { rows } = await db.execute(sql`
    insert into psa_token as t (psa_connection_id, claimed_until) values (${psaConnectionId}, ${fromNow(leaseMs)})
    on conflict (psa_connection_id) do update set claimed_until = excluded.claimed_until
     where t.generation is not distinct from ${generation ?? null}::uuid and (t.claimed_until is null or t.claimed_until < now())
    returning 1`);
  return rows.length > 0;
}

/**
 * Stores a token in place of another one.
 *
 * @param replaced the generation of the other one; undefined = there was none
 * @returns its generation; undefined when new credentials were given meanwhile, or another worker was faster
 */
export async function storeToken(
  db: Queryable,
  psaConnectionId: string,
  { token, replaced }: { token: string; replaced: string | undefined },
): Promise<string | undefined> {
  const { rows } = await db.execute<{ generation: string }>(sql`
    update psa_token set token = ${token}, generation = gen_random_uuid(), claimed_until = null
     where psa_connection_id = ${psaConnectionId} and generation is not distinct from ${replaced ?? null}::uuid
    returning generation`);
  return rows[0]?.generation;
}

/** Gives a claim back that led to no token. */
export async function releaseToken(
  db: Queryable,
  psaConnectionId: string,
  generation: string | undefined,
): Promise<void> {
  await db.execute(sql`
    update psa_token set claimed_until = null
     where psa_connection_id = ${psaConnectionId} and generation is not distinct from ${generation ?? null}::uuid`);
}

/** Forgets a connection's token. */
export async function dropToken(db: Queryable, psaConnectionId: string): Promise<void> {
  await db.delete(psaToken).where(eq(psaToken.psaConnectionId, psaConnectionId));
}

/** Lists all tokens, encrypted. */
export async function listTokens(db: Queryable): Promise<{ psaConnectionId: string; token: string }[]> {
  const rows = await db
    .select({ psaConnectionId: psaToken.psaConnectionId, token: psaToken.token })
    .from(psaToken)
    .where(isNotNull(psaToken.token));
  return rows.flatMap(({ psaConnectionId, token }) => (token === null ? [] : [{ psaConnectionId, token }]));
}

/** Stores a token as another key encrypts it, if it is still the one that was read. */
export async function replaceEncrypted(
  db: Queryable,
  { psaConnectionId, from, to }: { psaConnectionId: string; from: string; to: string },
): Promise<void> {
  await db
    .update(psaToken)
    .set({ token: to })
    .where(and(eq(psaToken.psaConnectionId, psaConnectionId), eq(psaToken.token, from)));
}
