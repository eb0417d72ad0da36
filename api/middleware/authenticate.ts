import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { findToken, touchToken } from '../../db/queries/organization.ts';
import type { ApiEnv, Caller, Scope } from '../context.ts';
import { ApiProblem } from '../problem.ts';

const includes: Record<Scope, Scope[]> = {
  read: ['read'],
  operate: ['read', 'operate'],
  admin: ['read', 'operate', 'admin'],
};

/** Authenticates the bearer token of an organization. `admin` includes `operate`, which includes `read`. */
export const authenticate = createMiddleware<ApiEnv>(async (c, next) => {
  c.set('caller', await callerOf(c));
  await next();
});

/**
 * Finds out who sends a request, as of now: an answer that lasts asks again and again.
 *
 * @throws ApiProblem 401 when nobody does whom we know
 */
export async function callerOf(c: Context<ApiEnv>): Promise<Caller> {
  const secret = /^Bearer (\S{20,200})$/i.exec(c.req.header('authorization') ?? '')?.[1];
  if (secret === undefined) {
    throw new ApiProblem(
      401,
      'no-token',
      'Send a token: "Authorization: Bearer …". An admin makes one with `npm run admin`.',
      {
        headers: { 'www-authenticate': 'Bearer' },
      },
    );
  }
  const deps = c.get('deps');
  const token = await findToken(deps.db, secret);
  if (!token)
    throw new ApiProblem(401, 'bad-token', 'This token is not known, or it was revoked.', {
      headers: { 'www-authenticate': 'Bearer' },
    });
  await touchToken(deps.db, token.id);
  const scopes = [...new Set((token.scopes as Scope[]).flatMap((scope) => includes[scope]))];
  return { tokenId: token.id, organizationId: token.organizationId, scopes };
}

/** @throws ApiProblem when the caller's token lacks the scope */
export function requireScope(scope: Scope) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    if (!c.get('caller').scopes.includes(scope)) {
      throw new ApiProblem(403, 'missing-scope', `This needs a token with the scope "${scope}".`);
    }
    await next();
  });
}
