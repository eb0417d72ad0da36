/** The part of the Deltadesk adapter that concerns tickets. A case has no field for a reference, so it stands in its story. */
import { z } from 'zod';
import { findClaimAdd, findClaimCreate, judgeTickets } from '../../../../connectors/createOnce.ts';
import type {
  CreateTicket,
  NoteSearch,
  PsaAdapter,
  PsaTicket,
  TicketQuery,
  TicketSearch,
} from '../../../../connectors/psa.ts';
import type { CallOptions } from '../../../../connectors/vendor.ts';
import { referenceIn } from '../../../../domain/ticketText.ts';
import type { DifferencesClient } from './client.ts';
import { grantOf } from './rights.ts';

const longestHeadline = 80;

const no = z.int().transform(String);
const numbered = <T extends { no: string }>(row: T) => ({ ...row, id: row.no });
const caseSchema = z
  .looseObject({ no, client: no, queue: no, headline: z.string(), story: z.string(), stage: no })
  .transform(numbered);
const entrySchema = z.looseObject({ no, text: z.string() }).transform(numbered);
const queueSchema = z.looseObject({ no, title: z.string(), retired: z.boolean() }).transform(numbered);
const kindSchema = queueSchema;
const placeSchema = z.looseObject({ no, title: z.string() }).transform(numbered);
const stageSchema = z.looseObject({ no, title: z.string(), ends: z.boolean(), usual: z.boolean() }).transform(numbered);
const urgencySchema = z.looseObject({ no, title: z.string(), rank: z.int(), usual: z.boolean() }).transform(numbered);

type CaseHalf = Pick<
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

/**
 * @param settings of the connection: what Deltadesk calls where a case came from, and the place where its work is done
 * @param gone answers null if a failed read means that the row is gone; throws any other failure
 */
export function createCaseHalf(
  client: DifferencesClient,
  { origin, place }: { origin: string; place: string },
  gone: (failure: unknown) => null,
): CaseHalf {
  let stages: Promise<z.output<typeof stageSchema>[]> | undefined;

  async function all<T extends { id: string }>(
    path: string,
    schema: z.ZodType<T>,
    call?: CallOptions,
    query?: Record<string, string>,
  ): Promise<T[]> {
    const rows: T[] = [];
    for await (const batch of client.list(path, schema, call, query)) rows.push(...batch);
    return rows;
  }

  /** Answers how a case becomes a ticket, which takes the stages. */
  async function caseReader(): Promise<(row: z.output<typeof caseSchema>) => PsaTicket> {
    stages ??= all('/stages', stageSchema).catch((error: unknown) => {
      stages = undefined;
      throw error;
    });
    const known = await stages;
    return (row) =>
      ticketOf(
        row,
        known.find(({ id }) => id === row.stage),
      );
  }

  function ticketOf(row: z.output<typeof caseSchema>, stage: z.output<typeof stageSchema> | undefined): PsaTicket {
    const reference = referenceIn(row.story);
    return {
      id: row.id,
      summary: row.headline,
      statusName: stage?.title ?? row.stage,
      closed: stage?.ends ?? false,
      accountId: row.client,
      ...(reference === undefined ? {} : { reference }),
      url: client.caseUrl(row.id),
    };
  }

  async function findTickets({
    reference,
    accountId,
    summary,
    signal,
  }: TicketQuery & CallOptions): Promise<TicketSearch> {
    const call = signal ? { signal } : undefined;
    const found = await all('/cases', caseSchema, call, { words: reference });
    return judgeTickets(found.map(await caseReader()), {
      reference,
      accountId,
      summary: summary.slice(0, longestHeadline),
    });
  }

  async function findNote({ ticketId, marker, signal }: { ticketId: string; marker: string } & CallOptions) {
    const call = signal ? { signal } : undefined;
    const entries = await all(`/cases/${encodeURIComponent(ticketId)}/entries`, entrySchema, call);
    const found: NoteSearch = entries.some(({ text }) => text.includes(marker)) ? 'there' : 'absent';
    return found;
  }

  async function open(command: CreateTicket & CallOptions): Promise<PsaTicket> {
    // The stages are read first: once the case is open nothing else may fail.
    const read = await caseReader();
    const number = (id: string | undefined) => (id === undefined ? undefined : Number(id));
    const { data } = await client.ask('POST', {
      route: '/cases',
      path: '/cases',
      body: {
        client: Number(command.accountId),
        queue: Number(command.boardId),
        headline: command.summary.slice(0, longestHeadline),
        story: command.body,
        stage: number(command.statusId),
        urgency: number(command.priorityId),
        kind: number(command.typeId),
        origin,
        place: place === '' ? undefined : Number(place),
        due: command.dueAt,
      },
      schema: caseSchema,
      signal: command.signal,
      sendBefore: command.claim,
    });
    return read(data);
  }

  return {
    maxSummaryLength: longestHeadline,
    findTickets,
    findNote,

    createTicket: (command) =>
      findClaimCreate({
        find: () => findTickets(command),
        post: () => open(command),
        grant: grantOf('tickets.create'),
      }),

    addNote: (command) =>
      findClaimAdd(command, {
        find: () => findNote(command),
        post: () =>
          client.ask('POST', {
            route: '/cases/{no}/entries',
            path: `/cases/${encodeURIComponent(command.ticketId)}/entries`,
            body: { text: command.text },
            schema: entrySchema,
            signal: command.signal,
            sendBefore: command.claim,
          }),
        grant: grantOf('tickets.edit'),
      }),

    async readTicketOptions(call) {
      const statuses = (await all('/stages', stageSchema, call)).map(({ id, title, ends, usual }) => ({
        id,
        name: title,
        closed: ends,
        active: true,
        isDefault: usual,
      }));
      const boards = (await all('/queues', queueSchema, call)).map(({ id, title, retired }) => ({
        id,
        name: title,
        projectBoard: false,
        active: !retired,
        statuses: retired ? [] : statuses,
        types: [],
      }));
      const types = (await all('/kinds', kindSchema, call)).map(({ id, title, retired }) => ({
        id,
        name: title,
        active: !retired,
      }));
      const priorities = (await all('/urgencies', urgencySchema, call))
        .map(({ id, title, rank, usual }) => ({ id, name: title, position: rank, isDefault: usual }))
        .toSorted((a, b) => a.position - b.position);
      const place = (await all('/places', placeSchema, call)).map(({ id, title }) => ({ id, name: title }));
      return { boards, types, priorities, fields: { place } };
    },

    async getTicket({ ticketId, signal }) {
      try {
        const { data } = await client.ask('GET', {
          route: '/cases/{no}',
          path: `/cases/${encodeURIComponent(ticketId)}`,
          schema: caseSchema,
          signal,
        });
        return (await caseReader())(data);
      } catch (error) {
        return gone(error);
      }
    },

    async setTicketStatus({ ticketId, statusId, signal }) {
      await client.ask('PUT', {
        route: '/cases/{no}/stage',
        path: `/cases/${encodeURIComponent(ticketId)}/stage`,
        body: { stage: Number(statusId) },
        schema: caseSchema,
        signal,
      });
    },
  };
}
