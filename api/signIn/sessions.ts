/**
 * Sessions, kept by better-auth, of which this file alone knows: it hashes and compares passwords, stores sessions and signs their
 * cookies. We serve none of its routes (api/routes/signIn.ts is the door), and it has no plugin but ours below.
 *
 * Later ways to sign in have their place here: `genericOAuth` (OIDC by discovery, with `account.accountLinking` for the
 * configured issuer alone) and `twoFactor` are plugins of better-auth, and each gets a route of ours beside the others.
 */
import { hkdfSync } from 'node:crypto';
import { drizzleAdapter } from '@better-auth/drizzle-adapter';
import { betterAuth } from 'better-auth/minimal';
import { createAuthEndpoint, isAPIError } from 'better-auth/api';
import { setSessionCookie } from 'better-auth/cookies';
import { hashPassword, verifyPassword } from 'better-auth/crypto';
import { z } from 'zod';
import type { Database } from '../../db/client.ts';
import { firstMembership } from '../../db/queries/member.ts';
import { account, session, user, verification } from '../../db/schema/index.ts';
import type { Environment } from '../../environment.ts';

const days = 24 * 3600;
/** A session ends a week after it began; it is not prolonged. */
const sessionSeconds = 7 * days;
export const passwordLength = { min: 12, max: 128 } as const;

export interface OpenSession {
  id: string;
  userId: string;
  organizationId: string;
  createdAt: Date;
  signedInWith: string;
}

/** A session that was opened, and the cookies that the browser is to keep. */
export interface Opened {
  session: OpenSession;
  cookies: string[];
}

export interface Sessions {
  /** @returns undefined when e-mail and password are not those of a member; it takes as long either way */
  openByPassword(email: string, password: string): Promise<Opened | undefined>;
  /** Opens a session for a person who was found out in another way. */
  open(person: { userId: string; organizationId: string }, how: 'link' | 'invitation'): Promise<Opened>;
  /** @returns the session of a request's cookie; undefined when it has none, or the session has ended */
  find(headers: Headers): Promise<OpenSession | undefined>;
  /** Whether the request carries a session's cookie, valid or not. */
  hasCookie(headers: Headers): boolean;
  /** @returns cookies that make the browser forget the session */
  forget(): Promise<string[]>;
  passwords: {
    hash: (password: string) => Promise<string>;
    verify: (password: string, hash: string) => Promise<boolean>;
  };
}

const openedSession = z.object({
  id: z.string(),
  userId: z.string(),
  organizationId: z.string(),
  createdAt: z.date(),
  signedInWith: z.string(),
});

export function createSessions(db: Database, environment: Environment): Sessions {
  const auth = createAuth(db, environment);
  const cookieName = `${environment.PUBLIC_URL?.startsWith('https:') ? '__Secure-' : ''}countersign.session_token`;
  return {
    async openByPassword(email, password) {
      try {
        const { headers } = await auth.api.signInEmail({ body: { email, password }, returnHeaders: true });
        return await opened(headers);
      } catch (error) {
        if (isAPIError(error) && error.statusCode < 500) return undefined;
        throw error;
      }
    },
    async open(person, how) {
      const { headers } = await auth.api.openSession({ body: { ...person, how }, returnHeaders: true });
      return opened(headers);
    },
    find: findSession,
    hasCookie: (headers) => (headers.get('cookie') ?? '').includes(`${cookieName}=`),
    async forget() {
      // Without a cookie it ends no session; ours are ended by a command, with its audit row.
      const { headers } = await auth.api.signOut({ headers: new Headers(), returnHeaders: true });
      return headers.getSetCookie();
    },
    passwords: { hash: hashPassword, verify: (password, hash) => verifyPassword({ password, hash }) },
  };

  async function findSession(headers: Headers): Promise<OpenSession | undefined> {
    const found = await auth.api.getSession({ headers });
    return found ? openedSession.parse(found.session) : undefined;
  }

  async function opened(headers: Headers): Promise<Opened> {
    const cookies = headers.getSetCookie();
    const cookie = cookies.map((each) => each.split(';')[0]).join('; ');
    const found = await findSession(new Headers({ cookie }));
    if (!found) throw new Error('The session that was opened is not there.');
    return { session: found, cookies };
  }
}

function createAuth(db: Database, environment: Environment) {
  const baseURL = environment.PUBLIC_URL ?? 'http://127.0.0.1';
  return betterAuth({
    appName: 'Countersign',
    baseURL,
    basePath: '/auth',
    secret: sessionSecret(environment),
    database: drizzleAdapter(db, { provider: 'pg', schema: { user, session, account, verification } }),
    // It would log what it was given; we log what fails ourselves (logger.ts).
    logger: { disabled: true },
    telemetry: { enabled: false },
    emailAndPassword: {
      enabled: true,
      // Whoever has an invitation becomes a member (commands/invitation.ts); nobody else does.
      disableSignUp: true,
      minPasswordLength: passwordLength.min,
      maxPasswordLength: passwordLength.max,
    },
    account: { accountLinking: { enabled: false } },
    session: {
      expiresIn: sessionSeconds,
      disableSessionRefresh: true,
      additionalFields: {
        organizationId: { type: 'string', required: true, input: false },
        signedInWith: { type: 'string', required: true, input: false },
      },
    },
    // Every route of ours counts attempts itself (api/signIn/throttle.ts), and better-auth serves none.
    rateLimit: { enabled: false },
    advanced: {
      cookiePrefix: 'countersign',
      useSecureCookies: baseURL.startsWith('https:'),
      defaultCookieAttributes: { httpOnly: true, sameSite: 'lax', path: '/' },
      database: { generateId: 'uuid' },
      ipAddress: { disableIpTracking: true },
    },
    databaseHooks: {
      session: {
        create: {
          /** A session is for one organization; whoever is a member of none gets none. */
          before: async (made) => {
            if ('organizationId' in made) return { data: made };
            const organizationId = await firstMembership(db, made.userId);
            if (organizationId === undefined) return false;
            return { data: { ...made, organizationId, signedInWith: 'password' } };
          },
        },
      },
    },
    plugins: [ours],
  });
}

/** Opens a session for a person whom a link has brought. Server only: it has no address. */
const ours = {
  id: 'countersign',
  endpoints: {
    openSession: createAuthEndpoint.serverOnly(
      {
        method: 'POST',
        body: z.object({ userId: z.uuid(), organizationId: z.uuid(), how: z.enum(['link', 'invitation']) }),
      },
      async (ctx) => {
        const { userId, organizationId, how } = ctx.body;
        const { internalAdapter } = ctx.context;
        const person = await internalAdapter.findUserById(userId);
        const made = await internalAdapter.createSession(userId, false, { organizationId, signedInWith: how });
        if (!person || !made) throw new Error('The session could not be opened.');
        await setSessionCookie(ctx, { session: made, user: person });
        return ctx.json({});
      },
    ),
  },
};

/**
 * The secret that signs cookies: the configured one, else one derived from the key that encrypts now. When that key changes
 * people sign in again, and nothing else is lost.
 */
function sessionSecret({ SESSION_SECRET, ENCRYPTION_KEYS }: Environment): string {
  if (SESSION_SECRET !== undefined) return SESSION_SECRET;
  const [newest = ''] = ENCRYPTION_KEYS.split(',');
  const key = Buffer.from(newest.slice(newest.indexOf(':') + 1), 'base64');
  return Buffer.from(hkdfSync('sha256', key, '', 'countersign session cookies', 32)).toString('base64url');
}
