import { processOf } from './process.ts';
import { interactive as psa, interactive as reconcile, interactive as vendor } from './queues.ts';

/** The guide's steps from "Connect" to the first counts. A step that an integration does not need begins `skipped`. */
export async function connect(input: { integrationId: string }): Promise<void> {
  await processOf('connect', input, async (process) => {
    await process.until('issueKey'); // push
    await process.until('enable'); // push: the vendor accepted the key
    await process.until('credentials'); // pull
    await process.run('verifyCredentials', vendor.verifyCredentials); // pull
    await process.until('linkCustomers');
    await process.run('checkPermissions', psa.checkAlertPermissions); // alerts
    await process.until('chooseBoard'); // alerts
    await process.need('psa', 'refreshPsa');
    await process.run('matchExactly', reconcile.mapExactMatches);
    await process.until('mapAccounts');
    await process.until('mapServices');
    await process.until('finish');
    await process.need('firstSync', 'sync');
  });
}
