import { z } from '@hono/zod-openapi';
import { recordAudit } from '../../db/queries/audit.ts';
import { countMappings } from '../../db/queries/integration.ts';
import { commitFact, completeByFact, listSteps } from '../../db/queries/process.ts';
import { isFinished } from '../../domain/process.ts';
import { actorOf, commitAndWake, type ApiDependencies, type Caller } from '../context.ts';
import { createRouter, idParam, route, send } from '../define.ts';
import { conflict, notFound } from '../problem.ts';
import { processSchema, processView } from '../process.ts';
import { connectOf, ownedIntegration } from './integrations.ts';

const tag = 'Steps';
const stepParam = idParam.extend({ step: z.string().min(1).max(50) });

const complete = route({
  method: 'post',
  path: '/v1/integrations/{id}/steps/{step}/complete',
  operationId: 'completeStep',
  summary: 'Declare a step complete that a person completes: mapAccounts, mapServices, finish',
  tag,
  scope: 'operate',
  request: { params: stepParam },
  ok: 200,
  answer: processSchema,
});
const retry = route({
  method: 'post',
  path: '/v1/integrations/{id}/steps/{step}/retry',
  operationId: 'retryStep',
  summary: 'Try a blocked step again now',
  tag,
  scope: 'operate',
  request: { params: stepParam },
  ok: 202,
  answer: processSchema,
});

export const stepRoutes = createRouter();

stepRoutes.openapi(complete, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const { id, step } = c.req.valid('param');
  const row = await ownedIntegration(deps, caller, id);
  const ref = { kind: 'connect', id: row.id } as const;
  await commitAndWake(deps, [connectOf(row)], async (tx) => {
    const steps = await listSteps(tx, ref);
    const found = steps.find((candidate) => candidate.step === step);
    if (!found) throw notFound('step');
    if (isFinished(found.state)) return;
    if (!['mapAccounts', 'mapServices', 'finish'].includes(step))
      throw conflict('not-yours-to-complete', `The step "${step}" completes by itself, or through another request.`);
    const before = steps.slice(0, steps.indexOf(found)).find((candidate) => !isFinished(candidate.state));
    if (before) throw conflict('out-of-order', `The step "${before.step}" comes first; it is ${before.state}.`);
    const mapped = await countMappings(tx, row.id);
    if (step !== 'mapServices' && mapped.accounts === 0)
      throw conflict('nothing-mapped', 'Map at least one account first.');
    if (step !== 'mapAccounts' && mapped.services === 0)
      throw conflict('nothing-mapped', 'Map at least one service first.');
    await completeByFact(tx, { ...ref, round: '1', step });
    await recordAudit(tx, caller.organizationId, {
      actor: actorOf(caller),
      action: `step.${step}`,
      subjectKind: 'integration',
      subjectId: row.id,
      after: mapped,
    });
  });
  return send(c, processSchema, await viewOf(deps, row.id));
});

stepRoutes.openapi(retry, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const { id, step } = c.req.valid('param');
  const row = await ownedIntegration(deps, caller, id);
  await retryBlocked(deps, caller, connectOf(row), step);
  return send(c, processSchema, await viewOf(deps, row.id), 202);
});

async function retryBlocked(
  deps: ApiDependencies,
  caller: Caller,
  process: ReturnType<typeof connectOf>,
  step: string,
): Promise<void> {
  await commitAndWake(deps, [process], async (tx) => {
    const found = (await listSteps(tx, process)).find((candidate) => candidate.step === step);
    if (!found) throw notFound('step');
    if (found.state !== 'blocked')
      throw conflict('not-blocked', `The step "${step}" is ${found.state}; only a blocked one is tried again.`);
    await commitFact(tx, process);
    await recordAudit(tx, caller.organizationId, {
      actor: actorOf(caller),
      action: `retry.${step}`,
      subjectKind: 'integration',
      subjectId: process.id,
    });
  });
}

async function viewOf(deps: ApiDependencies, id: string) {
  const ref = { kind: 'connect', id } as const;
  return processView(deps, ref, await listSteps(deps.db, ref));
}
