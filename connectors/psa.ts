/**
 * The PSA port: what Countersign needs of a PSA. Ids are opaque strings. "Adding a PSA" in docs/architecture.md says what a new one
 * consists of.
 */
import type { askedForBilling, neededForAlerts } from '../domain/permissions.ts';
import type { NotWritableReason, PsaCaps } from '../domain/psaCaps.ts';
import type { ConnectorError } from './errors.ts';
import type { CallOptions } from './vendor.ts';

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
  /** The day from which the next invoice bills, `YYYY-MM-DD`; reconciliation reads lines as of this day. */
  nextInvoiceDate?: string;
  startDate?: string;
  endDate?: string;
  billingCycle?: string;
  /** A monthly agreement follows usage by default; any other begins at *report only*. */
  monthly: boolean;
  /** Billing cycle *None*: nothing is ever invoiced. */
  neverBilled: boolean;
  currency?: string;
  /** Opaque version of the row; absent if the PSA has none. */
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
  /** The part of the quantity that is not billed (ConnectWise `lessIncluded`); absent = none, or the PSA knows no such part. */
  includedQuantity?: number;
  /** Why the line cannot be written; absent = nothing is known against it. */
  notWritable?: NotWritableReason;
  unitPrice: number;
  /** `Billable`, or not billed: `DoNotBill`, `NoCharge`. */
  billing: 'billable' | 'do_not_bill' | 'no_charge';
  effectiveFrom?: string;
  effectiveTo?: string;
  status: 'active' | 'inactive' | 'cancelled' | 'expired';
  /** Opaque version of the row (ConnectWise `_info.lastUpdated`); where the PSA has none, a hash of it (`versionOf` in rows.ts). */
  version: string;
}

export type Capability = (typeof askedForBilling)[number];
/** Further rights, which alerts need. */
export type AlertCapability = (typeof neededForAlerts)[number];

/** A right as the PSA's administrator sees it. */
export interface RightWords {
  /** What Countersign uses it for. */
  purpose: string;
  /** The exact setting that grants it. */
  setting: string;
}

export interface Noun {
  one: string;
  many: string;
}

/** The PSA's own words, in lower case as within a sentence; `productId` is the name of the field by which products are searched. */
export interface PsaWords {
  account: Noun;
  product: Noun;
  productId: string;
  agreement: Noun;
  line: Noun;
  board: Noun;
  ticket: Noun;
}

export interface PermissionReport<C extends string = Capability> {
  /** True when nothing that is needed is denied. */
  ok: boolean;
  auth: 'ok' | 'bad_credentials' | 'bad_host' | 'unreachable';
  serverVersion?: string;
  /** `evidence` says in words what was asked and what came back; for `denied` also the exact setting to change. */
  capabilities: Record<C, { state: Tri; evidence: string }>;
}

/** A board, with the statuses and types of its tickets. These are read only for boards on which we can create tickets. */
export interface PsaTicketBoard extends PsaBoard {
  statuses: { id: string; name: string; closed: boolean; active: boolean; isDefault: boolean }[];
  types: { id: string; name: string; active: boolean }[];
  /** Why statuses and types could not be read although the board takes tickets; may quote the PSA. */
  unread?: string;
}

export interface PsaPriority {
  id: string;
  name: string;
  /** The most urgent priority has the lowest position. */
  position: number;
  isDefault: boolean;
}

/** Where tickets can go and how they can be filed. */
export interface PsaTicketOptions {
  boards: PsaTicketBoard[];
  /** Types that hang on no board: they may be chosen with every board that takes tickets. */
  types?: PsaTicketBoard['types'];
  priorities: PsaPriority[];
  /** What further fields of tickets may hold, by the name of their setting (`listed` in fields.ts); one that cannot be read is absent. */
  fields?: Readonly<Record<string, { id: string; name: string }[]>>;
}

export interface PsaTicket {
  id: string;
  summary: string;
  statusName: string;
  closed: boolean;
  /** The PSA account of the ticket. */
  accountId: string;
  reference?: string;
  /** The address of the ticket in the PSA's own pages. */
  url?: string;
}

/**
 * Claims a write for the caller (invariants 5 and 6). It is called at most once, right before the write is sent and after all
 * other questions and waits, so that a claim never grows old in a queue.
 *
 * @returns epoch milliseconds before which the write must be sent; 0 when somebody else has claimed it
 */
export type Claim = () => Promise<number>;

export interface TicketQuery {
  accountId: string;
  /** The summary as it was sent, or would be; it may be cut to what the PSA takes. */
  summary: string;
  /** Our stable reference of the ticket, stored before anything is sent; 100 characters at most. */
  reference: string;
}

export interface CreateTicket extends TicketQuery {
  boardId: string;
  /** Absent = the board's default. */
  statusId?: string;
  typeId?: string;
  priorityId?: string;
  /** When it has to be done, as the vendor said, in ISO 8601; absent = it said nothing. The body says it, too. */
  dueAt?: string;
  /** Ends in a line with the reference (`referenceIn` of domain/ticketText.ts reads it) where `caps.searchesReference` is false. */
  body: string;
  claim: Claim;
}

/**
 * How a write can fail. An error that is not the PSA's (PostgreSQL could not claim the write, or give a permit) is no such
 * answer: an adapter throws it on.
 */
export type FailedWrite =
  /** `status` is the HTTP status, if the PSA answered. */
  | { outcome: 'rejected'; code: string; detail: string; status?: number }
  /** The write was claimed and sent, or may have been sent; only reading again later can tell. */
  | { outcome: 'uncertain'; detail: string }
  /** Nothing was written, for a reason that concerns all writes (PSA away, throttled, credentials, rights): safe to claim again. */
  | { outcome: 'not_sent'; error: ConnectorError };

/** The result of a search for the tickets with one reference: in a field of theirs, or in their text (`caps.searchesReference`). */
export type TicketSearch =
  | { found: 'none' }
  | { found: 'one'; ticket: PsaTicket }
  /** Several tickets carry the reference; a person has to say which one is right. */
  | { found: 'several'; tickets: PsaTicket[] }
  /** The PSA's search matched, but the tickets do not show the reference; a person has to say which one it is. */
  | { found: 'unproven'; tickets: PsaTicket[] };

export type CreateTicketResult =
  | { outcome: 'created' | 'existing'; ticket: PsaTicket }
  | { outcome: 'several' | 'unproven'; tickets: PsaTicket[] }
  | FailedWrite;

export interface AddNote {
  ticketId: string;
  /** A text that the note contains, so that the note can be found again. */
  marker: string;
  text: string;
  /** True when no note with this marker was ever posted, as far as we know. */
  first: boolean;
  claim: Claim;
}

/** `unreadable` means that no note shows the marker, but some show no text at all. */
export type NoteSearch = 'there' | 'absent' | 'unreadable';

export type AddNoteResult =
  | { outcome: 'created' | 'existing' }
  /** The note was posted before, and it cannot be read whether it is there: a person has to look. */
  | { outcome: 'unreadable' }
  | FailedWrite;

export interface LineQuery {
  agreementId: string;
  lineId: string;
  /** YYYY-MM-DD: the quantity as it is on this day; absent = today. */
  asOf?: string;
}

export interface SetQuantity {
  agreementId: string;
  lineId: string;
  /** YYYY-MM-DD, the day that was signed off: a dated write takes effect on it, and the line is read as of it. */
  effectiveDate?: string;
  /** Our id of the write, the same at each attempt, and the attempt's number from 1 on: for a PSA that recognises a repetition. */
  operationId: string;
  attempt: number;
  /** Absolute gross quantities: the one that the line has, or nothing is written; and the one that it is to have. */
  from: number;
  to: number;
  /** The line's version when it was signed off; absent = not compared. */
  expectedVersion?: string;
  /** The decimals of a quantity that the PSA keeps; quantities are compared at them. */
  decimals: number;
  claim: Claim;
}

export type SetQuantityResult =
  | { outcome: 'applied' | 'already'; before: number; after: number; version: string }
  | { outcome: 'conflict'; current: PsaLine | null }
  | FailedWrite;

export interface PsaAdapter {
  readonly caps: PsaCaps;
  checkPermissions(options?: CallOptions): Promise<PermissionReport>;
  /** Each list yields batches until it is complete, or throws; a truncated list is never passed off as the whole. */
  listAccounts(options?: CallOptions): AsyncIterable<PsaAccount[]>;
  listProducts(options?: CallOptions): AsyncIterable<PsaProduct[]>;
  listAgreements(options?: CallOptions): AsyncIterable<PsaAgreement[]>;
  listBoards(options?: CallOptions): AsyncIterable<PsaBoard[]>;
  /** null = there is no such agreement (any more). */
  getAgreement(query: { agreementId: string } & CallOptions): Promise<PsaAgreement | null>;
  /**
   * Lists the lines of agreements, `caps.agreementsPerList` at most, as they are on a day. An agreement that has none is no error.
   *
   * @param query.asOf YYYY-MM-DD, the start of the period that the agreements' next invoice bills; absent = today. A PSA whose
   *   rows have dates of their own returns them whatever the day is
   */
  listLines(query: { agreementIds: readonly string[]; asOf?: string } & CallOptions): Promise<PsaLine[]>;
  /** null = there is no such line (any more). @param query.asOf as with `listLines` */
  getLine(query: LineQuery & CallOptions): Promise<PsaLine | null>;
  setQuantity(command: SetQuantity & CallOptions): Promise<SetQuantityResult>;

  /** The most characters of a ticket's summary. */
  readonly maxSummaryLength: number;
  checkAlertPermissions(options?: CallOptions): Promise<PermissionReport<AlertCapability>>;
  readTicketOptions(options?: CallOptions): Promise<PsaTicketOptions>;
  /**
   * Looks for the ticket with this reference; the PSA's search may lag behind a creation. A found ticket that does not show
   * its reference is believed only if it is the only one, and its account and summary fit.
   */
  findTickets(query: TicketQuery & CallOptions): Promise<TicketSearch>;
  /** Gets a ticket by its id, which does not lag; null = there is no such ticket. */
  getTicket(query: { ticketId: string } & CallOptions): Promise<PsaTicket | null>;
  /** Looks for the reference, and creates the ticket with one POST if no ticket has it (invariant 6). */
  createTicket(command: CreateTicket & CallOptions): Promise<CreateTicketResult>;
  /** Whether a note of the ticket carries this marker. */
  findNote(query: { ticketId: string; marker: string } & CallOptions): Promise<NoteSearch>;
  /** Looks for the marker among the ticket's notes, and adds the note with one POST if it is not there. */
  addNote(command: AddNote & CallOptions): Promise<AddNoteResult>;
  /** Sets a ticket's status; setting it again changes nothing, so the call may be repeated. */
  setTicketStatus(command: { ticketId: string; statusId: string } & CallOptions): Promise<void>;
}
