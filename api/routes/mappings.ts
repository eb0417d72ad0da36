import { z } from '@hono/zod-openapi';
import { createSuggester } from '../../domain/matching.ts';
import { roundings } from '../../domain/quantities.ts';
import { fanOuts, whyNotProduct } from '../../domain/serviceMapping.ts';
import { recordAudit } from '../../db/queries/audit.ts';
import { recomputeCards, recomputeConnection, recomputeIntegration } from '../../db/queries/cards.ts';
import {
  deleteAccountMapping,
  deleteServiceMapping,
  findAccountMapping,
  findVendorAccount,
  insertAccountMappings,
  listServices,
  listVendorAccounts,
  setExcluded,
  storeCombine,
  storeServiceMapping,
} from '../../db/queries/integration.ts';
import { beginOnboardings, settleOnboarding, type ToWake } from '../../db/queries/onboarding.ts';
import { findPsaAccount, findPsaProducts, listActivePsaAccounts } from '../../db/queries/psa.ts';
import { findPsaConnection } from '../../db/queries/psaConnection.ts';
import type { Transaction } from '../../db/client.ts';
import { actorOf, wakeAll, type ApiDependencies, type Caller } from '../context.ts';
import {
  createRouter,
  decodeCursor,
  idParam,
  isoDateOrNull,
  jsonBody,
  listOf,
  outsideId,
  pageOf,
  pageQuery,
  route,
  send,
} from '../define.ts';
import { conflict, notFound, unprocessable } from '../problem.ts';
import { commitAndAdmit } from '../takeAlert.ts';
import { activeIntegration, ownedIntegration } from './integrations.ts';

const accountTag = 'Account mapping';
const serviceTag = 'Service mapping';
const text = z.string().min(1).max(200);

const accountSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    linked: z.boolean(),
    excluded: z.boolean(),
    missingSince: isoDateOrNull,
    /** While it is missing: customers that count its domains now. */
    movedTo: z.array(z.string()),
    psaAccountId: z.string().nullable(),
    /** `vendor`: chosen in the vendor's console. */
    how: z.enum(['exact', 'person', 'vendor']).nullable(),
  })
  .openapi('VendorAccount');
const exampleAccount = {
  id: '1001',
  name: 'Acme Dental',
  linked: true,
  excluded: false,
  missingSince: null,
  movedTo: [],
  psaAccountId: '250',
  how: 'person' as const,
};
const accounts = route({
  method: 'get',
  path: '/v1/integrations/{id}/accounts',
  operationId: 'listAccounts',
  summary: 'Linked vendor accounts and what they are mapped to',
  tag: accountTag,
  scope: 'read',
  request: { params: idParam, query: pageQuery.extend({ mapped: z.enum(['true', 'false']).optional() }) },
  ok: 200,
  answer: listOf(accountSchema),
  example: { items: [exampleAccount], nextCursor: null },
});
export const accountParam = idParam.extend({ accountId: text.openapi({ example: '1001' }) });
export const suggestionSchema = z
  .object({ id: z.string(), name: z.string(), score: z.number(), reason: z.string() })
  .openapi('Suggestion');
const suggest = route({
  method: 'get',
  path: '/v1/integrations/{id}/accounts/{accountId}/suggestions',
  operationId: 'listSuggestions',
  summary: 'The nearest PSA names; shown, never applied',
  tag: accountTag,
  scope: 'read',
  request: { params: accountParam },
  ok: 200,
  answer: listOf(suggestionSchema),
  example: {
    items: [{ id: '250', name: 'Acme Dental Group', score: 0.91, reason: 'The names share most of their words.' }],
    nextCursor: null,
  },
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
    body: jsonBody(z.object({ psaAccountId: text }), { psaAccountId: '250' }),
  },
  ok: 200,
  answer: accountSchema,
  example: exampleAccount,
});
const deleteMapping = route({
  method: 'delete',
  path: '/v1/integrations/{id}/accounts/{accountId}/mapping',
  operationId: 'deleteAccountMapping',
  summary: 'Take a mapping back',
  tag: accountTag,
  scope: 'operate',
  request: { params: accountParam },
  ok: 200,
  answer: accountSchema,
  example: { ...exampleAccount, psaAccountId: null, how: null },
});
const putExclusion = route({
  method: 'put',
  path: '/v1/integrations/{id}/accounts/{accountId}/exclusion',
  operationId: 'putExclusion',
  summary: 'Exclude a vendor account: it is neither read nor matched',
  tag: accountTag,
  scope: 'operate',
  request: { params: accountParam },
  ok: 200,
  answer: accountSchema,
  example: { ...exampleAccount, excluded: true, psaAccountId: null, how: null },
});
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
  example: { ...exampleAccount, psaAccountId: null, how: null },
});
const serviceSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    productIds: z.array(z.string()).nullable(),
    fanOut: z.enum(fanOuts).nullable(),
    rounding: z.enum(roundings).nullable(),
  })
  .openapi('Service');
const exampleService = {
  id: 'CloudFilter',
  name: 'CloudFilter',
  description: 'Email filtering',
  productIds: ['77'],
  fanOut: 'parts' as const,
  rounding: 'none' as const,
};
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
});
const serviceParam = idParam.extend({ serviceId: text.openapi({ example: 'CloudFilter' }) });
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
  request: { params: serviceParam, body: jsonBody(serviceBody, { productIds: ['77'] }) },
  ok: 200,
  answer: serviceSchema,
  example: exampleService,
});
const deleteService = route({
  method: 'delete',
  path: '/v1/integrations/{id}/services/{serviceId}/mapping',
  operationId: 'deleteServiceMapping',
  summary: 'Take a service mapping back',
  tag: serviceTag,
  scope: 'operate',
  request: { params: serviceParam },
  ok: 200,
  answer: serviceSchema,
  example: { ...exampleService, productIds: null, fanOut: null, rounding: null },
});

export const mappingRoutes = createRouter();

mappingRoutes.openapi(accounts, async (c) => {
  const deps = c.get('deps');
  const row = await ownedIntegration(deps, c.get('caller'), c.req.valid('param').id);
  const { limit, cursor, mapped } = c.req.valid('query');
  const rows = await listVendorAccounts(deps.db, row.id, {
    linked: true,
    mapped: mapped === undefined ? undefined : mapped === 'true',
    after: decodeCursor(cursor, outsideId),
    limit: limit + 1,
  });
  return send(
    c,
    listOf(accountSchema),
    pageOf(rows, limit, (item) => item.id),
  );
});

mappingRoutes.openapi(suggest, async (c) => {
  const deps = c.get('deps');
  const { id, accountId } = c.req.valid('param');
  const row = await ownedIntegration(deps, c.get('caller'), id);
  const account = await findVendorAccount(deps.db, row.id, accountId);
  if (!account) throw notFound('vendor account');
  if (!(await findPsaConnection(deps.db, row.organizationId, row.psaConnectionId))?.refreshedAt)
    throw conflict('not-read-yet', 'The PSA has not been read yet. Look at the integration to see what it waits for.');
  const found = createSuggester(await listActivePsaAccounts(deps.db, row.psaConnectionId))(account.name, 10);
  return send(c, listOf(suggestionSchema), { items: found, nextCursor: null });
});

mappingRoutes.openapi(putMapping, async (c) => {
  const deps = c.get('deps');
  const { id, accountId } = c.req.valid('param');
  const { psaAccountId } = c.req.valid('json');
  const view = await changeAccount(
    deps,
    c.get('caller'),
    { id, accountId },
    'account.map',
    async (tx, row, account) => {
      if (account.excluded) throw conflict('excluded', 'This customer is excluded. Include it again first.');
      const psaAccount = await findPsaAccount(tx, row.psaConnectionId, psaAccountId);
      if (!psaAccount)
        throw unprocessable('unknown-psa-account', 'The PSA has no such account, or it was not read yet.');
      await insertAccountMappings(tx, row.id, [{ vendorAccountId: accountId, psaAccountId }], 'person');
      return { touched: [psaAccountId] };
    },
  );
  return send(c, accountSchema, view);
});

mappingRoutes.openapi(deleteMapping, async (c) => {
  const target = c.req.valid('param');
  const view = await changeAccount(c.get('deps'), c.get('caller'), target, 'account.unmap', async (tx, row) => {
    await deleteAccountMapping(tx, row.id, target.accountId);
    return { touched: [] };
  });
  return send(c, accountSchema, view);
});

mappingRoutes.openapi(putExclusion, async (c) => {
  const target = c.req.valid('param');
  const view = await changeAccount(c.get('deps'), c.get('caller'), target, 'account.exclude', async (tx, row) => {
    await setExcluded(tx, row.id, target.accountId, true);
    return { touched: [] };
  });
  return send(c, accountSchema, view);
});

mappingRoutes.openapi(deleteExclusion, async (c) => {
  const target = c.req.valid('param');
  const view = await changeAccount(c.get('deps'), c.get('caller'), target, 'account.include', async (tx, row) => {
    await setExcluded(tx, row.id, target.accountId, false);
    return { touched: [], begun: await beginOnboardings(tx, row, [target.accountId], { by: 'person' }) };
  });
  return send(c, accountSchema, view);
});

mappingRoutes.openapi(services, async (c) => {
  const deps = c.get('deps');
  const row = await ownedIntegration(deps, c.get('caller'), c.req.valid('param').id);
  return send(c, listOf(serviceSchema), { items: await listServices(deps.db, row.id), nextCursor: null });
});

mappingRoutes.openapi(putService, async (c) => {
  const target = c.req.valid('param');
  const given = c.req.valid('json');
  const view = await changeService(c.get('deps'), c.get('caller'), target, 'service.map', given, async (tx, row) => {
    const productIds = [...new Set(given.productIds)];
    const found = await findPsaProducts(tx, row.psaConnectionId, productIds);
    for (const productId of productIds) {
      const refused = whyNotProduct(
        productId,
        found.find((candidate) => candidate.id === productId),
      );
      if (refused) throw unprocessable(refused.code, refused.detail);
    }
    await storeServiceMapping(tx, row.id, target.serviceId, {
      productIds,
      fanOut: given.fanOut,
      rounding: given.rounding,
    });
    if (given.combine)
      for (const productId of productIds) await storeCombine(tx, row.psaConnectionId, productId, given.combine);
  });
  return send(c, serviceSchema, view);
});

mappingRoutes.openapi(deleteService, async (c) => {
  const target = c.req.valid('param');
  const view = await changeService(c.get('deps'), c.get('caller'), target, 'service.unmap', undefined, (tx, row) =>
    deleteServiceMapping(tx, row.id, target.serviceId),
  );
  return send(c, serviceSchema, view);
});

type Owned = Awaited<ReturnType<typeof ownedIntegration>>;

/** A change to one vendor account: effect, cards of the PSA accounts before and after, alerts it lets go, and audit, in one transaction. */
async function changeAccount(
  deps: ApiDependencies,
  caller: Caller,
  target: { id: string; accountId: string },
  action: string,
  change: (
    tx: Transaction,
    row: Owned,
    account: { excluded: boolean },
  ) => Promise<{ touched: string[]; begun?: ToWake[] }>,
) {
  const row = await activeIntegration(deps, caller, target.id);
  const toWake: ToWake[] = [];
  const view = await commitAndAdmit(deps, row.id, async (tx) => {
    const account = await findVendorAccount(tx, row.id, target.accountId);
    if (!account) throw notFound('vendor account');
    if (!account.linked) throw conflict('not-linked', 'This customer is not linked. Link it first.');
    const before = await findAccountMapping(tx, row.id, target.accountId);
    const { touched, begun = [] } = await change(tx, row, account);
    await recomputeCards(tx, row.psaConnectionId, [...(before ? [before.psaAccountId] : []), ...touched]);
    const after = await findAccountMapping(tx, row.id, target.accountId);
    const now = (await findVendorAccount(tx, row.id, target.accountId)) ?? account;
    toWake.push(...begun, ...(await settleOnboarding(tx, row, target.accountId)));
    await recordAudit(tx, caller.organizationId, {
      actor: actorOf(caller),
      action,
      subjectKind: 'vendor_account',
      subjectId: `${row.id}/${target.accountId}`,
      before: { excluded: account.excluded, psaAccountId: before?.psaAccountId ?? null, how: before?.how ?? null },
      after: { excluded: now.excluded, psaAccountId: after?.psaAccountId ?? null, how: after?.how ?? null },
    });
    return { ...now, psaAccountId: after?.psaAccountId ?? null, how: after?.how ?? null };
  });
  wakeAll(deps, toWake);
  return view;
}

async function changeService(
  deps: ApiDependencies,
  caller: Caller,
  target: { id: string; serviceId: string },
  action: string,
  given: z.infer<typeof serviceBody> | undefined,
  change: (tx: Transaction, row: Owned) => Promise<void>,
) {
  const row = await activeIntegration(deps, caller, target.id);
  return deps.db.transaction(async (tx) => {
    const before = (await listServices(tx, row.id)).find((service) => service.id === target.serviceId);
    if (!before) throw notFound('service');
    await change(tx, row);
    // How services combine holds for the product in every integration of the connection.
    if (given?.combine) await recomputeConnection(tx, row.psaConnectionId);
    else await recomputeIntegration(tx, row.id);
    await recordAudit(tx, caller.organizationId, {
      actor: actorOf(caller),
      action,
      subjectKind: 'service',
      subjectId: `${row.id}/${target.serviceId}`,
      before: { productIds: before.productIds, fanOut: before.fanOut, rounding: before.rounding },
      after: given ?? null,
    });
    const after = (await listServices(tx, row.id)).find((service) => service.id === target.serviceId);
    return after ?? before;
  });
}
