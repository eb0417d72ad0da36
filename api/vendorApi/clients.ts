/** Route 16: the MSP's customers as its PSA knows them, to choose from (deprecated; reference/gradient.md §2, §4.1). */
import { Hono } from 'hono';
import { listPsaAccounts } from '../../db/queries/psa.ts';
import { VendorApiError, type VendorApiEnv } from './responses.ts';
import { isLonger } from './fields.ts';

/** Gradient's page size is not public; this one is our choice (docs/vendor-api.md). */
const pageSize = 100;

export const clientRoutes = new Hono<VendorApiEnv>();

clientRoutes.get('/organization/clients', async (c) => {
  const search = c.req.query('search') ?? '';
  const previousId = c.req.query('previousId');
  if (isLonger(search, 200) || isLonger(previousId ?? '', 200))
    throw new VendorApiError(400, 'search and previousId must be shorter than or equal to 200 characters');
  const { psaConnectionId } = c.get('integration');
  const clients = await listPsaAccounts(c.get('deps').db, psaConnectionId, {
    search,
    after: previousId,
    limit: pageSize,
  });
  return c.json({ meta: { count: clients.length, pageSize }, clients: clients.map(({ id, name }) => ({ id, name })) });
});
