/** What a person needs to map by: what may be mapped to, what is left, and what a mapping would do before it is made. */
import { z } from '@hono/zod-openapi';
import { viewService } from '../../commands/serviceMapping.ts';
import { listFeeders, listTargets, readProgress } from '../../db/queries/mappingBoard.ts';
import { findPsaProducts } from '../../db/queries/psa.ts';
import { findPsaConnection } from '../../db/queries/psaConnection.ts';
import { listCombines } from '../../db/queries/serviceMapping.ts';
import { previewMappings } from '../../db/queries/serviceMappingPreview.ts';
import { roundings } from '../../domain/quantities.ts';
import type { MappingWish } from '../../domain/reconcile/mappingPreview.ts';
import { fanOuts, whyNotProduct } from '../../domain/serviceMapping.ts';
import {
  createRouter,
  decodeCursor,
  exampleIds,
  idParam,
  jsonPlace,
  listOf,
  outsideId,
  pageOf,
  pageQuery,
  route,
  searchSchema,
  send,
} from '../define.ts';
import { ownedIntegration } from '../owned.ts';
import { ApiProblem, conflict, notFound } from '../problem.ts';
import { apartSchema, psaApart } from '../views/account.ts';

const tag = 'Mapping board';
const text = z.string().min(1).max(200);

const leftSchema = {
  open: z.int(),
  openWithUsage: z.int(),
  openSeats: z.number().openapi({ description: 'The seats that nobody is billed for as long as they are open' }),
};
const progressSchema = z
  .object({
    accounts: z.object({
      linked: z.int(),
      mapped: z.int(),
      exact: z.int().openapi({ description: 'Those of the mapped that were matched by equal names' }),
      excluded: z.int(),
      ...leftSchema,
    }),
    services: z.object({ total: z.int(), mapped: z.int(), ...leftSchema }),
  })
  .openapi('MappingProgress');
const progress = route({
  method: 'get',
  path: '/v1/integrations/{id}/mapping-progress',
  operationId: 'getMappingProgress',
  summary: 'How many vendor accounts and services are mapped, and what is left',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: progressSchema,
  example: {
    accounts: { linked: 40, mapped: 28, exact: 25, excluded: 1, open: 11, openWithUsage: 4, openSeats: 143 },
    services: { total: 8, mapped: 6, open: 2, openWithUsage: 1, openSeats: 12 },
  },
  problems: {},
});

const targetSchema = z
  .object({
    id: z.string(),
    code: z.string().nullable(),
    name: z.string(),
    active: z.boolean(),
    prospect: z.boolean(),
    mapped: z.int().openapi({ description: 'How many vendor accounts of this integration are mapped to it' }),
    apart: apartSchema,
  })
  .openapi('MappingTarget');
const targets = route({
  method: 'get',
  path: '/v1/integrations/{id}/psa-accounts',
  operationId: 'listMappingTargets',
  summary: 'PSA accounts to map to, by name, each with how many vendor accounts are mapped to it',
  tag,
  scope: 'read',
  request: {
    params: idParam,
    query: pageQuery.extend({ search: searchSchema, mapped: z.enum(['true', 'false']).optional() }),
  },
  ok: 200,
  answer: listOf(targetSchema),
  example: {
    items: [{ id: '250', code: 'ACME', name: 'Acme Dental', active: true, prospect: false, mapped: 1, apart: null }],
    nextCursor: null,
  },
  problems: { 409: ['not-read-yet'] },
});

const combines = ['add', 'highest', 'distinct'] as const;
const effectSchema = z
  .object({
    customers: z.int().openapi({ description: 'PSA accounts of which a number, or what may be approved, changes' }),
    seats: z.object({ before: z.number(), after: z.number() }).openapi({ description: 'Usage of these products' }),
    newRevenue: z.int().openapi({ description: 'PSA accounts that use a product and have no line for it' }),
    undecided: z.int().openapi({ description: 'PSA accounts of which a person must say more first' }),
    money: z
      .array(z.object({ currency: z.string().nullable(), before: z.number(), after: z.number() }))
      .openapi({ description: 'By currency: what approving all would change on the next invoices' }),
  })
  .openapi('MappingEffect');
const previewSchema = z
  .object({
    /** What the mapping that was asked for would do. */
    effect: effectSchema,
    /** The same with each way in which several services may combine, and with each in which several products may share. */
    combine: z.object({ add: effectSchema, highest: effectSchema, distinct: effectSchema }),
    fanOut: z.object({ parts: effectSchema, alternatives: effectSchema }),
    rules: z
      .record(z.string(), z.enum(combines).nullable())
      .openapi({ description: 'By product: how the services that feed it combine now' }),
    feeders: z
      .array(
        z.object({
          integrationId: z.string(),
          serviceId: z.string(),
          name: z.string(),
          productIds: z.array(z.string()),
        }),
      )
      .openapi({ description: 'The other services that are mapped to any of these products' }),
  })
  .openapi('ServiceMappingPreview');
const exampleEffect = {
  customers: 12,
  seats: { before: 0, after: 345 },
  newRevenue: 2,
  undecided: 0,
  money: [{ currency: 'USD', before: 0, after: 118.5 }],
};
const several = z
  .union([z.array(text).min(1).max(20), text])
  .optional()
  .openapi({
    type: 'array',
    items: { type: 'string' },
    description: "The PSA's ids of the products, repeated for several; absent = mapped to nothing",
    example: ['77'],
  });
const preview = route({
  method: 'get',
  path: '/v1/integrations/{id}/services/{serviceId}/mapping-preview',
  operationId: 'previewServiceMapping',
  summary: 'What a service mapping would change, computed as the change itself would be; nothing is changed',
  tag,
  scope: 'read',
  request: {
    params: idParam.extend({ serviceId: text.openapi({ example: 'CloudFilter' }) }),
    query: z.object({
      productId: several,
      fanOut: z.enum(fanOuts).default('parts'),
      rounding: z.enum(roundings).default('none'),
      combine: z.enum(combines).optional(),
    }),
  },
  ok: 200,
  answer: previewSchema,
  example: {
    effect: exampleEffect,
    combine: { add: exampleEffect, highest: exampleEffect, distinct: exampleEffect },
    fanOut: { parts: exampleEffect, alternatives: exampleEffect },
    rules: { '77': null },
    feeders: [{ integrationId: exampleIds.integration, serviceId: 'Bracket', name: 'Bracket', productIds: ['77'] }],
  },
  problems: { 422: ['unknown-product', 'inactive-product', 'bundle-product'] },
});

export const mappingBoardRoutes = createRouter();

mappingBoardRoutes.openapi(progress, async (c) => {
  const { deps, caller } = c.var;
  const row = await ownedIntegration(deps, caller, c.req.valid('param').id);
  return send(c, progressSchema, await readProgress(deps.db, row.id));
});

const namePlace = jsonPlace(
  z.tuple([
    z
      .string()
      .max(500)
      .regex(/^[^\0]*$/),
    outsideId,
  ]),
);

mappingBoardRoutes.openapi(targets, async (c) => {
  const { deps, caller } = c.var;
  const row = await ownedIntegration(deps, caller, c.req.valid('param').id);
  const connection = await findPsaConnection(deps.db, row.organizationId, row.psaConnectionId);
  if (!connection?.refreshedAt)
    throw conflict('not-read-yet', 'The PSA has not been read yet. Look at the integration to see what it waits for.');
  const { limit, cursor, search, mapped } = c.req.valid('query');
  const rows = await listTargets(deps.db, row, {
    search,
    mapped: mapped === undefined ? undefined : mapped === 'true',
    after: decodeCursor(cursor, namePlace),
    limit: limit + 1,
  });
  const page = pageOf(rows, limit, ({ name, id }) => JSON.stringify([name, id]));
  const items = page.items.map((item) => ({ ...item, apart: psaApart(item.marks) }));
  return send(c, listOf(targetSchema), { ...page, items });
});

mappingBoardRoutes.openapi(preview, async (c) => {
  const { deps, caller } = c.var;
  const { id, serviceId } = c.req.valid('param');
  const row = await ownedIntegration(deps, caller, id);
  const { productId, fanOut, rounding, combine } = c.req.valid('query');
  const productIds = [...new Set(productId === undefined ? [] : [productId].flat())];
  // One look at everything, so that what is compared belongs together.
  const shown = await deps.db.transaction(
    async (tx) => {
      const service = await viewService(tx, row, serviceId);
      if (!service) throw notFound('service');
      const products = await findPsaProducts(tx, row.psaConnectionId, productIds);
      for (const each of productIds) {
        const refused = whyNotProduct(
          each,
          products.find((product) => product.id === each),
        );
        if (refused) throw new ApiProblem(422, refused.code, refused.detail);
      }
      const concerned = [...new Set([...productIds, ...(service.productIds ?? [])])];
      const rules = await listCombines(tx, row.psaConnectionId, productIds);
      const wish = (change: { fanOut?: typeof fanOut; combine?: typeof combine }): MappingWish => ({
        integrationId: row.id,
        serviceId: service.id,
        mapping: productIds.length === 0 ? null : { productIds, fanOut: change.fanOut ?? fanOut, rounding },
        combine: Object.fromEntries(
          productIds.map((each) => [each, change.combine ?? combine ?? rules.get(each) ?? null]),
        ),
        productIds: concerned,
      });
      const [effect, add, highest, distinct, parts, alternatives] = await previewMappings(tx, row.psaConnectionId, [
        wish({}),
        ...combines.map((each) => wish({ combine: each })),
        ...fanOuts.map((each) => wish({ fanOut: each })),
      ]);
      const feeders = await listFeeders(tx, row.psaConnectionId, productIds);
      return {
        effect,
        combine: { add, highest, distinct },
        fanOut: { parts, alternatives },
        rules: Object.fromEntries(productIds.map((each) => [each, rules.get(each) ?? null])),
        feeders: feeders.filter((each) => each.integrationId !== row.id || each.serviceId !== service.id),
      };
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
  return send(c, previewSchema, shown as z.input<typeof previewSchema>);
});
