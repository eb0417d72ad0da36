import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { decideAccount, type AccountWish } from '../../commands/accountMapping.ts';
import { decideService } from '../../commands/serviceMapping.ts';
import { createSuggester } from '../../domain/matching.ts';
import { roundings } from '../../domain/quantities.ts';
import { fanOuts, type ServiceMapping } from '../../domain/serviceMapping.ts';
import { findVendorAccount } from '../../db/queries/integration.ts';
import { listAccountsBySeats, listBoardAccounts } from '../../db/queries/mappingBoard.ts';
import { listActivePsaAccounts } from '../../db/queries/psa.ts';
import { findPsaConnection } from '../../db/queries/psaConnection.ts';
import type { Combine } from '../../db/queries/serviceMapping.ts';
import { actorFrom, runCommand, type ApiEnv } from '../context.ts';
import {
  createRouter,
  decodeCursor,
  idParam,
  jsonBody,
  jsonPlace,
  listOf,
  outsideId,
  pageOf,
  pageQuery,
  route,
  searchSchema,
  seenQuery,
  send,
} from '../define.ts';
import { conflict, notFound } from '../problem.ts';
import { commitAndAdmit } from '../commitAndAdmit.ts';
import { activeIntegration, ownedIntegration } from '../owned.ts';
import {
  accountParam,
  accountSchema,
  accountView,
  createAccountViewer,
  createSuggestionViewer,
  exampleAccount,
  exampleOpenAccount,
  suggestionSchema,
} from '../views/account.ts';
import { exampleService, serviceSchema, serviceView, serviceViews } from '../views/service.ts';

const accountTag = 'Account mapping';
const serviceTag = 'Service mapping';
const text = z.string().min(1).max(200);

export const mappingRoutes = createRouter();

/** The place of an account in the order by seats. */
const seatsPlace = jsonPlace(z.tuple([z.int(), z.number(), outsideId, z.number(), outsideId]));

const accounts = route({
  method: 'get',
  path: '/v1/integrations/{id}/accounts',
  operationId: 'listAccounts',
  summary: 'Linked vendor accounts and what they are mapped to',
  tag: accountTag,
  scope: 'read',
  request: {
    params: idParam,
    query: pageQuery.extend({
      mapped: z.enum(['true', 'false']).optional(),
      search: searchSchema.openapi({ description: 'A part of the name' }),
      order: z.enum(['id', 'seats']).default('id').openapi({
        description:
          'seats = most seats first; accounts that are mapped to one PSA account stand together, excluded ones last',
      }),
    }),
  },
  ok: 200,
  answer: listOf(accountSchema),
  example: { items: [exampleAccount], nextCursor: null },
  problems: {},
});

mappingRoutes.openapi(accounts, async (c) => {
  const deps = c.get('deps');
  const row = await ownedIntegration(deps, c.get('caller'), c.req.valid('param').id);
  const { limit, cursor, mapped, search, order } = c.req.valid('query');
  const filter = { mapped: mapped === undefined ? undefined : mapped === 'true', search, limit: limit + 1 };
  const page =
    order === 'seats'
      ? pageOf(
          await listAccountsBySeats(deps.db, row.id, { ...filter, after: decodeCursor(cursor, seatsPlace) }),
          limit,
          ({ place }) => JSON.stringify(place),
        )
      : pageOf(
          await listBoardAccounts(deps.db, row.id, { ...filter, after: decodeCursor(cursor, outsideId) }),
          limit,
          ({ id }) => id,
        );
  const view = await createAccountViewer(deps.db, row, page.items);
  return send(c, listOf(accountSchema), { ...page, items: page.items.map((item) => view(item)) });
});

const account = route({
  method: 'get',
  path: '/v1/integrations/{id}/accounts/{accountId}',
  operationId: 'getAccount',
  summary: 'One vendor account and what it is mapped to',
  tag: accountTag,
  scope: 'read',
  request: { params: accountParam },
  ok: 200,
  answer: accountSchema,
  example: exampleAccount,
  problems: {},
});

mappingRoutes.openapi(account, async (c) => {
  const deps = c.get('deps');
  const { id, accountId } = c.req.valid('param');
  const row = await ownedIntegration(deps, c.get('caller'), id);
  return send(c, accountSchema, await accountView(deps.db, row, accountId));
});

const suggest = route({
  method: 'get',
  path: '/v1/integrations/{id}/accounts/{accountId}/suggestions',
  operationId: 'listSuggestions',
  summary: 'PSA accounts with similar names; shown, never applied',
  tag: accountTag,
  scope: 'read',
  request: { params: accountParam },
  ok: 200,
  answer: listOf(suggestionSchema),
  example: {
    items: [{ id: '250', name: 'Acme Dental Group', score: 0.91, reason: 'similar spelling', apart: null }],
    nextCursor: null,
  },
  problems: { 409: ['not-read-yet'] },
});

mappingRoutes.openapi(suggest, async (c) => {
  const deps = c.get('deps');
  const { id, accountId } = c.req.valid('param');
  const row = await ownedIntegration(deps, c.get('caller'), id);
  const account = await findVendorAccount(deps.db, row.id, accountId);
  if (!account) throw notFound('vendor account');
  const connection = await findPsaConnection(deps.db, row.organizationId, row.psaConnectionId);
  if (!connection?.refreshedAt)
    throw conflict('not-read-yet', 'The PSA has not been read yet. Look at the integration to see what it waits for.');
  const suggestions = createSuggester(await listActivePsaAccounts(deps.db, row.psaConnectionId))(account.name, 10);
  const view = await createSuggestionViewer(deps.db, [{ psaConnectionId: connection.id, suggestions }]);
  return send(c, listOf(suggestionSchema), {
    items: suggestions.map((suggestion) => view(connection.id, suggestion)),
    nextCursor: null,
  });
});

const putMapping = route({
  method: 'put',
  path: '/v1/integrations/{id}/accounts/{accountId}/mapping',
  operationId: 'putAccountMapping',
  summary: 'Map a vendor account to a PSA account',
  tag: accountTag,
  scope: 'operate',
  request: {
    params: accountParam,
    query: seenQuery,
    body: jsonBody(z.object({ psaAccountId: text }), { psaAccountId: '250' }),
  },
  ok: 200,
  answer: accountSchema,
  example: exampleAccount,
  problems: { 409: ['disconnected', 'not-linked', 'excluded', 'changed-meanwhile'], 422: ['unknown-psa-account'] },
});

mappingRoutes.openapi(putMapping, async (c) => {
  const { psaAccountId } = c.req.valid('json');
  return send(
    c,
    accountSchema,
    await changeAccount(c, c.req.valid('param'), { wish: { map: psaAccountId }, ...c.req.valid('query') }),
  );
});

const deleteMapping = route({
  method: 'delete',
  path: '/v1/integrations/{id}/accounts/{accountId}/mapping',
  operationId: 'deleteAccountMapping',
  summary: 'Remove a mapping',
  tag: accountTag,
  scope: 'operate',
  request: { params: accountParam, query: seenQuery },
  ok: 200,
  answer: accountSchema,
  example: exampleOpenAccount,
  problems: { 409: ['disconnected', 'not-linked', 'changed-meanwhile'] },
});

mappingRoutes.openapi(deleteMapping, async (c) =>
  send(c, accountSchema, await changeAccount(c, c.req.valid('param'), { wish: 'unmap', ...c.req.valid('query') })),
);

const putExclusion = route({
  method: 'put',
  path: '/v1/integrations/{id}/accounts/{accountId}/exclusion',
  operationId: 'putExclusion',
  summary: 'Exclude a vendor account: it is neither read nor matched',
  tag: accountTag,
  scope: 'operate',
  request: {
    params: accountParam,
    query: seenQuery,
    body: {
      ...jsonBody(z.object({ reason: z.string().trim().min(1).max(500).optional() }), { reason: 'Our own mailboxes' }),
      required: false,
    },
  },
  ok: 200,
  answer: accountSchema,
  example: { ...exampleOpenAccount, excluded: true, excludedWhy: 'Our own mailboxes' },
  problems: { 409: ['disconnected', 'not-linked', 'changed-meanwhile'] },
});

mappingRoutes.openapi(putExclusion, async (c) =>
  send(
    c,
    accountSchema,
    await changeAccount(c, c.req.valid('param'), {
      wish: 'exclude',
      // A request without a body is validated as one without fields, though its type does not say so.
      reason: c.req.valid('json').reason,
      ...c.req.valid('query'),
    }),
  ),
);

const deleteExclusion = route({
  method: 'delete',
  path: '/v1/integrations/{id}/accounts/{accountId}/exclusion',
  operationId: 'deleteExclusion',
  summary: 'Include a vendor account again',
  tag: accountTag,
  scope: 'operate',
  request: { params: accountParam },
  ok: 200,
  answer: accountSchema,
  example: exampleOpenAccount,
  problems: { 409: ['disconnected', 'not-linked'] },
});

mappingRoutes.openapi(deleteExclusion, async (c) =>
  // Nothing is lost by it, so there is nothing that must have been seen.
  send(c, accountSchema, await changeAccount(c, c.req.valid('param'), { wish: 'include', seen: undefined })),
);

const services = route({
  method: 'get',
  path: '/v1/integrations/{id}/services',
  operationId: 'listServices',
  summary: 'Services and the PSA products they are mapped to',
  tag: serviceTag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: listOf(serviceSchema),
  example: { items: [exampleService], nextCursor: null },
  problems: {},
});

mappingRoutes.openapi(services, async (c) => {
  const deps = c.get('deps');
  const row = await ownedIntegration(deps, c.get('caller'), c.req.valid('param').id);
  return send(c, listOf(serviceSchema), { items: await serviceViews(deps.db, row), nextCursor: null });
});

const serviceParam = idParam.extend({ serviceId: text.openapi({ example: 'CloudFilter' }) });

const service = route({
  method: 'get',
  path: '/v1/integrations/{id}/services/{serviceId}',
  operationId: 'getService',
  summary: 'One service and the PSA products it is mapped to',
  tag: serviceTag,
  scope: 'read',
  request: { params: serviceParam },
  ok: 200,
  answer: serviceSchema,
  example: exampleService,
  problems: {},
});

mappingRoutes.openapi(service, async (c) => {
  const deps = c.get('deps');
  const { id, serviceId } = c.req.valid('param');
  const row = await ownedIntegration(deps, c.get('caller'), id);
  return send(c, serviceSchema, await serviceView(deps.db, row, serviceId));
});

const serviceBody = z.object({
  productIds: z
    .array(text)
    .min(1)
    .max(20)
    .openapi({ description: "The PSA's ids of the products, not their Product IDs" }),
  fanOut: z.enum(fanOuts).default('parts'),
  rounding: z.enum(roundings).default('none'),
  combine: z
    .enum(['add', 'highest', 'distinct'])
    .optional()
    .openapi({ description: 'How several services that feed the same product combine; no default' }),
});

const putService = route({
  method: 'put',
  path: '/v1/integrations/{id}/services/{serviceId}/mapping',
  operationId: 'putServiceMapping',
  summary: 'Map a service to one or several PSA products',
  tag: serviceTag,
  scope: 'operate',
  request: { params: serviceParam, query: seenQuery, body: jsonBody(serviceBody, { productIds: ['77'] }) },
  ok: 200,
  answer: serviceSchema,
  example: exampleService,
  problems: {
    409: ['disconnected', 'changed-meanwhile'],
    422: ['unknown-product', 'inactive-product', 'bundle-product'],
  },
});

mappingRoutes.openapi(putService, async (c) => {
  const { combine, ...mapping } = c.req.valid('json');
  return send(
    c,
    serviceSchema,
    await changeService(c, c.req.valid('param'), { mapping, combine, ...c.req.valid('query') }),
  );
});

const deleteService = route({
  method: 'delete',
  path: '/v1/integrations/{id}/services/{serviceId}/mapping',
  operationId: 'deleteServiceMapping',
  summary: 'Remove a service mapping',
  tag: serviceTag,
  scope: 'operate',
  request: { params: serviceParam, query: seenQuery },
  ok: 200,
  answer: serviceSchema,
  example: { ...exampleService, productIds: null, products: [], fanOut: null, rounding: null, combine: {} },
  problems: { 409: ['disconnected', 'changed-meanwhile'] },
});

mappingRoutes.openapi(deleteService, async (c) =>
  send(c, serviceSchema, await changeService(c, c.req.valid('param'), { mapping: null, ...c.req.valid('query') })),
);

/** A change to one vendor account, and the alerts it lets go, in one transaction. */
async function changeAccount(
  c: Context<ApiEnv>,
  { id, accountId: vendorAccountId }: { id: string; accountId: string },
  wish: { wish: AccountWish; seen: string | undefined; reason?: string | undefined },
) {
  const { deps, caller } = c.var;
  const row = await activeIntegration(deps, caller, id);
  await commitAndAdmit(deps, id, (tx, integration) =>
    decideAccount(tx, actorFrom(caller), { integration, vendorAccountId, ...wish }),
  );
  return accountView(deps.db, row, vendorAccountId);
}

async function changeService(
  c: Context<ApiEnv>,
  { id, serviceId }: { id: string; serviceId: string },
  wish: { mapping: ServiceMapping | null; combine?: Combine | undefined; seen: string },
) {
  const { deps, caller } = c.var;
  const integration = await activeIntegration(deps, caller, id);
  await runCommand(c, decideService, { integration, serviceId, ...wish });
  return serviceView(deps.db, integration, serviceId);
}
