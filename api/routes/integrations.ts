import { connectProcess, migrationProcess, syncProcess, type Wakeable } from '../../domain/process/ids.ts';
import { z } from '@hono/zod-openapi';
import { isVendor, vendors } from '../../connectors/registry.ts';
import { endPause } from '../../commands/endPause.ts';
import type { Queryable } from '../../db/client.ts';
import { recordAudit } from '../../db/queries/audit.ts';
import {
  insertIntegration,
  linkVendorAccounts,
  listIntegrations,
  listUnlinked,
  listVendorAccounts,
  storeVendorCredentials,
  type IntegrationRow,
} from '../../db/queries/integration.ts';
import { completeMigrationStep, isMigrating } from '../../db/queries/migration.ts';
import { listed } from '../../domain/listed.ts';
import { beginOnboardings, reopenStuckOnboardings } from '../../commands/onboarding.ts';
import {
  commitFact,
  completeByFact,
  finishStep,
  listSteps,
  reopenBlocked,
  reopenSteps,
} from '../../db/queries/process.ts';
import { findPsaConnection } from '../../db/queries/psaConnection.ts';
import { issueKey, newIntegrationKey } from '../integrationKey.ts';
import { actorFrom, actorOf, commitAndWake, type ApiDependencies } from '../context.ts';
import {
  createRouter,
  decodeCursor,
  exampleIds,
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
import { createdSchema, exampleIntegration, integrationSchema, integrationView } from '../views/integration.ts';
import { activeIntegration, ownedIntegration } from '../owned.ts';

const tag = 'Integrations';

const createBody = z.object({
  vendor: z.string().max(50).openapi({ example: 'mailprotector' }),
  psaConnectionId: z.uuid(),
  intake: z.enum(['push', 'pull']),
  modules: z.array(z.enum(['billing', 'alerts'])).min(1),
  /** "Do you buy Mailprotector through Virtual Administrator?" is asked before anything is made (G02). */
  viaVirtualAdministrator: z.boolean(),
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
});
const list = route({
  method: 'get',
  path: '/v1/integrations',
  operationId: 'listIntegrations',
  summary: 'Integrations with what each is doing',
  tag,
  scope: 'read',
  request: {},
  ok: 200,
  answer: listOf(integrationSchema),
  example: { items: [exampleIntegration], nextCursor: null },
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
});
const credentialsBody = z.object({
  resellerId: z.string(),
  apiKey: z.string(),
  /** The day on which the key ends, if you know it: you are warned before. */
  expiresOn: z.iso.date().optional(),
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
});
export const integrationRoutes = createRouter();

integrationRoutes.openapi(create, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const given = c.req.valid('json');
  if (!isVendor(given.vendor))
    throw unprocessable('unknown-vendor', `Countersign does not know the vendor "${given.vendor}".`);
  if (given.viaVirtualAdministrator) {
    throw unprocessable(
      'virtual-administrator',
      'If you receive Mailprotector through Virtual Administrator, you cannot use the integration at this time.',
    );
  }
  const connection = await findPsaConnection(deps.db, caller.organizationId, given.psaConnectionId);
  if (!connection) throw notFound('PSA connection');
  const { services } = vendors[given.vendor];
  const secret = given.intake === 'push' ? newIntegrationKey() : undefined;
  const row = await deps.db.transaction(async (tx) => {
    const created = await insertIntegration(tx, caller.organizationId, {
      psaConnectionId: connection.id,
      vendor: given.vendor,
      intake: given.intake,
      modules: [...new Set(given.modules)],
      settings: {},
      services,
    });
    await recordAudit(tx, caller.organizationId, {
      actor: actorOf(caller),
      action: 'integration.create',
      subjectKind: 'integration',
      subjectId: created.id,
      after: { vendor: given.vendor, intake: given.intake, modules: given.modules },
    });
    if (secret !== undefined) await issueKey(tx, created, actorOf(caller), { secret, overlapMs: 0 });
    return created;
  });
  deps
    .wake({ ...connectProcess(row) })
    .catch((error: unknown) => deps.logger.warn({ err: error, id: row.id }, 'not woken; the sweep will'));
  const answer = { integration: await integrationView(deps, row), ...(secret === undefined ? {} : { key: secret }) };
  return send(c, createdSchema, answer, 201);
});

integrationRoutes.openapi(list, async (c) => {
  const deps = c.get('deps');
  const rows = await listIntegrations(deps.db, c.get('caller').organizationId);
  return send(c, listOf(integrationSchema), {
    items: await Promise.all(rows.map((row) => integrationView(deps, row))),
    nextCursor: null,
  });
});

integrationRoutes.openapi(get, async (c) => {
  const deps = c.get('deps');
  return send(
    c,
    integrationSchema,
    await integrationView(deps, await ownedIntegration(deps, c.get('caller'), c.req.valid('param').id)),
  );
});

integrationRoutes.openapi(putCredentials, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const row = await activeIntegration(deps, caller, c.req.valid('param').id);
  if (!isVendor(row.vendor)) throw notFound('vendor');
  // Credentials of a vendor that pushes are for a later switch of the intake.
  if (row.intake === 'push') await refuseUnconnected(deps, row);
  const { settings, expiresOn, ...credentials } = c.req.valid('json');
  const vendor = vendors[row.vendor];
  const parsed = vendor.credentials.safeParse(credentials);
  const parsedSettings = vendor.settings
    .extend({ swing: swingSchema.optional() })
    .strict()
    .safeParse(settings ?? {});
  const errors = [...fieldErrors(parsed.error?.issues, ''), ...fieldErrors(parsedSettings.error?.issues, 'settings.')];
  if (!parsed.success || errors.length > 0) {
    throw unprocessable('invalid-credentials', 'The credentials or settings do not have the right form.', errors);
  }
  const toWake: Wakeable[] = [connectProcess(row), syncProcess(row)];
  await commitAndWake(deps, toWake, async (tx) => {
    await storeVendorCredentials(tx, row.id, {
      credentials: deps.encryption.encrypt(parsed.data, row.id),
      expireOn: expiresOn ?? null,
      settings: { ...settings, resellerId: parsed.data.resellerId },
    });
    const connect = { kind: 'connect', id: row.id, round: '1' } as const;
    if (row.intake === 'push') await reopenSteps(tx, { ...connect, steps: ['credentials', 'verifyCredentials'] });
    await finishStep(tx, { ...connect, step: 'credentials' });
    for (const ref of [connect, { kind: 'sync', id: row.id } as const]) {
      await reopenBlocked(tx, ref);
      await commitFact(tx, ref);
    }
    toWake.push(...(await reopenStuckOnboardings(tx, row)));
    await endPause(tx, actorFrom(caller), { of: 'vendor', id: row.id });
    await recordAudit(tx, caller.organizationId, {
      actor: actorOf(caller),
      action: 'integration.credentials',
      subjectKind: 'integration',
      subjectId: row.id,
      after: { resellerId: parsed.data.resellerId },
    });
  });
  return send(c, integrationSchema, await integrationView(deps, row));
});

integrationRoutes.openapi(customers, async (c) => {
  const deps = c.get('deps');
  const row = await ownedIntegration(deps, c.get('caller'), c.req.valid('param').id);
  await refuseUnread(deps, row);
  const { limit, cursor } = c.req.valid('query');
  const rows = await listVendorAccounts(deps.db, row.id, { after: decodeCursor(cursor, outsideId), limit: limit + 1 });
  return send(
    c,
    listOf(customerSchema),
    pageOf(rows, limit, (item) => item.id),
  );
});

integrationRoutes.openapi(link, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const row = await activeIntegration(deps, caller, c.req.valid('param').id);
  await refuseUnread(deps, row);
  const given = c.req.valid('json');
  const toWake = await linkersOf(deps.db, row);
  const linked = await commitAndWake(deps, toWake, async (tx) => {
    const wanted = 'ids' in given ? given.ids : 'all';
    const fresh = await listUnlinked(tx, row.id, wanted);
    const ids = await linkVendorAccounts(tx, row.id, wanted);
    if ('ids' in given) {
      const known = new Set(ids);
      const unknown = given.ids.filter((id) => !known.has(id));
      if (unknown.length > 0)
        throw unprocessable(
          'unknown-customers',
          `These customers are not known: ${listed(unknown)}. Nothing was linked.`,
        );
    }
    if (ids.length === 0) throw unprocessable('no-customers', 'The vendor has no customers to link.');
    await completeByFact(tx, { kind: 'connect', id: row.id, round: '1', step: 'linkCustomers' });
    await completeMigrationStep(tx, row.id, 'linkCustomers');
    await recordAudit(tx, caller.organizationId, {
      actor: actorOf(caller),
      action: 'customers.link',
      subjectKind: 'integration',
      subjectId: row.id,
      after: { linked: ids.length },
    });
    // After connect nobody will ask what they are mapped to, unless it is asked now.
    toWake.push(...(await beginOnboardings(tx, row, fresh, { by: 'person' })));
    return ids.length;
  });
  return send(c, z.object({ linked: z.int() }), { linked });
});

/** Limits of the swing guard (domain/swingGuard.ts); what is not given is the default. */
const swingSchema = z.strictObject({
  pairPercent: z.number().min(0).max(1e6).optional(),
  pairUnits: z.number().min(0).max(1e9).optional(),
  totalPercent: z.number().min(0).max(1e6).optional(),
});

function fieldErrors(issues: readonly { path: PropertyKey[]; message: string }[] | undefined, prefix: string) {
  return (issues ?? []).map((issue) => ({
    field: `${prefix}${issue.path.map(String).join('.')}`,
    message: issue.message,
  }));
}

/** The processes in which customers are linked: connect, and a migration that is under way. */
export async function linkersOf(db: Queryable, row: IntegrationRow): Promise<Wakeable[]> {
  return [connectProcess(row), ...((await isMigrating(db, row.id)) ? [migrationProcess(row)] : [])];
}

async function refuseUnread(deps: ApiDependencies, row: IntegrationRow): Promise<void> {
  const steps = await listSteps(deps.db, { kind: 'connect', id: row.id });
  if (steps.find((step) => step.step === 'verifyCredentials')?.state === 'done') return;
  throw conflict(
    'not-read-yet',
    'The customers have not been read from the vendor yet. Look at the integration to see what it waits for.',
  );
}

/** @throws ApiProblem while it is being connected, which goes the way that was chosen at its start */
export async function refuseUnconnected(deps: ApiDependencies, row: IntegrationRow): Promise<void> {
  const steps = await listSteps(deps.db, { kind: 'connect', id: row.id });
  if (steps.find((step) => step.step === 'finish')?.state === 'done') return;
  throw conflict(
    'not-connected-yet',
    'This integration is still being connected the way that was chosen. Finish that first, or disconnect it and choose again.',
  );
}
