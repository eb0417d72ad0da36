import { processOf, type Process } from './process.ts';
import { brief, interactive as psa } from './queues.ts';

/** Makes one ticket of one alert, however often it is sent. Each sending is a round; one that comes meanwhile is the next round. */
export async function deliverAlert(input: { alertRowId: string }): Promise<void> {
  const deliver = async (process: Process<'deliverAlert'>) => {
    while (await process.claim(psa.claimAlert, brief.claimAlert)) {
      await process.run('resolveAccount', psa.resolveAccount, { first: brief.resolveAccount });
      await process.run('writeTicket', psa.writeTicket, { once: true });
      await process.run('settleTicket', psa.settleTicket, { once: true });
      await process.run('recordDelivery', psa.recordDelivery, { first: brief.recordDelivery });
    }
  };
  await processOf('deliverAlert', input, deliver, psa.retryWoken);
}
