/** What processes do with what was read. */
import { mapEqualNames } from '../commands/accountMapping.ts';
import { admitAlerts } from '../db/queries/alerts.ts';
import { readIntegration } from '../db/queries/integration.ts';
import type { Dependencies } from './dependencies.ts';
import { performStep, type StepRef, type StepResult } from './step.ts';

export function createReconcileActivities(deps: Dependencies) {
  return {
    /** Maps the accounts whose names are equal on both sides, and leaves the others to a person. */
    async mapExactMatches(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => async (tx) => {
        await mapEqualNames(tx, await readIntegration(tx, ref.id));
        return admitAlerts(tx, ref.id, deps.environment.ALERTS_IN_FLIGHT);
      });
    },
  };
}
