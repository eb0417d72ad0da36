/** The way an integration's counts come: Countersign reads them, or the vendor sends them. */
import { z } from '@hono/zod-openapi';
import type { Transaction } from '../../db/client.ts';
import { recordAudit } from '../../db/queries/audit.ts';
import { recomputeIntegration } from '../../db/queries/cards.ts';
import { commitFact, finishStep, listSteps, reopenSteps } from '../../db/queries/process.ts';
import { hasKeyInForce, storeIntake } from '../../db/queries/push.ts';
import { insertSyncRequest } from '../../db/queries/sync.ts';
import type { IntegrationRow } from '../../db/queries/integration.ts';
import { actorOf, commitAndWake } from '../context.ts';
import { createRouter, exampleIds, idParam, jsonBody, route, send } from '../define.ts';
import { conflict } from '../problem.ts';
import {
  activeIntegration,
  connectOf,
  exampleIntegration,
  integrationSchema,
  ownedIntegration,
  refuseUnconnected,
  syncOf,
  viewOf,
} from './integrations.ts';

const intakeBody = z.object({ intake: z.enum(['push', 'pull']) });

const setIntake = route({
  method: 'put',
  path: '/v1/integrations/{id}/intake',
  operationId: 'setIntake',
  summary: 'Change the way counts come: pull = Countersign reads them, push = the vendor sends them. Mappings stay',
  tag: 'Intake',
  scope: 'admin',
  request: { params: idParam, body: jsonBody(intakeBody, { intake: 'push' }) },
  ok: 200,
  answer: integrationSchema,
  example: { ...exampleIntegration, id: exampleIds.integration, intake: 'push' },
});

export const intakeRoutes = createRouter();

intakeRoutes.openapi(setIntake, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const row = await activeIntegration(deps, caller, c.req.valid('param').id);
  const { intake } = c.req.valid('json');
  if (intake !== row.intake) {
    await refuseUnconnected(deps, row);
    const steps = await listSteps(deps.db, { kind: 'connect', id: row.id });
    if (intake === 'pull' && steps.find((step) => step.step === 'verifyCredentials')?.state !== 'done')
      throw conflict(
        'not-verified',
        "Countersign cannot read from the vendor yet. Give the vendor's credentials first, and wait until they have been tried.",
      );
    await commitAndWake(deps, [connectOf(row), syncOf(row)], async (tx) => {
      await storeIntake(tx, row.id, intake);
      await changeSteps(tx, row, intake);
      await recomputeIntegration(tx, row.id);
      await insertSyncRequest(tx, row.id, { requestedBy: actorOf(caller) });
      for (const kind of ['connect', 'sync'] as const) await commitFact(tx, { kind, id: row.id });
      await recordAudit(tx, caller.organizationId, {
        actor: actorOf(caller),
        action: 'integration.intake',
        subjectKind: 'integration',
        subjectId: row.id,
        before: { intake: row.intake },
        after: { intake },
      });
    });
  }
  return send(c, integrationSchema, await viewOf(deps, await ownedIntegration(deps, caller, row.id)));
});

/** A vendor that shall send must have a key and have accepted it: `connect` waits for what is missing, and says so. */
async function changeSteps(tx: Transaction, row: IntegrationRow, intake: 'push' | 'pull'): Promise<void> {
  const connect = { kind: 'connect', id: row.id, round: '1' } as const;
  if (intake === 'pull') {
    for (const step of ['issueKey', 'enable']) await finishStep(tx, { ...connect, step }, 'skipped');
    return;
  }
  await reopenSteps(tx, { ...connect, steps: ['issueKey', 'enable'] });
  if (await hasKeyInForce(tx, row.id)) await finishStep(tx, { ...connect, step: 'issueKey' });
  if (row.pushStatus === 'pending' || row.pushStatus === 'active') await finishStep(tx, { ...connect, step: 'enable' });
}
