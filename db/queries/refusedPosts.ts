/**
 * A vendor's refused posts: stored so that nothing vanishes silently, but no more of them than a person can look at.
 */
import { and, desc, eq, lt, or, sql } from 'drizzle-orm';
import type { Database, Queryable, Transaction } from '../client.ts';
import { refusedPost, refusedTotal, type RefusalCode } from '../schema/index.ts';

export type RefusedPostRow = typeof refusedPost.$inferSelect;

export interface RefusedPost {
  kind: 'count' | 'alert';
  vendorAccountId: string;
  /** Empty for an alert, which is refused because of its account. */
  serviceId: string;
  code: RefusalCode;
  /** The text that the vendor got as the answer. */
  detail: string;
}

/** The maximum number of rows of one integration. */
export const maxRefused = 1_000;
/** Refused ids are cut to this length: an unreadable id may have any length. */
const maxIdLength = 200;

/**
 * Records refused posts. If there are too many rows, the oldest are deleted, and counted.
 *
 * @param posts at least one, in the order in which the posts arrived
 */
export async function noteRefused(
  db: Database,
  integrationId: string,
  posts: readonly [RefusedPost, ...RefusedPost[]],
): Promise<void> {
  const given = posts.map((post) => ({
    ...post,
    vendorAccountId: short(post.vendorAccountId),
    serviceId: short(post.serviceId),
  }));
  await db.transaction(async (tx) => {
    await lockRefused(tx, integrationId, posts.length);
    await tx.execute(sql`
      insert into refused_post as p (integration_id, kind, vendor_account_id, service_id, code, detail, times)
      select ${integrationId}::uuid, kind, "vendorAccountId", "serviceId", (array_agg(code order by n desc))[1],
             (array_agg(detail order by n desc))[1], count(*)
        from rows from (jsonb_to_recordset(${JSON.stringify(given)}::jsonb)
                        as (kind text, "vendorAccountId" text, "serviceId" text, code text, detail text))
             with ordinality as g (kind, "vendorAccountId", "serviceId", code, detail, n)
       group by kind, "vendorAccountId", "serviceId"
      on conflict (integration_id, kind, vendor_account_id, service_id) do update
         set code = excluded.code, detail = excluded.detail, last_at = now(), times = p.times + excluded.times`);
    await tx.execute(sql`
      with gone as (
        delete from refused_post p using (
          select kind, vendor_account_id, service_id from refused_post
           where integration_id = ${integrationId} order by last_at desc, kind, vendor_account_id, service_id
          offset ${maxRefused}) old
         where p.integration_id = ${integrationId} and p.kind = old.kind
           and p.vendor_account_id = old.vendor_account_id and p.service_id = old.service_id
        returning 1)
      update refused_total set forgotten = forgotten + gone.n from (select count(*) as n from gone) gone
       where integration_id = ${integrationId} and gone.n > 0`);
  });
}

/** Deletes the refused posts of accounts and services of which a post was accepted now. */
export async function forgetRefused(
  db: Database,
  integrationId: string,
  posts: readonly Pick<RefusedPost, 'kind' | 'vendorAccountId' | 'serviceId'>[],
): Promise<void> {
  await db.transaction(async (tx) => {
    await lockRefused(tx, integrationId, 0);
    await tx.execute(sql`
      delete from refused_post p
       using jsonb_to_recordset(${JSON.stringify(posts)}::jsonb) as g(kind text, "vendorAccountId" text, "serviceId" text)
       where p.integration_id = ${integrationId} and p.kind = g.kind
         and p.vendor_account_id = g."vendorAccountId" and p.service_id = g."serviceId"`);
  });
}

/**
 * Locks an integration's refused posts: only one transaction at a time writes several rows, so that no two deadlock.
 */
async function lockRefused(tx: Transaction, integrationId: string, times: number): Promise<void> {
  await tx
    .insert(refusedTotal)
    .values({ integrationId, times })
    .onConflictDoUpdate({
      target: refusedTotal.integrationId,
      set: { times: sql`${refusedTotal.times} + ${times}::bigint` },
    });
}

/** Counts an integration's refused posts: rows stored now, posts ever refused, and rows deleted because of too many. */
export async function countRefused(
  db: Queryable,
  integrationId: string,
): Promise<{ rows: number; times: number; forgotten: number }> {
  const rows = await db.$count(refusedPost, eq(refusedPost.integrationId, integrationId));
  const [total] = await db.select().from(refusedTotal).where(eq(refusedTotal.integrationId, integrationId));
  return { rows, times: total?.times ?? 0, forgotten: total?.forgotten ?? 0 };
}

/** A page of refused posts, the latest first. */
export async function listRefused(
  db: Queryable,
  integrationId: string,
  page: {
    before?: Pick<RefusedPostRow, 'lastAt' | 'kind' | 'vendorAccountId' | 'serviceId'> | undefined;
    limit: number;
  },
): Promise<RefusedPostRow[]> {
  const { before } = page;
  return db
    .select()
    .from(refusedPost)
    .where(
      and(
        eq(refusedPost.integrationId, integrationId),
        before &&
          or(
            lt(atMs, before.lastAt),
            and(
              eq(atMs, before.lastAt),
              sql`(${refusedPost.kind}, ${refusedPost.vendorAccountId}, ${refusedPost.serviceId}) >
                  (${before.kind}, ${before.vendorAccountId}, ${before.serviceId})`,
            ),
          ),
      ),
    )
    .orderBy(desc(atMs), refusedPost.kind, refusedPost.vendorAccountId, refusedPost.serviceId)
    .limit(page.limit);
}

/** A position in the list is given by a JavaScript time, which has only milliseconds. */
const atMs = sql<Date>`date_trunc('milliseconds', ${refusedPost.lastAt})`;

const short = (id: string) => Array.from(id).slice(0, maxIdLength).join('');
