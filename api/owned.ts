/** Rows of the caller's own organization: another one's are as good as none (invariant 9). */
import { findPsaConnection, type PsaConnectionRow } from '../db/queries/psaConnection.ts';
import type { ApiDependencies, Caller } from './context.ts';
import { notFound } from './problem.ts';

/** @throws ApiProblem 404 */
export async function ownedPsaConnection(deps: ApiDependencies, caller: Caller, id: string): Promise<PsaConnectionRow> {
  const row = await findPsaConnection(deps.db, caller.organizationId, id);
  if (!row) throw notFound('PSA connection');
  return row;
}
