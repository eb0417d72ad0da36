/** Finds rows of the caller's own organization; another organization's row is answered as one that does not exist (invariant 9). */
import { findAlert } from '../db/queries/alerts.ts';
import { findPreview } from '../db/queries/approvalPreviews.ts';
import { findApproval } from '../db/queries/approvals.ts';
import { findCard } from '../db/queries/cardList.ts';
import { findIntegration, type IntegrationRow } from '../db/queries/integration.ts';
import { findPsaConnection } from '../db/queries/psaConnection.ts';
import { findSyncRun } from '../db/queries/sync.ts';
import type { Database } from '../db/client.ts';
import type { ApiDependencies, Caller } from './context.ts';
import { conflict, notFound } from './problem.ts';

/** @returns a function that finds a row by its id, and throws ApiProblem 404 when the organization has no such row */
function owned<T>(what: string, find: (db: Database, organizationId: string, id: string) => Promise<T | undefined>) {
  return async (deps: ApiDependencies, caller: Caller, id: string): Promise<T> => {
    const row = await find(deps.db, caller.organizationId, id);
    if (row === undefined) throw notFound(what);
    return row;
  };
}

export const ownedAlert = owned('alert', findAlert);
export const ownedApproval = owned('approval', findApproval);
export const ownedCard = owned('card', findCard);
export const ownedIntegration = owned('integration', findIntegration);
export const ownedPreview = owned('preview', findPreview);
export const ownedPsaConnection = owned('PSA connection', findPsaConnection);
export const ownedRun = owned('sync run', findSyncRun);

/** @throws ApiProblem when the integration was disconnected, because nothing of it may be changed then */
export async function activeIntegration(deps: ApiDependencies, caller: Caller, id: string): Promise<IntegrationRow> {
  const row = await ownedIntegration(deps, caller, id);
  if (row.disconnectedAt)
    throw conflict(
      'disconnected',
      'This integration was disconnected. Reconnect it first: its mappings are as they were.',
    );
  return row;
}

/** @throws ApiProblem when the integration was disconnected, or carries no alerts */
export async function integrationWithAlerts(
  deps: ApiDependencies,
  caller: Caller,
  id: string,
): Promise<IntegrationRow> {
  const row = await activeIntegration(deps, caller, id);
  if (!row.modules.includes('alerts'))
    throw conflict('no-alerts', 'This integration carries billing only. Migrate it to alerts first.');
  return row;
}
