import { sql } from 'drizzle-orm';
import type { Database } from '../../db/client.ts';

/**
 * An integration of an organization with many customers, and a PSA with as many companies, like another organization's.
 *
 * @returns the integration's id
 */
export async function seedLarge(
  db: Database,
  of: { organizationId: string; like: { integrationId: string; psaConnectionId: string }; count: number },
): Promise<string> {
  const { organizationId, like, count } = of;
  const copy = async (table: string, from: string, changed: object) => {
    const { rows } = await db.execute<{ id: string }>(sql`
      insert into ${sql.identifier(table)}
      select (jsonb_populate_record(t, ${JSON.stringify(changed)}::jsonb || jsonb_build_object('id', gen_random_uuid()))).*
        from ${sql.identifier(table)} t where t.id = ${from}::uuid returning id`);
    return rows[0]?.id ?? '';
  };
  const psa = await copy('psa_connection', like.psaConnectionId, { organization_id: organizationId });
  const id = await copy('integration', like.integrationId, { organization_id: organizationId, psa_connection_id: psa });
  const ids = JSON.stringify({ id, integration_id: id, organization_id: organizationId });
  for (const table of ['process', 'process_step'])
    await db.execute(sql`
      insert into ${sql.identifier(table)}
      select (jsonb_populate_record(t, ${ids}::jsonb)).* from ${sql.identifier(table)} t where t.id = ${like.integrationId}`);
  await db.execute(sql`
    insert into psa_account (psa_connection_id, id, name, active, prospect)
    select ${psa}::uuid, n::text, 'Company ' || n, true, false from generate_series(1, ${count}::int) n`);
  await db.execute(sql`
    insert into vendor_account (integration_id, id, name, linked)
    select ${id}::uuid, n::text, 'Customer ' || n, true from generate_series(1, ${count}::int) n`);
  await db.execute(sql`
    insert into usage_count (integration_id, vendor_account_id, service_id, quantity, as_of)
    select ${id}::uuid, n::text, s, n % 300, now()
      from generate_series(1, ${count}::int) n, unnest(array['CloudFilter', 'SafeSend']) s`);
  return id;
}
