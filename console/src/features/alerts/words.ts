/** Alerts in words. */
import type { Tone } from '../../ui/StatusWord.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import type { Alert, AlertDetail } from './queries.ts';
import { calledOf, capital } from '../mappings/words.ts';

/** The customer at the vendor, told from others of its name. */
export const customerOf = ({ accountName, accountApart, vendorAccountId }: Alert) =>
  calledOf({ name: accountName ?? vendorAccountId, apart: accountApart });

export const stateWords: Record<Alert['state'], { tone: Tone; word: string }> = {
  parked: { tone: 'care', word: 'Waits for mapping' },
  waiting: { tone: 'waiting', word: 'Waits its turn' },
  delivering: { tone: 'busy', word: 'On its way' },
  delivered: { tone: 'good', word: 'Delivered' },
  gathered: { tone: 'quiet', word: 'In a shared ticket' },
  dead: { tone: 'bad', word: 'Not delivered' },
  dismissed: { tone: 'quiet', word: 'Dismissed' },
};

/** What a parked alert waits for, and that it then goes on; undefined when it is neither the mapping nor the board. */
export function waitsFor({ missing }: AlertDetail, { account, board }: PsaWords): string | undefined {
  const lacks = {
    mapping: `its customer is not mapped to a ${account.one}`,
    board: `no ${board.one} is chosen`,
  };
  if (missing.length === 0) return undefined;
  return `${capital(missing.map((each) => lacks[each]).join(', and '))}. It is delivered by itself when that changes.`;
}

/** What a state means, for whoever sees it the first time. */
export function meaningOf(state: Alert['state'], { ticket, board, account }: PsaWords): string {
  switch (state) {
    case 'parked':
      return `Its customer is not mapped to a ${account.one}, or no ${board.one} is chosen. It is delivered by itself when that changes.`;
    case 'waiting':
      return 'It waits for its turn, and goes on by itself.';
    case 'delivering':
      return `Its ${ticket.one} is being written.`;
    case 'delivered':
      return `Its ${ticket.one} holds the newest text.`;
    case 'gathered':
      return `Its customer has had many alerts within a short time: they share one ${ticket.one}.`;
    case 'dead':
      return `It became no ${ticket.one}, and is not tried again by itself.`;
    case 'dismissed':
      return `Nobody wants a ${ticket.one} of it. Sent again with another text, it comes back.`;
  }
}

export const priorityWords = ['Low', 'Medium', 'High', 'Very high'] as const;

export const priorityOf = (priority: number) => priorityWords[priority - 1] ?? String(priority);

export const sourceWords: Record<Alert['source'], (vendor: string) => string> = {
  vendor: (vendor) => `Sent by ${vendor}`,
  rule: (vendor) => `Derived by Countersign from what ${vendor} shows`,
  storm: () => 'Many alerts in one',
  test: () => 'A test',
};

const actionWords: Record<string, (ticket: string) => string> = {
  'alert.ticketCreated': (ticket) => `Made the ${ticket}`,
  'alert.ticketFound': (ticket) => `Found the ${ticket} that was there already`,
  'alert.noteAdded': (ticket) => `Added a note to the ${ticket}`,
  'alert.retry': () => 'Asked for another try',
  'alert.dismissed': () => 'Dismissed it',
  'alert.dead': () => 'Gave it up',
  'alert.parked': () => 'Kept it until its customer is mapped',
};

/** What was done; an action without words of its own is named as the audit names it. */
export const doneOf = (action: string, { ticket }: PsaWords) => actionWords[action]?.(ticket.one) ?? action;

/** Whether there is something to try again: a dead alert, or a step that has come to a stop. */
export const mayBeRetried = ({ state, process }: AlertDetail) =>
  state === 'dead' || (state === 'delivering' && (process?.steps.some((step) => step.state === 'blocked') ?? false));

/** An alert of which somebody has been told cannot be dismissed any more. */
export const mayBeDismissed = ({ state }: Alert) => ['parked', 'waiting', 'delivering', 'dead'].includes(state);

/** In the order of an alert's way. */
export const alertStates = Object.keys(stateWords) as Alert['state'][];
