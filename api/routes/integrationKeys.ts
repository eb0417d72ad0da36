/** Keys with which a vendor pushes: rotate with an overlap, list, revoke. */
import { z } from '@hono/zod-openapi';
import { issueKey, revokeKey } from '../../commands/integrationKey.ts';
import { listIntegrationKeys } from '../../db/queries/push.ts';
import { runCommand } from '../context.ts';
import { createRouter, exampleIds, idParam, isoDate, isoDateOrNull, jsonBody, listOf, route, send } from '../define.ts';
import { activeIntegration, ownedIntegration } from '../owned.ts';

const tag = 'Integration keys';

const keySchema = z
  .object({
    id: z.uuid(),
    createdAt: isoDate,
    expiresAt: isoDateOrNull,
    revokedAt: isoDateOrNull,
    lastUsedAt: isoDateOrNull,
  })
  .openapi('IntegrationKey');
const issuedSchema = z.object({
  id: z.uuid(),
  /** The answer to a repeated `Idempotency-Key` has none: a key is shown once. */
  key: z.string().optional(),
});

const exampleKey = {
  id: exampleIds.integration,
  createdAt: '2026-11-23T09:00:00.000Z',
  expiresAt: null,
  revokedAt: null,
  lastUsedAt: '2026-11-24T03:30:00.000Z',
};

const maxOverlapHours = 24 * 30;
const rotate = route({
  method: 'post',
  path: '/v1/integrations/{id}/key',
  operationId: 'rotateIntegrationKey',
  summary: 'Create a key for the vendor, shown once; older keys go on working for the overlap',
  tag,
  scope: 'admin',
  request: {
    params: idParam,
    body: jsonBody(z.object({ overlapHours: z.number().min(0).max(maxOverlapHours).default(0) }), {
      overlapHours: 24,
    }),
  },
  ok: 201,
  answer: issuedSchema,
  example: { id: exampleIds.integration, key: 'csk_shown-once-and-kept-as-a-hash' },
  problems: { 409: ['disconnected'] },
});
const list = route({
  method: 'get',
  path: '/v1/integrations/{id}/keys',
  operationId: 'listIntegrationKeys',
  summary: 'Keys with their last use, newest first; never the keys themselves',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: listOf(keySchema),
  example: { items: [exampleKey], nextCursor: null },
  problems: {},
});
const revoke = route({
  method: 'delete',
  path: '/v1/integrations/{id}/keys/{keyId}',
  operationId: 'revokeIntegrationKey',
  summary: 'Revoke a key at once',
  tag,
  scope: 'admin',
  request: { params: idParam.extend({ keyId: z.uuid().openapi({ example: exampleIds.integration }) }) },
  ok: 200,
  answer: listOf(keySchema),
  example: { items: [{ ...exampleKey, revokedAt: '2026-11-24T09:00:00.000Z' }], nextCursor: null },
  problems: {},
});

export const integrationKeyRoutes = createRouter();

integrationKeyRoutes.openapi(rotate, async (c) => {
  const integration = await activeIntegration(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  const overlapMs = Math.round(c.req.valid('json').overlapHours * 3_600_000);
  return send(c, issuedSchema, await runCommand(c, issueKey, { integration, overlapMs }), 201);
});

integrationKeyRoutes.openapi(list, async (c) => {
  const deps = c.get('deps');
  const row = await ownedIntegration(deps, c.get('caller'), c.req.valid('param').id);
  return send(c, listOf(keySchema), { items: await listIntegrationKeys(deps.db, row.id), nextCursor: null });
});

integrationKeyRoutes.openapi(revoke, async (c) => {
  const deps = c.get('deps');
  const { id, keyId } = c.req.valid('param');
  const integration = await ownedIntegration(deps, c.get('caller'), id);
  await runCommand(c, revokeKey, { integration, keyId });
  return send(c, listOf(keySchema), { items: await listIntegrationKeys(deps.db, id), nextCursor: null });
});
