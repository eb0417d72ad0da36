/** A connector reads its PSA's own errors: faults with status 500, faults in a success, a pause that is no 429. */
import { expect, test } from 'vitest';
import type { Classified, ReceivedAnswer } from '../../connectors/http.ts';
import { client, failure, recordingRateLimiter, schema, secret, serve } from './httpCall.ts';
import { json } from './httpServer.ts';

/** Like Autotask: `errors[]` tells what is wrong, whatever the status (autotask.md §3). */
function classify({ status, text }: ReceivedAnswer): Classified | undefined {
  const { errors } = JSON.parse(text) as { errors?: string[] };
  if (!errors) return undefined;
  const detail = errors.join('; ');
  if (detail.includes('Thread Threshold')) return { kind: 'throttled', code: 'throttled', detail, retryAfterMs: 1_500 };
  if (detail.includes('adequate permissions')) return { kind: 'permanent', code: 'forbidden', detail };
  return status === 502 ? undefined : { kind: 'permanent', code: 'invalid_request', detail };
}

test.each([
  [500, 'queueID is required', 'permanent', 'invalid_request', false],
  [200, 'queueID is required', 'permanent', 'invalid_request', false],
  [500, 'The logged in Resource does not have the adequate permissions.', 'permanent', 'forbidden', false],
  // The connector does not know it: then the status tells, and a write may have been carried out.
  [502, 'Bad gateway', 'transient', 'upstream', true],
] as const)('a %d that says "%s" is %s, %s', async (status, said, kind, code, mayHaveActed) => {
  const server = await serve((_asked, response) => json(response, status, { errors: [said] }));
  const error = await failure(server.url, { classify }, { method: 'POST', body: {} });
  expect(error).toMatchObject({ kind, code, status, mayHaveActed });
  if (status !== 502) expect(error.detail).toContain(said);
});

test('a pause that the connector reads out of an answer holds all callers', async () => {
  const rateLimiter = recordingRateLimiter();
  const server = await serve((_asked, response) => json(response, 500, { errors: ['Thread Threshold Exceeded'] }));
  const error = await failure(server.url, { classify, rateLimiter });
  expect(error).toMatchObject({ kind: 'throttled', retryAfterMs: 1_500 });
  expect(rateLimiter.waits).toEqual([1_500]);
});

test('what the other side said is quoted without secrets; without a fault the answer is data', async () => {
  const server = await serve((asked, response) =>
    asked.url === '/good' ? json(response, 200, { ok: true }) : json(response, 500, { errors: [`no ${secret}`] }),
  );
  expect((await failure(server.url, { classify })).detail).toContain('no [redacted]');
  const { data } = await client(server.url, { classify }).request({
    method: 'GET',
    path: '/good',
    route: '/g',
    schema,
  });
  expect(data).toEqual({ ok: true });
});
