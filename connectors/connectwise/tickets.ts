/** The part of the ConnectWise adapter that concerns tickets (connectwise.md §4.5–4.6, §5.3). */
import type { z } from 'zod';
import { findClaimAdd, findClaimCreate, judgeTickets } from '../createOnce.ts';
import { ConnectorError } from '../errors.ts';
import type {
  AddNote,
  CreateTicket,
  NoteSearch,
  PsaAdapter,
  PsaTicket,
  PsaTicketBoard,
  PsaTicketOptions,
  TicketQuery,
  TicketSearch,
} from '../psa.ts';
import type { CallOptions } from '../vendor.ts';
import type { ConnectwiseClient } from './client.ts';
import { quoted } from './conditions.ts';
import { grantOf } from './permissions.ts';
import {
  boardSchema,
  boardStatusSchema,
  boardTypeSchema,
  prioritySchema,
  setupRowSchema,
  ticketNoteSchema,
  ticketSchema,
} from './schemas.ts';
import type { TicketSettings } from './ticketSettings.ts';

/** The limit of `summary`, and of `externalXRef` (§4.6). */
const maxSummaryLength = 100;

type TicketHalf = Pick<
  PsaAdapter,
  | 'maxSummaryLength'
  | 'readTicketOptions'
  | 'findTickets'
  | 'getTicket'
  | 'createTicket'
  | 'findNote'
  | 'addNote'
  | 'setTicketStatus'
>;

/** @param gone answers null if a failed read means that the row is gone; throws any other failure */
export function createTicketHalf(
  client: ConnectwiseClient,
  settings: TicketSettings,
  gone: (failure: unknown, signal: AbortSignal | undefined) => Promise<null>,
): TicketHalf {
  const ticketOf = (row: z.infer<typeof ticketSchema>): PsaTicket => ({
    id: row.id,
    summary: row.summary ?? '',
    statusName: row.status?.name ?? '',
    closed: row.closedFlag ?? false,
    accountId: row.company?.id ?? '',
    ...(row.externalXRef ? { reference: row.externalXRef } : {}),
    url: client.ticketUrl(row.id),
  });

  async function findTickets({
    reference,
    accountId,
    summary,
    signal,
  }: TicketQuery & CallOptions): Promise<TicketSearch> {
    const { data } = await client.request({
      method: 'GET',
      route: '/service/tickets',
      path: '/service/tickets',
      // Three tickets are as ambiguous as any number, so no more are read.
      query: { conditions: `externalXRef=${quoted(reference)}`, pageSize: 3 },
      schema: ticketSchema.array(),
      signal,
    });
    return judgeTickets(data.map(ticketOf), { reference, accountId, summary: summary.slice(0, maxSummaryLength) });
  }

  async function findNote({ ticketId, marker, signal }: { ticketId: string; marker: string } & CallOptions) {
    const call = signal ? { signal } : undefined;
    const route = '/service/tickets/{id}/notes';
    let found: NoteSearch = 'absent';
    for await (const batch of client.list(route, {}, ticketNoteSchema, call, `${pathOf(ticketId)}/notes`)) {
      if (batch.some((note) => note.text?.includes(marker))) return 'there';
      if (batch.some((note) => !note.text)) found = 'unreadable';
    }
    return found;
  }

  async function postTicket(command: CreateTicket & CallOptions): Promise<PsaTicket> {
    // A setting that is empty leaves the field to ConnectWise.
    const reference = (id: string | undefined) => (id ? { id: Number(id) } : undefined);
    const { dueAt } = command;
    const { data } = await client.request({
      method: 'POST',
      route: '/service/tickets',
      path: '/service/tickets',
      body: {
        summary: command.summary.slice(0, maxSummaryLength),
        company: reference(command.accountId),
        board: reference(command.boardId),
        status: reference(command.statusId),
        type: reference(command.typeId),
        priority: reference(command.priorityId),
        source: reference(settings.ticketSource),
        serviceLocation: reference(settings.ticketLocation),
        // Without milliseconds and in UTC: another form may be refused (§3).
        requiredDate: settings.ticketDue === 'required_date' ? dueAt?.replace(/\.\d+Z$/, 'Z') : undefined,
        externalXRef: command.reference,
        initialDescription: command.body,
        // The ticket of an alert must not send an e-mail to the customer.
        processNotifications: false,
      },
      schema: ticketSchema,
      signal: command.signal,
      sendBefore: command.claim,
    });
    return ticketOf(data);
  }

  const postNote = (command: AddNote & CallOptions) =>
    client.request({
      method: 'POST',
      route: '/service/tickets/{id}/notes',
      path: `${pathOf(command.ticketId)}/notes`,
      body: { text: command.text, internalAnalysisFlag: true },
      schema: ticketNoteSchema,
      signal: command.signal,
      sendBefore: command.claim,
    });

  return {
    maxSummaryLength: maxSummaryLength,
    findTickets,
    findNote,

    createTicket: (command) =>
      findClaimCreate({
        find: () => findTickets(command),
        post: () => postTicket(command),
        grant: grantOf('tickets.create'),
      }),

    addNote: (command) =>
      findClaimAdd(command, {
        find: () => findNote(command),
        post: () => postNote(command),
        grant: grantOf('tickets.edit'),
      }),

    async readTicketOptions(call) {
      const boards = [];
      // `info/boards` needs ticket rights only; statuses and types belong to a setup table, with a right of its own (§4.5).
      for await (const batch of client.list('/service/info/boards', {}, boardSchema, call)) {
        for (const board of batch) {
          const takesTickets = !board.projectFlag && !board.inactiveFlag;
          boards.push({
            id: board.id,
            name: board.name,
            projectBoard: board.projectFlag ?? false,
            active: !board.inactiveFlag,
            ...(takesTickets ? await readDetails(board.id, call) : { statuses: [], types: [] }),
          });
        }
      }
      const fields = {
        ...(await readValues('ticketSource', '/service/sources', call)),
        ...(await readValues('ticketLocation', '/service/locations', call)),
      };
      const priorities = [];
      for await (const batch of client.list('/service/priorities', {}, prioritySchema, call)) {
        priorities.push(
          ...batch.map((row) => ({
            id: row.id,
            name: row.name,
            position: row.sortOrder ?? 0,
            isDefault: row.defaultFlag ?? false,
          })),
        );
      }
      return { boards, priorities: priorities.toSorted((a, b) => a.position - b.position), fields };
    },

    async getTicket({ ticketId, signal }) {
      try {
        const { data } = await client.request({
          method: 'GET',
          route: '/service/tickets/{id}',
          path: pathOf(ticketId),
          schema: ticketSchema,
          signal,
        });
        return ticketOf(data);
      } catch (error) {
        return gone(error, signal);
      }
    },

    async setTicketStatus({ ticketId, statusId, signal }) {
      await client.request({
        method: 'PATCH',
        route: '/service/tickets/{id}',
        path: pathOf(ticketId),
        // References are replaced as whole objects (§5.1).
        body: [{ op: 'replace', path: 'status', value: { id: Number(statusId) } }],
        schema: ticketSchema,
        signal,
      });
    },
  };

  /** Reads what a field of tickets may hold. Nothing needs it, so that a table that may not be seen is left out. */
  async function readValues(
    setting: keyof TicketSettings,
    path: string,
    call: CallOptions | undefined,
  ): Promise<PsaTicketOptions['fields']> {
    const values: { id: string; name: string }[] = [];
    try {
      for await (const batch of client.list(path, {}, setupRowSchema, call))
        values.push(...batch.map(({ id, name }) => ({ id, name })));
    } catch (error) {
      if (!(error instanceof ConnectorError) || !error.concernsOneThing) throw error;
      return {};
    }
    return { [setting]: values };
  }

  /** Reads one board's statuses and types. A board that is refused, or gone since it was listed, does not fail the others. */
  async function readDetails(
    boardId: string,
    call: CallOptions | undefined,
  ): Promise<Pick<PsaTicketBoard, 'statuses' | 'types' | 'unread'>> {
    try {
      const statuses = await readOfBoard(boardId, 'statuses', boardStatusSchema, statusOf, call);
      return { statuses, types: await readOfBoard(boardId, 'types', boardTypeSchema, typeOf, call) };
    } catch (error) {
      if (!(error instanceof ConnectorError) || !error.concernsOneThing) throw error;
      return { statuses: [], types: [], unread: error.detail };
    }
  }

  async function readOfBoard<T extends { id: string }, R>(
    boardId: string,
    what: 'statuses' | 'types',
    schema: z.ZodType<T>,
    toRow: (row: T) => R,
    call: CallOptions | undefined,
  ): Promise<R[]> {
    const path = `/service/boards/${encodeURIComponent(boardId)}/${what}`;
    const rows: R[] = [];
    for await (const batch of client.list(`/service/boards/{id}/${what}`, {}, schema, call, path))
      rows.push(...batch.map(toRow));
    return rows;
  }
}

const pathOf = (ticketId: string) => `/service/tickets/${encodeURIComponent(ticketId)}`;

/** Statuses have `inactive` where boards and types have `inactiveFlag` (§4.5). */
const statusOf = (row: z.infer<typeof boardStatusSchema>) => ({
  id: row.id,
  name: row.name,
  closed: row.closedStatus ?? false,
  active: !row.inactive,
  isDefault: row.defaultFlag ?? false,
});

const typeOf = (row: z.infer<typeof boardTypeSchema>) => ({ id: row.id, name: row.name, active: !row.inactiveFlag });
