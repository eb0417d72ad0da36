import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';

/**
 * A client that connects when it is first used, so that the API starts and accepts facts while Temporal is away. What
 * Temporal refuses is tried for about three seconds, and a wake that is not answered fails after ten: what it misses the
 * sweep finds. The ten seconds are said to the channel, because the client's `withDeadline` makes
 * Node 20 and 22 follow every promise of the process from then on, which cost posted counts a fifth of the api's time
 * (measured: `npm run bench -- push`).
 *
 * @param address host:port of the Temporal frontend
 */
export function createTemporalClient(
  address: string,
  namespace: string,
): { client: Client; close: () => Promise<void> } {
  const wakes = {
    name: [
      {
        service: 'temporal.api.workflowservice.v1.WorkflowService',
        method: 'SignalWithStartWorkflowExecution',
      },
    ],
    timeout: '10s',
  };
  const connection = Connection.lazy({
    address,
    interceptors: [makeGrpcRetryInterceptor(defaultGrpcRetryOptions({ maxAttempts: 6 }))],
    channelArgs: { 'grpc.service_config': JSON.stringify({ loadBalancingConfig: [], methodConfig: [wakes] }) },
  });
  return { client: new Client({ connection, namespace }), close: () => connection.close() };
}

const asked = new WeakMap<Client, Promise<unknown>>();

/**
 * Whether the Temporal frontend answers within `limitMs` milliseconds. One question is on its way at most; it has no
 * deadline of its own (`createTemporalClient`).
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
