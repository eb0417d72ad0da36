/** What processes do with what was read. */
import { exactMatches } from '../domain/matching.ts';
import { byCountersign, recordAudit } from '../db/queries/audit.ts';
import { recomputeCards } from '../db/queries/cards.ts';
import {
  insertAccountMappings,
  listMappedPsaAccountIds,
  listUnmappedAccounts,
  readIntegration,
} from '../db/queries/integration.ts';
import { listActivePsaAccounts } from '../db/queries/psa.ts';
import type { Dependencies } from './dependencies.ts';
import { performStep, type StepRef, type StepResult } from './step.ts';

export function createReconcileActivities(deps: Dependencies) {
  return {
    /** Maps what is equal character for character and unique on both sides, and nothing else (invariant 4). */
    async mapExactMatches(ref: StepRef): Promise<StepResult> {
      await performStep(deps, ref, async () => async (tx) => {
        const { organizationId, psaConnectionId } = await readIntegration(tx, ref.id);
        const taken = new Set(await listMappedPsaAccountIds(tx, ref.id));
        const matches = exactMatches(
          await listUnmappedAccounts(tx, ref.id),
          (await listActivePsaAccounts(tx, psaConnectionId)).filter((account) => !taken.has(account.id)),
        );
        await insertAccountMappings(tx, ref.id, matches, 'exact');
        await recomputeCards(
          tx,
          psaConnectionId,
          matches.map((match) => match.psaAccountId),
        );
        await recordAudit(tx, organizationId, {
          actor: byCountersign,
          action: 'accounts.matched',
          subjectKind: 'integration',
          subjectId: ref.id,
          after: { mapped: matches.length },
        });
      });
    },
  };
}
