/** A service as the API shows it, with what it is mapped to. */
import { z } from '@hono/zod-openapi';
import { viewService, viewServices } from '../../commands/serviceMapping.ts';
import type { Queryable } from '../../db/client.ts';
import { readServiceUse } from '../../db/queries/mappingBoard.ts';
import { findPsaProducts } from '../../db/queries/psa.ts';
import { roundings } from '../../domain/quantities.ts';
import { fanOuts } from '../../domain/serviceMapping.ts';
import { exampleVersion, versionSchema } from '../define.ts';
import { notFound } from '../problem.ts';

export const serviceSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    productIds: z.array(z.string()).nullable(),
    products: z
      .array(z.object({ id: z.string(), productId: z.string(), name: z.string(), active: z.boolean() }))
      .openapi({ description: 'The same products with their names, as last read from the PSA' }),
    seats: z.number().nullable().openapi({ description: 'The sum of its counts; null = none is known yet' }),
    customers: z.int().openapi({ description: 'How many vendor accounts use it' }),
    fanOut: z.enum(fanOuts).nullable(),
    rounding: z.enum(roundings).nullable(),
    combine: z
      .record(z.string(), z.enum(['add', 'highest', 'distinct']).nullable())
      .openapi({ description: 'By product: how the services that feed it combine' }),
    version: versionSchema,
  })
  .openapi('Service');

export const exampleService = {
  id: 'CloudFilter',
  name: 'CloudFilter',
  description: 'Email filtering',
  productIds: ['77'],
  products: [{ id: '77', productId: 'MP-CLOUDFILTER', name: 'CloudFilter', active: true }],
  seats: 345,
  customers: 12,
  fanOut: 'parts' as const,
  rounding: 'none' as const,
  combine: { '77': null },
  version: exampleVersion,
};

type ServiceOf = Parameters<typeof viewServices>[1];

/** An integration's services. */
export async function serviceViews(db: Queryable, row: ServiceOf) {
  return withUse(db, row, await viewServices(db, row));
}

/** @throws ApiProblem when the integration has no such service */
export async function serviceView(db: Queryable, row: ServiceOf, serviceId: string) {
  const found = await viewService(db, row, serviceId);
  const [shown] = await withUse(db, row, found ? [found] : []);
  if (!shown) throw notFound('service');
  return shown;
}

/** Adds to services what their products are called, and how much they are used. */
async function withUse<T extends { id: string; productIds: string[] | null }>(
  db: Queryable,
  row: ServiceOf,
  services: readonly T[],
) {
  const used = await readServiceUse(db, row.id);
  const ids = services.flatMap(({ productIds }) => productIds ?? []);
  const products = new Map((await findPsaProducts(db, row.psaConnectionId, ids)).map((each) => [each.id, each]));
  return services.map((each) => ({
    ...each,
    products: (each.productIds ?? []).flatMap((id) => products.get(id) ?? []),
    seats: used.get(each.id)?.seats ?? null,
    customers: used.get(each.id)?.customers ?? 0,
  }));
}
