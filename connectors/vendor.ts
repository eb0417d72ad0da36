/** The vendor port: what Countersign needs of a vendor it reads from (intake `pull`). */

import type { Signals } from '../domain/derivedAlerts.ts';
import type { ConnectorErrorCode } from './errors.ts';

/** A vendor account: a Mailprotector customer. */
export interface VendorAccount {
  /** The vendor's own id, opaque. */
  id: string;
  name: string;
}

/** One part of a usage count: where a number came from. */
export interface UsagePart {
  domain: string;
  group: string;
  /** The vendor's id of the group: several services on one group count the same people (rule *Distinct users*). */
  groupId: string;
  quantity: number;
}

export interface UsageCount {
  accountId: string;
  /** SKU of the vendor's catalogue, e.g. `CloudFilter`; an unknown display name is kept as it came. */
  service: string;
  /** Whole users. A zero is a real zero: the account exists and has none. */
  quantity: number;
  parts: UsagePart[];
}

/** How many users of each type an account has, e.g. `{"User": 34, "Mailing List": 6}`: shown with the numbers, never assumed. */
export type UserTypeCounts = Record<string, number>;

export interface UnreadAccount {
  accountId: string;
  code: ConnectorErrorCode;
  /** May quote the vendor. */
  why: string;
}

/** A read that can be continued after `next`. */
export interface UsagePage {
  /** The accounts this page read whole: a service of theirs that is not among the counts has no users. */
  accountIds: string[];
  counts: UsageCount[];
  userTypes: { accountId: string; counts: UserTypeCounts }[];
  /** Accounts that are there and could not be read, each for a reason of its own: nothing is known of their usage. */
  unread: UnreadAccount[];
  /** Opaque; absent on the last page. */
  next?: string;
}

export interface CallOptions {
  signal?: AbortSignal;
  /**
   * Lists that do not arrive whole are taken as they came, and this is told what was wrong with each, in words: a person
   * has accepted that knowingly. Without it such a list is an error.
   */
  accept?: (what: string) => void;
  /** Told of each row of a list that cannot be read. Without it such a row is an error. */
  unread?: (row: UnreadRow) => void;
}

/** A row that came and cannot be read: something that is needed is missing, or has another form. */
export interface UnreadRow {
  id: string;
  /** What a person knows it by, if that can be read. */
  name?: string;
  /** The account it belongs to, if that can be read; told by adapters. */
  accountId?: string;
  /** As it came. */
  raw: Readonly<Record<string, unknown>>;
  /** What is wrong: names the field, never its value. */
  why: string;
}

export interface SignalQuery {
  /** Of these accounts only. */
  accountIds: readonly string[];
  /** Each kind costs calls of its own: none for what is not wanted. */
  pendingDomains: boolean;
  deadSyncs: boolean;
  openStatements: boolean;
}

export interface VendorAdapter {
  readonly vendor: string;
  /** Throws a permanent ConnectorError when the credentials do not work; answers the reseller's name when they do. */
  verifyCredentials(options?: CallOptions): Promise<{ resellerName: string }>;
  /** All accounts, complete or an error (`incomplete`): a truncated list is never passed off as the whole. */
  listAccounts(options?: CallOptions): Promise<VendorAccount[]>;
  /**
   * Usage of all accounts (or of `accountIds`), page by page, in an order that does not change within a run.
   * Yields one page per batch of accounts, so that page and cursor can be committed together; `after` continues.
   */
  readUsage(query: { accountIds?: string[]; after?: string } & CallOptions): AsyncIterable<UsagePage>;
  /** What a feed of alerts would tell, where the vendor has none: each kind whole, or an error. */
  readSignals(query: SignalQuery & CallOptions): Promise<Signals>;
}
