import { processOf } from './process.ts';
import { bulk as reconcile, bulk as vendor, interactive } from './queues.ts';

/** Makes one run of all open sync requests: reads vendor and PSA, checks, applies. A run that swings too far is closed as `held`. */
export async function sync(input: { integrationId: string }): Promise<void> {
  await processOf('sync', input, async (process) => {
    while (await process.claim(interactive.claimSync)) {
      await process.until('counts'); // push: the vendor posts them
      await process.run('quiet', interactive.awaitQuiet); // push: until the burst is over
      await Promise.all([process.run('pullVendor', vendor.pullVendor), process.need('freshPsa', 'refreshPsa')]);
      await process.run('checkComplete', vendor.checkComplete);
      await process.run('guard', reconcile.guardRun);
      await process.run('apply', reconcile.applyRun);
      await process.run('deriveAlerts', vendor.deriveAlerts); // alerts, pull
      await process.run('close', reconcile.closeRun);
    }
  });
}
