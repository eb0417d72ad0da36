import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';

/**
 * A client that connects when it is first used, so that the API starts and accepts facts while Temporal is away.
 *
 * @param address host:port of the Temporal frontend
 */
export function createTemporalClient(
  address: string,
  namespace: string,
): { client: Client; close: () => Promise<void> } {
  const connection = Connection.lazy({ address });
  return { client: new Client({ connection, namespace }), close: () => connection.close() };
}

const asked = new WeakMap<Client, Promise<unknown>>();

/**
 * Whether the Temporal frontend answers within `limitMs` milliseconds. One question is on its way at most. It has no
 * deadline of its own: the client's `withDeadline` makes Node 20 and 22 follow every promise of the process from then on,
 * which cost posted counts a fifth of the api's time (measured: `npm run bench -- push`).
 */
export async function isTemporalReady(client: Client, limitMs = 2_000): Promise<boolean> {
  const question = asked.get(client) ?? client.connection.workflowService.getSystemInfo({});
  asked.set(client, question);
  const over = () => void asked.delete(client);
  question.then(over, over);
  const late = new AbortController();
  try {
    return await Promise.race([
      question.then(
        () => true,
        () => false,
      ),
      delay(limitMs, false, { signal: late.signal, ref: false }),
    ]);
  } finally {
    late.abort();
  }
}
