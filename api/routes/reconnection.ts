/** Disconnecting takes nothing away that a person decided, so that reconnecting can give all of it back. */
import { connectProcess, deliveryProcess, syncProcess, type Wakeable } from '../../domain/process/ids.ts';
import { dismissUndelivered } from '../../db/queries/alerts.ts';
import { recordAudit } from '../../db/queries/audit.ts';
import { recomputeIntegration } from '../../db/queries/cards.ts';
import { disconnectIntegration, lockIntegration, restoreIntegration } from '../../db/queries/integration.ts';
import { endOnboardings, resumeOnboardings } from '../../commands/onboarding.ts';
import { endProcess, listSteps, redoSteps } from '../../db/queries/process.ts';
import { revokeIntegrationKeys } from '../../db/queries/push.ts';
import { dropStaged } from '../../db/queries/staging.ts';
import { endRuns } from '../../db/queries/sync.ts';
import { reconnectSteps } from '../../domain/process/steps.ts';
import { actorOf, commitAndWake } from '../context.ts';
import { createRouter, idParam, route, send } from '../define.ts';
import { issueKey, newIntegrationKey } from '../integrationKey.ts';
import { conflict } from '../problem.ts';
import { linkersOf } from './integrations.ts';
import { ownedIntegration } from '../owned.ts';
import { createdSchema, exampleIntegration, integrationSchema, integrationView } from '../views/integration.ts';

const tag = 'Disconnecting and reconnecting';

const disconnect = route({
  method: 'post',
  path: '/v1/integrations/{id}/disconnect',
  operationId: 'disconnectIntegration',
  summary: 'Stop reading and reconciling; credentials are forgotten, mappings and history stay',
  tag,
  scope: 'admin',
  request: { params: idParam },
  ok: 200,
  answer: integrationSchema,
  example: { ...exampleIntegration, disconnectedAt: '2026-11-24T09:00:00.000Z' },
});
const reconnect = route({
  method: 'post',
  path: '/v1/integrations/{id}/reconnect',
  operationId: 'reconnectIntegration',
  summary: "Connect again what was disconnected, with its mappings; the vendor's access is asked for anew",
  tag,
  scope: 'admin',
  request: { params: idParam },
  ok: 200,
  answer: createdSchema,
  example: { integration: exampleIntegration },
});

export const reconnectionRoutes = createRouter();

reconnectionRoutes.openapi(disconnect, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const row = await ownedIntegration(deps, caller, c.req.valid('param').id);
  const wakeables: Wakeable[] = [...(await linkersOf(deps.db, row)), syncProcess(row)];
  await commitAndWake(deps, wakeables, async (tx) => {
    await lockIntegration(tx, row.id);
    if (!(await disconnectIntegration(tx, row.id))) return;
    await endProcess(tx, { kind: 'sync', id: row.id });
    await endProcess(tx, { kind: 'migrateToAlerts', id: row.id });
    const detail = 'The integration was disconnected before anybody was told of it.';
    for (const id of await dismissUndelivered(tx, row.id, { code: 'disconnected', detail })) {
      await endProcess(tx, { kind: 'deliverAlert', id });
      wakeables.push(deliveryProcess({ id, organizationId: row.organizationId, integrationId: row.id }));
    }
    wakeables.push(...(await endOnboardings(tx, row, 'disconnected')));
    for (const runId of await endRuns(tx, row.id)) await dropStaged(tx, runId);
    await endProcess(tx, { kind: 'connect', id: row.id });
    await revokeIntegrationKeys(tx, row.id);
    await recomputeIntegration(tx, row.id);
    await recordAudit(tx, caller.organizationId, {
      actor: actorOf(caller),
      action: 'integration.disconnect',
      subjectKind: 'integration',
      subjectId: row.id,
    });
  });
  return send(c, integrationSchema, await integrationView(deps, await ownedIntegration(deps, caller, row.id)));
});

reconnectionRoutes.openapi(reconnect, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const row = await ownedIntegration(deps, caller, c.req.valid('param').id);
  const connect = { kind: 'connect', id: row.id, round: '1' } as const;
  const secret = row.intake === 'push' ? newIntegrationKey() : undefined;
  const toWake: Wakeable[] = [connectProcess(row)];
  await commitAndWake(deps, toWake, async (tx) => {
    const locked = await lockIntegration(tx, row.id);
    if (!locked?.disconnectedAt)
      throw conflict('not-disconnected', 'This integration is connected: nothing was changed.');
    await restoreIntegration(tx, row.id);
    const hasBoard = locked.alerts.board !== undefined;
    const steps = reconnectSteps({ ...locked, hasBoard }, await listSteps(tx, connect));
    await redoSteps(tx, { ...connect, steps });
    await recordAudit(tx, caller.organizationId, {
      actor: actorOf(caller),
      action: 'integration.reconnect',
      subjectKind: 'integration',
      subjectId: row.id,
      after: { steps },
    });
    if (secret !== undefined) await issueKey(tx, locked, actorOf(caller), { secret, overlapMs: 0 });
    toWake.push(...(await resumeOnboardings(tx, locked)));
    await recomputeIntegration(tx, row.id);
  });
  const integration = await integrationView(deps, await ownedIntegration(deps, caller, row.id));
  return send(c, createdSchema, { integration, ...(secret === undefined ? {} : { key: secret }) });
});
