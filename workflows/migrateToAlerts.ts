import { processOf } from './process.ts';
import { interactive as psa } from './queues.ts';

/** The guide's steps from billing to billing and alerts. Permissions and board are asked for beside them; only alerts wait for these. */
export async function migrateToAlerts(input: { integrationId: string }): Promise<void> {
  await processOf('migrateToAlerts', input, async (process) => {
    const migration = async () => {
      await process.until('requestMigration');
      await process.until('linkCustomers');
      await process.until('updateAccountMapping');
      await process.need('updateCounts', 'sync');
    };
    const alerts = async () => {
      await process.run('checkPermissions', psa.checkAlertPermissions);
      await process.until('chooseBoard');
    };
    await Promise.all([migration(), alerts()]);
  });
}
