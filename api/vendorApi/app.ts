/** Gradient's Vendor API: a vendor program that was written for Gradient works here when only the address is changed. */
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { Refusal, type RefusalKind } from '../../commands/refusal.ts';
import { isDatabaseAway } from '../../db/client.ts';
import { valuesByName } from '../../environment.ts';
import type { ApiDependencies } from '../context.ts';
import { alertRoutes } from './alerts.ts';
import { refuseNul, VendorApiError, type VendorApiEnv } from './responses.ts';
import { authenticateVendor, createVendorGate } from './authenticate.ts';
import { clientRoutes } from './clients.ts';
import { createCountRoutes } from './counts.ts';
import { organizationRoutes } from './organization.ts';
import { accountAndServiceRoutes } from './accountsAndServices.ts';
import { createCountAcceptor } from './countAcceptor.ts';
import { vendorRoutes } from './vendor.ts';

const statusOf: Record<RefusalKind, number> = { unknown: 404, conflict: 409, impossible: 400 };

export function createVendorApi(deps: ApiDependencies): Hono<VendorApiEnv> {
  const vendorKeys = valuesByName(deps.environment.VENDOR_API_KEYS, ':');
  const app = new Hono<VendorApiEnv>();
  const gate = createVendorGate(vendorKeys, deps.environment.VENDOR_API_RATE_PER_SECOND);
  app.use(refuseNul);
  // Before `authenticateVendor`, because a count's keys are checked by the statement that stores the count.
  app.route('/', createCountRoutes(gate, createCountAcceptor(deps.db)));
  app.use(authenticateVendor(gate));
  for (const routes of [organizationRoutes, vendorRoutes, accountAndServiceRoutes, clientRoutes, alertRoutes])
    app.route('/', routes);
  // Not `notFound`, because for an app inside another one Hono calls the outer app's.
  app.all('*', (c) => {
    throw new VendorApiError(404, `Cannot ${c.req.method} ${c.req.path}`);
  });
  app.onError((error, c) => {
    if (error instanceof VendorApiError) return error.toResponse();
    if (error instanceof Refusal) return new VendorApiError(statusOf[error.kind], error.message).toResponse();
    if (error instanceof HTTPException) return new VendorApiError(error.status, error.message).toResponse();
    deps.logger.error({ err: error, requestId: c.get('requestId'), path: c.req.path }, 'request failed');
    if (isDatabaseAway(error))
      return new VendorApiError(503, 'The database does not answer, so nothing was kept. Send it again.', {
        'retry-after': '5',
      }).toResponse();
    return new VendorApiError(500, 'Internal server error').toResponse();
  });
  return app;
}
