/** What processes do with what was read. */
import { mapEqualNames } from '../db/queries/accountMatching.ts';
import { admitAlerts, lockIntegration, type AdmittedAlert } from '../db/queries/alerts.ts';
import { byCountersign, recordAudit } from '../db/queries/audit.ts';
import { readIntegration } from '../db/queries/integration.ts';
import type { Dependencies } from './dependencies.ts';
import { performStep, type StepRef, type StepResult } from './step.ts';
import { wakeProcess } from './store.ts';

export function createReconcileActivities(deps: Dependencies) {
  return {
    /** Maps the accounts whose names are equal on both sides, and leaves the others to a person. */
    async mapExactMatches(ref: StepRef): Promise<StepResult> {
      let admitted: AdmittedAlert[] = [];
      const result = await performStep(deps, ref, async () => async (tx) => {
        await lockIntegration(tx, ref.id);
        const integration = await readIntegration(tx, ref.id);
        const matches = await mapEqualNames(tx, integration);
        await recordAudit(tx, integration.organizationId, {
          actor: byCountersign,
          action: 'accounts.matched',
          subjectKind: 'integration',
          subjectId: ref.id,
          after: { mapped: matches.length },
        });
        admitted = await admitAlerts(tx, ref.id, deps.environment.ALERTS_IN_FLIGHT);
      });
      for (const alert of admitted) await wakeProcess(deps, alert);
      return result;
    },
  };
}
