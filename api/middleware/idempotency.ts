import { createHash } from 'node:crypto';
import { createMiddleware } from 'hono/factory';
import { settleIdempotencyKey, takeIdempotencyKey } from '../../db/queries/organization.ts';
import type { ApiEnv } from '../context.ts';
import { idempotencyKey } from '../define.ts';
import { ApiProblem } from '../problem.ts';

/** Fields of an answer that are never stored, so that a replayed answer never contains a secret (invariant 7). */
const secretFields = new Set(['key', 'token', 'secret', 'link']);

/** Handles `Idempotency-Key` on a POST: a repeated request gets the first answer again, and is carried out once. */
export const idempotency = createMiddleware<ApiEnv>(async (c, next) => {
  const key = c.req.header('idempotency-key');
  if (c.req.method !== 'POST' || key === undefined) return next();
  if (!idempotencyKey.test(key))
    throw new ApiProblem(400, 'invalid-idempotency-key', 'An Idempotency-Key is 1 to 200 visible ASCII characters.');
  const { db } = c.get('deps');
  const { organizationId } = c.get('caller');
  const route = `POST ${c.req.path}`;
  const requestHash = createHash('sha256')
    .update(`${route}\n${await c.req.text()}`)
    .digest('hex');
  const stored = await takeIdempotencyKey(db, organizationId, { key, route, requestHash });
  if (stored) {
    if (stored.requestHash !== requestHash)
      throw new ApiProblem(422, 'idempotency-key-reused', 'This Idempotency-Key was used for another request.');
    if (stored.status === null)
      throw new ApiProblem(
        409,
        'in-progress',
        'The first request with this Idempotency-Key is still at work. Ask again in a moment.',
      );
    c.header('idempotent-replayed', 'true');
    return c.json(stored.response as object, stored.status as 200);
  }
  let kept = false;
  try {
    await next();
    if (c.res.ok) {
      const response: unknown = await c.res.clone().json();
      await settleIdempotencyKey(db, organizationId, key, { status: c.res.status, response: withoutSecrets(response) });
      kept = true;
    }
  } finally {
    if (!kept) await settleIdempotencyKey(db, organizationId, key, undefined);
  }
});

/** Removes secrets at any depth, because a stored answer is sent to everybody who repeats the key. */
export function withoutSecrets(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(withoutSecrets);
  if (typeof answer !== 'object' || answer === null) return answer;
  return Object.fromEntries(
    Object.entries(answer).flatMap(([name, value]) => (secretFields.has(name) ? [] : [[name, withoutSecrets(value)]])),
  );
}
