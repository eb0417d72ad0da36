import { processOf } from './process.ts';
import { interactive as psa } from './queues.ts';

/** Writes a signed-off batch: each line is claimed and written once; an uncertain line is read again, never written blindly. */
export async function approveUsage(input: { batchId: string }): Promise<void> {
  await processOf('approveUsage', input, async (process) => {
    await process.run('write', psa.writeLines, { once: true });
    await process.run('settle', psa.settleLines, { once: true });
    await process.run('close', psa.closeApproval);
  });
}
