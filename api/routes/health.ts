import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { OpenAPIHono } from '@hono/zod-openapi';
import { Scalar } from '@scalar/hono-api-reference';
import { sql } from 'drizzle-orm';
import { sweepAge } from '../../db/queries/sweep.ts';
import { sweepLate } from '../../domain/sweep.ts';
import type { TemporalState } from '../../temporal/client.ts';
import type { ApiEnv } from '../context.ts';

/** Routes that need no token. */
export const healthRoutes = new OpenAPIHono<ApiEnv>();

healthRoutes.get('/healthz', (c) => c.json({ ok: true }));

const temporalWords: Record<TemporalState, string> = {
  ready: 'Everything works.',
  'no worker': 'Facts are accepted and kept; processes go on when a worker runs: start one (npm run worker).',
  'no build':
    'Facts are accepted and kept; but no worker of a build that is current runs, so processes stand still: npm run doctor says what to promote.',
  away: 'Facts are accepted and kept; processes go on when Temporal is back.',
};

healthRoutes.get('/readyz', async (c) => {
  const deps = c.get('deps');
  const { database, age } = await deps.db.execute<{ age: number | null }>(sql`select ${sweepAge} as age`).then(
    ({ rows }) => ({ database: 'ready' as const, age: rows[0]?.age ?? null }),
    (error: unknown) => ({
      database: /relation .* does not exist/.test(String(error instanceof Error ? error.cause : error))
        ? ('not migrated' as const)
        : ('away' as const),
      age: null,
    }),
  );
  const temporal = await deps.temporalState();
  const ready = database === 'ready';
  const words = ready
    ? ((temporal === 'ready' ? sweepLate(age, deps.environment.SWEEP_INTERVAL_MS) : undefined) ??
      temporalWords[temporal])
    : database === 'away'
      ? 'The database does not answer, so nothing can be accepted.'
      : 'The database has no tables yet: run migrate.';
  return c.json({ ready, database, temporal, sweepAgeSeconds: age, words, pid: process.pid }, ready ? 200 : 503);
});

healthRoutes.get('/metrics', async (c) => {
  const { metrics } = c.get('deps');
  return c.text(await metrics.metrics(), 200, { 'content-type': metrics.contentType });
});

let script: string | undefined;

healthRoutes.get('/docs/scalar.js', (c) => {
  // This package of Scalar's has the whole script; `@scalar/api-reference` has it, too, but brings 226 packages.
  const main = createRequire(import.meta.url).resolve('@scalar/fastify-api-reference');
  script ??= readFileSync(join(main, '../js/standalone.js'), 'utf8');
  return c.text(script, 200, { 'content-type': 'text/javascript', 'cache-control': 'public, max-age=86400' });
});

// The page calls no other server: we serve its script, and everything in it that would call out is turned off.
healthRoutes.get(
  '/docs',
  Scalar({
    url: '/openapi.json',
    cdn: '/docs/scalar.js',
    pageTitle: 'Countersign API',
    proxyUrl: '',
    agent: { disabled: true },
    telemetry: false,
    withDefaultFonts: false,
    hideClientButton: true,
    showDeveloperTools: 'never',
    authentication: { preferredSecurityScheme: 'bearer' },
  }),
);
