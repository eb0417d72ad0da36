/** What processes do with what was read. */
import { exactMatches } from '../domain/matching.ts';
import { admitAlerts, lockIntegration, type AdmittedAlert } from '../db/queries/alerts.ts';
import { byCountersign, recordAudit } from '../db/queries/audit.ts';
import { recomputeCards } from '../db/queries/cards.ts';
import {
  insertAccountMappings,
  listMappedPsaAccountIds,
  listMatchableAccounts,
  readIntegration,
} from '../db/queries/integration.ts';
import { listActivePsaAccounts } from '../db/queries/psa.ts';
import type { Dependencies } from './dependencies.ts';
import { performStep, type StepRef, type StepResult } from './step.ts';
import { wakeProcess } from './store.ts';

export function createReconcileActivities(deps: Dependencies) {
  return {
    /** Maps what is equal character for character and unique on both sides, and nothing else (invariant 4). */
    async mapExactMatches(ref: StepRef): Promise<StepResult> {
      let admitted: AdmittedAlert[] = [];
      await performStep(deps, ref, async () => async (tx) => {
        await lockIntegration(tx, ref.id);
        const { organizationId, psaConnectionId } = await readIntegration(tx, ref.id);
        const accounts = await listMatchableAccounts(tx, ref.id);
        const open = new Set(accounts.filter((account) => account.open).map((account) => account.id));
        const taken = new Set(await listMappedPsaAccountIds(tx, ref.id));
        // What is mapped already, or not linked, still makes a name ambiguous: of two that look the same, the one that a
        // person left over is not therefore the right one.
        const matches = exactMatches(accounts, await listActivePsaAccounts(tx, psaConnectionId)).filter(
          (match) => open.has(match.vendorAccountId) && !taken.has(match.psaAccountId),
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
        admitted = await admitAlerts(tx, ref.id, deps.environment.ALERTS_IN_FLIGHT);
      });
      for (const alert of admitted) await wakeProcess(deps, alert);
    },
  };
}
