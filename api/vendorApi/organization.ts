/** Routes 1 and 2: the MSP, and the status that the vendor sets (reference/gradient.md §4.1, §5.1). */
import { Hono } from 'hono';
import { setPushStatus } from '../../commands/vendorPush.ts';
import type { IntegrationRow } from '../../db/queries/integration.ts';
import { organizationName } from '../../db/queries/organization.ts';
import { lastAppliedAt } from '../../db/queries/sync.ts';
import { pushStatuses } from '../../domain/transitions.ts';
import { vendorName } from '../views/vendor.ts';
import { VendorApiError, wrapped, type VendorApiEnv, type VendorContext } from './responses.ts';
import { runAsVendor } from './vendor.ts';

/** What Gradient answers before the first sync (reference/gradient.md §4.2). */
const neverSynced = '1900-01-01T00:00:00.000Z';

export const organizationRoutes = new Hono<VendorApiEnv>();

organizationRoutes.get('/organization', async (c) => c.json(await integrationData(c, c.get('integration'))));

organizationRoutes.patch('/organization/status/:status', async (c) => {
  const row = c.get('integration');
  const status = pushStatuses.find((candidate) => candidate === c.req.param('status'));
  if (!status) throw new VendorApiError(400, `status must be one of the following values: ${pushStatuses.join(', ')}`);
  const { pushStatus } = await runAsVendor(c, setPushStatus, { status });
  return wrapped(c, await integrationData(c, { ...row, pushStatus }), 'Integration status updated');
});

async function integrationData(c: VendorContext, row: IntegrationRow) {
  const { db, environment } = c.get('deps');
  return {
    organizationId: row.organizationId,
    name: await organizationName(db, row.organizationId),
    vendorId: row.vendor,
    vendorName: row.vendorProfile.name ?? vendorName(row.vendor, environment),
    integrationId: row.id,
    status: row.pushStatus,
    lastSyncedAt: (await lastAppliedAt(db, row.id))?.toISOString() ?? neverSynced,
  };
}
