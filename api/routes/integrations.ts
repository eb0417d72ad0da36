import { z } from '@hono/zod-openapi';
import { connectVendor, giveVendorCredentials, linkCustomers, refuseUnread } from '../../commands/integration.ts';
import { isVendor, vendors, type VendorName } from '../../connectors/registry.ts';
import { listIntegrations, listVendorAccounts } from '../../db/queries/integration.ts';
import { largestQuantity } from '../../domain/quantities.ts';
import { runCommand } from '../context.ts';
import {
  createRouter,
  dayToCome,
  decodeCursor,
  exampleIds,
  idParam,
  isoDateOrNull,
  jsonBody,
  listOf,
  ourId,
  outsideId,
  pageOf,
  pageQuery,
  route,
  send,
} from '../define.ts';
import type { Environment } from '../../environment.ts';
import { ApiProblem, fieldErrors, unprocessable } from '../problem.ts';
import {
  createdSchema,
  exampleIntegration,
  integrationSchema,
  integrationView,
  integrationViews,
  sendIntegration,
} from '../views/integration.ts';
import { activeIntegration, ownedIntegration, ownedPsaConnection } from '../owned.ts';
import { onlyPushes, vendorName, vendorsOf } from '../views/vendor.ts';

const tag = 'Integrations';

const createBody = z.object({
  vendor: z.string().max(50).openapi({ example: 'mailprotector' }),
  psaConnectionId: z.uuid(),
  intake: z.enum(['push', 'pull']),
  modules: z.array(z.enum(['billing', 'alerts'])).min(1),
  /** The answer to the vendor's `eligibility.question` ("Do you buy Mailprotector through Virtual Administrator?"), asked before a key is made (G02). */
  viaVirtualAdministrator: z.boolean().optional(),
});

const create = route({
  method: 'post',
  path: '/v1/integrations',
  operationId: 'createIntegration',
  summary: 'Connect a vendor: starts the connect process',
  tag,
  scope: 'admin',
  request: {
    body: jsonBody(createBody, {
      vendor: 'mailprotector',
      psaConnectionId: exampleIds.psaConnection,
      intake: 'pull',
      modules: ['billing'],
      viaVirtualAdministrator: false,
    }),
  },
  ok: 201,
  answer: createdSchema,
  example: { integration: exampleIntegration },
  problems: { 404: ['not-found'], 422: ['unknown-vendor', 'virtual-administrator', 'only-pushes'] },
});
const list = route({
  method: 'get',
  path: '/v1/integrations',
  operationId: 'listIntegrations',
  summary: 'Integrations with their processes, the oldest first',
  tag,
  scope: 'read',
  request: { query: pageQuery },
  ok: 200,
  answer: listOf(integrationSchema),
  example: { items: [exampleIntegration], nextCursor: null },
  problems: {},
});
const get = route({
  method: 'get',
  path: '/v1/integrations/{id}',
  operationId: 'getIntegration',
  summary: 'One integration with its steps',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: integrationSchema,
  example: exampleIntegration,
  problems: {},
});
const credentialsBody = z.object({
  resellerId: z.string(),
  apiKey: z.string(),
  /** The day on which the key expires, if you know it; there is a warning before. */
  expiresOn: dayToCome.optional(),
  settings: z.record(z.string(), z.unknown()).optional(),
});
const putCredentials = route({
  method: 'put',
  path: '/v1/integrations/{id}/vendor-credentials',
  operationId: 'putVendorCredentials',
  summary: "Give the vendor's credentials, with which Countersign reads from it; they are tried at once",
  tag,
  scope: 'admin',
  request: {
    params: idParam,
    body: jsonBody(credentialsBody, {
      resellerId: '500',
      apiKey: 'your-mailprotector-api-key',
      settings: { countBy: 'userCount', swing: { totalPercent: 20 } },
    }),
  },
  ok: 200,
  answer: integrationSchema,
  example: exampleIntegration,
  problems: { 409: ['disconnected', 'not-connected-yet'], 422: ['invalid-credentials', 'only-pushes'] },
});
const customerSchema = z
  .object({ id: z.string(), name: z.string(), linked: z.boolean(), missingSince: isoDateOrNull })
  .openapi('VendorCustomer');
const customers = route({
  method: 'get',
  path: '/v1/integrations/{id}/customers',
  operationId: 'listCustomers',
  summary: "The vendor's customers as last read, to choose which to link",
  tag,
  scope: 'read',
  request: { params: idParam, query: pageQuery },
  ok: 200,
  answer: listOf(customerSchema),
  example: { items: [{ id: '1001', name: 'Acme Dental', linked: true, missingSince: null }], nextCursor: null },
  problems: { 409: ['not-read-yet'] },
});
const linkBody = z.union([
  z.object({ ids: z.array(z.string()).min(1).max(100_000) }),
  z.object({ all: z.literal(true) }),
]);
const link = route({
  method: 'post',
  path: '/v1/integrations/{id}/customers/link',
  operationId: 'linkCustomers',
  summary: 'Link customers: their usage is read from now on',
  tag,
  scope: 'operate',
  request: { params: idParam, body: jsonBody(linkBody, { ids: ['1001', '1002'] }) },
  ok: 200,
  answer: z.object({ linked: z.int() }),
  example: { linked: 2 },
  problems: { 409: ['disconnected', 'not-read-yet'], 422: ['unknown-customers', 'no-customers'] },
});
export const integrationRoutes = createRouter();

integrationRoutes.openapi(create, async (c) => {
  const { deps, caller } = c.var;
  const { viaVirtualAdministrator, vendor, ...given } = c.req.valid('json');
  const { eligibility } = connectable(deps.environment, vendor, given.intake);
  if (eligibility && viaVirtualAdministrator === undefined) throw unanswered(eligibility.question);
  if (eligibility && viaVirtualAdministrator) throw unprocessable('virtual-administrator', eligibility.refusal);
  await ownedPsaConnection(deps, caller, given.psaConnectionId);
  // A vendor that pushes creates its own services, and expects no others.
  const services = isVendor(vendor) && given.intake === 'pull' ? vendors[vendor].services : [];
  const modules = [...new Set(given.modules)];
  const { toWake: _, ...created } = await runCommand(c, connectVendor, { ...given, vendor, modules, services });
  const integration = await integrationView(deps, created.integration);
  return send(c, createdSchema, { ...created, integration }, 201);
});

integrationRoutes.openapi(list, async (c) => {
  const { deps, caller } = c.var;
  const { limit, cursor } = c.req.valid('query');
  const after = decodeCursor(cursor, ourId);
  const rows = await listIntegrations(deps.db, caller.organizationId, { after, limit: limit + 1 });
  const page = pageOf(rows, limit, (row) => row.id);
  return send(c, listOf(integrationSchema), { ...page, items: await integrationViews(deps, page.items) });
});

integrationRoutes.openapi(get, (c) => sendIntegration(c, c.req.valid('param').id));

integrationRoutes.openapi(putCredentials, async (c) => {
  const deps = c.get('deps');
  const integration = await activeIntegration(deps, c.get('caller'), c.req.valid('param').id);
  const { expiresOn, ...given } = c.req.valid('json');
  if (!isVendor(integration.vendor)) throw onlyPushes(vendorName(integration.vendor, deps.environment));
  const { credentials, settings } = readCredentials(integration.vendor, given);
  await runCommand(c, giveVendorCredentials, {
    integration,
    credentials: deps.encryption.encrypt(credentials, integration.id),
    expireOn: expiresOn ?? null,
    settings,
  });
  return send(c, integrationSchema, await integrationView(deps, integration));
});

integrationRoutes.openapi(customers, async (c) => {
  const deps = c.get('deps');
  const row = await ownedIntegration(deps, c.get('caller'), c.req.valid('param').id);
  await refuseUnread(deps.db, row);
  const { limit, cursor } = c.req.valid('query');
  const rows = await listVendorAccounts(deps.db, row.id, { after: decodeCursor(cursor, outsideId), limit: limit + 1 });
  const page = pageOf(rows, limit, (item) => item.id);
  return send(c, listOf(customerSchema), page);
});

integrationRoutes.openapi(link, async (c) => {
  const integration = await activeIntegration(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  const given = c.req.valid('json');
  const { linked } = await runCommand(c, linkCustomers, { integration, wanted: 'ids' in given ? given.ids : 'all' });
  return send(c, z.object({ linked: z.int() }), { linked });
});

/** @throws ApiProblem for a vendor that is not known, or that cannot be read when it would have to be */
function connectable(environment: Environment, id: string, intake: 'push' | 'pull') {
  const vendor = vendorsOf(environment).find((each) => each.id === id);
  if (!vendor) throw unprocessable('unknown-vendor', `Countersign does not know the vendor "${id}".`);
  if (!vendor.intakes.some((each) => each.intake === intake)) throw onlyPushes(vendor.name);
  return vendor;
}

const unanswered = (question: string) => {
  const field = 'viaVirtualAdministrator';
  return new ApiProblem(400, 'invalid-request', `The request does not fit: ${field}.`, {
    errors: [{ field, message: `This vendor asks: ${question}` }],
  });
};

/** Limits of the swing guard (domain/swingGuard.ts); a limit that is not given has its default. */
const swingSchema = z.strictObject({
  pairPercent: z.number().min(0).max(1e6).optional(),
  pairUnits: z.number().min(0).max(largestQuantity).optional(),
  totalPercent: z.number().min(0).max(1e6).optional(),
});

/** @throws ApiProblem for credentials or settings that the vendor's entry of the registry does not know */
function readCredentials(
  vendorId: VendorName,
  { settings, ...given }: Omit<z.infer<typeof credentialsBody>, 'expiresOn'>,
) {
  const vendor = vendors[vendorId];
  const parsed = vendor.credentials.safeParse(given);
  const parsedSettings = vendor.settings
    .extend({ swing: swingSchema.optional() })
    .strict()
    .safeParse(settings ?? {});
  const errors = [...fieldErrors(parsed.error, ''), ...fieldErrors(parsedSettings.error, 'settings.')];
  if (!parsed.success || errors.length > 0)
    throw unprocessable('invalid-credentials', 'The credentials or settings do not have the right form.', errors);
  return { credentials: parsed.data, settings: { ...settings, resellerId: parsed.data.resellerId } };
}
