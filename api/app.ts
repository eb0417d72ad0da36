/** The API: it accepts facts and shows rows. It never talks to a vendor or a PSA; workflows do. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { HTTPException } from 'hono/http-exception';
import { secureHeaders } from 'hono/secure-headers';
import { randomUUID } from 'node:crypto';
import { Histogram } from 'prom-client';
import type { ApiDependencies, ApiEnv } from './context.ts';
import { authenticate } from './middleware/authenticate.ts';
import { bodyLimit } from './middleware/bodyLimit.ts';
import { idempotency } from './middleware/idempotency.ts';
import { methodsOf, refuseTrace, wrongMethod } from './middleware/methods.ts';
import { rateLimit } from './middleware/rateLimit.ts';
import { checkText } from './middleware/text.ts';
import { Refusal } from '../commands/refusal.ts';
import { isDatabaseAway } from '../db/client.ts';
import { registerHealthMetrics } from './health.ts';
import { registerTemporalMetrics } from './temporalMetrics.ts';
import { ApiProblem, problemOf } from './problem.ts';
import { alertRoutes } from './routes/alerts.ts';
import { alertSettingsRoutes } from './routes/alertSettings.ts';
import { approvalPreviewRoutes } from './routes/approvalPreviews.ts';
import { approvalRoutes } from './routes/approvals.ts';
import { auditRoutes } from './routes/audit.ts';
import { cardRoutes } from './routes/cards.ts';
import { catalogueRoutes } from './routes/catalogue.ts';
import { consoleRoutes } from './routes/console.ts';
import { eventRoutes } from './routes/events.ts';
import { healthRoutes } from './routes/health.ts';
import { intakeRoutes } from './routes/intake.ts';
import { integrationHealthRoutes } from './routes/integrationHealth.ts';
import { integrationKeyRoutes } from './routes/integrationKeys.ts';
import { integrationRoutes } from './routes/integrations.ts';
import { invitationRoutes } from './routes/invitations.ts';
import { mappingBoardRoutes } from './routes/mappingBoard.ts';
import { mappingFileRoutes } from './routes/mappingFile.ts';
import { mappingRoutes } from './routes/mappings.ts';
import { meRoutes } from './routes/me.ts';
import { memberRoutes } from './routes/members.ts';
import { migrationRoutes } from './routes/migration.ts';
import { monthEndRoutes } from './routes/monthEnd.ts';
import { onboardingRoutes } from './routes/onboardings.ts';
import { psaConnectionRoutes } from './routes/psaConnections.ts';
import { psaDataRoutes } from './routes/psaData.ts';
import { reconnectionRoutes } from './routes/reconnection.ts';
import { reminderRoutes } from './routes/reminders.ts';
import { scheduleRoutes } from './routes/schedule.ts';
import { signInRoutes } from './routes/signIn.ts';
import { stepRoutes } from './routes/steps.ts';
import { summaryRoutes } from './routes/summary.ts';
import { syncRoutes } from './routes/syncs.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { createSessions } from './signIn/sessions.ts';
import { pathOf, vendorApiPath } from './vendorApi/address.ts';
import { createVendorApi } from './vendorApi/app.ts';
import { VendorApiError } from './vendorApi/responses.ts';

export function createApp(deps: ApiDependencies): OpenAPIHono<ApiEnv> {
  const app = new OpenAPIHono<ApiEnv>({ getPath: pathOf });
  const sessions = createSessions(deps.db, deps.environment);
  registerHealthMetrics(deps.metrics, deps.db, deps.environment);
  registerTemporalMetrics(deps.metrics, deps.temporalState);
  const durations = new Histogram({
    name: 'countersign_api_seconds',
    help: 'Seconds from request to answer',
    labelNames: ['method', 'route', 'status'],
    registers: [deps.metrics],
  });

  app.use(async (c, next) => {
    const given = c.req.header('x-request-id');
    const requestId = given && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
    c.set('requestId', requestId);
    c.set('deps', deps);
    c.set('sessions', sessions);
    const began = performance.now();
    await next();
    // Not `c.header`: once there is an answer, it would make a new answer around a stream of the old body.
    c.res.headers.set('x-request-id', requestId);
    const seconds = (performance.now() - began) / 1000;
    durations.observe({ method: c.req.method, route: c.req.routePath, status: c.res.status }, seconds);
    deps.logger.info(
      { requestId, method: c.req.method, path: c.req.path, status: c.res.status, ms: Math.round(seconds * 1000) },
      'request',
    );
  });
  app.use(refuseTrace);
  app.use(secureHeaders({ crossOriginResourcePolicy: 'same-origin' }));
  const { API_BODY_LIMIT, MAPPING_FILE_LIMIT } = deps.environment;
  const limited = (maxSize: number) =>
    bodyLimit({
      maxSize,
      tooLarge(c) {
        if (c.req.path.startsWith(vendorApiPath)) throw new VendorApiError(413, 'request entity too large');
        throw new ApiProblem(413, 'too-large', `The body is larger than ${maxSize} bytes.`);
      },
    });
  const [usual, file] = [limited(API_BODY_LIMIT), limited(MAPPING_FILE_LIMIT)];
  // A mapping file may be larger, so that every exported file can be imported again.
  app.use((c, next) => (c.req.path.endsWith('/mappings/import') ? file(c, next) : usual(c, next)));
  app.route('/', healthRoutes);
  app.route(vendorApiPath, createVendorApi(deps));
  app.use('/auth/*', checkText);
  app.route('/', signInRoutes);
  app.use('/v1/*', authenticate, rateLimit(deps.environment.API_RATE_PER_SECOND), checkText, idempotency);
  for (const routes of [
    meRoutes,
    memberRoutes,
    invitationRoutes,
    tokenRoutes,
    psaConnectionRoutes,
    psaDataRoutes,
    catalogueRoutes,
    integrationRoutes,
    reconnectionRoutes,
    integrationKeyRoutes,
    integrationHealthRoutes,
    eventRoutes(deps),
    intakeRoutes,
    mappingRoutes,
    mappingBoardRoutes,
    mappingFileRoutes,
    onboardingRoutes,
    stepRoutes,
    reminderRoutes,
    scheduleRoutes,
    syncRoutes,
    cardRoutes,
    summaryRoutes,
    approvalPreviewRoutes,
    approvalRoutes,
    monthEndRoutes,
    auditRoutes,
    alertSettingsRoutes,
    alertRoutes,
    migrationRoutes,
  ]) {
    app.route('/', routes);
  }
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'Countersign',
      version: '0.1.0',
      license: { name: 'Apache-2.0' },
      description:
        'Keeps what an MSP bills equal to what its customers use. A request commits a fact and answers at once; the work ' +
        'it starts is done by a process, whose steps and problems the same resource shows. Every request carries a token: ' +
        '`Authorization: Bearer cs_…` (the console sends a session cookie instead). Errors are problem documents (RFC 9457). `docs/connecting.md` goes through the ' +
        'requests in the order of the guide.',
    },
  });

  // Last: whatever is no address of the API may be a page.
  app.route('/', consoleRoutes);
  const methods = methodsOf(app.routes);
  app.notFound((c) => {
    const allowed = methods(c.req.path);
    const problem =
      allowed.length > 0
        ? wrongMethod(c.req.method, allowed)
        : new ApiProblem(404, 'no-route', `There is no ${c.req.method} ${c.req.path}. See /docs.`);
    return problem.toResponse(c.get('requestId'));
  });
  app.onError((error, c) => {
    const requestId = c.get('requestId');
    if (error instanceof ApiProblem) return error.toResponse(requestId);
    if (error instanceof Refusal) return problemOf(error).toResponse(requestId);
    if (error instanceof VendorApiError) return error.toResponse();
    if (error instanceof HTTPException) {
      const detail = error.status === 400 ? 'The body is not valid JSON.' : error.message;
      return new ApiProblem(error.status, 'invalid-request', detail).toResponse(requestId);
    }
    deps.logger.error({ err: error, requestId, path: c.req.path }, 'request failed');
    if (isDatabaseAway(error)) {
      return new ApiProblem(
        503,
        'database-unavailable',
        'The database does not answer, so nothing was changed. Ask again in a moment.',
        { headers: { 'retry-after': '5' } },
      ).toResponse(requestId);
    }
    return new ApiProblem(
      500,
      'internal',
      'Something went wrong in Countersign. Report it with the request id.',
    ).toResponse(requestId);
  });
  return app;
}
