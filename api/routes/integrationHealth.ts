/** The health of each integration: the age of its data, what waits for whom, its credentials. */
import { z } from '@hono/zod-openapi';
import { readHealthFacts } from '../../db/queries/health.ts';
import { createRouter, exampleIds, idParam, isoDateOrNull, isoDate, listOf, route, send } from '../define.ts';
import { judgeHealth } from '../health.ts';
import { conflict } from '../problem.ts';
import { ownedIntegration } from '../owned.ts';

const tag = 'Health';

const healthSchema = z
  .object({
    integrationId: z.uuid(),
    vendor: z.string(),
    vendorName: z.string().nullable(),
    /** `failing`: something is stuck, or its data is older than its schedule allows; `attention`: a person has something to do. */
    state: z.enum(['healthy', 'attention', 'failing']),
    connected: z.boolean(),
    /** When the visible data was read from the vendor. */
    dataAsOf: isoDateOrNull,
    dataAgeSeconds: z.int().nullable(),
    stale: z.boolean(),
    psaAsOf: isoDateOrNull,
    psaAgeSeconds: z.int().nullable(),
    lastSync: z.object({ id: z.uuid(), state: z.string(), finishedAt: isoDateOrNull }).nullable(),
    nextSyncAt: isoDateOrNull,
    /** Processes that do not go on by themselves now, and whom they wait for. */
    waits: z.array(
      z.object({
        for: z.enum(['person', 'vendor', 'psa', 'countersign']),
        what: z.string(),
        code: z.string().optional(),
        workflowId: z.string(),
      }),
    ),
    heldRuns: z.int(),
    customersWaiting: z.int(),
    customersEscalated: z.int(),
    alertsParked: z.int(),
    alertsDead: z.int(),
    /** How many accounts and services had a post refused in the last 30 days and none accepted since. */
    refusedPosts: z.int(),
    credentials: z.array(
      z.object({
        of: z.enum(['vendor', 'psa']),
        givenAt: isoDate,
        expireOn: z.string().nullable(),
        ageDays: z.int(),
        warning: z.string().nullable(),
      }),
    ),
  })
  .openapi('Health');

const exampleHealth = {
  integrationId: exampleIds.integration,
  vendor: 'mailprotector',
  vendorName: 'Example Managed Services',
  state: 'attention' as const,
  connected: true,
  dataAsOf: '2026-11-25T03:31:10.000Z',
  dataAgeSeconds: 19_800,
  stale: false,
  psaAsOf: '2026-11-25T03:31:10.000Z',
  psaAgeSeconds: 19_800,
  lastSync: { id: exampleIds.run, state: 'applied', finishedAt: '2026-11-25T03:32:02.000Z' },
  nextSyncAt: '2026-11-26T03:30:00.000Z',
  waits: [],
  heldRuns: 0,
  customersWaiting: 2,
  customersEscalated: 0,
  alertsParked: 0,
  alertsDead: 0,
  refusedPosts: 0,
  credentials: [
    {
      of: 'vendor' as const,
      givenAt: '2026-11-01T09:00:00.000Z',
      expireOn: '2026-12-20',
      ageDays: 24,
      warning: "The vendor's credentials end on 2026-12-20, in 25 days. Give new ones before; no mapping is lost.",
    },
  ],
};

const list = route({
  method: 'get',
  path: '/v1/health',
  operationId: 'listHealth',
  summary: 'The health of every connected integration',
  tag,
  scope: 'read',
  request: {},
  ok: 200,
  answer: listOf(healthSchema),
  example: { items: [exampleHealth], nextCursor: null },
  problems: {},
});
const get = route({
  method: 'get',
  path: '/v1/integrations/{id}/health',
  operationId: 'getHealth',
  summary: 'The health of an integration: the age of its data, what waits for whom, its credentials',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: healthSchema,
  example: exampleHealth,
  problems: { 409: ['disconnected'] },
});

export const integrationHealthRoutes = createRouter();

integrationHealthRoutes.openapi(list, async (c) => {
  const { db, environment } = c.get('deps');
  const all = await readHealthFacts(db, { organizationId: c.get('caller').organizationId });
  const items = all.map((facts) => judgeHealth(environment, facts));
  return send(c, listOf(healthSchema), { items, nextCursor: null });
});

integrationHealthRoutes.openapi(get, async (c) => {
  const deps = c.get('deps');
  const row = await ownedIntegration(deps, c.get('caller'), c.req.valid('param').id);
  const [facts] = await readHealthFacts(deps.db, { integrationId: row.id });
  if (!facts) throw conflict('disconnected', 'This integration was disconnected: there is nothing to look after.');
  return send(c, healthSchema, judgeHealth(deps.environment, facts));
});
