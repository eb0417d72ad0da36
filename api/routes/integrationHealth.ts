/** The health of each integration: the age of its data, what waits for whom, its credentials. */
import { readHealthFacts } from '../../db/queries/health.ts';
import { createRouter, idParam, listOf, route, send } from '../define.ts';
import { judgeHealth } from '../health.ts';
import { conflict } from '../problem.ts';
import { ownedIntegration } from '../owned.ts';
import { exampleHealth, healthSchema } from '../views/health.ts';

const tag = 'Health';

const list = route({
  method: 'get',
  path: '/v1/health',
  operationId: 'listHealth',
  summary: 'The health of every connected integration',
  tag,
  scope: 'read',
  request: {},
  ok: 200,
  answer: listOf(healthSchema),
  example: { items: [exampleHealth], nextCursor: null },
  problems: {},
});
const get = route({
  method: 'get',
  path: '/v1/integrations/{id}/health',
  operationId: 'getHealth',
  summary: 'The health of an integration: the age of its data, what waits for whom, its credentials',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: healthSchema,
  example: exampleHealth,
  problems: { 409: ['disconnected'] },
});

export const integrationHealthRoutes = createRouter();

integrationHealthRoutes.openapi(list, async (c) => {
  const { db, environment } = c.get('deps');
  const all = await readHealthFacts(db, environment.RETRYING_SHOWN_MS, {
    organizationId: c.get('caller').organizationId,
  });
  const items = all.map((facts) => judgeHealth(environment, facts));
  return send(c, listOf(healthSchema), { items, nextCursor: null });
});

integrationHealthRoutes.openapi(get, async (c) => {
  const deps = c.get('deps');
  const row = await ownedIntegration(deps, c.get('caller'), c.req.valid('param').id);
  const [facts] = await readHealthFacts(deps.db, deps.environment.RETRYING_SHOWN_MS, { integrationId: row.id });
  if (!facts) throw conflict('disconnected', 'This integration was disconnected: there is nothing to look after.');
  return send(c, healthSchema, judgeHealth(deps.environment, facts));
});
