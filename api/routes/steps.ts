import { connectProcess, migrationProcess, syncProcess } from '../../domain/process/ids.ts';
import { z } from '@hono/zod-openapi';
import { acceptIncomplete, completeStep, connectionsOf, retryStep } from '../../commands/step.ts';
import type { IntegrationRow } from '../../db/queries/integration.ts';
import { listSteps } from '../../db/queries/processView.ts';
import { isFinished, stepsOf } from '../../domain/process/steps.ts';
import { runCommand, type ApiDependencies } from '../context.ts';
import { createRouter, exampleIds, idParam, route, send } from '../define.ts';
import { activeIntegration } from '../owned.ts';
import { exampleProcess, processSchema, processView } from '../views/process.ts';

const tag = 'Steps';
const stepParam = idParam.extend({ step: z.string().min(1).max(50).openapi({ example: 'mapAccounts' }) });

const complete = route({
  method: 'post',
  path: '/v1/integrations/{id}/steps/{step}/complete',
  operationId: 'completeStep',
  summary: 'Complete a step that a person completes: mapAccounts, mapServices, finish; updateAccountMapping',
  tag,
  scope: 'operate',
  request: { params: stepParam },
  ok: 200,
  answer: processSchema,
  example: exampleProcess('connect', exampleIds.integration, 'mapAccounts', 'mapServices'),
  problems: { 409: ['disconnected', 'not-yours-to-complete', 'out-of-order', 'nothing-mapped'] },
});
const retry = route({
  method: 'post',
  path: '/v1/integrations/{id}/steps/{step}/retry',
  operationId: 'retryStep',
  summary: 'Retry a blocked step now, of connect, of the sync or of the migration under way',
  tag,
  scope: 'operate',
  request: { params: stepParam },
  ok: 202,
  answer: processSchema,
  example: exampleProcess('connect', exampleIds.integration, 'mapAccounts', 'mapServices'),
  problems: { 409: ['disconnected', 'not-blocked'] },
});

const accept = route({
  method: 'post',
  path: '/v1/integrations/{id}/steps/{step}/accept-incomplete',
  operationId: 'acceptIncomplete',
  summary: 'Accept the incomplete lists, in this round only: they may raise and add, never lower, zero or remove',
  tag,
  scope: 'operate',
  request: { params: stepParam },
  ok: 202,
  answer: processSchema,
  example: exampleProcess('connect', exampleIds.integration, 'mapAccounts', 'mapServices'),
  problems: { 409: ['disconnected', 'nothing-incomplete'] },
});

export const stepRoutes = createRouter();

stepRoutes.openapi(complete, async (c) => {
  const deps = c.get('deps');
  const { id, step } = c.req.valid('param');
  const integration = await activeIntegration(deps, c.get('caller'), id);
  const { process: processRef } = await runCommand(c, completeStep, { integration, step });
  return send(c, processSchema, processView(deps, processRef, await listSteps(deps.db, processRef)));
});

stepRoutes.openapi(retry, async (c) => {
  const deps = c.get('deps');
  const { id, step } = c.req.valid('param');
  const row = await activeIntegration(deps, c.get('caller'), id);
  const processRef = await processWith(deps, row, step);
  await runCommand(c, retryStep, {
    process: processRef,
    step,
    subject: subjectOf(row),
    connections: connectionsOf(row),
  });
  return send(c, processSchema, processView(deps, processRef, await listSteps(deps.db, processRef)), 202);
});

stepRoutes.openapi(accept, async (c) => {
  const deps = c.get('deps');
  const { id, step } = c.req.valid('param');
  const row = await activeIntegration(deps, c.get('caller'), id);
  const processRef = await processWith(deps, row, step);
  await runCommand(c, acceptIncomplete, { process: processRef, step, subject: subjectOf(row) });
  return send(c, processSchema, processView(deps, processRef, await listSteps(deps.db, processRef)), 202);
});

const subjectOf = ({ id }: IntegrationRow) => ({ subjectKind: 'integration', subjectId: id });

/** Connect and migration have steps of one name: meant is the process in which it is not finished. */
async function processWith(deps: ApiDependencies, row: IntegrationRow, step: string) {
  if (stepsOf.sync.some((name) => name === step)) return syncProcess(row);
  const steps = await listSteps(deps.db, migrationProcess(row));
  return steps.some((found) => found.step === step && !isFinished(found.state))
    ? migrationProcess(row)
    : connectProcess(row);
}
