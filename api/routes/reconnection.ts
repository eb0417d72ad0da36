/** Disconnecting takes nothing away that a person decided, so that reconnecting can give all of it back. */
import { disconnectVendor, reconnectVendor } from '../../commands/integration.ts';
import { runCommand } from '../context.ts';
import { createRouter, idParam, route, send } from '../define.ts';
import { ownedIntegration } from '../owned.ts';
import {
  createdSchema,
  exampleIntegration,
  integrationSchema,
  integrationView,
  sendIntegration,
} from '../views/integration.ts';

const tag = 'Disconnecting and reconnecting';

const disconnect = route({
  method: 'post',
  path: '/v1/integrations/{id}/disconnect',
  operationId: 'disconnectIntegration',
  summary: 'Stop reading and reconciling; credentials are deleted, mappings and history stay',
  tag,
  scope: 'admin',
  request: { params: idParam },
  ok: 200,
  answer: integrationSchema,
  example: { ...exampleIntegration, disconnectedAt: '2026-11-24T09:00:00.000Z' },
  problems: {},
});
const reconnect = route({
  method: 'post',
  path: '/v1/integrations/{id}/reconnect',
  operationId: 'reconnectIntegration',
  summary: "Connect a disconnected integration again, with its mappings; only the vendor's access is asked for again",
  tag,
  scope: 'admin',
  request: { params: idParam },
  ok: 200,
  answer: createdSchema,
  example: { integration: exampleIntegration },
  problems: { 409: ['not-disconnected'] },
});

export const reconnectionRoutes = createRouter();

reconnectionRoutes.openapi(disconnect, async (c) => {
  const integration = await ownedIntegration(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  await runCommand(c, disconnectVendor, { integration });
  return sendIntegration(c, integration.id);
});

reconnectionRoutes.openapi(reconnect, async (c) => {
  const { deps, caller } = c.var;
  const { id } = await ownedIntegration(deps, caller, c.req.valid('param').id);
  const { toWake: _, ...key } = await runCommand(c, reconnectVendor, { id });
  const integration = await integrationView(deps, await ownedIntegration(deps, caller, id));
  return send(c, createdSchema, { integration, ...key });
});
