/**
 * The console's own door: how a person gets a session, and ends it. Everything else the pages ask of /v1. Answers are like those of
 * /v1, but none of this is in the contract: a program has a token.
 */
import { z } from '@hono/zod-openapi';
import { Hono, type Context } from 'hono';
import { acceptInvitation, readInvitation } from '../../commands/invitation.ts';
import { changePassword, endSessions, noteSignIn, redeemSignInLink } from '../../commands/signIn.ts';
import { personActor } from '../../commands/actor.ts';
import { readPassword } from '../../db/queries/member.ts';
import { runAs, type ApiEnv } from '../context.ts';
import { ApiProblem, fieldErrors } from '../problem.ts';
import { requireOwnOrigin } from '../signIn/origin.ts';
import { passwordLength, type OpenSession, type Opened } from '../signIn/sessions.ts';
import { throttle } from '../signIn/throttle.ts';

/** How long after signing in by a link a person may set a password without the old one. */
const freshMs = 3_600_000;

const email = z
  .string()
  .max(254)
  .transform((given) => given.trim().toLowerCase());
const secret = z.string().min(1).max(200);
const newPassword = z
  .string()
  .min(passwordLength.min, `Choose one of at least ${passwordLength.min} characters.`)
  .max(passwordLength.max, `Choose one of at most ${passwordLength.max} characters.`);
const givenPassword = z.string().min(1).max(passwordLength.max);

export const signInRoutes = new Hono<ApiEnv>();

signInRoutes.post('/auth/sign-in', async (c) => {
  const given = await bodyOf(c, z.object({ email, password: givenPassword }));
  requireOwnOrigin(c, 'open');
  const succeeded = await throttle(c, given.email);
  const opened = await c.get('sessions').openByPassword(given.email, given.password);
  if (!opened)
    throw new ApiProblem(
      401,
      'wrong-password',
      'E-mail and password do not fit together, or you are not a member any more. Somebody who has forgotten the password asks an admin.',
    );
  await succeeded();
  return signedIn(c, opened, 'password');
});

signInRoutes.post('/auth/link', async (c) => {
  const given = await bodyOf(c, z.object({ secret }));
  requireOwnOrigin(c, 'open');
  const succeeded = await throttle(c, undefined);
  const person = await c.get('deps').db.transaction((tx) => redeemSignInLink(tx, given));
  await succeeded();
  return signedIn(c, await c.get('sessions').open(person, 'link'), 'link');
});

// A POST, because the secret of a link must stand in no address: addresses are logged.
signInRoutes.post('/auth/invitation', async (c) => {
  const given = await bodyOf(c, z.object({ secret }));
  requireOwnOrigin(c, 'open');
  const succeeded = await throttle(c, undefined);
  const invitation = await readInvitation(c.get('deps').db, given.secret);
  await succeeded();
  const { organizationName, role, hasPassword } = invitation;
  return c.json({ organization: organizationName, email: invitation.email, role, hasPassword });
});

signInRoutes.post('/auth/join', async (c) => {
  const given = await bodyOf(c, z.object({ secret, name: z.string().trim().min(1).max(200), password: givenPassword }));
  requireOwnOrigin(c, 'open');
  const { db } = c.get('deps');
  const { email: invited, hasPassword } = await readInvitation(db, given.secret);
  if (!hasPassword) checked(newPassword, given.password, 'password');
  const succeeded = await throttle(c, invited);
  const accept = acceptInvitation(c.get('sessions').passwords);
  const person = await db.transaction((tx) => accept(tx, given));
  await succeeded();
  return signedIn(c, await c.get('sessions').open(person, 'invitation'), 'invitation');
});

signInRoutes.post('/auth/sign-out', async (c) => {
  await end(c, (session) => ({ userId: session.userId, only: session.id }));
  return c.json({});
});

signInRoutes.post('/auth/sign-out-everywhere', async (c) => {
  await end(c, ({ userId }) => ({ userId }));
  return c.json({});
});

signInRoutes.put('/auth/password', async (c) => {
  const given = await bodyOf(c, z.object({ current: givenPassword.nullable(), password: newPassword }));
  requireOwnOrigin(c, 'cookie');
  const deps = c.get('deps');
  const { passwords } = c.get('sessions');
  const session = await signedInNow(c);
  const { userId, organizationId } = session;
  const stored = await readPassword(deps.db, userId);
  if (stored !== undefined && !cameByLink(session)) {
    const succeeded = await throttle(c, `password of ${userId}`);
    if (!(await passwords.verify(given.current ?? '', stored)))
      throw new ApiProblem(422, 'wrong-password', 'This is not your password, so it was not changed.', {
        errors: [{ field: 'current', message: 'This is not your password.' }],
      });
    await succeeded();
  }
  const hash = await passwords.hash(given.password);
  await runAs(deps, personActor(organizationId, userId), changePassword, { userId, sessionId: session.id, hash });
  return c.json({});
});

const cameByLink = ({ signedInWith, createdAt }: OpenSession) =>
  signedInWith === 'link' && Date.now() - createdAt.getTime() < freshMs;

/** @throws ApiProblem 401 when the request has no session */
async function signedInNow(c: Context<ApiEnv>): Promise<OpenSession> {
  const session = await c.get('sessions').find(c.req.raw.headers);
  if (!session) throw new ApiProblem(401, 'no-session', 'You are not signed in, or your session has ended.');
  return session;
}

/** Ends sessions of whoever asks, and has the browser forget its own; without a session there is nothing to end. */
async function end(
  c: Context<ApiEnv>,
  which: (session: OpenSession) => { userId: string; only?: string },
): Promise<void> {
  const sessions = c.get('sessions');
  requireOwnOrigin(c, sessions.hasCookie(c.req.raw.headers) ? 'cookie' : 'open');
  const session = await sessions.find(c.req.raw.headers);
  if (session)
    await runAs(c.get('deps'), personActor(session.organizationId, session.userId), endSessions, which(session));
  keep(c, await sessions.forget());
}

async function signedIn(c: Context<ApiEnv>, { session, cookies }: Opened, how: 'password' | 'link' | 'invitation') {
  await c.get('deps').db.transaction((tx) => noteSignIn(tx, session, how));
  keep(c, cookies);
  return c.json({});
}

function keep(c: Context<ApiEnv>, cookies: readonly string[]): void {
  for (const cookie of cookies) c.header('set-cookie', cookie, { append: true });
  c.header('cache-control', 'no-store');
}

/** The JSON body, whose text was checked before. @throws ApiProblem 400 that names what does not fit */
async function bodyOf<T>(c: Context<ApiEnv>, schema: z.ZodType<T>): Promise<T> {
  const text = await c.req.text();
  return checked(schema, text === '' ? {} : (JSON.parse(text) as unknown), '');
}

function checked<T>(schema: z.ZodType<T>, value: unknown, at: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = fieldErrors(parsed.error, at);
  const fields = errors.map(({ field }) => field || 'body').join(', ');
  throw new ApiProblem(400, 'invalid-request', `The request does not fit: ${fields}.`, { errors });
}
