/** Rights to write that no read of a PSA shows, and that what was written with the present credentials proves. */
import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';

/** When the PSA last took such a write; null = never with these credentials, or it denied one since. */
export interface ProvedRights {
  lineWrite: Date | null;
  ticket: Date | null;
}

export async function readProvedRights(db: Queryable, ids: readonly string[]): Promise<Map<string, ProvedRights>> {
  if (ids.length === 0) return new Map();
  // The newest batches and alerts come first, so that few rows are read however many there are.
  const { rows } = await db.execute<{ id: string; lineWrite: string | null; ticket: string | null }>(sql`
    select c.id,
           case when not exists (
             select from approval_batch b join approval_line l on l.batch_id = b.id and l.state = 'rejected'
              where b.organization_id = c.organization_id and b.psa_connection_id = c.id
                and b.created_at >= written.created_at and l.problem ->> 'code' = 'forbidden'
                and l.settled_at > written.at) then written.at end as "lineWrite",
           case when not exists (
             select from alert a join integration i on i.id = a.integration_id
              where a.organization_id = c.organization_id and i.psa_connection_id = c.id and a.state = 'dead'
                and a.reason ->> 'status' = '403' and a.first_received_at > made.first_received_at) then made.at end as ticket
      from psa_connection c
      left join lateral (
        select b.created_at, l.settled_at as at from approval_batch b
         cross join lateral (select settled_at from approval_line where batch_id = b.id and state = 'applied' limit 1) l
         where b.organization_id = c.organization_id and b.psa_connection_id = c.id and l.settled_at > c.credentials_at
         order by b.created_at desc limit 1) written on true
      left join lateral (
        select a.first_received_at, a.delivered_at as at from alert a join integration i on i.id = a.integration_id
         where a.organization_id = c.organization_id and i.psa_connection_id = c.id and a.ticket_id is not null
           and a.delivered_at > c.credentials_at
         order by a.first_received_at desc limit 1) made on true
     where c.id = any(${sql.param([...ids])}::uuid[])`);
  const dateOf = (at: string | null) => (at === null ? null : new Date(at));
  return new Map(
    rows.map(({ id, lineWrite, ticket }) => [id, { lineWrite: dateOf(lineWrite), ticket: dateOf(ticket) }]),
  );
}
