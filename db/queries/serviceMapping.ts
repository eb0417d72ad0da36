/** The only code that writes service mappings; used by commands/serviceMapping.ts. */
import { and, eq, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import type { ServiceMapping } from '../../domain/serviceMapping.ts';
import { productRule } from '../schema/index.ts';
import { among } from './among.ts';

/** How several services that feed one product combine. */
export type Combine = typeof productRule.$inferSelect.combine;

/** The wanted mapping of a service; null = no mapping. */
export interface ServiceDecision {
  serviceId: string;
  mapping: ServiceMapping | null;
}

/** A service whose mapping has changed: its mapping before and after; each field is null = not mapped. */
interface DecidedService extends Record<'before' | 'after', { [K in keyof ServiceMapping]: ServiceMapping[K] | null }> {
  id: string;
}

/**
 * Carries out the decisions, in one statement.
 *
 * @param decisions at most one for each service
 * @returns the services that have changed
 */
export async function storeServiceDecisions(
  tx: Queryable,
  integrationId: string,
  decisions: readonly ServiceDecision[],
): Promise<DecidedService[]> {
  if (decisions.length === 0) return [];
  const wanted = decisions.map(({ serviceId, mapping }) => ({ serviceId, ...mapping }));
  const { rows } = await tx.execute<DecidedService & Record<string, unknown>>(sql`
    with wanted as (
      select w."serviceId" as id, w."productIds" as products, w."fanOut" as fan_out, w.rounding
        from jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb)
             as w("serviceId" text, "productIds" text[], "fanOut" text, rounding text)),
    -- Every part of one statement sees the rows as they were before the statement, so this reads the earlier mapping.
    changed as (
      select w.*, m.product_ids as was_products, m.fan_out as was_fan_out, m.rounding as was_rounding
        from wanted w
        join service s on s.integration_id = ${integrationId} and s.id = w.id
        left join service_mapping m on m.integration_id = s.integration_id and m.service_id = s.id
       where (m.product_ids, m.fan_out, m.rounding) is distinct from (w.products, w.fan_out, w.rounding)),
    unmapped as (
      delete from service_mapping m
       using changed c where m.integration_id = ${integrationId} and m.service_id = c.id and c.products is null),
    mapped as (
      insert into service_mapping (integration_id, service_id, product_ids, fan_out, rounding)
      select ${integrationId}::uuid, id, products, fan_out, rounding from changed where products is not null order by id
      on conflict (integration_id, service_id) do update
         set product_ids = excluded.product_ids, fan_out = excluded.fan_out, rounding = excluded.rounding,
             mapped_at = now())
    select id, jsonb_build_object('productIds', was_products, 'fanOut', was_fan_out, 'rounding', was_rounding) as before,
           jsonb_build_object('productIds', products, 'fanOut', fan_out, 'rounding', rounding) as after
      from changed order by id`);
  return rows;
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
