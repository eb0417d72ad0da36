/** Maps what is equal character for character and unique on both sides, and nothing else (invariant 4). */
import { exactMatches } from '../../domain/matching.ts';
import type { Transaction } from '../client.ts';
import { recomputeCards } from './cards.ts';
import {
  insertAccountMappings,
  listMappedPsaAccountIds,
  listMatchableAccounts,
  type IntegrationRow,
} from './integration.ts';
import { listActivePsaAccounts } from './psa.ts';

/**
 * The caller holds the integration's lock (`lockIntegration`).
 *
 * @param only vendor accounts that may be mapped; absent = all that are linked and not mapped
 * @returns what was mapped
 */
export async function mapEqualNames(
  tx: Transaction,
  { id, psaConnectionId }: Pick<IntegrationRow, 'id' | 'psaConnectionId'>,
  only?: ReadonlySet<string>,
): Promise<{ vendorAccountId: string; psaAccountId: string }[]> {
  const accounts = await listMatchableAccounts(tx, id);
  const open = new Set(accounts.filter((account) => account.open).map((account) => account.id));
  const taken = new Set(await listMappedPsaAccountIds(tx, id));
  // What is mapped already, or not linked, still makes a name ambiguous: of two that look the same, the one that a
  // person left over is not therefore the right one.
  const matches = exactMatches(accounts, await listActivePsaAccounts(tx, psaConnectionId)).filter(
    (match) =>
      open.has(match.vendorAccountId) &&
      !taken.has(match.psaAccountId) &&
      (only === undefined || only.has(match.vendorAccountId)),
  );
  await insertAccountMappings(tx, id, matches, 'exact');
  await recomputeCards(
    tx,
    psaConnectionId,
    matches.map((match) => match.psaAccountId),
  );
  return matches;
}
