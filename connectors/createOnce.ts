/** Looks for a ticket or note, claims it, and creates it with one POST: the same for every PSA (invariant 6). */
import { ConnectorError } from './errors.ts';
import type { AddNote, AddNoteResult, CreateTicketResult, NoteSearch, PsaTicket, TicketSearch } from './psa.ts';
import { afterFailedWrite, refused } from './writes.ts';

/**
 * Creates a ticket, if the PSA shows none with its reference.
 *
 * @param of.post sends the one request, claimed right before it is sent
 * @param of.grant a sentence that says what to change in the PSA when Countersign lacks the right
 * @throws an error that is not the PSA's
 */
export async function findClaimCreate(of: {
  find: () => Promise<TicketSearch>;
  post: () => Promise<PsaTicket>;
  grant: string;
}): Promise<CreateTicketResult> {
  try {
    const search = await of.find();
    if (search.found === 'one') return { outcome: 'existing', ticket: search.ticket };
    if (search.found !== 'none') return { outcome: search.found, tickets: search.tickets };
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return refused(error);
  }
  try {
    return { outcome: 'created', ticket: await of.post() };
  } catch (error) {
    return afterFailedWrite(error, of.grant);
  }
}

/** Adds a note to a ticket, if the ticket shows none with its marker. Its parameters are those of `findClaimCreate`. */
export async function findClaimAdd(
  { first }: Pick<AddNote, 'first'>,
  of: { find: () => Promise<NoteSearch>; post: () => Promise<unknown>; grant: string },
): Promise<AddNoteResult> {
  try {
    const note = await of.find();
    if (note === 'there') return { outcome: 'existing' };
    if (note === 'unreadable' && !first) return { outcome: 'unreadable' };
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return refused(error);
  }
  try {
    await of.post();
    return { outcome: 'created' };
  } catch (error) {
    return afterFailedWrite(error, of.grant);
  }
}

/**
 * Judges the tickets that a search by reference found. The reference is compared character for character, because a PSA's
 * search may be lenient. A ticket that does not show a reference may be ours (a role may hide the field): it is believed only
 * if it is the only one, and its account and summary fit.
 *
 * @param wanted.summary as it was sent, cut to what the PSA takes
 */
export function judgeTickets(
  found: readonly PsaTicket[],
  wanted: { reference: string; accountId: string; summary: string },
): TicketSearch {
  const { reference, accountId, summary } = wanted;
  const tickets = found.filter((ticket) => (ticket.reference ?? reference) === reference);
  const [ticket, second] = tickets;
  if (!ticket) return { found: 'none' };
  const shown = tickets.every((each) => each.reference === reference);
  if (second) return { found: shown ? 'several' : 'unproven', tickets };
  const fits = ticket.accountId === accountId && ticket.summary.trim() === summary.trim();
  return shown || fits ? { found: 'one', ticket } : { found: 'unproven', tickets };
}
