import { approvalProcess, refreshProcess, type Wakeable } from '../../domain/process/ids.ts';
import { randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { stopWriting } from '../../commands/approval.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import { isPsa, psas } from '../../connectors/registry.ts';
import { listBatchesAtWork } from '../../db/queries/approvals.ts';
import { listAlertsAtWork } from '../../db/queries/alerts.ts';
import { listPermissionChecks } from '../../db/queries/migration.ts';
import type { Queryable } from '../../db/client.ts';
import { acceptIncomplete } from '../../commands/step.ts';
import { endPause } from '../../commands/endPause.ts';
import { changePsaSettings } from '../../commands/psaSettings.ts';
import { recordAudit } from '../../db/queries/audit.ts';
import { readPause } from '../../db/queries/rateLimit.ts';
import { commitFact, listSteps, reopenBlocked } from '../../db/queries/process.ts';
import {
  insertPsaConnection,
  listPsaConnections,
  quantityDecimalsOf,
  requestRefresh,
  storePsaCredentials,
  storeWritesEnabled,
  type PsaConnectionRow,
} from '../../db/queries/psaConnection.ts';
import { summarizeUnread } from '../../db/queries/psaUnread.ts';
import { actorFrom, actorOf, commitAndWake, runCommand, type ApiDependencies, type Caller } from '../context.ts';
import { createRouter, exampleIds, idParam, isoDate, isoDateOrNull, jsonBody, listOf, route, send } from '../define.ts';
import { ApiProblem, unprocessable } from '../problem.ts';
import { ownedPsaConnection } from '../owned.ts';
import { exampleProcess, incompleteSchema, pauseSchema, processSchema, processView } from '../views/process.ts';

const tag = 'PSA connections';

const settingsSchema = z.object({
  quantityDecimals: z
    .number()
    .openapi({ description: 'Decimals of a quantity that the PSA keeps: targets are rounded to them, half up' }),
});
const connectionSchema = z
  .object({
    id: z.uuid(),
    kind: z.string(),
    name: z.string(),
    settings: settingsSchema,
    writesEnabled: z.boolean(),
    permissions: z.unknown(),
    permissionsAt: isoDateOrNull,
    /** What alerts need besides, as *Check Permissions* found it; null before. */
    alertPermissions: z.unknown(),
    alertPermissionsAt: isoDateOrNull,
    refreshedAt: isoDateOrNull,
    /**
     * What the last read could not read, the oldest first: its last rows are kept, and the cards of its account say so and
     * are not approvable. `lines` are those of the agreement `id`. `first` are at most 20 of `total`.
     */
    unread: z.object({
      total: z.int(),
      first: z.array(
        z.object({
          entity: z.enum(['psa_account', 'psa_product', 'psa_board', 'agreement', 'lines']),
          id: z.string(),
          name: z.string().nullable(),
          accountId: z.string().nullable(),
          why: z.string(),
          since: isoDate,
        }),
      ),
    }),
    pause: pauseSchema,
    /** The newest read of its lists was not whole, and a person took it so: it removed nothing. */
    incomplete: incompleteSchema,
    process: processSchema,
  })
  .openapi('PsaConnection');

const exampleConnection = {
  id: exampleIds.psaConnection,
  kind: 'connectwise',
  name: 'Our ConnectWise',
  settings: { quantityDecimals: 2 },
  writesEnabled: false,
  permissions: null,
  permissionsAt: null,
  alertPermissions: null,
  alertPermissionsAt: null,
  refreshedAt: null,
  unread: {
    total: 1,
    first: [
      {
        entity: 'lines' as const,
        id: '4711',
        name: 'Managed Services',
        accountId: '19',
        why: 'GET /finance/agreements/{id}/additions answered 403: No rights.',
        since: '2026-11-02T06:00:00.000Z',
      },
    ],
  },
  pause: null,
  incomplete: null,
  process: exampleProcess('refreshPsa', exampleIds.psaConnection, 'checkPsaPermissions', 'pullPsa'),
};
const exampleCredentials = {
  kind: 'connectwise',
  credentials: { site: 'na.myconnectwise.net', companyId: 'acme', publicKey: 'AbCdEfGh', privateKey: 'IjKlMnOp' },
};

const credentialsBody = z.object({
  kind: z.string().max(50).openapi({ example: 'connectwise' }),
  credentials: z.record(z.string(), z.unknown()),
  /** The day on which they end, if you know it: you are warned before. */
  expiresOn: z.iso.date().optional(),
});
/** What a PSA has for settings its entry of the registry says; absent ones get its values. */
const settingsBody = z.record(z.string(), z.unknown());
const createBody = credentialsBody.extend({
  name: z.string().trim().min(1).max(200),
  settings: settingsBody.optional(),
});

const create = route({
  method: 'post',
  path: '/v1/psa-connections',
  operationId: 'createPsaConnection',
  summary: 'Connect a PSA; its rights and data are read at once',
  tag,
  scope: 'admin',
  request: { body: jsonBody(createBody, { ...exampleCredentials, name: 'Our ConnectWise' }) },
  ok: 201,
  answer: connectionSchema,
  example: exampleConnection,
});
const list = route({
  method: 'get',
  path: '/v1/psa-connections',
  operationId: 'listPsaConnections',
  summary: 'PSA connections of the organization',
  tag,
  scope: 'read',
  request: {},
  ok: 200,
  answer: listOf(connectionSchema),
  example: { items: [exampleConnection], nextCursor: null },
});
const get = route({
  method: 'get',
  path: '/v1/psa-connections/{id}',
  operationId: 'getPsaConnection',
  summary: 'One PSA connection with its rights and what it is doing',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: connectionSchema,
  example: exampleConnection,
});
const putCredentials = route({
  method: 'put',
  path: '/v1/psa-connections/{id}/credentials',
  operationId: 'putPsaCredentials',
  summary: 'Give new credentials; a blocked step tries again, and a pause is over',
  tag,
  scope: 'admin',
  request: { params: idParam, body: jsonBody(credentialsBody, exampleCredentials) },
  ok: 200,
  answer: connectionSchema,
  example: exampleConnection,
});
const check = route({
  method: 'post',
  path: '/v1/psa-connections/{id}/check',
  operationId: 'checkPsaConnection',
  summary: 'Read rights and data again, now: a pause is over',
  tag,
  scope: 'operate',
  request: { params: idParam },
  ok: 202,
  answer: connectionSchema,
  example: exampleConnection,
});
const accept = route({
  method: 'post',
  path: '/v1/psa-connections/{id}/accept-incomplete',
  operationId: 'acceptIncompletePsa',
  summary: 'Take the lists that are not whole, in this read only: it may raise and add, never lower or remove',
  tag,
  scope: 'operate',
  request: { params: idParam },
  ok: 202,
  answer: connectionSchema,
  example: exampleConnection,
});
const putWrites = route({
  method: 'put',
  path: '/v1/psa-connections/{id}/writes',
  operationId: 'putPsaWrites',
  summary: 'Turn writing to the PSA on or off; off, what is not written yet becomes a to-do list',
  tag,
  scope: 'admin',
  request: { params: idParam, body: jsonBody(z.object({ enabled: z.boolean() }), { enabled: true }) },
  ok: 200,
  answer: connectionSchema,
  example: { ...exampleConnection, writesEnabled: true },
});
const putSettings = route({
  method: 'put',
  path: '/v1/psa-connections/{id}/settings',
  operationId: 'putPsaSettings',
  summary: 'Say what this PSA does where its documentation is silent; cards are computed anew at once',
  tag,
  scope: 'admin',
  request: { params: idParam, body: jsonBody(settingsBody, { quantityDecimals: 2 }) },
  ok: 200,
  answer: connectionSchema,
  example: exampleConnection,
});
export const psaConnectionRoutes = createRouter();

psaConnectionRoutes.openapi(create, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const given = c.req.valid('json');
  const credentials = checkCredentials(deps, given);
  const settings = checkSettings(given.kind, given.settings ?? {}, 'settings.');
  const id = randomUUID();
  const wakeable = refreshProcess({ id, organizationId: caller.organizationId });
  await commitAndWake(deps, [wakeable], async (tx) => {
    await insertPsaConnection(tx, caller.organizationId, {
      id,
      kind: given.kind,
      name: given.name,
      settings,
      credentials: deps.encryption.encrypt(credentials, id),
      credentialsExpireOn: given.expiresOn ?? null,
    });
    await requestRefresh(tx, id);
    await commitFact(tx, wakeable);
    await recordAudit(tx, caller.organizationId, {
      actor: actorOf(caller),
      action: 'psaConnection.create',
      subjectKind: 'psa_connection',
      subjectId: id,
      after: { kind: given.kind, name: given.name, settings },
    });
  });
  return send(c, connectionSchema, await psaConnectionView(deps, await ownedPsaConnection(deps, caller, id)), 201);
});

psaConnectionRoutes.openapi(list, async (c) => {
  const deps = c.get('deps');
  const rows = await listPsaConnections(deps.db, c.get('caller').organizationId);
  return send(c, listOf(connectionSchema), {
    items: await Promise.all(rows.map((row) => psaConnectionView(deps, row))),
    nextCursor: null,
  });
});

psaConnectionRoutes.openapi(get, async (c) => {
  const deps = c.get('deps');
  return send(
    c,
    connectionSchema,
    await psaConnectionView(deps, await ownedPsaConnection(deps, c.get('caller'), c.req.valid('param').id)),
  );
});

psaConnectionRoutes.openapi(putCredentials, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const row = await ownedPsaConnection(deps, caller, c.req.valid('param').id);
  const given = c.req.valid('json');
  if (given.kind !== row.kind)
    throw unprocessable('other-psa', `This connection is to ${row.kind}; make another one for ${given.kind}.`);
  const credentials = checkCredentials(deps, given);
  await change(deps, caller, row.id, 'psaConnection.credentials', undefined, async (tx) => {
    await storePsaCredentials(tx, row.id, deps.encryption.encrypt(credentials, row.id), given.expiresOn ?? null);
    await reopenBlocked(tx, { kind: 'refreshPsa', id: row.id });
    for (const ref of await listAtWork(tx, row)) await reopenBlocked(tx, ref);
    await requestRefresh(tx, row.id);
    await endPause(tx, actorFrom(caller), { of: 'psa', id: row.id });
  });
  return send(c, connectionSchema, await psaConnectionView(deps, await ownedPsaConnection(deps, caller, row.id)));
});

psaConnectionRoutes.openapi(check, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const row = await ownedPsaConnection(deps, caller, c.req.valid('param').id);
  await change(deps, caller, row.id, 'psaConnection.check', undefined, async (tx) => {
    await requestRefresh(tx, row.id);
    await endPause(tx, actorFrom(caller), { of: 'psa', id: row.id });
  });
  return send(c, connectionSchema, await psaConnectionView(deps, await ownedPsaConnection(deps, caller, row.id)), 202);
});

psaConnectionRoutes.openapi(accept, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const row = await ownedPsaConnection(deps, caller, c.req.valid('param').id);
  const subject = { subjectKind: 'psa_connection', subjectId: row.id };
  await runCommand(c, acceptIncomplete, { process: refreshProcess(row), subject });
  return send(c, connectionSchema, await psaConnectionView(deps, await ownedPsaConnection(deps, caller, row.id)), 202);
});

psaConnectionRoutes.openapi(putWrites, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const row = await ownedPsaConnection(deps, caller, c.req.valid('param').id);
  const { enabled } = c.req.valid('json');
  const moved = { before: { writesEnabled: row.writesEnabled }, after: { writesEnabled: enabled } };
  await change(deps, caller, row.id, 'psaConnection.writes', moved, async (tx) => {
    await storeWritesEnabled(tx, row.id, enabled);
    if (!enabled) await stopWriting(tx, { psaConnectionId: row.id, actor: actorFrom(caller) });
  });
  return send(c, connectionSchema, await psaConnectionView(deps, await ownedPsaConnection(deps, caller, row.id)));
});

psaConnectionRoutes.openapi(putSettings, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const row = await ownedPsaConnection(deps, caller, c.req.valid('param').id);
  const settings = checkSettings(row.kind, c.req.valid('json'), '');
  await deps.db.transaction((tx) => changePsaSettings(tx, row, actorOf(caller), settings));
  return send(c, connectionSchema, await psaConnectionView(deps, await ownedPsaConnection(deps, caller, row.id)));
});

async function psaConnectionView(deps: ApiDependencies, row: PsaConnectionRow) {
  const ref = refreshProcess(row);
  const pause = await readPause(deps.db, { of: 'psa', id: row.id });
  const settings = { quantityDecimals: quantityDecimalsOf(row) };
  const unread = await summarizeUnread(deps.db, row.id, 20);
  return { ...row, settings, pause, unread, process: processView(deps, ref, await listSteps(deps.db, ref)) };
}

async function change(
  deps: ApiDependencies,
  caller: Caller,
  id: string,
  action: string,
  moved: { before: unknown; after: unknown } | undefined,
  body: Parameters<typeof commitAndWake<void>>[2],
): Promise<void> {
  const wakeable = refreshProcess({ id, organizationId: caller.organizationId });
  // Every process of the connection tries again what is blocked.
  const wakeables = [wakeable, ...(await listAtWork(deps.db, { id, organizationId: caller.organizationId }))];
  await commitAndWake(deps, wakeables, async (tx) => {
    await body(tx);
    for (const ref of wakeables) await commitFact(tx, ref);
    await recordAudit(tx, caller.organizationId, {
      actor: actorOf(caller),
      action,
      subjectKind: 'psa_connection',
      subjectId: id,
      ...moved,
    });
  });
}

/** Besides its refresh: approvals and alerts on their way, and whoever asks it for permissions. */
async function listAtWork(
  db: Queryable,
  { id, organizationId }: Pick<PsaConnectionRow, 'id' | 'organizationId'>,
): Promise<Wakeable[]> {
  const batches = await listBatchesAtWork(db, id);
  return [
    ...batches.map((batch) => approvalProcess({ id: batch, organizationId })),
    ...(await listAlertsAtWork(db, id)),
    ...(await listPermissionChecks(db, id)),
  ];
}

const unknownPsa = (kind: string) =>
  unprocessable(
    'unknown-psa',
    `Countersign does not know the PSA "${kind}". It knows: ${Object.keys(psas).join(', ')}.`,
  );

function checkCredentials(deps: ApiDependencies, given: { kind: string; credentials: unknown }): unknown {
  if (!isPsa(given.kind)) throw unknownPsa(given.kind);
  const parsed = psas[given.kind].credentials.safeParse(given.credentials);
  if (!parsed.success) {
    const errors = parsed.error.issues.map((issue) => ({
      field: `credentials.${issue.path.map(String).join('.')}`,
      message: issue.message,
    }));
    throw unprocessable('invalid-credentials', 'The credentials are not complete or not of the right form.', errors);
  }
  try {
    psas[given.kind].check(parsed.data, { allowPrivateHosts: deps.environment.ALLOW_PRIVATE_HOSTS });
  } catch (error) {
    if (error instanceof ConnectorError) throw unprocessable('invalid-credentials', error.detail);
    throw error;
  }
  if (!deps.environment.CONNECTWISE_CLIENT_ID) {
    throw new ApiProblem(
      503,
      'no-client-id',
      'CONNECTWISE_CLIENT_ID is not set. Whoever runs Countersign registers one with ConnectWise and sets it.',
    );
  }
  return parsed.data;
}

/** @param at where the settings stand in the body, for the names of fields that are wrong */
function checkSettings(kind: string, given: Record<string, unknown>, at: string) {
  if (!isPsa(kind)) throw unknownPsa(kind);
  const parsed = psas[kind].settings.safeParse(given);
  if (parsed.success) return parsed.data;
  throw unprocessable(
    'invalid-settings',
    'The settings do not have the right form.',
    parsed.error.issues.map((issue) => ({ field: `${at}${issue.path.map(String).join('.')}`, message: issue.message })),
  );
}
