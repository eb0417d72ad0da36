/** Routes 1 and 2: the MSP, and the status that the vendor sets (reference/gradient.md §4.1, §5.1). */
import { connectProcess } from '../../domain/process/ids.ts';
import { Hono } from 'hono';
import type { IntegrationRow } from '../../db/queries/integration.ts';
import { completeByFact } from '../../db/queries/process.ts';
import { organizationName } from '../../db/queries/organization.ts';
import { completeLinkCustomers, storePushStatus } from '../../db/queries/push.ts';
import { lastAppliedAt } from '../../db/queries/sync.ts';
import { canMove, pushStatuses, pushStatusMoves } from '../../domain/transitions.ts';
import { audit } from '../../commands/actor.ts';
import { wakeAll } from '../context.ts';
import { VendorApiError, wrapped, type VendorApiEnv, type VendorContext } from './responses.ts';
import { vendorActor } from './vendor.ts';

/** What Gradient answers before the first sync (reference/gradient.md §4.2). */
const neverSynced = '1900-01-01T00:00:00.000Z';

export const organizationRoutes = new Hono<VendorApiEnv>();

organizationRoutes.get('/organization', async (c) => c.json(await integrationData(c, c.get('integration'))));

organizationRoutes.patch('/organization/status/:status', async (c) => {
  const deps = c.get('deps');
  const row = c.get('integration');
  const status = pushStatuses.find((candidate) => candidate === c.req.param('status'));
  if (!status) throw new VendorApiError(400, `status must be one of the following values: ${pushStatuses.join(', ')}`);
  // `pending` never demotes an active integration: a vendor that starts anew sends it again.
  const pushStatus = canMove(row.pushStatus, pushStatusMoves[status]) ? status : row.pushStatus;
  await deps.db.transaction(async (tx) => {
    await storePushStatus(tx, row.id, { pushStatus });
    if (pushStatus === 'pending' || pushStatus === 'active') {
      await completeByFact(tx, { kind: 'connect', id: row.id, round: '1', step: 'enable' });
      await completeLinkCustomers(tx, row.id);
    }
    if (pushStatus === row.pushStatus) return;
    const moved = { before: { status: row.pushStatus }, after: { status: pushStatus } };
    await audit(tx, vendorActor(row), {
      action: 'integration.pushStatus',
      subjectKind: 'integration',
      subjectId: row.id,
      ...moved,
    });
  });
  wakeAll(deps, [connectProcess(row)]);
  return wrapped(c, await integrationData(c, { ...row, pushStatus }), 'Integration status updated');
});

async function integrationData(c: VendorContext, row: IntegrationRow) {
  const { db } = c.get('deps');
  return {
    organizationId: row.organizationId,
    name: await organizationName(db, row.organizationId),
    vendorId: row.vendor,
    vendorName: row.vendorProfile.name ?? row.vendor,
    integrationId: row.id,
    status: row.pushStatus,
    lastSyncedAt: (await lastAppliedAt(db, row.id))?.toISOString() ?? neverSynced,
  };
}
