/** Making one alert one ticket: claimed in PostgreSQL, posted once, looked for when nobody knows (invariant 6). */
import type { Wakeable } from '../domain/process/ids.ts';
import { ConnectorError } from '../connectors/errors.ts';
import type { AddNoteResult, CreateTicketResult, PsaAdapter, PsaTicket } from '../connectors/psa.ts';
import {
  beginNextTicket,
  claimedForMs,
  claimPost,
  claimRevision,
  leaveDelivery,
  noteAttempt,
  notePostUncertain,
  readDelivery,
  recordPost,
  recordDelivered,
  releasePost,
  storePsaAccount,
  deliveredForMs,
  type DeliveryContext,
} from '../db/queries/alertDelivery.ts';
import { admitAlerts, listGathered, readAlert, type AlertRow } from '../db/queries/alerts.ts';
import { lockIntegration } from '../db/queries/integration.ts';
import { finishStep, noteFailure } from '../db/queries/process.ts';
import type { Transaction } from '../db/client.ts';
import { alertSettingsOf } from '../domain/alerts.ts';
import { noteText, ticketText } from '../domain/ticketText.ts';
import type { Dependencies } from './dependencies.ts';
import { performStep, wakeAll, type StepRef, type StepResult } from './step.ts';
import { writeTiming } from './writeTiming.ts';

/** A ticket that many alerts gather in is told of new ones this often at most, in milliseconds. */
const gatheringMs = 60_000;

export function createAlertActivities(deps: Dependencies) {
  const { writeWindowMs, settleAfterMs } = writeTiming(deps.environment);
  const { ALERTS_IN_FLIGHT: slots, PSA_SEARCH_LOOKS: maxAttempts, TRANSIENT_LIMIT_MS } = deps.environment;

  /**
   * Sends the one POST of this round, if this caller gets the claim.
   *
   * @returns false when somebody else has it: what becomes of it is for another look
   * @throws ConnectorError when nothing was sent
   */
  async function post(context: DeliveryContext, adapter: PsaAdapter): Promise<boolean> {
    const row = await readAlert(deps.db, context.alert.id);
    let claimed: AlertRow | undefined;
    const claim = async () => {
      const before = Date.now() + writeWindowMs;
      claimed = await claimPost(deps.db, row, row.ticketId === null ? 'ticket' : 'note');
      return claimed ? before : 0;
    };
    const result =
      row.ticketId === null
        ? await adapter.createTicket({ ...(await ticketOf(deps, context, row, adapter)), claim })
        : await adapter.addNote({ ...(await noteOf(deps, context, row, row.ticketId)), claim });
    if (!claimed && result.outcome === 'not_sent' && result.error.code === 'too_late') return false;
    await settle(context, row, claimed, result);
    return true;
  }

  async function settle(
    { integration }: DeliveryContext,
    before: AlertRow,
    claimed: AlertRow | undefined,
    result: CreateTicketResult | AddNoteResult,
  ): Promise<void> {
    switch (result.outcome) {
      case 'not_sent':
        if (claimed) await releasePost(deps.db, before, claimed);
        throw result.error;
      case 'uncertain':
        return notePostUncertain(deps.db, claimed ?? before);
      case 'rejected':
        return die(integration.id, before.id, { code: 'refused', detail: `The PSA refused it: ${result.detail}` });
      case 'several':
        return die(integration.id, before.id, severalTickets(result.tickets));
      case 'unproven':
        return die(integration.id, before.id, unprovenTicket(result.tickets));
      case 'unreadable':
        return die(integration.id, before.id, unprovenNote);
      case 'created':
      case 'existing':
        return recordPost(deps.db, claimed ?? before, ticketIn(result));
    }
  }

  async function die(integrationId: string, id: string, reason: { code: string; detail: string }): Promise<void> {
    await wakeAll(
      deps,
      await deps.db.transaction(async (tx) => {
        await lockIntegration(tx, integrationId);
        await leaveDelivery(tx, id, { state: 'dead', reason });
        return admitAlerts(tx, integrationId, slots);
      }),
    );
  }

  /**
   * Calls the PSA, unless the ticket has been in use there (409, 423, 425) for as long as anything is tried again: then a
   * person looks, and its place is the next one's.
   *
   * @returns false where it is for the person
   */
  async function unlessLocked(ref: StepRef, integrationId: string, call: () => Promise<boolean>): Promise<boolean> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.code !== 'locked') throw error;
      const { failingMs } = await noteFailure(deps.db, ref, { code: error.code, what: error.detail });
      if (failingMs < TRANSIENT_LIMIT_MS) throw error;
      const todo = 'Somebody has had it in use all the time. Close it in the PSA, then retry.';
      await die(integrationId, ref.id, { code: 'locked', detail: `${error.detail} ${todo}` });
      return false;
    }
  }

  /** Whether an alert's own ticket needs a note now: closed ones are opened again or followed by another first. */
  async function follow({ alert: row, integration }: DeliveryContext, adapter: PsaAdapter): Promise<boolean> {
    if (row.ticketId === null) return true;
    const news = row.contentRevision > row.deliveredRevision;
    const ticket = await adapter.getTicket({ ticketId: row.ticketId });
    if (ticket && !ticket.closed) return news;
    // What is over needs nobody any more.
    if (row.clearedAt) return false;
    const { whenClosed, board } = alertSettingsOf(integration.alerts);
    if (ticket && whenClosed === 'reopen' && board) {
      await adapter.setTicketStatus({ ticketId: ticket.id, statusId: board.statusId });
      return true;
    }
    await beginNextTicket(deps.db, row);
    return true;
  }

  return {
    /** The revision of an alert to tell, if there is one. */
    async claimAlert(alertRowId: string): Promise<string | null> {
      return (await claimRevision(deps.db, alertRowId)) ?? null;
    },

    /** Where the account is mapped to now. One that is not mapped any more is parked: it comes again by itself. */
    async resolveAccount(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => {
        const { alert: row, integration, mappedTo } = await readDelivery(deps.db, ref.id);
        const deliveredMs = row.source === 'storm' ? await deliveredForMs(deps.db, ref.id) : undefined;
        if (deliveredMs !== undefined && deliveredMs < gatheringMs) {
          return { againInMs: Math.ceil(gatheringMs - deliveredMs), because: 'gathers alerts before the next note' };
        }
        return async (tx) => {
          if (mappedTo === null || !integration.alerts.board) return park(tx, integration.id, ref.id);
          await storePsaAccount(tx, ref.id, mappedTo);
        };
      });
    },

    /** Finds or creates the ticket, or adds to it what is new. Runs once per try: Temporal never repeats it. */
    async writeTicket(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => {
        const context = await readDelivery(deps.db, ref.id);
        // Claimed by somebody who was killed: that is for the next step to find out about.
        if (context.alert.post === null) {
          const adapter = await deps.connectors.psaOf(context.integration.psaConnectionId);
          const call = async () => !(await follow(context, adapter)) || post(context, adapter);
          if (!(await unlessLocked(ref, context.integration.id, call))) return undefined;
        }
        // Mostly it is known what became of it.
        const { post: open } = await readAlert(deps.db, ref.id);
        return async (tx) => {
          if (open === null) await finishStep(tx, { ...ref, step: 'settleTicket' }, 'skipped');
        };
      });
    },

    /**
     * Looks for what may have been posted, once its time-out and the PSA's lag have passed, and again after twice that
     * time each: a search may lag longer than one thinks. Only then is it posted once more.
     */
    async settleTicket(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => {
        const context = await readDelivery(deps.db, ref.id);
        const { alert: row, integration } = context;
        if (row.post === null) return async () => undefined;
        const waitMs = settleAfterMs * 2 ** row.attempts - (await claimedForMs(deps.db, row.id));
        if (waitMs > 0) {
          return {
            againInMs: Math.ceil(waitMs),
            because: 'the ticket may be there: looked for when the PSA shows it',
          };
        }
        const adapter = await deps.connectors.psaOf(integration.psaConnectionId);
        const found = await lookFor(deps, context, adapter);
        if (found.what === 'unknown') await die(integration.id, row.id, found.reason);
        else if (found.what !== 'nothing') await recordPost(deps.db, row, found.ticket);
        else if (row.attempts + 1 < maxAttempts) await noteAttempt(deps.db, row);
        else if (row.claims < 2) await unlessLocked(ref, integration.id, () => post(context, adapter));
        else await die(integration.id, row.id, notTaken);
        return undefined;
      });
    },

    /** The ticket knows of it; its place is the next one's. */
    async recordDelivery(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => {
        const { integrationId } = await readAlert(deps.db, ref.id);
        return async (tx) => {
          await lockIntegration(tx, integrationId);
          await recordDelivered(tx, ref.id);
          return admitAlerts(tx, integrationId, slots);
        };
      });
    },
  };

  async function park(tx: Transaction, integrationId: string, id: string): Promise<Wakeable[]> {
    await lockIntegration(tx, integrationId);
    const detail = 'Its account is not mapped to a PSA account, or no board is chosen.';
    await leaveDelivery(tx, id, { state: 'parked', reason: { code: 'unmapped', detail } });
    return admitAlerts(tx, integrationId, slots);
  }
}

const notTaken = {
  code: 'not_taken',
  detail: 'The PSA did not take it twice, and shows no sign of it. Look whether its pages say why, then retry.',
};

const idsOf = (tickets: readonly PsaTicket[]) => tickets.map((ticket) => ticket.id).join(', ');

/** Nobody can tell whether it is the alert's own: a ticket posted now might be the second, a note one to a stranger. */
function unprovenTicket(tickets: readonly PsaTicket[]): { code: string; detail: string } {
  return {
    code: 'unproven_ticket',
    detail: `The PSA finds ${idsOf(tickets)} by the alert's reference, and does not show the reference of what it finds; account and summary of one ticket do not fit either. Let the API member's role see the tickets' external reference, then retry. If such a ticket is this alert's, dismiss the alert; if not, take the reference from it, then retry.`,
  };
}

const unprovenNote = {
  code: 'unproven_note',
  detail:
    "Its note may be on its ticket: the PSA does not show the texts of the ticket's notes, so nobody can tell. Look at the ticket: if the note is missing, retry; if it is there, dismiss the alert. Let the API member's role see the notes' text.",
};

function severalTickets(tickets: readonly PsaTicket[]): { code: string; detail: string } {
  return {
    code: 'several_tickets',
    detail: `Several tickets (${idsOf(tickets)}) carry its reference. Keep one of them, delete the others, then retry.`,
  };
}

function ticketIn(result: Extract<CreateTicketResult | AddNoteResult, { outcome: 'created' | 'existing' }>) {
  if (!('ticket' in result)) return undefined;
  return { ...placeOf(result.ticket), existed: result.outcome === 'existing' };
}

type Looked =
  | { what: 'nothing' }
  | { what: 'there'; ticket?: { id: string; url?: string; existed: boolean } }
  /** For a person: whatever were posted now might be the second. */
  | { what: 'unknown'; reason: { code: string; detail: string } };

/** What came of a POST that nobody heard the end of. */
async function lookFor(deps: Dependencies, context: DeliveryContext, adapter: PsaAdapter): Promise<Looked> {
  const { alert: row, mappedTo } = context;
  if (row.ticketId !== null) {
    const note = await adapter.findNote({ ticketId: row.ticketId, marker: markerOf(row) });
    if (note === 'unreadable') return { what: 'unknown', reason: unprovenNote };
    return { what: note === 'there' ? 'there' : 'nothing' };
  }
  const { summary } = await ticketTextOf(deps, context, row, adapter);
  const accountId = row.psaAccountId ?? mappedTo ?? '';
  const search = await adapter.findTickets({ reference: row.reference, accountId, summary });
  switch (search.found) {
    case 'none':
      return { what: 'nothing' };
    case 'one':
      return { what: 'there', ticket: { ...placeOf(search.ticket), existed: true } };
    case 'several':
      return { what: 'unknown', reason: severalTickets(search.tickets) };
    case 'unproven':
      return { what: 'unknown', reason: unprovenTicket(search.tickets) };
  }
}

const placeOf = ({ id, url }: PsaTicket) => ({ id, ...(url === undefined ? {} : { url }) });

/** Stands in a note, so that it is found again. */
const markerOf = (row: AlertRow) => `[${row.reference}-r${row.deliveringRevision ?? row.revision}]`;

/** Summary and body of its ticket, as its settings say now. */
async function ticketTextOf(deps: Dependencies, context: DeliveryContext, row: AlertRow, adapter: PsaAdapter) {
  const gathered = row.source === 'storm' ? await listGathered(deps.db, row.id) : undefined;
  const settings = alertSettingsOf(context.integration.alerts);
  return ticketText({ ...context, alert: row, gathered }, settings, adapter.maxSummaryLength);
}

async function ticketOf(deps: Dependencies, context: DeliveryContext, row: AlertRow, adapter: PsaAdapter) {
  const { board } = alertSettingsOf(context.integration.alerts);
  if (!board || context.mappedTo === null) throw new Error(`The alert ${row.id} has no board or account.`);
  return {
    accountId: context.mappedTo,
    boardId: board.boardId,
    statusId: board.statusId,
    ...(board.typeId === null ? {} : { typeId: board.typeId }),
    priorityId: board.priorities[row.priority as 1 | 2 | 3 | 4],
    reference: row.reference,
    ...(await ticketTextOf(deps, context, row, adapter)),
  };
}

async function noteOf(deps: Dependencies, context: DeliveryContext, row: AlertRow, ticketId: string) {
  const gathered = row.source === 'storm' ? await listGathered(deps.db, row.id) : undefined;
  const marker = markerOf(row);
  return {
    ticketId,
    marker,
    first: row.claims === 0,
    text: `${noteText({ ...context, alert: row, gathered })}\n\n${marker}`,
  };
}
