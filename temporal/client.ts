import { Client, Connection } from '@temporalio/client';
import { judgeBuilds } from './deployment.ts';
import { fewest, listPollers } from './workers.ts';
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

/**
 * `no worker`: the Temporal server answers, but nobody does its work. `no build`: workers ask for work, and get none, because the
 * build that is current is not theirs.
 */
export type TemporalState = 'ready' | 'no worker' | 'no build' | 'away';

/**
 * Whether the Temporal frontend answers, and whether a worker asks it for work.
 *
 * @param silentMs how long a worker that runs may stay silent, in milliseconds
 * @param limitMs milliseconds after which it counts as away
 */
export async function temporalState(client: Client, silentMs: number, limitMs = 2_000): Promise<TemporalState> {
  const { connection } = client;
  const { namespace } = client.options;
  return connection
    .withDeadline(Date.now() + limitMs, async () => {
      const queues = await listPollers(connection, namespace, silentMs);
      if (fewest(queues).workers === 0) return 'no worker' as const;
      const { why } = await judgeBuilds(
        connection,
        namespace,
        queues.flatMap(({ pollers }) => pollers),
      );
      return why === undefined ? ('ready' as const) : ('no build' as const);
    })
    .catch(() => 'away' as const);
}
