import { processOf } from './process.ts';
import { brief, interactive } from './queues.ts';
import type { OnboardingKey } from '../domain/process/ids.ts';

/** Takes a customer that was added in Mailprotector to its cards: it is mapped, and read alone, without a full sync (G37–G44). */
export async function onboardCustomer(customer: OnboardingKey): Promise<void> {
  await processOf('onboardCustomer', customer, async (process) => {
    await process.until('detect');
    await process.until('mapCustomer', interactive.remindOfCustomer); // equal name, chosen in Mailprotector, or a person
    await process.run('pullCustomer', interactive.pullCustomer); // pull
    await process.until('counts'); // push: Update Counts
    await process.run('showCards', interactive.showCustomer, { first: brief.showCustomer });
  });
}
