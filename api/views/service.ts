/** A service as the API shows it, with what it is mapped to. */
import { z } from '@hono/zod-openapi';
import { viewService } from '../../commands/serviceMapping.ts';
import type { Queryable } from '../../db/client.ts';
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
  fanOut: 'parts' as const,
  rounding: 'none' as const,
  combine: { '77': null },
  version: exampleVersion,
};

/** @throws ApiProblem when the integration has no such service */
export async function serviceView(db: Queryable, row: Parameters<typeof viewService>[1], serviceId: string) {
  const found = await viewService(db, row, serviceId);
  if (!found) throw notFound('service');
  return found;
}
