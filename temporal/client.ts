import { Client, Connection } from '@temporalio/client';
import { countWorkers } from './workers.ts';

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

/** `no worker`: the Temporal server answers, but nobody does its work. */
export type TemporalState = 'ready' | 'no worker' | 'away';

/**
 * Whether the Temporal frontend answers, and whether a worker asks it for work.
 *
 * @param limitMs milliseconds after which it counts as away
 */
export async function temporalState(client: Client, limitMs = 2_000): Promise<TemporalState> {
  return countWorkers(client.connection, client.options.namespace, limitMs).then(
    ({ workers }) => (workers > 0 ? 'ready' : 'no worker'),
    () => 'away',
  );
}
