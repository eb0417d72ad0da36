import { connectProcess, migrationProcess, syncProcess } from '../../domain/process/ids.ts';
import { z } from '@hono/zod-openapi';
import { endPause } from '../../commands/endPause.ts';
import { acceptIncomplete } from '../../commands/acceptIncomplete.ts';
import type { Transaction } from '../../db/client.ts';
import { recordAudit } from '../../db/queries/audit.ts';
import { countMappings, type IntegrationRow } from '../../db/queries/integration.ts';
import { commitFact, completeByFact, listSteps, ownerOf, type ProcessRef } from '../../db/queries/process.ts';
import { whoIn } from '../../domain/process/labels.ts';
import { isFinished, stepsOf, type StepState } from '../../domain/process/steps.ts';
import { actorOf, commitAndWake, type ApiDependencies, type Caller } from '../context.ts';
import { createRouter, exampleIds, idParam, route, send } from '../define.ts';
import { conflict, notFound } from '../problem.ts';
import { exampleProcess, processSchema, processView } from '../views/process.ts';
import { activeIntegration } from '../owned.ts';

const tag = 'Steps';
const stepParam = idParam.extend({ step: z.string().min(1).max(50).openapi({ example: 'mapAccounts' }) });

const complete = route({
  method: 'post',
  path: '/v1/integrations/{id}/steps/{step}/complete',
  operationId: 'completeStep',
  summary: 'Declare a step complete that a person completes: mapAccounts, mapServices, finish; updateAccountMapping',
  tag,
  scope: 'operate',
  request: { params: stepParam },
  ok: 200,
  answer: processSchema,
  example: exampleProcess('connect', exampleIds.integration, 'mapAccounts', 'mapServices'),
});
const retry = route({
  method: 'post',
  path: '/v1/integrations/{id}/steps/{step}/retry',
  operationId: 'retryStep',
  summary: 'Try a blocked step again now, of connect, of the sync or of the migration under way',
  tag,
  scope: 'operate',
  request: { params: stepParam },
  ok: 202,
  answer: processSchema,
  example: exampleProcess('connect', exampleIds.integration, 'mapAccounts', 'mapServices'),
});

const accept = route({
  method: 'post',
  path: '/v1/integrations/{id}/steps/{step}/accept-incomplete',
  operationId: 'acceptIncomplete',
  summary: 'Take the lists that are not whole, in this round only: it may raise and add, never lower, zero or remove',
  tag,
  scope: 'operate',
  request: { params: stepParam },
  ok: 202,
  answer: processSchema,
  example: exampleProcess('connect', exampleIds.integration, 'mapAccounts', 'mapServices'),
});

export const stepRoutes = createRouter();

stepRoutes.openapi(complete, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const { id, step } = c.req.valid('param');
  const row = await activeIntegration(deps, caller, id);
  const ref = step === 'updateAccountMapping' ? migrationProcess(row) : connectProcess(row);
  await commitAndWake(deps, [ref], async (tx) => {
    const steps = await listSteps(tx, ref);
    const found = steps.find((candidate) => candidate.step === step);
    if (!found) throw notFound('step');
    if (isFinished(found.state)) return;
    if (!['mapAccounts', 'mapServices', 'finish', 'updateAccountMapping'].includes(step))
      throw conflict('not-yours-to-complete', `The step "${step}" completes by itself, or through another request.`);
    const before = steps.slice(0, steps.indexOf(found)).find((candidate) => !isFinished(candidate.state));
    if (before) throw conflict('out-of-order', `The step "${before.step}" comes first; it is ${before.state}.`);
    const mapped = await countMappings(tx, row.id);
    if (step !== 'mapServices' && mapped.accounts === 0)
      throw conflict('nothing-mapped', 'Map at least one account first.');
    const needsServices = step === 'mapServices' || (step === 'finish' && row.modules.includes('billing'));
    if (needsServices && mapped.services === 0) throw conflict('nothing-mapped', 'Map at least one service first.');
    const owner = await ownerOf(tx, ref);
    if (!owner || !(await completeByFact(tx, { ...ref, round: owner.round, step }))) return;
    await recordAudit(tx, caller.organizationId, {
      actor: actorOf(caller),
      action: `step.${step}`,
      subjectKind: 'integration',
      subjectId: row.id,
      after: mapped,
    });
  });
  return send(c, processSchema, processView(deps, ref, await listSteps(deps.db, ref)));
});

stepRoutes.openapi(retry, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const { id, step } = c.req.valid('param');
  const row = await activeIntegration(deps, caller, id);
  const ref = await processWith(deps, row, step);
  await commitAndWake(deps, [ref], (tx) =>
    retryBlocked(tx, caller, ref, step, { subjectKind: 'integration', subjectId: row.id, ...connectionsOf(row) }),
  );
  return send(c, processSchema, processView(deps, ref, await listSteps(deps.db, ref)), 202);
});

stepRoutes.openapi(accept, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const { id, step } = c.req.valid('param');
  const row = await activeIntegration(deps, caller, id);
  const ref = await processWith(deps, row, step);
  await commitAndWake(deps, [ref], (tx) =>
    acceptIncomplete(tx, actorOf(caller), {
      organizationId: row.organizationId,
      process: ref,
      step,
      subject: { subjectKind: 'integration', subjectId: row.id },
    }),
  );
  return send(c, processSchema, processView(deps, ref, await listSteps(deps.db, ref)), 202);
});

/** The connections that an integration's steps call. */
export const connectionsOf = (row: Pick<IntegrationRow, 'id' | 'psaConnectionId'>) => ({
  vendor: row.id,
  psa: row.psaConnectionId,
});

/**
 * Makes a blocked step of the round under way try again, or one that waits for a pause of its connection. It stays
 * blocked until it is tried: that is at most once in some seconds, however often it is asked for.
 *
 * @param step its name; absent = the one that is blocked, or waits
 * @param of whose it is, for the audit; and the ids of the connections it may call
 * @throws ApiProblem when there is no such step, or it is at work, or over
 */
export async function retryBlocked(
  tx: Transaction,
  caller: Caller,
  process: ProcessRef,
  step: string | undefined,
  of: { subjectKind: string; subjectId: string; psa: string; vendor?: string },
): Promise<void> {
  const steps = await listSteps(tx, process);
  const found = steps.find((row) => (step === undefined ? isStuck(row) : row.step === step));
  if (!found && step !== undefined) throw notFound('step');
  if (!found || !isStuck(found))
    throw conflict(
      'not-blocked',
      `${found ? `The step "${step}" is ${found.state}` : 'No step is blocked'}; only a blocked one is tried again.`,
    );
  const { subjectKind, subjectId } = of;
  const actor = actorOf(caller);
  await commitFact(tx, process);
  await recordAudit(tx, caller.organizationId, { actor, action: `retry.${found.step}`, subjectKind, subjectId });
  const who = whoIn(found.step);
  if (who !== 'vendor' && who !== 'psa') return;
  const id = of[who];
  if (id !== undefined) await endPause(tx, actor, { organizationId: caller.organizationId, of: who, id });
}

const isStuck = (row: { state: StepState; pausing: boolean }) => row.state === 'blocked' || row.pausing;

/** Connect and migration have steps of one name: meant is the process in which it is not finished. */
async function processWith(deps: ApiDependencies, row: IntegrationRow, step: string) {
  if (stepsOf.sync.some((name) => name === step)) return syncProcess(row);
  const steps = await listSteps(deps.db, migrationProcess(row));
  return steps.some((found) => found.step === step && !isFinished(found.state))
    ? migrationProcess(row)
    : connectProcess(row);
}
