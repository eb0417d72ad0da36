/** The activity that maps what was read from both sides. */
import { changeAndAdmit } from '../commands/alertAdmission.ts';
import { mapEqualNames } from '../commands/accountMapping.ts';
import type { Dependencies } from './dependencies.ts';
import { performStep, type StepRef, type StepResult } from './step.ts';

export function createReconcileActivities(deps: Dependencies) {
  return {
    /** Maps the accounts whose names are equal on both sides, and leaves the others to a person. */
    async mapExactMatches(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => async (tx) => {
        const of = { integrationId: ref.id, slots: deps.environment.ALERTS_IN_FLIGHT };
        return (await changeAndAdmit(tx, of, (row) => mapEqualNames(tx, row))).toWake;
      });
    },
  };
}
