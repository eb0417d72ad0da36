/** The only code that writes service mappings; used by commands/serviceMapping.ts. */
import { and, eq, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import type { ServiceMapping } from '../../domain/serviceMapping.ts';
import { productRule } from '../schema/index.ts';
import { among } from './among.ts';
import type { IntegrationRow } from './integration.ts';

/** How several services that feed one product combine. */
export type Combine = typeof productRule.$inferSelect.combine;

/** The wanted mapping of a service; null = no mapping. */
export interface ServiceDecision {
  serviceId: string;
  mapping: ServiceMapping | null;
}

/**
 * Carries out the decisions and writes an audit row for each that changes something, in one statement.
 *
 * @param by.via `file` for a mapping file; the audit row then records it
 * @param decisions at most one for each service
 * @returns how many services have changed
 */
export async function storeServiceDecisions(
  tx: Queryable,
  { id, organizationId }: Pick<IntegrationRow, 'id' | 'organizationId'>,
  by: { actor: string; via?: 'file' },
  decisions: readonly ServiceDecision[],
): Promise<number> {
  if (decisions.length === 0) return 0;
  const wanted = decisions.map(({ serviceId, mapping }) => ({ serviceId, ...mapping }));
  const { rows } = await tx.execute<{ id: string }>(sql`
    with wanted as (
      select w."serviceId" as id, w."productIds" as products, w."fanOut" as fan_out, w.rounding
        from jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb)
             as w("serviceId" text, "productIds" text[], "fanOut" text, rounding text)),
    -- Every part of one statement sees the rows as they were before the statement, so this reads the earlier mapping.
    changed as (
      select w.*, m.product_ids as was_products, m.fan_out as was_fan_out, m.rounding as was_rounding
        from wanted w
        join service s on s.integration_id = ${id} and s.id = w.id
        left join service_mapping m on m.integration_id = s.integration_id and m.service_id = s.id
       where (m.product_ids, m.fan_out, m.rounding) is distinct from (w.products, w.fan_out, w.rounding)),
    unmapped as (
      delete from service_mapping m
       using changed c where m.integration_id = ${id} and m.service_id = c.id and c.products is null),
    mapped as (
      insert into service_mapping (integration_id, service_id, product_ids, fan_out, rounding)
      select ${id}::uuid, id, products, fan_out, rounding from changed where products is not null order by id
      on conflict (integration_id, service_id) do update
         set product_ids = excluded.product_ids, fan_out = excluded.fan_out, rounding = excluded.rounding,
             mapped_at = now()),
    audited as (
      insert into audit (organization_id, actor, action, subject_kind, subject_id, before, after)
      select ${organizationId}::uuid, ${by.actor}, case when products is null then 'service.unmap' else 'service.map' end,
             'service', ${id} || '/' || id,
             jsonb_build_object('productIds', was_products, 'fanOut', was_fan_out, 'rounding', was_rounding),
             jsonb_build_object('productIds', products, 'fanOut', fan_out, 'rounding', rounding)
               || case when ${by.via ?? null}::text is null then '{}' else jsonb_build_object('by', ${by.via ?? null}::text) end
        from changed order by id)
    select id from changed`);
  return rows.length;
}

/** Lists how services that feed these products combine; products without a rule are left out. */
export async function listCombines(
  db: Queryable,
  psaConnectionId: string,
  productIds: readonly string[],
): Promise<Map<string, Combine>> {
  const rows = await db
    .select()
    .from(productRule)
    .where(and(eq(productRule.psaConnectionId, psaConnectionId), among(productRule.productId, productIds)));
  return new Map(rows.map((row) => [row.productId, row.combine]));
}

/**
 * Stores how services that feed a product combine.
 *
 * @param before the value that the caller knows
 * @returns false, with nothing changed, when the current value differs from `before`
 */
export async function storeCombine(
  tx: Queryable,
  psaConnectionId: string,
  { productId, combine, before }: { productId: string; combine: Combine; before: Combine | null },
): Promise<boolean> {
  const stored = await tx
    .insert(productRule)
    .values({ psaConnectionId, productId, combine })
    .onConflictDoUpdate({
      target: [productRule.psaConnectionId, productRule.productId],
      set: { combine },
      setWhere: before === null ? sql`false` : eq(productRule.combine, before),
    })
    .returning({ productId: productRule.productId });
  return stored.length > 0;
}
