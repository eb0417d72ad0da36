import {
  boolean,
  date,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';
import type { TicketOptions } from '../../domain/alerts.ts';
import type { IncompletePsaRead } from '../../domain/incomplete.ts';
import type { PsaCaps, ZeroChoice } from '../../domain/psaCaps.ts';
import type { RefreshGuard } from '../../domain/refreshGuard.ts';
import type { PsaRefreshState } from '../../domain/transitions.ts';
import { organization } from './organization.ts';

/** Properties of a PSA that are not known for sure, so that a person can change them; a new connection has its connector's values. */
export interface PsaSettings {
  /** Decimals of a quantity that the PSA keeps, 0 to 4. */
  quantityDecimals?: number;
  /** How much a refresh may lose before it is held (`LossLimit`). */
  lostPercent?: number;
  lostRows?: number;
  /** What becomes of a line that should go to 0; absent = it is set to 0. */
  zero?: ZeroChoice;
}

/** One PSA of one organization. `credentials` is encrypted (db/encryption.ts); `settings` holds nothing secret. */
export const psaConnection = pgTable(
  'psa_connection',
  {
    id: uuid().primaryKey().defaultRandom(),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organization.id),
    kind: text().notNull(),
    name: text().notNull(),
    settings: jsonb().$type<PsaSettings>().notNull().default({}),
    credentials: text().notNull(),
    /** When the credentials were given, and the day on which they expire, if the person who gave them knew it. */
    credentialsAt: timestamp('credentials_at', { withTimezone: true }).notNull().defaultNow(),
    credentialsExpireOn: date('credentials_expire_on'),
    /** Writing to the PSA is off until an admin turns it on; until then approvals are a to-do list. */
    writesEnabled: boolean('writes_enabled').notNull().default(false),
    /** What the PSA can do, as its connector said when it was last read; null = it was not read yet, or by earlier code. */
    caps: jsonb().$type<PsaCaps>(),
    permissions: jsonb(),
    permissionsAt: timestamp('permissions_at', { withTimezone: true }),
    /** The rights that alerts need, and the boards to choose from (`ticketOptions`), as *Check Permissions* found them. */
    alertPermissions: jsonb('alert_permissions'),
    alertPermissionsAt: timestamp('alert_permissions_at', { withTimezone: true }),
    ticketOptions: jsonb('ticket_options').$type<TicketOptions>(),
    /** Start of the newest refresh that was applied: how fresh companies, products and lines are. */
    refreshedAt: timestamp('refreshed_at', { withTimezone: true }),
    /** Set when the newest applied refresh read incomplete lists; null = they were whole. */
    incomplete: jsonb().$type<IncompletePsaRead>(),
    /** When a person last asked to read the permissions and data again. */
    refreshRequestedAt: timestamp('refresh_requested_at', { withTimezone: true }),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (t) => [index().on(t.organizationId)],
);

/**
 * The token with which a connection's PSA is called now, and the refresh token for the next one, encrypted (db/encryption.ts).
 * All workers share it, because a refresh token that was used is worth nothing.
 */
export const psaToken = pgTable('psa_token', {
  psaConnectionId: uuid('psa_connection_id')
    .primaryKey()
    .references(() => psaConnection.id),
  /** Null until somebody has signed in. */
  token: text(),
  /** Another one for each token; null with none. */
  generation: uuid(),
  /** Until when one worker alone signs in. */
  claimedUntil: timestamp('claimed_until', { withTimezone: true }),
});

/** Limits the calls per second of one connection, however many workers there are: one GCRA row, moved by one statement. */
export const rateLimit = pgTable('rate_limit', {
  connection: text().primaryKey(),
  callsPerSecond: doublePrecision('calls_per_second').notNull(),
  /** Theoretical arrival time: when the next call may start. */
  nextAt: timestamp('next_at', { withTimezone: true }).notNull().defaultNow(),
  /** Until when nobody calls the other side because it asked for a pause, and what it answered. */
  pausedUntil: timestamp('paused_until', { withTimezone: true }),
  pausedWhy: text('paused_why'),
});

/** The calls under way to a connection whose other side bears only so many at once: a row for each place, and until when it is taken. */
export const callPlace = pgTable(
  'call_place',
  {
    connection: text().notNull(),
    place: integer().notNull(),
    until: timestamp({ withTimezone: true }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.connection, table.place] })],
);

/** One refresh of a PSA connection; its rows are staged and become visible in one transaction (invariant 1). */
export const psaRefresh = pgTable(
  'psa_refresh',
  {
    id: uuid().primaryKey().defaultRandom(),
    psaConnectionId: uuid('psa_connection_id')
      .notNull()
      .references(() => psaConnection.id),
    state: text().$type<PsaRefreshState>().notNull().default('running'),
    startedAt: timestamp('started_at', { withTimezone: true }).notNull().defaultNow(),
    finishedAt: timestamp('finished_at', { withTimezone: true }),
    /** Fences a zombie: only the newest attempt may stage rows. */
    attempt: integer().notNull().default(0),
    /** What was read so far: the finished lists, and the last agreement whose lines are staged. Committed with the staged rows. */
    cursor: jsonb().$type<Record<string, string>>().notNull().default({}),
    figures: jsonb().$type<Record<string, number>>(),
    /** Set when a person accepted incomplete lists: then the refresh removes nothing. */
    incomplete: jsonb().$type<IncompletePsaRead>(),
    /** Set when it has lost too many rows: then it is held until a person releases or discards it. */
    guard: jsonb().$type<RefreshGuard>(),
    heldAt: timestamp('held_at', { withTimezone: true }),
    /** An actor of the audit. */
    releasedBy: text('released_by'),
  },
  (t) => [index().on(t.psaConnectionId, t.startedAt)],
);

/** Rows of a run or refresh that are not visible yet. `data` has the columns of the table that they are for. */
export const stagingRow = pgTable(
  'staging_row',
  {
    runId: uuid('run_id').notNull(),
    entity: text().notNull(),
    id: text().notNull(),
    data: jsonb().notNull(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.entity, t.id] })],
);
