/** The API: facts in, facts out. Nothing here talks to a vendor or a PSA; workflows do. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { secureHeaders } from 'hono/secure-headers';
import { randomUUID } from 'node:crypto';
import { Histogram } from 'prom-client';
import type { ApiDependencies, ApiEnv } from './context.ts';
import { authenticate } from './middleware/authenticate.ts';
import { idempotency } from './middleware/idempotency.ts';
import { rateLimit } from './middleware/rateLimit.ts';
import { isDatabaseAway } from '../db/client.ts';
import { ApiProblem } from './problem.ts';
import { approvalRoutes } from './routes/approvals.ts';
import { cardRoutes } from './routes/cards.ts';
import { catalogueRoutes } from './routes/catalogue.ts';
import { healthRoutes } from './routes/health.ts';
import { integrationRoutes } from './routes/integrations.ts';
import { mappingRoutes } from './routes/mappings.ts';
import { psaConnectionRoutes } from './routes/psaConnections.ts';
import { stepRoutes } from './routes/steps.ts';
import { syncRoutes } from './routes/syncs.ts';

export function createApp(deps: ApiDependencies): OpenAPIHono<ApiEnv> {
  const app = new OpenAPIHono<ApiEnv>();
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
    const began = performance.now();
    await next();
    c.header('x-request-id', requestId);
    const seconds = (performance.now() - began) / 1000;
    durations.observe({ method: c.req.method, route: c.req.routePath, status: c.res.status }, seconds);
    deps.logger.info(
      { requestId, method: c.req.method, path: c.req.path, status: c.res.status, ms: Math.round(seconds * 1000) },
      'request',
    );
  });
  app.use(secureHeaders({ crossOriginResourcePolicy: 'same-origin' }));
  app.use(
    bodyLimit({
      maxSize: deps.environment.API_BODY_LIMIT,
      onError: () => {
        throw new ApiProblem(413, 'too-large', `The body is larger than ${deps.environment.API_BODY_LIMIT} bytes.`);
      },
    }),
  );
  app.route('/', healthRoutes);
  app.use('/v1/*', authenticate, rateLimit(deps.environment.API_RATE_PER_SECOND), refuseBadText, idempotency);
  for (const routes of [
    psaConnectionRoutes,
    catalogueRoutes,
    integrationRoutes,
    mappingRoutes,
    stepRoutes,
    syncRoutes,
    cardRoutes,
    approvalRoutes,
  ]) {
    app.route('/', routes);
  }
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Countersign', version: '0.1.0', license: { name: 'Apache-2.0' } },
  });

  app.notFound((c) =>
    new ApiProblem(404, 'no-route', `There is no ${c.req.method} ${c.req.path}. See /docs.`).toResponse(
      c.get('requestId'),
    ),
  );
  app.onError((error, c) => {
    const requestId = c.get('requestId');
    if (error instanceof ApiProblem) return error.toResponse(requestId);
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

/** PostgreSQL keeps neither NUL nor half a surrogate pair, so such text is the caller's error, said before anything is done. */
async function refuseBadText(
  c: Parameters<Parameters<OpenAPIHono<ApiEnv>['use']>[1]>[0],
  next: () => Promise<void>,
): Promise<void> {
  const text = c.req.method === 'GET' ? c.req.url : `${c.req.url}\n${await c.req.text()}`;
  const decoded = /\\u0000|%00|\u0000|\ufffd/i.test(text) || /\\ud[89a-f][0-9a-f]{2}/i.test(text);
  if (decoded && hasBadText(text))
    throw new ApiProblem(400, 'invalid-text', 'The request contains a NUL or text that is not valid Unicode.');
  await next();
}

/** A pair of escaped surrogates is one character and fine; a lone one is not. */
function hasBadText(text: string): boolean {
  const withoutPairs = text.replace(/\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}/gi, '');
  return /\\u0000|%00|\u0000|\ufffd|\\ud[89a-f][0-9a-f]{2}/i.test(withoutPairs);
}
