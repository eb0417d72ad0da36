/**
 * The ticket part (connectwise.md §4.6). There is evidence for fields, lengths, the check of a status against its board,
 * references that come back expanded, and `initialDescription`, which is never returned. Assumed are the answers to a missing
 * company or an inactive board, that the initial description becomes the first note, and that a note needs a flag.
 */
import type { SimAnswer, SimRequest } from '../kit/simulator.ts';
import type { WorldCompany } from '../world.ts';
import {
  allowed,
  failure,
  invalid as invalidObject,
  levelOf,
  noEndpoint,
  notFound,
  patchOf,
  referred,
  required,
  words,
  wrongMethod,
  type Row,
} from './answers.ts';
import { priorities, statusesOf, subTypesOf, typesOf } from './boards.ts';
import { read } from './conditions.ts';
import type { Level, Member } from './members.ts';
import { serviceLocations, sources } from './setup.ts';

interface Ticket extends Row {
  id: number;
}

/** What the ticket part needs from the rest of the simulation. */
export interface TicketHost {
  boards: readonly Row[];
  companies: () => readonly WorldCompany[];
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
const levels = ['Low', 'Medium', 'High'];
const patchable = new Set([
  'summary', 'company', 'siteName', 'board', 'status', 'type', 'subType', 'priority', 'source', 'severity', 'impact',
  'externalXRef', 'poNumber', 'closedFlag',
]); // prettier-ignore
const noteFlags = ['detailDescriptionFlag', 'internalAnalysisFlag', 'resolutionFlag'];

export function createTickets(host: TicketHost) {
  const { boards } = host;
  const tickets = new Map<number, Ticket>();
  const notes = new Map<number, Row[]>();
  let nextTicket = 90_000_001;
  let nextNote = 95_000_001;

  const ticketRow = (ticket: Ticket): Row => ({
    ...ticket,
    _info: { ...host.info(ticket.id), dateEntered: ticket['dateEntered'] },
  });

  /** Answers a request, without the fields that the member's role hides. */
  function route(request: SimRequest, member: Member, parts: readonly string[]): SimAnswer {
    const answer = whole(request, member, parts);
    const { hides = [] } = member;
    if (hides.length === 0 || answer.status >= 300) return answer;
    const shown = (row: Row) => Object.fromEntries(Object.entries(row).filter(([name]) => !hides.includes(name)));
    const { body } = answer;
    return { ...answer, body: Array.isArray(body) ? (body as Row[]).map(shown) : body && shown(body as Row) };
  }

  function whole(request: SimRequest, member: Member, parts: readonly string[]): SimAnswer {
    const [idText, sub, subId, ...more] = parts;
    const { method } = request;
    if ((sub !== undefined && sub !== 'notes') || more.length > 0) return noEndpoint();
    if (idText === 'search' && sub === undefined)
      return method === 'POST' ? search(request, member) : (allowed(member, 'tickets', 'inquire') ?? wrongMethod());
    const level: Level = sub === 'notes' && method !== 'GET' ? 'edit' : levelOf(method);
    const refused = allowed(member, 'tickets', level);
    if (refused) return refused;
    const rows = () => [...tickets.values()].map(ticketRow);
    if (idText === undefined && method === 'POST') return create(request, member);
    if (idText === undefined || idText === 'count')
      return method === 'GET' ? host.collection(request, idText, rows) : wrongMethod();
    if (!/^\d+$/.test(idText)) return noEndpoint();
    const ticket = tickets.get(Number(idText));
    if (!ticket) return notFound();
    if (sub === 'notes') return notesOf(request, member, ticket, subId);
    switch (method) {
      case 'GET':
        return { status: 200, body: ticketRow(ticket) };
      case 'PATCH':
        return patch(request, member, ticket);
      case 'PUT':
        return replace(request, member, ticket);
      case 'DELETE':
        host.write({ change: 'deleteTicket', ticketId: ticket.id }, member);
        return { status: 204 };
      default:
        return wrongMethod();
    }
  }

  function search(request: SimRequest, member: Member): SimAnswer {
    const query = new URLSearchParams(request.query);
    const conditions = read((request.body ?? {}) as Row, 'conditions');
    if (typeof conditions === 'string') query.set('conditions', conditions);
    const rows = () => [...tickets.values()].map(ticketRow);
    return allowed(member, 'tickets', 'inquire') ?? host.collection({ ...request, query }, undefined, rows);
  }

  function create(request: SimRequest, member: Member): SimAnswer {
    const given = (request.body ?? {}) as Row;
    const placed = checked(given);
    if ('refusal' in placed) return placed.refusal;
    const ticket = {
      recordType: 'ServiceTicket',
      siteName: 'Main',
      severity: 'Medium',
      impact: 'Medium',
      ...ownFields(given),
      ...placed.fields,
      id: nextTicket,
      dateEntered: new Date().toISOString().replace(/\.\d+/, ''),
    };
    const text = initialTexts.map((name) => given[name]).find((value) => typeof value === 'string');
    host.write({ change: 'addTicket', ticket, ...(text === undefined ? {} : { text }) }, member);
    return { status: 201, body: ticketRow(tickets.get(ticket.id) ?? ticket) };
  }

  /** Replaces all fields: what is left out is null, or has its default (§5.1). `severity` and `impact` are required then (§4.6). */
  function replace(request: SimRequest, member: Member, ticket: Ticket): SimAnswer {
    const given = (request.body ?? {}) as Row;
    const absent = ['severity', 'impact'].filter((name) => given[name] === undefined);
    if (absent.length > 0) return invalid(absent.map(required));
    const placed = checked(given);
    if ('refusal' in placed) return placed.refusal;
    const { id, recordType, dateEntered } = ticket;
    const nothing = Object.fromEntries(Object.keys(ticket).map((name) => [name, null]));
    const fields = { ...nothing, ...ownFields(given), ...placed.fields, id, recordType, dateEntered };
    host.write({ change: 'patchTicket', ticketId: ticket.id, fields }, member);
    return { status: 200, body: ticketRow(ticket) };
  }

  /** Checks the fields of a whole ticket, and expands its references. */
  function checked(given: Row): { fields: Row } | { refusal: SimAnswer } {
    const errors = [
      ...textErrors(given, 'summary', 100, true),
      ...textErrors(given, 'externalXRef', 100, false),
      ...textErrors(given, 'siteName', 50, false),
      ...(words(given['company']) === '' ? [required('company')] : []),
      ...(given['board'] === undefined ? [required('board')] : []),
    ];
    return errors.length > 0 ? { refusal: invalid(errors) } : place(given);
  }

  /** Expands company, board, status, type, subtype, priority, source and location; or refuses them. */
  function place(given: Row): { fields: Row } | { refusal: SimAnswer } {
    const wrong = ['severity', 'impact'].filter((name) => given[name] && !levels.includes(String(given[name])));
    if (wrong.length > 0)
      return {
        refusal: invalid(
          wrong.map((field) => ({
            code: 'UnsupportedFormat',
            message: `Unsupported format applied to ${field}`,
            field,
          })),
        ),
      };
    const company = referred(host.companies(), given['company']);
    if (!company) return { refusal: missing(`Company ${words(given['company'])} not found`) };
    const board = referred(boards, given['board']);
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
    const status = given['status'] ? referred(statuses, given['status']) : statuses.find((row) => row['defaultFlag']);
    if (!status)
      return {
        refusal: missing(`Service Status ${words(given['status'])} not found for Service Board ${String(board['id'])}`),
      };
    const type = given['type'] ? referred(typesOf(board), given['type']) : null;
    if (type === undefined)
      return {
        refusal: missing(`Service Type ${words(given['type'])} not found for Service Board ${String(board['id'])}`),
      };
    const subType = given['subType'] ? referred(subTypesOf(board), given['subType']) : null;
    if (subType === undefined)
      return {
        refusal: missing(
          `Service SubType ${words(given['subType'])} not found for Service Board ${String(board['id'])}`,
        ),
      };
    const source = given['source'] ? referred(sources, given['source']) : sources.find((row) => row['defaultFlag']);
    if (!source) return { refusal: missing(`Source ${words(given['source'])} not found`) };
    const location = given['serviceLocation']
      ? referred(serviceLocations, given['serviceLocation'])
      : serviceLocations.find((row) => row['defaultFlag']);
    if (!location) return { refusal: missing(`Service Location ${words(given['serviceLocation'])} not found`) };
    // A date in another form was refused by a live system (§3).
    if (given['requiredDate'] && !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(String(given['requiredDate'])))
      return {
        refusal: invalid([
          {
            code: 'UnsupportedFormat',
            message: 'Unsupported format applied to requiredDate',
            field: 'requiredDate',
          },
        ]),
      };
    const priority = given['priority']
      ? referred(priorities, given['priority'])
      : priorities.find((row) => row['defaultFlag']);
    if (!priority) return { refusal: missing(`Priority ${words(given['priority'])} not found`) };
    return {
      fields: {
        company: { id: company.id, identifier: company.identifier, name: company.name },
        board: reference(board),
        status: reference(status),
        type: type && reference(type),
        subType: subType && reference(subType),
        priority: reference(priority),
        source: reference(source),
        serviceLocation: reference(location),
        closedFlag: status['closedStatus'],
      },
    };
  }

  function patch(request: SimRequest, member: Member, ticket: Ticket): SimAnswer {
    const read = patchOf(request, 'ticket', patchable);
    if ('refusal' in read) return read.refusal;
    const { fields } = read;
    const placed = place({ ...ticket, ...fields });
    if ('refusal' in placed) return placed.refusal;
    host.write({ change: 'patchTicket', ticketId: ticket.id, fields: { ...fields, ...placed.fields } }, member);
    return { status: 200, body: ticketRow(ticket) };
  }

  function notesOf(request: SimRequest, member: Member, ticket: Ticket, idText: string | undefined): SimAnswer {
    if (request.method === 'GET') return host.collection(request, idText, () => notes.get(ticket.id) ?? []);
    if (request.method !== 'POST' || idText !== undefined) return wrongMethod();
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
        const board = ticket && referred(boards, ticket['board']);
        const status = board && statusesOf(board).find((row) => row['name'] === change['status']);
        if (!ticket || !status) return {};
        host.touch(ticket.id, { ...ticketRow(ticket) }, by);
        return Object.assign(ticket, { status: reference(status), closedFlag: status['closedStatus'] });
      }
      // An administrator makes a board inactive, or active again.
      case 'setBoardInactive': {
        const board = boards.find((row) => row['id'] === Number(change['boardId']));
        return board ? Object.assign(board, { inactiveFlag: change['inactive'] === true }) : {};
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
    /** Its own fields, and what the tests read of the tickets of any PSA. */
    state: () =>
      [...tickets.values()].map((ticket) => ({
        ...ticket,
        reference: ticket['externalXRef'] ?? '',
        closed: ticket['closedFlag'] ?? false,
        notes: notes.get(ticket.id) ?? [],
      })),
  };

  function missing(message: string): SimAnswer {
    return failure(400, 'NotFound', message);
  }
}

const invalid = (errors: readonly Row[]) => invalidObject('ticket', errors);

/** What is stored as it is given. */
const ownFields = (given: Row): Row =>
  Object.fromEntries(Object.entries(given).filter(([name]) => ![...initialTexts, 'id', '_info'].includes(name)));

const reference = (row: Row) => ({ id: row['id'], name: row['name'] });
function textErrors(given: Row, field: string, maxLength: number, isRequired: boolean): Row[] {
  const value = given[field];
  if (value === undefined || value === null || value === '') return isRequired ? [required(field)] : [];
  if (typeof value !== 'string') return [{ code: 'UnsupportedFormat', message: `${field} is no text`, field }];
  return value.length > maxLength
    ? [{ code: 'InvalidLength', message: `The ${field} field must be ${maxLength} characters or fewer.`, field }]
    : [];
}
