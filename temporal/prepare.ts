import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { registerSearchAttributes, SearchAttributeOfAnotherType } from './searchAttributes.ts';

/**
 * Registers the search attributes, with retries: a server that has just come up may need a moment.
 *
 * @param address host:port of the Temporal frontend
 * @throws SearchAttributeOfAnotherType when an attribute exists with another type: a person has to decide
 */
export async function prepareTemporal(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await registerSearchAttributes(connection, namespace);
        return;
      } catch (error) {
        if (attempt >= 20 || error instanceof SearchAttributeOfAnotherType) throw error;
        await delay(250);
      }
    }
  } finally {
    await connection.close();
  }
}
