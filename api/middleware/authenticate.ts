import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { personActor } from '../../commands/actor.ts';
import { findMember } from '../../db/queries/member.ts';
import { findToken, touchToken } from '../../db/queries/organization.ts';
import { roles, scopeOfRole } from '../../domain/roles.ts';
import type { ApiEnv, Caller, Scope } from '../context.ts';
import { ApiProblem } from '../problem.ts';
import { requireOwnOrigin } from '../signIn/origin.ts';

const includes: Record<Scope, Scope[]> = {
  read: ['read'],
  operate: ['read', 'operate'],
  admin: ['read', 'operate', 'admin'],
};

const upTo = (scopes: readonly Scope[]): Scope[] => [...new Set(scopes.flatMap((scope) => includes[scope]))];
const asBearer = { headers: { 'www-authenticate': 'Bearer' } };

/** Authenticates a bearer token, or the session of a person who is signed in. `admin` includes `operate`, which includes `read`. */
export const authenticate = createMiddleware<ApiEnv>(async (c, next) => {
  const caller = await callerOf(c);
  // A browser sends the cookie whatever page makes it do so, but a token only when our own page does.
  if (caller.person) requireOwnOrigin(c, 'cookie');
  c.set('caller', caller);
  await next();
});

/**
 * Finds out who sends a request, as of now: an answer that lasts asks again and again.
 *
 * @throws ApiProblem 401 when nobody does whom we know
 */
export async function callerOf(c: Context<ApiEnv>): Promise<Caller> {
  const given = c.req.header('authorization');
  return given === undefined && c.get('sessions').hasCookie(c.req.raw.headers)
    ? callerOfSession(c)
    : callerOfToken(c, given);
}

async function callerOfSession(c: Context<ApiEnv>): Promise<Caller> {
  const session = await c.get('sessions').find(c.req.raw.headers);
  const member = session && (await findMember(c.get('deps').db, session.organizationId, session.userId));
  if (!member) throw new ApiProblem(401, 'no-session', 'Your session has ended. Sign in again.', asBearer);
  const { id, name, email } = member;
  return {
    organizationId: session.organizationId,
    scopes: upTo([scopeOfRole[member.role]]),
    actor: personActor(session.organizationId, id).name,
    person: { id, name, email },
  };
}

async function callerOfToken(c: Context<ApiEnv>, given: string | undefined): Promise<Caller> {
  const secret = /^Bearer (\S{20,200})$/i.exec(given ?? '')?.[1];
  if (secret === undefined)
    throw new ApiProblem(
      401,
      'no-token',
      'Send a token: "Authorization: Bearer …". An admin makes one in the settings of the console.',
      asBearer,
    );
  const { db } = c.get('deps');
  const token = await findToken(db, secret);
  if (!token) throw new ApiProblem(401, 'bad-token', 'This token is not known, has expired, or was revoked.', asBearer);
  await touchToken(db, token.id);
  return { organizationId: token.organizationId, scopes: upTo(token.scopes as Scope[]), actor: `token:${token.id}` };
}

/** @throws ApiProblem when the caller lacks the scope */
export function requireScope(scope: Scope) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    if (!c.get('caller').scopes.includes(scope)) {
      throw new ApiProblem(403, 'missing-scope', wordsFor(c.get('caller'), scope));
    }
    await next();
  });
}

function wordsFor({ person }: Caller, scope: Scope): string {
  if (!person) return `This needs a token with the scope "${scope}".`;
  const role = roles.find((each) => scopeOfRole[each] === scope);
  return `This needs the role ${role}. An admin of your organization can give it to you.`;
}
