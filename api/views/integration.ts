/** An integration as the API shows it, with its processes. */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { readPause } from '../../db/queries/rateLimit.ts';
import type { IntegrationRow } from '../../db/queries/integration.ts';
import { listSteps } from '../../db/queries/processView.ts';
import { connectProcess, migrationProcess, syncProcess } from '../../domain/process/ids.ts';
import type { ApiDependencies, ApiEnv } from '../context.ts';
import { exampleIds, isoDate, isoDateOrNull, send } from '../define.ts';
import { ownedIntegration } from '../owned.ts';
import { exampleProcess, pauseSchema, processSchema, processView } from './process.ts';

export const integrationSchema = z
  .object({
    id: z.uuid(),
    psaConnectionId: z.uuid(),
    vendor: z.string(),
    intake: z.enum(['push', 'pull']),
    modules: z.array(z.enum(['billing', 'alerts'])),
    vendorName: z.string().nullable(),
    createdAt: isoDate,
    disconnectedAt: isoDateOrNull,
    /** The pause that the vendor asked for. */
    pause: pauseSchema,
    /** The process `connect`: from "Connect" to the first counts. */
    process: processSchema,
    /** The sync run under way, or the last one; without steps before the first run. */
    sync: processSchema,
    /** The process `migrateToAlerts`; null = it never began. A union for the reason given at `approvalSchema`. */
    migration: z.union([processSchema, z.null()]),
  })
  .openapi('Integration');

export const exampleIntegration = {
  id: exampleIds.integration,
  psaConnectionId: exampleIds.psaConnection,
  vendor: 'mailprotector',
  intake: 'pull' as const,
  modules: ['billing' as const],
  vendorName: 'Example Managed Services',
  createdAt: '2026-11-23T09:00:00.000Z',
  disconnectedAt: null,
  pause: null,
  process: exampleProcess('connect', exampleIds.integration, 'verifyCredentials', 'linkCustomers'),
  sync: exampleProcess('sync', exampleIds.integration, 'pullVendor', 'freshPsa'),
  migration: null,
};

export const createdSchema = z.object({
  integration: integrationSchema,
  /** With intake push: the key to paste into the vendor's console. It is shown only this once; only its hash is stored. */
  key: z.string().optional(),
});

/** Sends an integration of the caller's as it is now. */
export async function sendIntegration(c: Context<ApiEnv>, id: string, status: 200 | 202 = 200): Promise<Response> {
  const { deps, caller } = c.var;
  return send(c, integrationSchema, await integrationView(deps, await ownedIntegration(deps, caller, id)), status);
}

export async function integrationView(deps: ApiDependencies, row: IntegrationRow) {
  const [connect, sync, migration] = [connectProcess(row), syncProcess(row), migrationProcess(row)];
  const migrationSteps = await listSteps(deps.db, migration);
  return {
    ...row,
    pause: await readPause(deps.db, { of: 'vendor', id: row.id }),
    process: processView(deps, connect, await listSteps(deps.db, connect)),
    sync: processView(deps, sync, await listSteps(deps.db, sync)),
    migration: migrationSteps.length > 0 ? processView(deps, migration, migrationSteps) : null,
  };
}
