/** The vendor port: what Countersign needs of a vendor from which it reads (intake `pull`). */

import type { Signals } from '../domain/derivedAlerts.ts';
import type { ConnectorErrorCode } from './errors.ts';

/** What a person must know of a vendor before and while it is connected. */
export interface VendorWords {
  /** Who supports the integration, and where. */
  support: { by: string; url: string; text: string };
  /** The question that is asked before anything is made, and what those are told who answer yes. */
  eligibility: { question: string; refusal: string };
  modules: Record<'billing' | 'alerts', { title: string; text: string }>;
  /** `everyMonth` answers whether a person has to do something there each month. */
  intakes: Record<'pull' | 'push', { title: string; text: string; everyMonth: string }>;
  /** The vendor's own pages, and what to do there, in order. */
  portal: {
    name: string;
    /** What is called otherwise there than here, and why; absent = nothing. */
    note?: string;
    enable: string[];
    link: string[];
    /** What makes the vendor send its counts. */
    updateCounts: string;
    /** How it is moved there from billing to billing and alerts. */
    migrate: string;
  };
}

/** A vendor account: a Mailprotector customer. */
export interface VendorAccount {
  /** The vendor's own id, opaque. */
  id: string;
  name: string;
}

/** One part of a usage count: a user group, and its share of the number. */
export interface UsagePart {
  domain: string;
  group: string;
  /** The vendor's id of the group: several services on one group count the same people (rule *Distinct users*). */
  groupId: string;
  quantity: number;
}

export interface UsageCount {
  accountId: string;
  /** The SKU of the vendor's catalogue, e.g. `CloudFilter`; an unknown display name is kept as it came. */
  service: string;
  /** The number of users. A zero is a real zero: the account exists and has no users. */
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

/** One page of usage; reading can be continued after `next`. */
export interface UsagePage {
  /** The accounts that this page read whole: a service of theirs without a count has no users. */
  accountIds: string[];
  counts: UsageCount[];
  userTypes: { accountId: string; counts: UserTypeCounts }[];
  /** Accounts that exist but could not be read, each for its own reason: their usage is not known. */
  unread: UnreadAccount[];
  /** Opaque; absent on the last page. */
  next?: string;
}

export interface CallOptions {
  signal?: AbortSignal;
  /**
   * Set when a person has knowingly accepted incomplete lists: such a list is taken as it came, and this is called with what
   * was wrong, in words. Without it an incomplete list is an error.
   */
  accept?: (what: string) => void;
  /** Called for each row of a list that cannot be read. Without it such a row is an error. */
  unread?: (row: UnreadRow) => void;
}

/** A row that came but cannot be read: a needed field is missing or has another form. */
export interface UnreadRow {
  id: string;
  /** The name by which a person knows the row, if it can be read. */
  name?: string;
  /** The account of the row, if it can be read; set by adapters. */
  accountId?: string;
  /** The row as it came. */
  raw: Readonly<Record<string, unknown>>;
  /** What is wrong; names the field, never its value. */
  why: string;
}

export interface SignalQuery {
  /** Only the signals of these accounts are read. */
  accountIds: readonly string[];
  /** The kinds that are wanted; each costs its own calls, so a kind that is not wanted costs none. */
  pendingDomains: boolean;
  deadSyncs: boolean;
  openStatements: boolean;
}

export interface VendorAdapter {
  readonly vendor: string;
  /** @returns the reseller's name @throws ConnectorError, a permanent one when the credentials do not work */
  verifyCredentials(options?: CallOptions): Promise<{ resellerName: string }>;
  /** All accounts, or the error `incomplete`: a truncated list is never passed off as the whole. */
  listAccounts(options?: CallOptions): Promise<VendorAccount[]>;
  /**
   * Reads the usage of all accounts (or of `accountIds`) in an order that does not change within a run. It yields one page
   * per batch of accounts, so that page and cursor can be committed together; `after` continues behind a page's `next`.
   */
  readUsage(query: { accountIds?: string[]; after?: string } & CallOptions): AsyncIterable<UsagePage>;
  /** Reads the signals from which alerts are derived, because the vendor has no feed of alerts: each kind whole, or an error. */
  readSignals(query: SignalQuery & CallOptions): Promise<Signals>;
}
