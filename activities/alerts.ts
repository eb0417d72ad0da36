/**
 * Delivers one alert as one ticket: claims the POST in PostgreSQL, sends it once, and searches the PSA for the ticket
 * when the outcome is not known (invariant 6).
 */
import { countersign } from '../commands/actor.ts';
import { changeAndAdmit, retryWoken } from '../commands/alertAdmission.ts';
import { claimRevision, leaveDelivery, recordPost } from '../commands/alertDelivery.ts';
import { ConnectorError } from '../connectors/errors.ts';
import { fieldsOf } from '../connectors/fields.ts';
import { callLimits, psaOf } from '../connectors/registry.ts';
import type { AddNoteResult, CreateTicketResult, PsaAdapter, PsaTicket } from '../connectors/psa.ts';
import {
  beginNextTicket,
  claimPost,
  noteAttempt,
  notePostUncertain,
  readDelivery,
  recordDelivered,
  releasePost,
  storePsaAccount,
  storeReason,
  type DeliveryContext,
} from '../db/queries/alertDelivery.ts';
import { readPsaConnection, type PsaConnectionRow } from '../db/queries/psaConnection.ts';
import type { Transaction } from '../db/client.ts';
import { listGathered, readAlert, readRefusedForAll, type AlertRow } from '../db/queries/alerts.ts';
import { finishStep, noteFailure } from '../db/queries/process.ts';
import {
  alertSettingsOf,
  completeBoard,
  type AlertReason,
  type BoardChoice,
  type RefusedForAll,
} from '../domain/alerts.ts';
import { fieldsNoLongerOffered } from '../domain/ticketFields.ts';
import { noteText, ticketText, withReference } from '../domain/ticketText.ts';
import type { Dependencies } from './dependencies.ts';
import { performStep, wakeAll, type StepRef, type StepResult } from './step.ts';
import { readTicketOptions } from './ticketOptions.ts';
import { writeTiming } from './writeTiming.ts';

/** Minimum time between two notes on the ticket of a storm, in milliseconds. */
const gatheringMs = 60_000;

export function createAlertActivities(deps: Dependencies) {
  const { writeOnce, settleAfter } = writeTiming(deps.environment);
  const { ALERTS_IN_FLIGHT: slots, PSA_SEARCH_LOOKS: maxAttempts, TRANSIENT_LIMIT_MS } = deps.environment;

  /** How long the answers of the integration's PSA may lag behind a write, in milliseconds. */
  async function searchLagOf({ integration }: DeliveryContext): Promise<number> {
    const { kind } = await readPsaConnection(deps.db, integration.psaConnectionId);
    return callLimits(kind, deps.environment).searchLagMs;
  }

  /**
   * Sends the one POST of this round, if this caller gets the claim.
   *
   * @throws ConnectorError when nothing was sent
   */
  async function post(context: DeliveryContext, adapter: PsaAdapter): Promise<Fate> {
    const { alert: row } = context;
    const { ticketId } = row;
    const { result, claimed, lost } =
      ticketId === null
        ? await writeOnce(
            () => claimPost(deps.db, row, 'ticket'),
            async (claim) => adapter.createTicket({ ...(await ticketOf(deps, context, adapter)), claim }),
          )
        : await writeOnce(
            () => claimPost(deps.db, row, 'note'),
            async (claim) => adapter.addNote({ ...(await noteOf(deps, context, ticketId)), claim }),
          );
    if (lost) return 'unknown';
    if (result.outcome === 'rejected') {
      const reason = await refusalOf(context, adapter, result);
      if (!(reason instanceof ConnectorError)) return die(row, reason);
      // Nothing was made, and it is not known why: it is sent again when the PSA answers.
      if (claimed) await releasePost(deps.db, row, claimed);
      throw reason;
    }
    return settle(row, claimed, result);
  }

  async function settle(
    before: AlertRow,
    claimed: AlertRow | undefined,
    result: Exclude<CreateTicketResult | AddNoteResult, { outcome: 'rejected' }>,
  ): Promise<Fate> {
    switch (result.outcome) {
      case 'not_sent':
        if (claimed) await releasePost(deps.db, before, claimed);
        throw result.error;
      case 'uncertain':
        await notePostUncertain(deps.db, claimed ?? before);
        return 'open';
      case 'several':
        return die(before, severalTickets(result.tickets));
      case 'unproven':
        return die(before, unprovenTicket(result.tickets));
      case 'unreadable':
        return die(before, unprovenNote);
      case 'created':
      case 'existing':
        return record(claimed ?? before, ticketIn(result));
    }
  }

  async function record(row: AlertRow, ticket: Ticket | undefined): Promise<Fate> {
    return (await deps.db.transaction((tx) => recordPost(tx, row, ticket))) ? 'settled' : 'open';
  }

  /**
   * Marks the alert dead, so that a person handles it. Where the PSA refuses what all tickets are made with, only one alert of
   * the integration dies of that; the others that were tried meanwhile wait until a person has decided about that one.
   */
  async function die(row: AlertRow, reason: AlertReason): Promise<Fate> {
    const { toWake } = await deps.db.transaction((tx) =>
      changeAndAdmit(tx, { ...row, slots }, async () => {
        const waits = reason.of !== undefined && (await readRefusedForAll(tx, row.integrationId)) !== null;
        return leaveDelivery(tx, countersign(row), row.id, { state: waits ? 'parked' : 'dead', reason });
      }),
    );
    await wakeAll(deps, toWake);
    return 'settled';
  }

  /**
   * Why the PSA refused a ticket or note: asks it whether what all tickets are made with is still usable, which no refusal says by
   * itself.
   *
   * @returns a passing failure where it does not answer that now
   */
  async function refusalOf(
    { alert: row, integration }: DeliveryContext,
    adapter: PsaAdapter,
    { detail, status }: Extract<CreateTicketResult, { outcome: 'rejected' }>,
  ): Promise<AlertReason | ConnectorError> {
    const answered = status === undefined ? {} : { status };
    const refused = { code: 'refused', detail: `The PSA refused it: ${detail}`, ...answered };
    const { board } = alertSettingsOf(integration.alerts);
    if (row.ticketId !== null || !board) return refused;
    // Another alert has found out already.
    const known = await readRefusedForAll(deps.db, row.integrationId);
    if (known) return { ...refused, of: known };
    const found = await unusable(adapter, board, await readPsaConnection(deps.db, integration.psaConnectionId));
    if (found instanceof ConnectorError) return found;
    return found ? { ...refused, of: found.of, detail: `${found.why} ${refused.detail}` } : refused;
  }

  /** Ends the delivery, which skips all of its steps that are not done, and gives its slot to the next alert. */
  async function leave(row: AlertRow, leaving: Parameters<typeof leaveDelivery>[3]): Promise<void> {
    const { toWake } = await deps.db.transaction((tx) =>
      changeAndAdmit(tx, { ...row, slots }, () => leaveDelivery(tx, countersign(row), row.id, leaving)),
    );
    await wakeAll(deps, toWake);
  }

  /**
   * Calls the PSA. If the PSA has reported the ticket as in use (409, 423, 425) for as long as transient failures are
   * retried, marks the alert dead: a person handles it, and its slot goes to the next alert.
   */
  async function unlessLocked(ref: StepRef, row: AlertRow, call: () => Promise<Fate>): Promise<Fate> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.code !== 'locked') throw error;
      const { failingMs } = await noteFailure(deps.db, ref, { code: error.code, what: error.detail });
      if (failingMs < TRANSIENT_LIMIT_MS) throw error;
      const todo = 'Somebody has had it in use all the time. Close it in the PSA, then retry.';
      const answered = error.status === undefined ? {} : { status: error.status };
      return die(row, { code: 'locked', detail: `${error.detail} ${todo}`, ...answered });
    }
  }

  /** Posts what the alert's ticket needs now. A closed ticket is first reopened, or replaced by a follow-up ticket. */
  async function follow(context: DeliveryContext, adapter: PsaAdapter): Promise<Fate> {
    const { alert: row, integration } = context;
    if (row.ticketId === null) return post(context, adapter);
    const news = row.contentRevision > row.deliveredRevision;
    const ticket = await adapter.getTicket({ ticketId: row.ticketId });
    if (ticket && !ticket.closed) return news ? post(context, adapter) : 'settled';
    // A cleared alert whose ticket is closed or gone needs nothing more.
    if (row.clearedAt) return 'settled';
    const { whenClosed, board } = alertSettingsOf(integration.alerts);
    if (ticket && whenClosed === 'reopen' && board) {
      await adapter.setTicketStatus({ ticketId: ticket.id, statusId: board.statusId });
      return post(context, adapter);
    }
    const next = await beginNextTicket(deps.db, row);
    return next ? post({ ...context, alert: next }, adapter) : 'unknown';
  }

  /**
   * Looks for a test's ticket by its reference, as it would be looked for if the answer to its POST were lost: without
   * that, an alert could not be known to have its ticket. What is not found is told, and the test is delivered.
   */
  async function findAgain(context: DeliveryContext) {
    const { alert: row, integration } = context;
    const adapter = await deps.connectors.psaOf(integration.psaConnectionId);
    const found = await lookForTicket(deps, context, adapter);
    if (found.what === 'there') return async () => undefined;
    if (found.what === 'nothing' && row.attempts + 1 < maxAttempts) {
      await noteAttempt(deps.db, row);
      return {
        againInMs: (await searchLagOf(context)) * 2 ** row.attempts,
        because: 'the PSA may show the ticket later',
      };
    }
    return async (tx: Transaction) => {
      await storeReason(tx, row.id, found.what === 'unknown' ? found.reason : notFoundAgain);
    };
  }

  return {
    /** Returns the revision of the alert to deliver, or null when there is nothing to deliver. */
    async claimAlert(alertRowId: string): Promise<string | null> {
      return (await deps.db.transaction((tx) => claimRevision(tx, alertRowId))) ?? null;
    },

    /** Delivers a dead alert once more because a person has woken its workflow, where another try makes no second ticket. */
    async retryWoken(alertRowId: string): Promise<void> {
      const row = await readAlert(deps.db, alertRowId);
      const { toWake } = await deps.db.transaction((tx) =>
        changeAndAdmit(tx, { ...row, slots }, () => retryWoken(tx, countersign(row), row)),
      );
      // Its own workflow is at work here: another wake would make it try once more.
      await wakeAll(
        deps,
        toWake.filter(({ id }) => id !== alertRowId),
      );
    },

    /**
     * Stores the PSA account to which the alert's account is mapped now. If the account is no longer mapped, or no
     * board is chosen, parks the alert: a new mapping or board sets it going again by itself.
     */
    async resolveAccount(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => {
        const { alert: row, integration, mappedTo, deliveredForMs } = await readDelivery(deps.db, ref.id);
        if (row.source === 'storm' && deliveredForMs !== null && deliveredForMs < gatheringMs) {
          return { againInMs: Math.ceil(gatheringMs - deliveredForMs), because: 'gathers alerts before the next note' };
        }
        if (mappedTo !== null && integration.alerts.board) return (tx) => storePsaAccount(tx, ref.id, mappedTo);
        await leave(row, { state: 'parked', reason: unmapped(mappedTo !== null, Boolean(integration.alerts.board)) });
        return undefined;
      });
    },

    /** Finds or creates the ticket, or adds the new text to it. Runs once per try: Temporal never repeats it. */
    async writeTicket(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => {
        const context = await readDelivery(deps.db, ref.id);
        // An earlier attempt claimed the POST and was killed: `settleTicket` finds out what became of it.
        let fate: Fate = 'open';
        if (context.alert.post === null) {
          const adapter = await deps.connectors.psaOf(context.integration.psaConnectionId);
          fate = await unlessLocked(ref, context.alert, () => follow(context, adapter));
        }
        if (fate === 'unknown') return undefined;
        return async (tx) => {
          // A test goes on to see whether its ticket is found again.
          if (fate === 'settled' && context.alert.source !== 'test')
            await finishStep(tx, { ...ref, step: 'settleTicket' }, 'skipped');
        };
      });
    },

    /**
     * Searches the PSA for a ticket or note that may have been posted. The first search comes after the POST's time-out
     * and the PSA's lag have passed, each further one when twice as long has passed since the claim, because the PSA's
     * search may lag longer than expected. Only when all searches find nothing is it posted once more.
     */
    async settleTicket(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => {
        const context = await readDelivery(deps.db, ref.id);
        const { alert: row, integration } = context;
        if (row.post === null)
          return row.source === 'test' && row.ticketId ? findAgain(context) : async () => undefined;
        const waitMs = settleAfter(await searchLagOf(context)) * 2 ** row.attempts - (context.claimedForMs ?? 0);
        if (waitMs > 0) {
          return {
            againInMs: Math.ceil(waitMs),
            because: 'the ticket may be there: looked for when the PSA shows it',
          };
        }
        const adapter = await deps.connectors.psaOf(integration.psaConnectionId);
        const found = await lookFor(deps, context, adapter);
        if (found.what === 'unknown') await die(row, found.reason);
        else if (found.what !== 'nothing') await record(row, found.ticket);
        else if (row.attempts + 1 < maxAttempts) await noteAttempt(deps.db, row);
        else if (row.claims < 2) await unlessLocked(ref, row, () => post(context, adapter));
        else await die(row, notTaken);
        return undefined;
      });
    },

    /** Marks the alert delivered, and gives its slot to the next one. */
    async recordDelivery(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => {
        const { integrationId, ticketId, state } = await readAlert(deps.db, ref.id);
        if (state === 'delivering' && ticketId === null) throw new Error(`The alert ${ref.id} has no ticket yet.`);
        return async (tx) => {
          return (await changeAndAdmit(tx, { integrationId, slots }, () => recordDelivered(tx, ref.id))).toWake;
        };
      });
    },
  };
}

/**
 * Says what of all tickets the PSA takes no longer: the chosen board, or a field that is set for the connection.
 *
 * @returns undefined where all of it is usable, or may not be read; the failure where it cannot be read now
 */
async function unusable(
  adapter: PsaAdapter,
  board: BoardChoice,
  { kind, name, settings, ticketOptions }: PsaConnectionRow,
): Promise<{ of: RefusedForAll; why: string } | ConnectorError | undefined> {
  try {
    const options = await readTicketOptions(adapter);
    const isRead = !options.boards.some(({ id, unread }) => id === board.boardId && unread !== undefined);
    const completed = completeBoard(options, { ...board, typeId: board.typeId ?? undefined });
    if (isRead && 'refusals' in completed)
      return { of: 'board', why: completed.refusals.map(({ reason }) => reason).join(' ') };
    const psa = psaOf(kind);
    const gone = fieldsNoLongerOffered(
      psa ? fieldsOf(psa.settings) : [],
      { ...settings },
      { known: ticketOptions, now: options },
    );
    if (gone.length === 0) return undefined;
    const said = gone.map(({ label, value }) => `"${label}" is set to "${value}", which the PSA no longer offers.`);
    return { of: 'field', why: `${said.join(' ')} Choose another in the settings of the PSA connection "${name}".` };
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return error.kind === 'permanent' ? undefined : error;
  }
}

/**
 * What became of a POST: `settled` = its outcome is known; `open` = it may have arrived, and `settleTicket` finds out;
 * `unknown` = another attempt has the claim.
 */
type Fate = 'settled' | 'open' | 'unknown';

const unmapped = (isMapped: boolean, hasBoard: boolean): AlertReason => ({
  code: 'unmapped',
  detail: isMapped
    ? 'No board is chosen.'
    : `Its account is not mapped to a PSA account${hasBoard ? '' : ', and no board is chosen'}.`,
});

const notTaken = {
  code: 'not_taken',
  detail: 'The PSA did not take it twice, and shows no sign of it. Look whether its pages say why, then retry.',
};

const notFoundAgain = {
  code: 'not_found_again',
  detail:
    "The ticket was made, but the PSA's search does not find it by its reference. Let the user of the API search tickets by their reference: without that, an alert whose ticket was made while the connection broke ends as dead.",
};

const idsOf = (tickets: readonly PsaTicket[]) => tickets.map((ticket) => ticket.id).join(', ');

/**
 * The ticket cannot be proven to be the alert's own: posting now might make a second ticket, or put a note on an
 * unrelated one.
 */
function unprovenTicket(tickets: readonly PsaTicket[]): AlertReason {
  return {
    code: 'unproven_ticket',
    detail: `The PSA finds ${idsOf(tickets)} by the alert's reference, and does not show the reference of what it finds; account and summary of one ticket do not fit either. Let the user of the API see the tickets' reference, then retry. If such a ticket is this alert's, dismiss the alert; if not, take the reference from it, then retry.`,
  };
}

const unprovenNote = {
  code: 'unproven_note',
  detail:
    "Its note may be on its ticket: the PSA does not show the texts of the ticket's notes, so nobody can tell. Look at the ticket: if the note is missing, retry; if it is there, dismiss the alert. Let the user of the API see the notes' text.",
};

function severalTickets(tickets: readonly PsaTicket[]): AlertReason {
  return {
    code: 'several_tickets',
    detail: `Several tickets (${idsOf(tickets)}) carry its reference. Keep one of them, delete the others, then retry.`,
  };
}

function ticketIn(result: Extract<CreateTicketResult | AddNoteResult, { outcome: 'created' | 'existing' }>) {
  if (!('ticket' in result)) return undefined;
  return { ...placeOf(result.ticket), existed: result.outcome === 'existing' };
}

type Ticket = { id: string; url?: string; existed: boolean };

type Looked =
  | { what: 'nothing' }
  | { what: 'there'; ticket?: Ticket }
  /** A person has to decide, because posting now might make a second ticket or note. */
  | { what: 'unknown'; reason: AlertReason };

/** Finds out what became of a POST whose answer never arrived. */
async function lookFor(deps: Dependencies, context: DeliveryContext, adapter: PsaAdapter): Promise<Looked> {
  const { alert: row } = context;
  if (row.ticketId !== null) {
    const note = await adapter.findNote({ ticketId: row.ticketId, marker: markerOf(row) });
    if (note === 'unreadable') return { what: 'unknown', reason: unprovenNote };
    return { what: note === 'there' ? 'there' : 'nothing' };
  }
  return lookForTicket(deps, context, adapter);
}

/** Looks for the alert's ticket by its reference. */
async function lookForTicket(deps: Dependencies, context: DeliveryContext, adapter: PsaAdapter): Promise<Looked> {
  const { alert: row, mappedTo } = context;
  const { summary } = await ticketTextOf(deps, context, adapter);
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

/** The marker that a note contains, so that a search finds the note again. */
const markerOf = (row: AlertRow) => `[${row.reference}-r${row.deliveringRevision ?? row.revision}]`;

/** Returns the summary and body of the alert's ticket, according to the integration's current settings. */
async function ticketTextOf(deps: Dependencies, context: DeliveryContext, adapter: PsaAdapter) {
  const settings = alertSettingsOf(context.integration.alerts);
  return ticketText({ ...context, gathered: await gatheredIn(deps, context) }, settings, adapter.maxSummaryLength);
}

async function gatheredIn(deps: Dependencies, { alert: row }: DeliveryContext) {
  return row.source === 'storm' ? listGathered(deps.db, row.id) : undefined;
}

async function ticketOf(deps: Dependencies, context: DeliveryContext, adapter: PsaAdapter) {
  const { alert: row } = context;
  const { board } = alertSettingsOf(context.integration.alerts);
  if (!board || context.mappedTo === null) throw new Error(`The alert ${row.id} has no board or account.`);
  const { summary, body } = await ticketTextOf(deps, context, adapter);
  return {
    accountId: context.mappedTo,
    boardId: board.boardId,
    statusId: board.statusId,
    ...(board.typeId === null ? {} : { typeId: board.typeId }),
    priorityId: board.priorities[row.priority as 1 | 2 | 3 | 4],
    ...(row.dueAt === null ? {} : { dueAt: row.dueAt.toISOString() }),
    reference: row.reference,
    summary,
    body: adapter.caps.searchesReference ? body : withReference(body, row.reference),
  };
}

async function noteOf(deps: Dependencies, context: DeliveryContext, ticketId: string) {
  const marker = markerOf(context.alert);
  const text = noteText({ ...context, gathered: await gatheredIn(deps, context) });
  return { ticketId, marker, first: context.alert.claims === 0, text: `${text}\n\n${marker}` };
}
