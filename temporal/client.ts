import { Client, Connection } from '@temporalio/client';
import { countWorkers } from './workers.ts';
import type { TemporalOptions } from './profile.ts';

/**
 * A client that connects when it is first used, so that the API starts and accepts facts while Temporal is away.
 *
 * @param options of the environment: `temporalOptions`
 */
export function createTemporalClient(
  options: TemporalOptions,
  namespace: string,
): { client: Client; close: () => Promise<void> } {
  const connection = Connection.lazy(options);
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
