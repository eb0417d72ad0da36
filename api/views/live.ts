/** What goes on in an organization now, as the event stream tells it: each event is the whole, so none has to be remembered. */
import { createHash } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import { readHealthFacts } from '../../db/queries/health.ts';
import { listIntegrations } from '../../db/queries/integration.ts';
import { listReadings, listRecentApprovals } from '../../db/queries/live.ts';
import { approvalBatchStates } from '../../domain/transitions.ts';
import type { ApiDependencies } from '../context.ts';
import { exampleIds } from '../define.ts';
import { judgeHealth } from '../health.ts';
import { exampleHealth, healthSchema } from './health.ts';
import { exampleIntegration, integrationSchema, integrationViews } from './integration.ts';

/** More integrations than an organization has: there is one for each vendor. */
const most = 1_000;

export const liveSchema = z
  .object({
    integrations: z.array(integrationSchema),
    /** Of those that are not disconnected. */
    health: z.array(healthSchema),
    /** How many customers each run under way has read, of how many. */
    reading: z.array(z.object({ integrationId: z.uuid(), done: z.int(), of: z.int() })),
    /** The newest approvals: one that is not known yet, or whose state differs, has changed what the lists show. */
    approvals: z.array(z.object({ id: z.uuid(), state: z.enum(approvalBatchStates), by: z.string() })),
  })
  .openapi('Live');

export const exampleLive = {
  integrations: [exampleIntegration],
  health: [exampleHealth],
  reading: [{ integrationId: exampleIds.integration, done: 12, of: 40 }],
  approvals: [{ id: exampleIds.run, state: 'requested' as const, by: `person:${exampleIds.line}` }],
};

/** What is sent: the same text to everybody who follows the organization, from whichever api. */
export interface Picture {
  /** A digest of what it tells, but for the ages that grow with every second; the id of its event. */
  id: string;
  data: string;
}

/** @throws ZodError when the picture does not fit its schema, which is our error */
export async function takePicture(deps: ApiDependencies, organizationId: string): Promise<Picture> {
  const rows = await listIntegrations(deps.db, organizationId, { limit: most });
  const integrations = await integrationViews(deps, rows);
  const facts = await readHealthFacts(deps.db, deps.environment.RETRYING_SHOWN_MS, { organizationId });
  const health = facts.map((each) => judgeHealth(deps.environment, each));
  const reading = await listReadings(deps.db, organizationId);
  const approvals = await listRecentApprovals(deps.db, organizationId);
  const live = liveSchema.parse({ integrations, health, reading, approvals });
  const ageless = live.health.map(({ dataAgeSeconds: _data, psaAgeSeconds: _psa, ...rest }) => rest);
  const id = createHash('sha256')
    .update(JSON.stringify({ ...live, health: ageless }))
    .digest('base64url')
    .slice(0, 22);
  return { id, data: JSON.stringify(live) };
}
