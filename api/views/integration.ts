/** An integration as the API shows it, with its processes. */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { readPauses } from '../../db/queries/rateLimit.ts';
import type { IntegrationRow } from '../../db/queries/integration.ts';
import type { ProcessRef } from '../../db/queries/process.ts';
import { listStepsOfMany } from '../../db/queries/processView.ts';
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
  return (await createViewer(deps, [row]))(row);
}

/** Shows many integrations, with as many statements as one takes. */
export async function integrationViews(deps: ApiDependencies, rows: readonly IntegrationRow[]) {
  return rows.map(await createViewer(deps, rows));
}

async function createViewer(deps: ApiDependencies, rows: readonly IntegrationRow[]) {
  const ids = rows.map(({ id }) => id);
  const stepsOf = await listStepsOfMany(deps.db, ['connect', 'sync', 'migrateToAlerts'], ids);
  const pauseOf = await readPauses(deps.db, 'vendor', ids);
  return (row: IntegrationRow) => {
    const viewOf = (processRef: ProcessRef) => processView(deps, processRef, stepsOf(processRef));
    const migration = migrationProcess(row);
    return {
      ...row,
      pause: pauseOf(row.id),
      process: viewOf(connectProcess(row)),
      sync: viewOf(syncProcess(row)),
      migration: stepsOf(migration).length > 0 ? viewOf(migration) : null,
    };
  };
}
