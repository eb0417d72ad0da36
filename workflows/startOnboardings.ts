import { processOf } from './process.ts';
import { interactive } from './queues.ts';

/** Starts the workflows of an integration's new customers, some at a time, so that a thousand of them delay no other work. */
export async function startOnboardings(input: { integrationId: string }): Promise<void> {
  await processOf('startOnboardings', input, async (process) => {
    let more = true;
    while (more) more = await process.claim(interactive.startOnboardings);
  });
}
