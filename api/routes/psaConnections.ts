import { refreshProcess } from '../../domain/process/ids.ts';
import { randomUUID } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { ConnectorError } from '../../connectors/errors.ts';
import type { PsaEntry } from '../../connectors/psaEntry.ts';
import { examplePsa, psaOf, psas } from '../../connectors/registry.ts';
import { discardHeldRefresh, releaseHeldRefresh } from '../../commands/heldRefresh.ts';
import { acceptIncomplete } from '../../commands/step.ts';
import {
  changePsaSettings,
  checkPsa,
  connectPsa,
  givePsaCredentials,
  setWrites,
} from '../../commands/psaConnection.ts';
import { listPsaConnections } from '../../db/queries/psaConnection.ts';
import { findRefresh } from '../../db/queries/refreshGuard.ts';
import { runCommand, type ApiDependencies, type ApiEnv } from '../context.ts';
import { createRouter, dayToCome, exampleIds, idParam, jsonBody, listOf, ourId, route, send } from '../define.ts';
import { ApiProblem, fieldErrors, notFound, unprocessable } from '../problem.ts';
import { ownedPsaConnection } from '../owned.ts';
import { createPsaConnectionViewer, examplePsaConnection, psaConnectionSchema } from '../views/psaConnection.ts';

const tag = 'PSA connections';

export const psaConnectionRoutes = createRouter();

const { kind: exampleKind, credentials, connectionName, settings: exampleSettings } = examplePsa;
const exampleCredentials = { kind: exampleKind, credentials };

const credentialsBody = z.object({
  kind: z.string().max(50).openapi({ example: exampleKind }),
  credentials: z.record(z.string(), z.unknown()),
  /** The day on which they expire, if you know it; there is a warning before. */
  expiresOn: dayToCome.optional(),
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
  request: { body: jsonBody(createBody, { ...exampleCredentials, name: connectionName }) },
  ok: 201,
  answer: psaConnectionSchema,
  example: examplePsaConnection,
  problems: { 422: ['unknown-psa', 'invalid-credentials', 'invalid-settings'], 503: ['psa-not-set-up'] },
});

psaConnectionRoutes.openapi(create, async (c) => {
  const deps = c.get('deps');
  const { kind, name, ...given } = c.req.valid('json');
  const plain = await checkCredentials(deps, { kind, ...given });
  const settings = checkSettings(kind, given.settings ?? {}, 'settings.');
  const id = randomUUID();
  const credentials = deps.encryption.encrypt(plain, id);
  const credentialsExpireOn = given.expiresOn ?? null;
  await runCommand(c, connectPsa, { id, kind, name, settings, credentials, credentialsExpireOn });
  return sendConnection(c, id, 201);
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
  answer: listOf(psaConnectionSchema),
  example: { items: [examplePsaConnection], nextCursor: null },
  problems: {},
});

psaConnectionRoutes.openapi(list, async (c) => {
  const deps = c.get('deps');
  const rows = await listPsaConnections(deps.db, c.get('caller').organizationId);
  return send(c, listOf(psaConnectionSchema), {
    items: rows.map(await createPsaConnectionViewer(deps, rows)),
    nextCursor: null,
  });
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
  answer: psaConnectionSchema,
  example: examplePsaConnection,
  problems: {},
});

psaConnectionRoutes.openapi(get, (c) => sendConnection(c, c.req.valid('param').id));

const putCredentials = route({
  method: 'put',
  path: '/v1/psa-connections/{id}/credentials',
  operationId: 'putPsaCredentials',
  summary: 'Give new credentials; a blocked step tries again, and a pause ends',
  tag,
  scope: 'admin',
  request: { params: idParam, body: jsonBody(credentialsBody, exampleCredentials) },
  ok: 200,
  answer: psaConnectionSchema,
  example: examplePsaConnection,
  problems: { 422: ['other-psa', 'invalid-credentials'], 503: ['psa-not-set-up'] },
});

psaConnectionRoutes.openapi(putCredentials, async (c) => {
  const { deps, caller } = c.var;
  const connection = await ownedPsaConnection(deps, caller, c.req.valid('param').id);
  const { id, kind } = connection;
  const given = c.req.valid('json');
  if (given.kind !== kind)
    throw unprocessable('other-psa', `This connection is to ${kind}; make another one for ${given.kind}.`);
  const credentials = deps.encryption.encrypt(await checkCredentials(deps, given), id);
  await runCommand(c, givePsaCredentials, { connection, credentials, expireOn: given.expiresOn ?? null });
  return sendConnection(c, id);
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
  answer: psaConnectionSchema,
  example: examplePsaConnection,
  problems: {},
});

psaConnectionRoutes.openapi(check, async (c) => {
  const connection = await ownedPsaConnection(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  await runCommand(c, checkPsa, { connection });
  return sendConnection(c, connection.id, 202);
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
  answer: psaConnectionSchema,
  example: examplePsaConnection,
  problems: { 409: ['nothing-incomplete'] },
});

psaConnectionRoutes.openapi(accept, async (c) => {
  const connection = await ownedPsaConnection(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  const subject = { subjectKind: 'psa_connection', subjectId: connection.id };
  await runCommand(c, acceptIncomplete, { process: refreshProcess(connection), subject });
  return sendConnection(c, connection.id, 202);
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
  answer: psaConnectionSchema,
  example: { ...examplePsaConnection, writesEnabled: true },
  problems: { 409: ['writing-denied'] },
});

psaConnectionRoutes.openapi(putWrites, async (c) => {
  const connection = await ownedPsaConnection(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  await runCommand(c, setWrites, { connection, ...c.req.valid('json') });
  return sendConnection(c, connection.id);
});

const putSettings = route({
  method: 'put',
  path: '/v1/psa-connections/{id}/settings',
  operationId: 'putPsaSettings',
  summary: 'Set what the documentation of this PSA leaves open; cards are recomputed at once',
  tag,
  scope: 'admin',
  request: { params: idParam, body: jsonBody(settingsBody, exampleSettings) },
  ok: 200,
  answer: psaConnectionSchema,
  example: examplePsaConnection,
  problems: { 422: ['invalid-settings'] },
});

psaConnectionRoutes.openapi(putSettings, async (c) => {
  const { deps, caller } = c.var;
  const { id, kind } = await ownedPsaConnection(deps, caller, c.req.valid('param').id);
  const settings = checkSettings(kind, c.req.valid('json'), '');
  await runCommand(c, changePsaSettings, { id, settings, slots: deps.environment.ALERTS_IN_FLIGHT });
  return sendConnection(c, id);
});

const refreshParam = idParam.extend({ refreshId: ourId.openapi({ example: exampleIds.run }) });

const release = route({
  method: 'post',
  path: '/v1/psa-connections/{id}/refreshes/{refreshId}/release',
  operationId: 'releasePsaRefresh',
  summary: 'Show a held reading of the PSA as it is: the rows that it lacks are really gone',
  tag,
  scope: 'operate',
  request: { params: refreshParam },
  ok: 202,
  answer: psaConnectionSchema,
  example: examplePsaConnection,
  problems: { 409: ['not-held'] },
});

const discard = route({
  method: 'post',
  path: '/v1/psa-connections/{id}/refreshes/{refreshId}/discard',
  operationId: 'discardPsaRefresh',
  summary: 'Drop a held reading of the PSA, and read the PSA anew',
  tag,
  scope: 'operate',
  request: { params: refreshParam },
  ok: 202,
  answer: psaConnectionSchema,
  example: examplePsaConnection,
  problems: { 409: ['not-held'] },
});

for (const [asked, command] of [
  [release, releaseHeldRefresh],
  [discard, discardHeldRefresh],
] as const) {
  psaConnectionRoutes.openapi(asked, async (c) => {
    const { deps, caller } = c.var;
    const { id, refreshId } = c.req.valid('param');
    await ownedPsaConnection(deps, caller, id);
    const refresh = await findRefresh(deps.db, id, refreshId);
    if (!refresh) throw notFound('refresh');
    await runCommand(c, command, { refresh });
    return sendConnection(c, id, 202);
  });
}

/** Sends a connection as it is now. */
async function sendConnection(c: Context<ApiEnv>, id: string, status: 200 | 201 | 202 = 200): Promise<Response> {
  const { deps, caller } = c.var;
  const row = await ownedPsaConnection(deps, caller, id);
  return send(c, psaConnectionSchema, (await createPsaConnectionViewer(deps, [row]))(row), status);
}

/** @throws ApiProblem when Countersign knows no such PSA */
function knownPsa(kind: string): PsaEntry {
  const psa = psaOf(kind);
  if (psa) return psa;
  throw unprocessable(
    'unknown-psa',
    `Countersign does not know the PSA "${kind}". It knows: ${Object.keys(psas).join(', ')}.`,
  );
}

async function checkCredentials(
  { environment }: ApiDependencies,
  given: { kind: string; credentials: unknown },
): Promise<unknown> {
  const psa = knownPsa(given.kind);
  const parsed = psa.credentials.safeParse(given.credentials);
  if (!parsed.success)
    throw unprocessable(
      'invalid-credentials',
      'The credentials are not complete or not of the right form.',
      fieldErrors(parsed.error, 'credentials.'),
    );
  try {
    await psa.check(parsed.data, { allowPrivateHosts: environment.ALLOW_PRIVATE_HOSTS });
  } catch (error) {
    if (error instanceof ConnectorError) throw unprocessable('invalid-credentials', error.detail);
    throw error;
  }
  const missing = psa.missing(environment);
  if (missing !== null) throw new ApiProblem(503, 'psa-not-set-up', missing);
  return parsed.data;
}

/** @param at the path of the settings in the body, for the names of wrong fields */
function checkSettings(kind: string, given: Record<string, unknown>, at: string): Record<string, unknown> {
  const parsed = knownPsa(kind).settings.safeParse(given);
  if (parsed.success) return parsed.data;
  throw unprocessable('invalid-settings', 'The settings do not have the right form.', fieldErrors(parsed.error, at));
}
