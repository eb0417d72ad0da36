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

/** Whether the Temporal frontend answers within `limitMs` milliseconds. */
export async function isTemporalReady(client: Client, limitMs = 2_000): Promise<boolean> {
  return client.connection
    .withDeadline(Date.now() + limitMs, () => client.connection.workflowService.getSystemInfo({}))
    .then(
      () => true,
      () => false,
    );
}
