/** Route 8: one account × one service, absolute (reference/gradient.md §5.2). */
import { Hono } from 'hono';
import { acceptCount, storePushStatus } from '../../db/queries/push.ts';
import { syncOf } from '../routes/integrations.ts';
import { jsonOf, VendorApiError, type VendorApiEnv } from './answers.ts';
import { countOf, fieldsOf, optionalText, requiredText } from './fields.ts';

export const countRoutes = new Hono<VendorApiEnv>();

countRoutes.post('/service/:serviceId/count', async (c) => {
  const deps = c.get('deps');
  const row = c.get('integration');
  const serviceId = c.req.param('serviceId');
  const fields = fieldsOf(await jsonOf(c));
  const accountId = requiredText(fields, 'accountId', 200);
  const quantity = countOf(fields, 'unitCount');
  // Deprecated, and a string when it is there at all.
  optionalText(fields, 'clientOId');
  const build = c.req.query('no_build') !== 'true';
  const kept = await acceptCount(deps.db, row.id, { accountId, serviceId, quantity, build });
  if (kept.first) {
    // The platform itself makes it active: usage has come.
    if (row.pushStatus === 'inactive' || row.pushStatus === 'pending')
      await storePushStatus(deps.db, row.id, { pushStatus: 'active' });
    deps
      .wake(syncOf(row))
      .catch((error: unknown) => deps.logger.warn({ err: error, id: row.id }, 'not woken; the sweep will'));
  }
  // 404 is normal here, and no failure: what is known is kept, and counts as soon as it is mapped.
  if (!kept.accountKnown || !kept.accountMapped)
    throw new VendorApiError(404, `No account map found with id: ${accountId}`);
  if (!kept.serviceKnown || !kept.serviceMapped)
    throw new VendorApiError(404, `No service map found with id: ${serviceId}`);
  return c.json({ status: 201, message: 'Count accepted' }, 201);
});
