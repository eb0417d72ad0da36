/** Alert settings: the choice of a board, the mapping of priorities, and the templates of a ticket's text. Pure. */

export type AlertPriority = 1 | 2 | 3 | 4;

/** The boards and priorities of the PSA, as they were last read. */
export interface TicketOptions {
  boards: {
    id: string;
    name: string;
    projectBoard: boolean;
    active: boolean;
    statuses: { id: string; name: string; closed: boolean; active: boolean; isDefault: boolean }[];
    types: { id: string; name: string; active: boolean }[];
  }[];
  /** The most urgent first. */
  priorities: { id: string; name: string; isDefault: boolean }[];
  /** What further fields of tickets may hold, by the name of their setting; one that was never read is absent. */
  fields?: Readonly<Record<string, { id: string; name: string }[]>>;
}

/** What every ticket of an integration is made with: its board, and fields that are set for the PSA connection. */
export const refusedForAll = ['board', 'field'] as const;
export type RefusedForAll = (typeof refusedForAll)[number];

/** Why an alert is parked, dead or dismissed. */
export interface AlertReason {
  code: string;
  detail: string;
  /** The HTTP status with which the PSA refused it. */
  status?: number;
  /** The PSA refuses what every ticket of the integration is made with, so that none would be taken. */
  of?: RefusedForAll;
}

/** Codes of dead alerts that left nothing in the PSA, so that another try makes no second ticket. */
export const triedAgainByWake: ReadonlySet<string> = new Set(['refused', 'locked']);

/** Where the tickets of an integration go. */
export interface BoardChoice {
  boardId: string;
  /** The status that a new or reopened ticket gets. */
  statusId: string;
  typeId: string | null;
  /** The PSA's priority for each of the vendor's: 1 low, 2 medium, 3 high, 4 very high (reference/gradient.md §4.2). */
  priorities: Record<AlertPriority, string>;
}

export interface AlertSettings {
  /** null = none chosen yet; alerts wait until a board is chosen. */
  board: BoardChoice | null;
  /** Templates of a ticket's summary and body; `{name}` stands for one of `alertFields`. */
  summary: string;
  body: string;
  /** What a repeated alert does when somebody has closed its ticket. */
  whenClosed: 'new_ticket' | 'reopen';
  /** When one account has more than `most` alerts within the window, further ones share one ticket; 0 = never. */
  storm: { most: number; windowMinutes: number };
  rules: AlertRules;
}

/** Rules by which Countersign derives alerts, because the vendor has no feed of them (reference/mailprotector.md §9). */
export interface AlertRules {
  domainPending: { on: boolean; afterDays: number };
  directorySync: { on: boolean };
  statementOverdue: { on: boolean; afterDays: number };
  usageZero: { on: boolean };
}

export const alertFields = [
  'title', 'description', 'account', 'service', 'priority', 'alertId', 'vendor', 'receivedAt', 'dueAt',
] as const; // prettier-ignore
export type AlertField = (typeof alertFields)[number];

export const defaultAlertSettings: AlertSettings = {
  board: null,
  summary: '{title} ({account})',
  body: '{description}\n\nVendor: {vendor}\nAccount: {account}\nService: {service}\nPriority: {priority}\nReceived: {receivedAt}\nDue: {dueAt}\nAlert: {alertId}',
  whenClosed: 'new_ticket',
  storm: { most: 10, windowMinutes: 60 },
  rules: {
    domainPending: { on: true, afterDays: 3 },
    directorySync: { on: true },
    statementOverdue: { on: true, afterDays: 7 },
    usageZero: { on: true },
  },
};

/** Completes stored settings with the defaults of what is not set. */
export function alertSettingsOf(stored: Partial<AlertSettings>): AlertSettings {
  return {
    ...defaultAlertSettings,
    ...stored,
    storm: { ...defaultAlertSettings.storm, ...stored.storm },
    rules: { ...defaultAlertSettings.rules, ...stored.rules },
  };
}

/** Copies `there` with every given value replaced; undefined = not given. */
export function overlay<T extends object>(there: T, given: { [K in keyof T]?: T[K] | undefined } | undefined): T {
  const entries = Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  return { ...there, ...Object.fromEntries(entries) };
}

/** A field of the request that cannot be accepted, and why. */
export interface Refusal {
  field: string;
  reason: string;
}

/**
 * Completes a choice of a board with the board's default status, and with the vendor's four priorities spread over the PSA's.
 *
 * @returns the completed choice, or every reason why it is refused
 */
export function completeBoard(
  options: TicketOptions,
  given: {
    boardId: string;
    statusId?: string | undefined;
    typeId?: string | null | undefined;
    priorities?: { [P in AlertPriority]?: string | undefined } | undefined;
  },
): { choice: BoardChoice } | { refusals: Refusal[] } {
  const board = options.boards.find((candidate) => candidate.id === given.boardId);
  if (!board) return { refusals: [{ field: 'boardId', reason: 'The PSA has no such board.' }] };
  if (!board.active) return { refusals: [{ field: 'boardId', reason: `The board "${board.name}" is inactive.` }] };
  if (board.projectBoard)
    return {
      refusals: [{ field: 'boardId', reason: `"${board.name}" is a project board, which takes no service tickets.` }],
    };
  const refusals: Refusal[] = [];
  const usable = board.statuses.filter((status) => status.active && !status.closed);
  const status = given.statusId
    ? board.statuses.find((candidate) => candidate.id === given.statusId)
    : (usable.find((candidate) => candidate.isDefault) ?? usable[0]);
  if (!status) refusals.push({ field: 'statusId', reason: `The board "${board.name}" has no such status.` });
  else if (!status.active) refusals.push({ field: 'statusId', reason: `The status "${status.name}" is inactive.` });
  else if (status.closed)
    refusals.push({ field: 'statusId', reason: `The status "${status.name}" is closed: nobody would see the ticket.` });
  const type = given.typeId ? board.types.find((candidate) => candidate.id === given.typeId) : null;
  if (type === undefined) refusals.push({ field: 'typeId', reason: `The board "${board.name}" has no such type.` });
  else if (type && !type.active) refusals.push({ field: 'typeId', reason: `The type "${type.name}" is inactive.` });
  const priorities = overlay(spreadPriorities(options.priorities), given.priorities);
  for (const [vendors, id] of Object.entries(priorities)) {
    if (options.priorities.some((candidate) => candidate.id === id)) continue;
    refusals.push({ field: `priorities.${vendors}`, reason: 'The PSA has no such priority.' });
  }
  if (refusals.length > 0 || !status) return { refusals };
  return { choice: { boardId: board.id, statusId: status.id, typeId: type?.id ?? null, priorities } };
}

/** @param priorities the PSA's, most urgent first; priority 4 gets the first and 1 the last, however many there are */
export function spreadPriorities(priorities: readonly { id: string }[]): Record<AlertPriority, string> {
  const at = (share: number) => priorities[Math.round(share * (priorities.length - 1))]?.id ?? '';
  return { 4: at(0), 3: at(1 / 3), 2: at(2 / 3), 1: at(1) };
}

/** Placeholder names in a template that are none of `alertFields`. */
export function unknownFields(template: string): string[] {
  const names = [...template.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  return names.filter((name) => !alertFields.some((field) => field === name));
}

/** Fills in a template. A missing value becomes a dash; the vendor's text is never itself read as a template. */
export function fillIn(template: string, values: Record<AlertField, string | null>): string {
  return template.replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? values[name as AlertField] || '—' : whole,
  );
}

/** Puts a summary on one line of at most `maxLength` UTF-16 units; a longer one is cut and ends in an ellipsis. */
export function oneLine(text: string, maxLength: number): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const characters = Array.from(line);
  return line.length <= maxLength ? line : `${takeUnits(characters, maxLength - 1)}…`;
}

/** Cuts a text to so many UTF-16 units, as the PSA counts them, without cutting a character in two. */
function takeUnits(characters: readonly string[], units: number): string {
  let text = '';
  for (const character of characters) {
    if (text.length + character.length > units) return text;
    text += character;
  }
  return text;
}
