/** Migrate to Alerts, and back to billing only (G30–G36). */
import { abandonMigration, requestMigration } from '../../commands/migration.ts';
import { runCommand } from '../context.ts';
import { createRouter, idParam, route } from '../define.ts';
import { activeIntegration } from '../owned.ts';
import { exampleIntegration, integrationSchema, sendIntegration } from '../views/integration.ts';

const tag = 'Migration to alerts';
const migrated = { ...exampleIntegration, modules: ['billing' as const, 'alerts' as const] };

const begin = route({
  method: 'post',
  path: '/v1/integrations/{id}/migration',
  operationId: 'migrateToAlerts',
  summary: 'Migrate to Alerts: billing goes on, and alerts are accepted from now on',
  tag,
  scope: 'admin',
  request: { params: idParam },
  ok: 202,
  answer: integrationSchema,
  example: migrated,
  problems: { 409: ['disconnected', 'not-connected-yet', 'has-alerts'] },
});
const abandon = route({
  method: 'post',
  path: '/v1/integrations/{id}/migration/abandon',
  operationId: 'abandonMigration',
  summary: 'Go back to billing only: undelivered alerts are dismissed, mappings stay',
  tag,
  scope: 'admin',
  request: { params: idParam },
  ok: 200,
  answer: integrationSchema,
  example: exampleIntegration,
  problems: { 409: ['disconnected', 'no-migration'] },
});

export const migrationRoutes = createRouter();

migrationRoutes.openapi(begin, async (c) => {
  const integration = await activeIntegration(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  await runCommand(c, requestMigration, { integration });
  return sendIntegration(c, integration.id, 202);
});

migrationRoutes.openapi(abandon, async (c) => {
  const integration = await activeIntegration(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  await runCommand(c, abandonMigration, { integration });
  return sendIntegration(c, integration.id);
});
