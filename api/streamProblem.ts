import type { Context } from 'hono';
import type { SSEStreamingApi } from 'hono/streaming';
import type { ApiEnv } from './context.ts';
import { ApiProblem } from './problem.ts';

/**
 * Tells why a stream ends. Its answer has begun, so the reason can only be sent as an event; the caller may then follow again.
 *
 * @param otherwise the problem to tell when the error is none that the caller may read; the error is logged then
 */
export async function sendProblem(
  c: Context<ApiEnv>,
  stream: SSEStreamingApi,
  error: unknown,
  otherwise: ApiProblem,
): Promise<void> {
  const requestId = c.get('requestId');
  const isTold = error instanceof ApiProblem;
  if (!isTold) c.get('deps').logger.error({ err: error, requestId, path: c.req.path }, 'an event stream failed');
  const problem = isTold ? error : otherwise;
  await stream.writeSSE({ event: 'problem', data: JSON.stringify(problem.toBody(requestId)) });
}
