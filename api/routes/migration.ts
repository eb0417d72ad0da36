/** Migrate to Alerts, and back to billing alone (G30–G36). */
import { deliveryProcess, migrationProcess } from '../../domain/process/ids.ts';
import { abandonMigration, requestMigration } from '../../db/queries/migration.ts';
import { actorOf, wakeAll } from '../context.ts';
import { createRouter, idParam, route, send } from '../define.ts';
import { conflict } from '../problem.ts';
import { refuseUnconnected } from './integrations.ts';
import { activeIntegration, ownedIntegration } from '../owned.ts';
import { exampleIntegration, integrationSchema, integrationView } from '../views/integration.ts';

const tag = 'Migration to alerts';
const migrated = { ...exampleIntegration, modules: ['billing' as const, 'alerts' as const] };

const begin = route({
  method: 'post',
  path: '/v1/integrations/{id}/migration',
  operationId: 'migrateToAlerts',
  summary: 'Migrate to Alerts: billing goes on, and alerts are taken from now on',
  tag,
  scope: 'admin',
  request: { params: idParam },
  ok: 202,
  answer: integrationSchema,
  example: migrated,
});
const abandon = route({
  method: 'post',
  path: '/v1/integrations/{id}/migration/abandon',
  operationId: 'abandonMigration',
  summary: 'Back to billing alone: alerts that nobody was told of are dismissed, mappings stay',
  tag,
  scope: 'admin',
  request: { params: idParam },
  ok: 200,
  answer: integrationSchema,
  example: exampleIntegration,
});

export const migrationRoutes = createRouter();

migrationRoutes.openapi(begin, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const row = await activeIntegration(deps, caller, c.req.valid('param').id);
  await refuseUnconnected(deps, row);
  const begun = await deps.db.transaction((tx) => requestMigration(tx, row.id, actorOf(caller)));
  if (!begun) throw conflict('has-alerts', 'This integration carries alerts already.');
  wakeAll(deps, [migrationProcess(row)]);
  return send(c, integrationSchema, await integrationView(deps, await ownedIntegration(deps, caller, row.id)), 202);
});

migrationRoutes.openapi(abandon, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const row = await activeIntegration(deps, caller, c.req.valid('param').id);
  const alerts = await deps.db.transaction((tx) => abandonMigration(tx, row.id, actorOf(caller)));
  if (!alerts) throw conflict('no-migration', 'There is no migration under way that could be abandoned.');
  const of = { organizationId: row.organizationId, integrationId: row.id };
  wakeAll(deps, [migrationProcess(row), ...alerts.map((id) => deliveryProcess({ id, ...of }))]);
  return send(c, integrationSchema, await integrationView(deps, await ownedIntegration(deps, caller, row.id)));
});
