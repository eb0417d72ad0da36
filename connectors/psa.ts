/**
 * The PSA port: what Countersign needs of a PSA. Ids are opaque strings; a new PSA is one folder that implements this.
 * After reference/psa-port.md §3, less the ticket half (issue 5).
 */
import type { ConnectorError } from './errors.ts';
import type { CallOptions } from './vendor.ts';

export type PsaKind = 'connectwise';
export type Tri = 'granted' | 'denied' | 'unknown';

export interface PsaAccount {
  id: string;
  /** The short code people type, e.g. ConnectWise `identifier`. */
  code?: string;
  name: string;
  active: boolean;
  /** A prospect's agreements are left out of reconciliation, with this as the reason. */
  prospect: boolean;
}

export interface PsaProduct {
  id: string;
  /** What ConnectWise shows as *Product ID* (`identifier`). */
  productId: string;
  name: string;
  active: boolean;
  recurring?: boolean;
  /** False for ConnectWise bundles, which cannot be additions. */
  usableOnContract: boolean;
}

export interface PsaBoard {
  id: string;
  name: string;
  /** A project board takes no tickets of ours. */
  projectBoard: boolean;
  active: boolean;
}

export interface PsaAgreement {
  id: string;
  accountId: string;
  name: string;
  status: 'active' | 'inactive' | 'cancelled' | 'expired';
  /** Date `YYYY-MM-DD` that the next invoice bills from; reconciliation reads lines as of it. */
  nextInvoiceDate?: string;
  startDate?: string;
  endDate?: string;
  billingCycle?: string;
  /** 'monthly' follows usage by itself; others begin at *report only*. */
  monthly: boolean;
  /** Billing cycle *None*: nothing is ever invoiced. */
  neverBilled: boolean;
  currency?: string;
}

export interface PsaLine {
  id: string;
  agreementId: string;
  /** PSA product id (not the *Product ID* text). */
  productId: string;
  description?: string;
  /** Gross quantity, as the PSA keeps it. */
  quantity: number;
  /** Taken off before billing (ConnectWise `lessIncluded`). */
  includedQuantity: number;
  unitPrice: number;
  /** `Billable`, or not billed: `DoNotBill`, `NoCharge`. */
  billing: 'billable' | 'do_not_bill' | 'no_charge';
  effectiveFrom?: string;
  effectiveTo?: string;
  status: 'active' | 'inactive' | 'cancelled' | 'expired';
  /** Opaque version of the row (ConnectWise `_info.lastUpdated`). */
  version: string;
}

export type Capability =
  | 'accounts.read'
  | 'products.read'
  | 'agreements.read'
  | 'lines.read'
  | 'lines.write'
  | 'boards.read';

export interface PermissionReport {
  /** True when nothing that is needed to read is denied. */
  ok: boolean;
  auth: 'ok' | 'bad_credentials' | 'bad_host' | 'unreachable';
  serverVersion?: string;
  /** Evidence says what was asked and what came back, in words; for `denied` also the exact setting to change. */
  capabilities: Record<Capability, { state: Tri; evidence: string }>;
}

export interface SetQuantity {
  agreementId: string;
  lineId: string;
  /** Absolute gross quantity. */
  target: number;
  expected: { quantity: number; version?: string };
  /** Epoch milliseconds after which no write may start (invariant 5: a late writer must not write). */
  writeBefore: number;
}

export type SetQuantityResult =
  | { outcome: 'applied' | 'already'; before: number; after: number; version: string }
  | { outcome: 'conflict'; current: PsaLine | null }
  | { outcome: 'rejected'; code: string; detail: string }
  /** The write was sent, or may have been; only a later re-read can tell. */
  | { outcome: 'uncertain'; detail: string }
  /** Nothing was written, for a reason that is not this line's (away, throttled, credentials, rights): safe to claim again. */
  | { outcome: 'not_sent'; error: ConnectorError };

export interface PsaAdapter {
  readonly kind: PsaKind;
  checkPermissions(options?: CallOptions): Promise<PermissionReport>;
  /** Each yields batches until the list is complete, or throws; never passes a truncated list off as the whole. */
  listAccounts(options?: CallOptions): AsyncIterable<PsaAccount[]>;
  listProducts(options?: CallOptions): AsyncIterable<PsaProduct[]>;
  listAgreements(options?: CallOptions): AsyncIterable<PsaAgreement[]>;
  listBoards(options?: CallOptions): AsyncIterable<PsaBoard[]>;
  listLines(query: { agreementId: string } & CallOptions): Promise<PsaLine[]>;
  getLine(query: { agreementId: string; lineId: string } & CallOptions): Promise<PsaLine | null>;
  /** By *Product ID*, verified equal character for character on our side (connectwise.md §2.1: escaping is undocumented). */
  findProduct(query: { productId: string } & CallOptions): Promise<PsaProduct[]>;
  setQuantity(command: SetQuantity & CallOptions): Promise<SetQuantityResult>;
}
