import { processOf } from './process.ts';
import { bulk as psa, interactive } from './queues.ts';

/** Reads the PSA for all processes that need it, round after round until none does. */
export async function refreshPsa(input: { psaConnectionId: string }): Promise<void> {
  await processOf('refreshPsa', input, async (process) => {
    while (await process.claim(interactive.claimPsaRefresh)) {
      await process.run('checkPsaPermissions', psa.checkPsaPermissions);
      await process.run('pullPsa', psa.pullPsa);
      await process.run('applyPsa', psa.applyPsa);
    }
  });
}
