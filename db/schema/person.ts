/**
 * People who sign in. `user`, `session`, `account` and `verification` are better-auth's: their columns are what its drizzle
 * adapter asks for, and it alone writes sessions. `member`, `invitation`, `sign_in_link` and `sign_in_throttle` are ours.
 */
import { sql } from 'drizzle-orm';
import { boolean, check, index, integer, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { Role } from '../../domain/roles.ts';
import { organization } from './organization.ts';

const moment = (name: string) => timestamp(name, { withTimezone: true });

/** A person. The row outlives the membership, so that the audit can go on saying the name. */
export const user = pgTable('user', {
  id: uuid().primaryKey().defaultRandom(),
  name: text().notNull(),
  /** In lower case. */
  email: text().notNull().unique(),
  emailVerified: boolean('email_verified').notNull().default(false),
  image: text(),
  createdAt: moment('created_at').notNull().defaultNow(),
  updatedAt: moment('updated_at').notNull().defaultNow(),
});

/** Who is signed in. The cookie holds `token` with a signature that only the api can make, so a row alone opens nothing. */
export const session = pgTable(
  'session',
  {
    id: uuid().primaryKey().defaultRandom(),
    token: text().notNull().unique(),
    userId: uuid('user_id')
      .notNull()
      .references(() => user.id, { onDelete: 'cascade' }),
    /** Ours: the organization for which the person acts. */
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organization.id),
    /** Ours: how it began. Whoever came by a link may set a new password without the old one. */
    signedInWith: text('signed_in_with').$type<'password' | 'link' | 'invitation'>().notNull(),
    expiresAt: moment('expires_at').notNull(),
    ipAddress: text('ip_address'),
    userAgent: text('user_agent'),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [index().on(t.userId), index().on(t.expiresAt)],
);

/** A way to sign in: a password (`credential`, as a salted scrypt), later an OIDC issuer. */
export const account = pgTable(
  'account',
  {
    id: uuid().primaryKey().defaultRandom(),
    accountId: text('account_id').notNull(),
    providerId: text('provider_id').notNull(),
    userId: uuid('user_id')
      .notNull()
      .references(() => user.id, { onDelete: 'cascade' }),
    accessToken: text('access_token'),
    refreshToken: text('refresh_token'),
    idToken: text('id_token'),
    accessTokenExpiresAt: moment('access_token_expires_at'),
    refreshTokenExpiresAt: moment('refresh_token_expires_at'),
    scope: text(),
    password: text(),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [index().on(t.userId)],
);

/** What better-auth has to remember between two requests of a sign-in; empty as long as there is no OIDC. */
export const verification = pgTable(
  'verification',
  {
    id: uuid().primaryKey().defaultRandom(),
    identifier: text().notNull(),
    value: text().notNull(),
    expiresAt: moment('expires_at').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [index().on(t.identifier)],
);

/** A person's place in an organization. */
export const member = pgTable(
  'member',
  {
    userId: uuid('user_id')
      .notNull()
      .references(() => user.id),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organization.id),
    role: text().$type<Role>().notNull(),
    joinedAt: moment('joined_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.userId, t.organizationId] }),
    index().on(t.organizationId, t.userId),
    check('member_role', sql`${t.role} in ('viewer', 'operator', 'admin')`),
  ],
);

/** Somebody who may become a member, once, with the link that was shown once. Only the link's SHA-256 is kept. */
export const invitation = pgTable(
  'invitation',
  {
    id: uuid().primaryKey().defaultRandom(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organization.id),
    /** In lower case. */
    email: text().notNull(),
    role: text().$type<Role>().notNull(),
    tokenHash: text('token_hash').notNull().unique(),
    /** An actor of the audit. */
    invitedBy: text('invited_by').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    expiresAt: moment('expires_at').notNull(),
    acceptedAt: moment('accepted_at'),
    withdrawnAt: moment('withdrawn_at'),
  },
  (t) => [
    index().on(t.organizationId, t.id),
    check('invitation_role', sql`${t.role} in ('viewer', 'operator', 'admin')`),
  ],
);

/** Signs a member in, once and soon: made on the command line. Only the link's SHA-256 is kept. */
export const signInLink = pgTable('sign_in_link', {
  id: uuid().primaryKey().defaultRandom(),
  userId: uuid('user_id')
    .notNull()
    .references(() => user.id, { onDelete: 'cascade' }),
  organizationId: uuid('organization_id')
    .notNull()
    .references(() => organization.id),
  tokenHash: text('token_hash').notNull().unique(),
  createdAt: moment('created_at').notNull().defaultNow(),
  expiresAt: moment('expires_at').notNull(),
  usedAt: moment('used_at'),
});

/** Attempts to sign in, counted in PostgreSQL so that several api processes count together. */
export const signInThrottle = pgTable('sign_in_throttle', {
  /** The SHA-256 of what is counted: an e-mail, an address, or both. */
  key: text().primaryKey(),
  attempts: integer().notNull(),
  endsAt: moment('ends_at').notNull(),
});
