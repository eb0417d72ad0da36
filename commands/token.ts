/** Tokens of the REST API: shown once, stored as a hash. Only an admin makes one, so none grants more than its maker has. */
import { randomBytes } from 'node:crypto';
import { insertToken, readToken, revokeTokenRow, type TokenRow } from '../db/queries/organization.ts';
import { audit, type Command } from './actor.ts';
import { Refusal } from './refusal.ts';

const dayMs = 86_400_000;

/**
 * Makes a token.
 *
 * @param input.scope it includes the lesser ones: `admin` has `operate`, which has `read`
 * @param input.lifeDays after so many days it opens nothing any more; null = it does not expire
 * @returns the token, and its secret, which nobody can read again
 */
export const createToken: Command<
  { name: string; scope: 'read' | 'operate' | 'admin'; lifeDays: number | null },
  { apiToken: TokenRow; secret: string }
> = async (tx, actor, { name, scope, lifeDays }) => {
  const secret = `cs_${randomBytes(32).toString('base64url')}`;
  const id = await insertToken(tx, actor.organizationId, {
    name,
    secret,
    scopes: [scope],
    createdBy: actor.name,
    ...(lifeDays === null ? {} : { lifeMs: lifeDays * dayMs }),
  });
  const apiToken = await readToken(tx, id);
  await audit(tx, actor, {
    action: 'token.create',
    subjectKind: 'api_token',
    subjectId: id,
    after: { name, scope, expiresAt: apiToken.expiresAt },
  });
  return { apiToken, secret, toWake: [] };
};

/** Revokes a token: it opens nothing from the next request on. @throws Refusal `not-found` */
export const revokeToken: Command<{ id: string }, { apiToken: TokenRow }> = async (tx, actor, { id }) => {
  const apiToken = await revokeTokenRow(tx, actor.organizationId, id);
  if (!apiToken) throw new Refusal('unknown', 'not-found', 'There is no such token that is not revoked yet.');
  await audit(tx, actor, {
    action: 'token.revoke',
    subjectKind: 'api_token',
    subjectId: id,
    before: { name: apiToken.name, scopes: apiToken.scopes },
  });
  return { apiToken, toWake: [] };
};
