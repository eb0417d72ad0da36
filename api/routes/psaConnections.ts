import { refreshProcess } from '../../domain/process/ids.ts';
import { randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { ConnectorError } from '../../connectors/errors.ts';
import { isPsa, psas } from '../../connectors/registry.ts';
import { acceptIncomplete } from '../../commands/step.ts';
import {
  changePsaSettings,
  checkPsa,
  connectPsa,
  givePsaCredentials,
  setWrites,
} from '../../commands/psaConnection.ts';
import { readPauses } from '../../db/queries/rateLimit.ts';
import { listStepsOfMany } from '../../db/queries/processView.ts';
import { listPsaConnections, quantityDecimalsOf, type PsaConnectionRow } from '../../db/queries/psaConnection.ts';
import { summarizeUnread } from '../../db/queries/psaUnread.ts';
import { runCommand, type ApiDependencies, type ApiEnv } from '../context.ts';
import { createRouter, exampleIds, idParam, isoDate, isoDateOrNull, jsonBody, listOf, route, send } from '../define.ts';
import { ApiProblem, fieldErrors, unprocessable } from '../problem.ts';
import { ownedPsaConnection } from '../owned.ts';
import {
  createIncompleteViewer,
  exampleProcess,
  incompleteSchema,
  pauseSchema,
  processSchema,
  processView,
} from '../views/process.ts';

const tag = 'PSA connections';

const settingsSchema = z.object({
  quantityDecimals: z
    .number()
    .openapi({ description: 'The decimals of a quantity that the PSA keeps: targets are rounded half up to them' }),
});
/** The rights as they were last checked; null = not checked yet. A union for the reason given at `approvalSchema`. */
const rightsSchema = z.union([
  z
    .object({
      /** Whether the credentials work. */
      auth: z.enum(['ok', 'bad_credentials', 'bad_host', 'unreachable']),
      serverVersion: z.string().optional(),
      /** By the id of the right, which `GET /v1/psas` explains; `evidence` says what was asked and what came back. */
      capabilities: z.record(
        z.string(),
        z.object({ state: z.enum(['granted', 'denied', 'unknown']), evidence: z.string() }),
      ),
    })
    .openapi('CheckedRights'),
  z.null(),
]);
const connectionSchema = z
  .object({
    id: z.uuid(),
    kind: z.string(),
    name: z.string(),
    settings: settingsSchema,
    writesEnabled: z.boolean(),
    permissions: rightsSchema,
    permissionsAt: isoDateOrNull,
    /** The rights that alerts need, as *Check Permissions* found them; null before. */
    alertPermissions: rightsSchema,
    alertPermissionsAt: isoDateOrNull,
    refreshedAt: isoDateOrNull,
    /**
     * The rows that the last refresh could not read, the oldest first. Their last known values are kept, and the cards of
     * their accounts say so and are not approvable. For `lines` the id is that of the agreement. `first` has at most 20 of
     * `total`.
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
    /** Set when the newest refresh read incomplete lists that a person accepted: then it removed nothing. */
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
  permissions: {
    auth: 'ok' as const,
    serverVersion: 'v2025.16',
    capabilities: {
      'lines.read': {
        state: 'granted' as const,
        evidence: 'GET /finance/agreements/77/additions answered with 3 row(s).',
      },
    },
  },
  permissionsAt: '2026-11-23T09:00:00.000Z',
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
  /** The day on which they expire, if you know it; there is a warning before. */
  expiresOn: z.iso.date().optional(),
});
/** The PSA's entry in the registry has the schema of its settings and the defaults of absent ones. */
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
  problems: { 422: ['unknown-psa', 'invalid-credentials', 'invalid-settings'], 503: ['no-client-id'] },
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
  problems: {},
});
const get = route({
  method: 'get',
  path: '/v1/psa-connections/{id}',
  operationId: 'getPsaConnection',
  summary: 'One PSA connection with its rights and its process',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: connectionSchema,
  example: exampleConnection,
  problems: {},
});
const putCredentials = route({
  method: 'put',
  path: '/v1/psa-connections/{id}/credentials',
  operationId: 'putPsaCredentials',
  summary: 'Give new credentials; a blocked step tries again, and a pause ends',
  tag,
  scope: 'admin',
  request: { params: idParam, body: jsonBody(credentialsBody, exampleCredentials) },
  ok: 200,
  answer: connectionSchema,
  example: exampleConnection,
  problems: { 422: ['other-psa', 'invalid-credentials'], 503: ['no-client-id'] },
});
const check = route({
  method: 'post',
  path: '/v1/psa-connections/{id}/check',
  operationId: 'checkPsaConnection',
  summary: 'Read rights and data again now; a pause ends',
  tag,
  scope: 'operate',
  request: { params: idParam },
  ok: 202,
  answer: connectionSchema,
  example: exampleConnection,
  problems: {},
});
const accept = route({
  method: 'post',
  path: '/v1/psa-connections/{id}/accept-incomplete',
  operationId: 'acceptIncompletePsa',
  summary: 'Accept the incomplete lists, in this refresh only: they may raise and add, never lower or remove',
  tag,
  scope: 'operate',
  request: { params: idParam },
  ok: 202,
  answer: connectionSchema,
  example: exampleConnection,
  problems: { 409: ['nothing-incomplete'] },
});
const putWrites = route({
  method: 'put',
  path: '/v1/psa-connections/{id}/writes',
  operationId: 'putPsaWrites',
  summary: 'Turn writing to the PSA on or off; when it is turned off, unwritten lines become a to-do list',
  tag,
  scope: 'admin',
  request: { params: idParam, body: jsonBody(z.object({ enabled: z.boolean() }), { enabled: true }) },
  ok: 200,
  answer: connectionSchema,
  example: { ...exampleConnection, writesEnabled: true },
  problems: {},
});
const putSettings = route({
  method: 'put',
  path: '/v1/psa-connections/{id}/settings',
  operationId: 'putPsaSettings',
  summary: 'Set what the documentation of this PSA leaves open; cards are recomputed at once',
  tag,
  scope: 'admin',
  request: { params: idParam, body: jsonBody(settingsBody, { quantityDecimals: 2 }) },
  ok: 200,
  answer: connectionSchema,
  example: exampleConnection,
  problems: { 422: ['invalid-settings'] },
});
export const psaConnectionRoutes = createRouter();

psaConnectionRoutes.openapi(create, async (c) => {
  const deps = c.get('deps');
  const { kind, name, ...given } = c.req.valid('json');
  const plain = checkCredentials(deps, { kind, ...given });
  const settings = checkSettings(kind, given.settings ?? {}, 'settings.');
  const id = randomUUID();
  const credentials = deps.encryption.encrypt(plain, id);
  const credentialsExpireOn = given.expiresOn ?? null;
  await runCommand(c, connectPsa, { id, kind, name, settings, credentials, credentialsExpireOn });
  return sendConnection(c, id, 201);
});

psaConnectionRoutes.openapi(list, async (c) => {
  const deps = c.get('deps');
  const rows = await listPsaConnections(deps.db, c.get('caller').organizationId);
  return send(c, listOf(connectionSchema), {
    items: rows.map(await createViewer(deps, rows)),
    nextCursor: null,
  });
});

psaConnectionRoutes.openapi(get, (c) => sendConnection(c, c.req.valid('param').id));

psaConnectionRoutes.openapi(putCredentials, async (c) => {
  const { deps, caller } = c.var;
  const connection = await ownedPsaConnection(deps, caller, c.req.valid('param').id);
  const { id, kind } = connection;
  const given = c.req.valid('json');
  if (given.kind !== kind)
    throw unprocessable('other-psa', `This connection is to ${kind}; make another one for ${given.kind}.`);
  const credentials = deps.encryption.encrypt(checkCredentials(deps, given), id);
  await runCommand(c, givePsaCredentials, { connection, credentials, expireOn: given.expiresOn ?? null });
  return sendConnection(c, id);
});

psaConnectionRoutes.openapi(check, async (c) => {
  const connection = await ownedPsaConnection(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  await runCommand(c, checkPsa, { connection });
  return sendConnection(c, connection.id, 202);
});

psaConnectionRoutes.openapi(accept, async (c) => {
  const connection = await ownedPsaConnection(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  const subject = { subjectKind: 'psa_connection', subjectId: connection.id };
  await runCommand(c, acceptIncomplete, { process: refreshProcess(connection), subject });
  return sendConnection(c, connection.id, 202);
});

psaConnectionRoutes.openapi(putWrites, async (c) => {
  const connection = await ownedPsaConnection(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  await runCommand(c, setWrites, { connection, ...c.req.valid('json') });
  return sendConnection(c, connection.id);
});

psaConnectionRoutes.openapi(putSettings, async (c) => {
  const { id, kind } = await ownedPsaConnection(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  await runCommand(c, changePsaSettings, { id, settings: checkSettings(kind, c.req.valid('json'), '') });
  return sendConnection(c, id);
});

/** Sends a connection as it is now. */
async function sendConnection(c: Context<ApiEnv>, id: string, status: 200 | 201 | 202 = 200): Promise<Response> {
  const { deps, caller } = c.var;
  const row = await ownedPsaConnection(deps, caller, id);
  return send(c, connectionSchema, (await createViewer(deps, [row]))(row), status);
}

/** Reads what a step stored. @throws ZodError for rights that no version of Countersign writes */
const rightsOf = (stored: unknown) => rightsSchema.parse(stored);

/** Reads what is shown of these connections, with as many statements as one takes. @returns a function that shows one of them */
async function createViewer(deps: ApiDependencies, rows: readonly PsaConnectionRow[]) {
  const ids = rows.map(({ id }) => id);
  const stepsOf = await listStepsOfMany(deps.db, ['refreshPsa'], ids);
  const pauseOf = await readPauses(deps.db, 'psa', ids);
  const unreadOf = await summarizeUnread(deps.db, ids, 20);
  const named = await createIncompleteViewer(deps.db, rows);
  return (row: PsaConnectionRow) => {
    const process = refreshProcess(row);
    return {
      ...named(row),
      permissions: rightsOf(row.permissions),
      alertPermissions: rightsOf(row.alertPermissions),
      settings: { quantityDecimals: quantityDecimalsOf(row) },
      pause: pauseOf(row.id),
      unread: unreadOf(row.id),
      process: processView(deps, process, stepsOf(process)),
    };
  };
}

const unknownPsa = (kind: string) =>
  unprocessable(
    'unknown-psa',
    `Countersign does not know the PSA "${kind}". It knows: ${Object.keys(psas).join(', ')}.`,
  );

function checkCredentials(deps: ApiDependencies, given: { kind: string; credentials: unknown }): unknown {
  if (!isPsa(given.kind)) throw unknownPsa(given.kind);
  const parsed = psas[given.kind].credentials.safeParse(given.credentials);
  if (!parsed.success)
    throw unprocessable(
      'invalid-credentials',
      'The credentials are not complete or not of the right form.',
      fieldErrors(parsed.error, 'credentials.'),
    );
  try {
    psas[given.kind].check(parsed.data, { allowPrivateHosts: deps.environment.ALLOW_PRIVATE_HOSTS });
  } catch (error) {
    if (error instanceof ConnectorError) throw unprocessable('invalid-credentials', error.detail);
    throw error;
  }
  const missing = psas[given.kind].missing({ connectwiseClientId: deps.environment.CONNECTWISE_CLIENT_ID ?? '' });
  if (missing !== null) throw new ApiProblem(503, 'no-client-id', missing);
  return parsed.data;
}

/** @param at the path of the settings in the body, for the names of wrong fields */
function checkSettings(kind: string, given: Record<string, unknown>, at: string) {
  if (!isPsa(kind)) throw unknownPsa(kind);
  const parsed = psas[kind].settings.safeParse(given);
  if (parsed.success) return parsed.data;
  throw unprocessable('invalid-settings', 'The settings do not have the right form.', fieldErrors(parsed.error, at));
}
