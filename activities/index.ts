/** All activities: everything by which workflows reach the database and the outside systems. */
import { createAlertActivities } from './alerts.ts';
import { createApprovalActivities } from './approvals.ts';
import type { Dependencies } from './dependencies.ts';
import { createDeriveActivities } from './derive.ts';
import { createOnboardingActivities } from './onboarding.ts';
import { createPsaActivities } from './psa.ts';
import { createReconcileActivities } from './reconcile.ts';
import { createProcessRowActivities } from './processRows.ts';
import { createSweepActivities } from './sweep.ts';
import { createSyncActivities } from './sync.ts';
import { createVendorActivities } from './vendor.ts';

export function createActivities(deps: Dependencies) {
  return {
    ...createProcessRowActivities(deps),
    ...createVendorActivities(deps),
    ...createPsaActivities(deps),
    ...createReconcileActivities(deps),
    ...createSyncActivities(deps),
    ...createApprovalActivities(deps),
    ...createAlertActivities(deps),
    ...createDeriveActivities(deps),
    ...createOnboardingActivities(deps),
    ...createSweepActivities(deps),
  };
}

export type Activities = ReturnType<typeof createActivities>;
