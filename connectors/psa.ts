/**
 * The PSA port: what Countersign needs of a PSA. Ids are opaque strings; a new PSA is one folder that implements this.
 * After reference/psa-port.md §3.
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
  /** Opaque version of the row; absent where the PSA has none. */
  version?: string;
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

/** What alerts need besides. */
export type AlertCapability =
  | 'boards.read'
  | 'boards.details'
  | 'priorities.read'
  | 'tickets.read'
  | 'tickets.create'
  | 'tickets.edit';

export interface PermissionReport<C extends string = Capability> {
  /** True when nothing that is needed is denied. */
  ok: boolean;
  auth: 'ok' | 'bad_credentials' | 'bad_host' | 'unreachable';
  serverVersion?: string;
  /** Evidence says what was asked and what came back, in words; for `denied` also the exact setting to change. */
  capabilities: Record<C, { state: Tri; evidence: string }>;
}

/** A board with what a ticket on it can have. Only boards that take tickets of ours have statuses and types read. */
export interface PsaTicketBoard extends PsaBoard {
  statuses: { id: string; name: string; closed: boolean; active: boolean; isDefault: boolean }[];
  types: { id: string; name: string; active: boolean }[];
  /** Why statuses and types could not be read though it takes tickets; may quote the PSA. */
  unread?: string;
}

export interface PsaPriority {
  id: string;
  name: string;
  /** The most urgent first. */
  position: number;
  isDefault: boolean;
}

/** Where tickets can go and how they can be filed. */
export interface PsaTicketOptions {
  boards: PsaTicketBoard[];
  priorities: PsaPriority[];
}

export interface PsaTicket {
  id: string;
  summary: string;
  statusName: string;
  closed: boolean;
  /** Whose it is. */
  accountId: string;
  reference?: string;
  /** The ticket in the PSA's own pages. */
  url?: string;
}

/**
 * Claims a POST for the caller (invariant 6). Called once at most, right before it is sent: after whatever else there is to
 * ask and to wait for, so that a claim never grows old in a queue.
 *
 * @returns epoch milliseconds before which the POST must be sent; 0 when somebody else has claimed it
 */
export type Claim = () => Promise<number>;

export interface TicketQuery {
  accountId: string;
  /** As it was sent, or would be; it may be cut to what the PSA takes. */
  summary: string;
  /** Stable, kept before anything is sent; 100 characters at most. */
  reference: string;
}

export interface CreateTicket extends TicketQuery {
  boardId: string;
  /** Absent = the board's default. */
  statusId?: string;
  typeId?: string;
  priorityId?: string;
  body: string;
  claim: Claim;
}

/** How a write can end without having done what it should. */
export type FailedWrite =
  | { outcome: 'rejected'; code: string; detail: string }
  /** It was sent, or may have been; only a later look can tell. */
  | { outcome: 'uncertain'; detail: string }
  /** Nothing was written, for a reason that is not this row's (away, throttled, credentials, rights): safe to claim again. */
  | { outcome: 'not_sent'; error: ConnectorError };

/** What a search for the tickets of one reference found, as far as it can be believed. */
export type TicketSearch =
  | { found: 'none' }
  | { found: 'one'; ticket: PsaTicket }
  /** Several tickets carry the reference: a person has to say which one is right. */
  | { found: 'several'; tickets: PsaTicket[] }
  /** The PSA's own search matched, but what came does not show the reference: a person has to say whose it is. */
  | { found: 'unproven'; tickets: PsaTicket[] };

export type CreateTicketResult =
  | { outcome: 'created' | 'existing'; ticket: PsaTicket }
  | { outcome: 'several' | 'unproven'; tickets: PsaTicket[] }
  | FailedWrite;

export interface AddNote {
  ticketId: string;
  /** Stands in the text, so that the note is found again. */
  marker: string;
  text: string;
  /** Nothing was ever posted for this marker, as far as we know. */
  first: boolean;
  claim: Claim;
}

/** `unreadable`: no note shows the marker, but some show no text at all. */
export type NoteSearch = 'there' | 'absent' | 'unreadable';

export type AddNoteResult =
  | { outcome: 'created' | 'existing' }
  /** It was posted before, and whether it is there cannot be read: a person has to look. */
  | { outcome: 'unreadable' }
  | FailedWrite;

export interface SetQuantity {
  agreementId: string;
  lineId: string;
  /** Absolute gross quantity. */
  target: number;
  expected: { quantity: number; version?: string };
  /** Decimals of a quantity that the PSA keeps: quantities are compared at them. */
  decimals: number;
  /** Epoch milliseconds after which no write may start (invariant 5: a late writer must not write). */
  writeBefore: number;
}

export type SetQuantityResult =
  | { outcome: 'applied' | 'already'; before: number; after: number; version: string }
  | { outcome: 'conflict'; current: PsaLine | null }
  | FailedWrite;

export interface PsaAdapter {
  readonly kind: PsaKind;
  checkPermissions(options?: CallOptions): Promise<PermissionReport>;
  /** Each yields batches until the list is complete, or throws; never passes a truncated list off as the whole. */
  listAccounts(options?: CallOptions): AsyncIterable<PsaAccount[]>;
  listProducts(options?: CallOptions): AsyncIterable<PsaProduct[]>;
  listAgreements(options?: CallOptions): AsyncIterable<PsaAgreement[]>;
  listBoards(options?: CallOptions): AsyncIterable<PsaBoard[]>;
  /** null = it is not there (any more). */
  getAgreement(query: { agreementId: string } & CallOptions): Promise<PsaAgreement | null>;
  listLines(query: { agreementId: string } & CallOptions): Promise<PsaLine[]>;
  getLine(query: { agreementId: string; lineId: string } & CallOptions): Promise<PsaLine | null>;
  /** By *Product ID*, verified equal character for character on our side (connectwise.md §2.1: escaping is undocumented). */
  findProduct(query: { productId: string } & CallOptions): Promise<PsaProduct[]>;
  setQuantity(command: SetQuantity & CallOptions): Promise<SetQuantityResult>;

  /** Characters of a ticket's summary at most. */
  readonly maxSummaryLength: number;
  checkAlertPermissions(options?: CallOptions): Promise<PermissionReport<AlertCapability>>;
  readTicketOptions(options?: CallOptions): Promise<PsaTicketOptions>;
  /**
   * Looks for the ticket of this reference; the PSA's search may lag behind a creation. A ticket that the PSA's search
   * found, and that does not show its reference, is believed only if it is the only one, and account and summary fit.
   */
  findTickets(query: TicketQuery & CallOptions): Promise<TicketSearch>;
  /** By id, which does not lag; null = it is not there. */
  getTicket(query: { ticketId: string } & CallOptions): Promise<PsaTicket | null>;
  /** Looks for the reference, and creates the ticket with one POST if it is nowhere (invariant 6). */
  createTicket(command: CreateTicket & CallOptions): Promise<CreateTicketResult>;
  /** Whether a note of the ticket carries this marker. */
  findNote(query: { ticketId: string; marker: string } & CallOptions): Promise<NoteSearch>;
  /** Looks for the marker among the ticket's notes, and adds the note with one POST if it is not there. */
  addNote(command: AddNote & CallOptions): Promise<AddNoteResult>;
  /** Gives a ticket a status; absolute, so it may be repeated. */
  setTicketStatus(command: { ticketId: string; statusId: string } & CallOptions): Promise<void>;
}
