/**
 * The ticket part (connectwise.md §4.6). There is evidence for fields, lengths, the check of a status against its board,
 * references that come back expanded, and `initialDescription`, which is never returned. Assumed are the answers to a missing
 * company or an inactive board, that the initial description becomes the first note, and that a note needs a flag.
 */
import type { SimAnswer, SimRequest } from '../kit/simulator.ts';
import type { WorldCompany } from '../world.ts';
import { failure, noEndpoint, notFound, type Row } from './answers.ts';
import { boards, priorities, statusesOf, typesOf } from './boards.ts';
import { read } from './conditions.ts';
import type { Level, Member, Module } from './members.ts';

interface Ticket extends Row {
  id: number;
}

/** What the ticket part needs from the rest of the simulation. */
export interface TicketHost {
  companies: () => readonly WorldCompany[];
  allowed(member: Member, module: Module, level: Level): SimAnswer | undefined;
  /** A list, its count, or one row. */
  collection(request: SimRequest, idText: string | undefined, rows: () => Row[]): SimAnswer;
  /** Makes a change through the API: applies and journals it. */
  write(change: Row, member: Member): void;
  /** Notes that a row changed, and keeps its old state for lists that lag; null = it did not exist. */
  touch(id: number, before: Row | null, by: string): void;
  info(id: number): Row;
}

/** Fields that are only accepted at creation, and never returned. */
const initialTexts = ['initialDescription', 'initialInternalAnalysis', 'initialResolution'];
const patchable = new Set(['summary', 'board', 'status', 'type', 'priority', 'externalXRef', 'poNumber', 'closedFlag']);
const noteFlags = ['detailDescriptionFlag', 'internalAnalysisFlag', 'resolutionFlag'];

export function createTickets(host: TicketHost) {
  const tickets = new Map<number, Ticket>();
  const notes = new Map<number, Row[]>();
  let nextTicket = 90_000_001;
  let nextNote = 95_000_001;

  const ticketRow = (ticket: Ticket): Row => ({ ...ticket, _info: host.info(ticket.id) });

  /** Answers a request, without the fields that the member's role hides. */
  function route(request: SimRequest, member: Member, parts: (string | undefined)[]): SimAnswer {
    const answer = whole(request, member, parts);
    const { hides = [] } = member;
    if (hides.length === 0 || answer.status >= 300) return answer;
    const shown = (row: Row) => Object.fromEntries(Object.entries(row).filter(([name]) => !hides.includes(name)));
    const { body } = answer;
    return { ...answer, body: Array.isArray(body) ? (body as Row[]).map(shown) : body && shown(body as Row) };
  }

  function whole(request: SimRequest, member: Member, parts: (string | undefined)[]): SimAnswer {
    const [idText, sub, subId] = parts;
    const { method } = request;
    if (idText === 'search' && method === 'POST') return search(request, member);
    const level: Level = sub === 'notes' && method !== 'GET' ? 'edit' : (levels[method] ?? 'edit');
    const refused = host.allowed(member, 'tickets', level);
    if (refused) return refused;
    const rows = () => [...tickets.values()].map(ticketRow);
    if (idText === undefined)
      return method === 'POST' ? create(request, member) : host.collection(request, undefined, rows);
    if (idText === 'count') return host.collection(request, 'count', rows);
    const ticket = tickets.get(Number(idText));
    if (!ticket) return notFound();
    if (sub === 'notes') return notesOf(request, member, ticket, subId);
    if (sub !== undefined) return noEndpoint();
    switch (method) {
      case 'GET':
        return { status: 200, body: ticketRow(ticket) };
      case 'PATCH':
        return patch(request, member, ticket);
      case 'DELETE':
        host.write({ change: 'deleteTicket', ticketId: ticket.id }, member);
        return { status: 204 };
      default:
        return failure(405, 'ConnectWiseApi', 'The method is not allowed.');
    }
  }

  function search(request: SimRequest, member: Member): SimAnswer {
    const query = new URLSearchParams(request.query);
    const conditions = read((request.body ?? {}) as Row, 'conditions');
    if (typeof conditions === 'string') query.set('conditions', conditions);
    const rows = () => [...tickets.values()].map(ticketRow);
    return host.allowed(member, 'tickets', 'inquire') ?? host.collection({ ...request, query }, undefined, rows);
  }

  function create(request: SimRequest, member: Member): SimAnswer {
    const given = (request.body ?? {}) as Row;
    const errors = [
      ...textErrors(given, 'summary', 100, true),
      ...textErrors(given, 'externalXRef', 100, false),
      ...(read(given, 'company/id') === undefined ? [required('company')] : []),
      ...(given['board'] === undefined ? [required('board')] : []),
    ];
    if (errors.length > 0) return invalid(errors);
    const company = host.companies().find((candidate) => candidate.id === Number(read(given, 'company/id')));
    if (!company) return missing(`Company ${String(read(given, 'company/id'))} not found`);
    const placed = place(given);
    if ('refusal' in placed) return placed.refusal;
    const fields = Object.fromEntries(
      Object.entries(given).filter(([name]) => !initialTexts.includes(name) && name !== 'id'),
    );
    const ticket = {
      recordType: 'ServiceTicket',
      ...fields,
      ...placed.fields,
      id: nextTicket,
      company: { id: company.id, identifier: company.identifier, name: company.name },
    };
    const text = initialTexts.map((name) => given[name]).find((value) => typeof value === 'string');
    host.write({ change: 'addTicket', ticket, ...(text === undefined ? {} : { text }) }, member);
    return { status: 201, body: ticketRow(tickets.get(ticket.id) ?? ticket) };
  }

  /** Expands board, status, type and priority; or refuses them. */
  function place(given: Row): { fields: Row } | { refusal: SimAnswer } {
    const board = find(boards, given['board']);
    if (!board) return { refusal: missing(`Service Board ${words(given['board'])} not found`) };
    if (board['inactiveFlag'])
      return { refusal: invalid([{ code: 'Inactive', message: 'The board is inactive.', field: 'board' }]) };
    if (board['projectFlag'])
      return {
        refusal: invalid([
          { code: 'ProjectBoard', message: 'A service ticket cannot be on a project board.', field: 'board' },
        ]),
      };
    const statuses = statusesOf(board);
    const status = given['status'] ? find(statuses, given['status']) : statuses.find((row) => row['defaultFlag']);
    if (!status)
      return {
        refusal: missing(`Service Status ${words(given['status'])} not found for Service Board ${String(board['id'])}`),
      };
    const type = given['type'] ? find(typesOf(board), given['type']) : null;
    if (type === undefined)
      return {
        refusal: missing(`Service Type ${words(given['type'])} not found for Service Board ${String(board['id'])}`),
      };
    const priority = given['priority']
      ? find(priorities, given['priority'])
      : priorities.find((row) => row['defaultFlag']);
    if (!priority) return { refusal: missing(`Priority ${words(given['priority'])} not found`) };
    return {
      fields: {
        board: reference(board),
        status: reference(status),
        type: type && reference(type),
        priority: reference(priority),
        closedFlag: status['closedStatus'],
      },
    };
  }

  function patch(request: SimRequest, member: Member, ticket: Ticket): SimAnswer {
    if (!Array.isArray(request.body)) return failure(400, 'InvalidObject', 'A PATCH takes an array of operations.');
    const fields: Row = {};
    for (const operation of request.body as Row[]) {
      const path = String(operation['path'] ?? '');
      // A sub-path is answered 200 without effect (§5.1).
      if (/^\w+\/\w/.test(path)) continue;
      if (!patchable.has(path) || operation['op'] !== 'replace')
        return invalid([{ code: 'InvalidPath', message: `The path ${path} does not exist.`, field: path }]);
      fields[path] = operation['value'];
    }
    const placed = place({ ...ticket, ...fields });
    if ('refusal' in placed) return placed.refusal;
    host.write({ change: 'patchTicket', ticketId: ticket.id, fields: { ...fields, ...placed.fields } }, member);
    return { status: 200, body: ticketRow(ticket) };
  }

  function notesOf(request: SimRequest, member: Member, ticket: Ticket, idText: string | undefined): SimAnswer {
    if (request.method === 'GET') return host.collection(request, idText, () => notes.get(ticket.id) ?? []);
    if (request.method !== 'POST') return failure(405, 'ConnectWiseApi', 'The method is not allowed.');
    const given = (request.body ?? {}) as Row;
    const errors = textErrors(given, 'text', 100_000, true);
    if (!noteFlags.some((flag) => given[flag] === true)) errors.push(required('detailDescriptionFlag'));
    if (errors.length > 0) return invalid(errors);
    const note = { id: nextNote, ticketId: ticket.id, ...given };
    host.write({ change: 'addNote', ticketId: ticket.id, note }, member);
    return { status: 201, body: note };
  }

  /** @returns undefined when the change does not concern tickets */
  function apply(change: Row): unknown {
    const ticket = tickets.get(Number(change['ticketId']));
    const by = String(change['by'] ?? 'someoneElse');
    switch (change['change']) {
      case 'addTicket': {
        const made = { ...(change['ticket'] as Ticket) };
        nextTicket = Math.max(nextTicket, made.id) + 1;
        tickets.set(made.id, made);
        host.touch(made.id, null, by);
        if (typeof change['text'] === 'string')
          putNote(made.id, { id: nextNote, ticketId: made.id, text: change['text'], detailDescriptionFlag: true });
        return made;
      }
      case 'patchTicket':
        if (!ticket) return {};
        host.touch(ticket.id, { ...ticketRow(ticket) }, by);
        return Object.assign(ticket, change['fields']);
      // A technician's change, which gives only the name of the status.
      case 'setTicketStatus': {
        const board = ticket && find(boards, ticket['board']);
        const status = board && statusesOf(board).find((row) => row['name'] === change['status']);
        if (!ticket || !status) return {};
        host.touch(ticket.id, { ...ticketRow(ticket) }, by);
        return Object.assign(ticket, { status: reference(status), closedFlag: status['closedStatus'] });
      }
      case 'deleteTicket':
        tickets.delete(Number(change['ticketId']));
        return {};
      case 'addNote':
        putNote(Number(change['ticketId']), { ...(change['note'] as Row) });
        return change['note'];
      default:
        return undefined;
    }
  }

  function putNote(ticketId: number, note: Row): void {
    nextNote = Math.max(nextNote, Number(note['id'])) + 1;
    notes.set(ticketId, [...(notes.get(ticketId) ?? []), note]);
  }

  return {
    route,
    apply,
    state: () => [...tickets.values()].map((ticket) => ({ ...ticket, notes: notes.get(ticket.id) ?? [] })),
  };

  function missing(message: string): SimAnswer {
    return failure(400, 'NotFound', message);
  }
}

const levels: Record<string, Level> = { GET: 'inquire', POST: 'add', DELETE: 'delete' };

/** Finds the row of a reference, which may have an id or a name (§4.6). */
function find(rows: readonly Row[], given: unknown): Row | undefined {
  const { id, name } = (given ?? {}) as Row;
  return rows.find((row) => (id === undefined || id === null ? row['name'] === name : row['id'] === Number(id)));
}

const reference = (row: Row) => ({ id: row['id'], name: row['name'] });
const words = (given: unknown) => {
  const { id, name } = (given ?? {}) as Row;
  return String(name ?? id ?? '');
};
const required = (field: string): Row => ({
  code: 'MissingRequiredField',
  message: `The ${field} field is required.`,
  field,
});

function textErrors(given: Row, field: string, maxLength: number, isRequired: boolean): Row[] {
  const value = given[field];
  if (value === undefined || value === null || value === '') return isRequired ? [required(field)] : [];
  if (typeof value !== 'string') return [{ code: 'UnsupportedFormat', message: `${field} is no text`, field }];
  return value.length > maxLength
    ? [{ code: 'InvalidLength', message: `The ${field} field must be ${maxLength} characters or fewer.`, field }]
    : [];
}

function invalid(errors: Row[]): SimAnswer {
  return {
    status: 400,
    body: {
      code: 'InvalidObject',
      message: 'ticket object is invalid',
      errors: errors.map((error) => ({ resource: 'ticket', ...error })),
    },
  };
}
