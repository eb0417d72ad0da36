import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import type { TemporalOptions } from './profile.ts';
import { registerSearchAttributes, RegisteringNotAllowed, SearchAttributeOfAnotherType } from './searchAttributes.ts';
import { tlsTrouble } from './tlsTrouble.ts';

/**
 * Registers the search attributes, with retries: a server that has just come up may need a moment.
 *
 * @throws SearchAttributeOfAnotherType when an attribute exists with another type: a person has to decide
 * @throws RegisteringNotAllowed when somebody else has to register them
 * @throws Error when Temporal cannot be reached
 */
export async function prepareTemporal(options: TemporalOptions, namespace: string): Promise<void> {
  const connection = await connect(options);
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await registerSearchAttributes(connection, namespace);
        return;
      } catch (error) {
        const isForPerson = error instanceof SearchAttributeOfAnotherType || error instanceof RegisteringNotAllowed;
        if (attempt >= 20 || isForPerson) throw error;
        await delay(250);
      }
    }
  } finally {
    await connection.close();
  }
}

async function connect(options: TemporalOptions): Promise<Connection> {
  try {
    return await Connection.connect(options);
  } catch (error) {
    const why = (await tlsTrouble(options)) ?? 'Check TEMPORAL_ADDRESS, and that the server runs.';
    throw new Error(`Temporal does not answer at ${options.address}. ${why}`, { cause: error });
  }
}
