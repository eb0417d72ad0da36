/** The ConnectWise adapter's ticket half against the simulated ConnectWise, over HTTP. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { unlimited } from '../../connectors/rateLimiter.ts';
import { connectwiseSettings, createConnectwiseAdapter } from '../../connectors/connectwise/adapter.ts';
import { createConnectwiseClient } from '../../connectors/connectwise/client.ts';
import type { TicketSettings } from '../../connectors/connectwise/ticketSettings.ts';
import type { CreateTicket, PsaAdapter } from '../../connectors/psa.ts';
import { clientId, members } from '../../simulators/connectwise/members.ts';
import { startConnectwise } from '../../simulators/connectwise/start.ts';
import type { RunningSimulator } from '../../simulators/kit/simulator.ts';
import { simulatorAdmin, type SimulatorAdmin } from '../../dev/walkthrough/simulatorAdmin.ts';

interface State {
  companies: { id: number }[];
  tickets: {
    id: number;
    summary: string;
    externalXRef: string;
    status: { id: number; name: string };
    notes: { text: string }[];
  }[];
}

let simulator: RunningSimulator;
let admin: SimulatorAdmin;
let accountId: string;

beforeAll(async () => {
  simulator = await startConnectwise({ customers: 20 });
  admin = simulatorAdmin(simulator.url);
});
afterAll(() => simulator.close());
beforeEach(async () => {
  await fetch(`${simulator.url}/__admin/reset`, { method: 'POST', body: '{}' });
  accountId = String((await admin.state<State>()).companies[0]?.id);
});

function adapter(
  member: keyof typeof members = 'full',
  timeoutMs = 5_000,
  rateLimiter = unlimited,
  settings?: Partial<TicketSettings>,
): PsaAdapter {
  return createConnectwiseAdapter(
    createConnectwiseClient(
      {
        site: simulator.url,
        companyId: 'acme',
        publicKey: members[member]?.publicKey ?? '',
        privateKey: members[member]?.privateKey ?? '',
      },
      { clientId, allowPrivateHosts: true, rateLimiter: rateLimiter, timeoutMs },
    ),
    connectwiseSettings.parse({ ...settings }),
  );
}

const ticket = (more: Partial<CreateTicket> = {}): CreateTicket => ({
  accountId,
  boardId: '2',
  summary: 'Mail is delayed',
  body: 'The queue is long.',
  reference: 'CS-1',
  claim: async () => Date.now() + 60_000,
  ...more,
});
const tickets = async () => (await admin.state<State>()).tickets;

describe('rights for alerts', () => {
  test('all that reads can show are granted; those to write are unknown, with the setting', async () => {
    const report = await adapter().checkAlertPermissions();
    expect(report).toMatchObject({ ok: true, auth: 'ok' });
    expect(Object.fromEntries(Object.entries(report.capabilities).map(([name, { state }]) => [name, state]))).toEqual({
      'boards.read': 'granted',
      'boards.details': 'granted',
      'priorities.read': 'granted',
      'tickets.read': 'granted',
      'tickets.create': 'unknown',
      'tickets.edit': 'unknown',
    });
    expect(report.capabilities['tickets.create'].evidence).toContain('Service Desk > Service Tickets: Add = All');
    expect(await admin.log('POST')).toEqual([]);
  });

  test.each([
    [
      'billingOnly',
      ['boards.details', 'boards.read', 'priorities.read', 'tickets.read'],
      'Service Tickets: Inquire = All',
    ],
    ['noTableSetup', ['boards.details'], 'System > Table Setup: Inquire = All'],
  ] as const)('%s: what is missing is denied, and the setting is named', async (member, missing, setting) => {
    const report = await adapter(member).checkAlertPermissions();
    expect(report.ok).toBe(false);
    const denied = Object.entries(report.capabilities).filter(([, finding]) => finding.state === 'denied');
    expect(denied.map(([name]) => name).sort()).toEqual(missing);
    expect(denied.map(([, finding]) => finding.evidence).join(' ')).toContain(setting);
  });
});

test('boards come with statuses and types where tickets can go; priorities with the most urgent first', async () => {
  const { boards, priorities } = await adapter().readTicketOptions();
  expect(boards.find((board) => board.id === '2')).toMatchObject({
    name: 'Alerts',
    statuses: [
      { id: '200', name: 'New', closed: false, active: true, isDefault: true },
      { name: 'In Progress' },
      { name: 'Closed', closed: true },
      { name: 'Retired', active: false },
    ],
    types: [{ name: 'E-mail', active: true }, { name: 'Network' }],
  });
  expect(boards.filter((board) => board.statuses.length === 0).map((board) => board.name)).toEqual([
    'Projects',
    'Old Board',
  ]);
  expect(priorities[0]).toMatchObject({ name: 'Priority 1 - Critical', isDefault: false });
});

test('one board that is refused says so, and keeps the others from nothing', async () => {
  await admin.fault({ kind: 'status', status: 403, path: '/service/boards/2/types' });
  const { boards } = await adapter().readTicketOptions();
  const whole = (await adapter().readTicketOptions()).boards;
  expect(boards.find((board) => board.id === '2')).toMatchObject({ name: 'Alerts', statuses: [], types: [] });
  expect(boards.find((board) => board.id === '2')?.unread).toMatch(/403/);
  expect(boards.filter((board) => board.id !== '2')).toEqual(whole.filter((board) => board.id !== '2'));
});

describe('what is set of the tickets of a connection', () => {
  const set = (settings: Partial<TicketSettings>) => adapter('full', 5_000, unlimited, settings);
  const dueAt = '2026-12-01T08:30:00.000Z';

  test('its values are listed; a table that may not be seen is left out, and nothing else', async () => {
    const { fields } = await adapter().readTicketOptions();
    expect(fields?.['ticketSource']).toContainEqual({ id: '4', name: 'Integration' });
    expect(fields?.['ticketLocation']).toContainEqual({ id: '2', name: 'Remote' });
    await admin.fault({ kind: 'status', status: 403, path: '/service/sources' });
    const less = await adapter().readTicketOptions();
    expect(Object.keys(less.fields ?? {})).toEqual(['ticketLocation']);
    expect(less.priorities).not.toEqual([]);
  });

  test('a ticket has them; without them ConnectWise fills them in', async () => {
    await set({ ticketSource: '4', ticketLocation: '2', ticketDue: 'required_date' }).createTicket(ticket({ dueAt }));
    await adapter().createTicket(ticket({ reference: 'CS-2', dueAt }));
    const [own, usual] = await tickets();
    expect(own).toMatchObject({
      source: { name: 'Integration' },
      serviceLocation: { name: 'Remote' },
      requiredDate: '2026-12-01T08:30:00Z',
    });
    expect(usual).toMatchObject({ source: { name: 'Phone' }, serviceLocation: { name: 'On-site' } });
    expect(usual).not.toHaveProperty('requiredDate');
    // The vendor may give no date.
    expect(await set({ ticketDue: 'required_date' }).createTicket(ticket({ reference: 'CS-3' }))).toMatchObject({
      outcome: 'created',
    });
  });

  test('one that is gone is refused, in the words of ConnectWise', async () => {
    const made = await set({ ticketSource: '99' }).createTicket(ticket());
    expect(made).toMatchObject({ outcome: 'rejected', detail: expect.stringContaining('Source 99 not found') });
  });
});

describe('one ticket for one reference (invariant 6)', () => {
  test('is created once, and found the second time, with its place in ConnectWise', async () => {
    const first = await adapter().createTicket(ticket({ statusId: '201', typeId: '400', priorityId: '1' }));
    expect(first).toMatchObject({
      outcome: 'created',
      ticket: { summary: 'Mail is delayed', statusName: 'In Progress', closed: false, accountId, reference: 'CS-1' },
    });
    expect(await adapter().createTicket(ticket())).toMatchObject({ outcome: 'existing' });
    expect(await tickets()).toMatchObject([{ externalXRef: 'CS-1', notes: [{ text: 'The queue is long.' }] }]);
    if (first.outcome !== 'created') throw new Error('It was not created.');
    const url = new URL(first.ticket.url ?? '');
    expect(url.searchParams.get('recid')).toBe(first.ticket.id);
    expect(await adapter().getTicket({ ticketId: first.ticket.id })).toEqual(first.ticket);
  });

  test('two of one reference are told, and neither is taken for the right one', async () => {
    await adapter().createTicket(ticket());
    await admin.change({ change: 'addTicket', ticket: { ...(await tickets())[0], id: 90_500_000 } });
    expect(await adapter().createTicket(ticket())).toMatchObject({ outcome: 'several', tickets: [{}, {}] });
  });

  test('a reference that only looks alike is another one', async () => {
    await adapter().createTicket(ticket({ reference: 'cs-1' }));
    expect(await adapter().createTicket(ticket({ reference: 'CS-1' }))).toMatchObject({ outcome: 'created' });
  });

  describe('where the role does not show the reference', () => {
    const blind = () => adapter('noReference');

    test('the one ticket that the search finds is its own, if company and summary fit: no second POST', async () => {
      const first = await blind().createTicket(ticket());
      expect(first).toMatchObject({ outcome: 'created' });
      expect(await blind().createTicket(ticket())).toMatchObject({ outcome: 'existing' });
      expect(await tickets()).toHaveLength(1);
      const long = ticket({ reference: 'CS-2', summary: `${'x'.repeat(99)} ${'y'.repeat(50)}` });
      await blind().createTicket(long);
      expect(await blind().createTicket(long)).toMatchObject({ outcome: 'existing' });
    });

    test.each([
      ['another summary', { summary: 'Somebody else wrote this' }],
      ['another company', { company: { id: 1, name: 'Another' } }],
    ])('%s proves nothing: for a person, and nothing is posted', async (_what, more) => {
      await adapter().createTicket(ticket());
      const [made] = await tickets();
      await admin.change({ change: 'patchTicket', ticketId: made?.id, fields: more });
      await admin.clearLog();
      expect(await blind().createTicket(ticket())).toMatchObject({
        outcome: 'unproven',
        tickets: [{ id: String(made?.id) }],
      });
      expect(await admin.log('POST')).toEqual([]);
    });

    test('two that fit prove nothing either', async () => {
      await adapter().createTicket(ticket());
      await admin.change({ change: 'addTicket', ticket: { ...(await tickets())[0], id: 90_500_000 } });
      expect(await blind().createTicket(ticket())).toMatchObject({ outcome: 'unproven', tickets: [{}, {}] });
    });

    test('a ticket that shows another reference is not its own, whoever looks', async () => {
      await adapter().createTicket(ticket({ reference: 'cs-1' }));
      expect(await adapter().findTickets(ticket())).toEqual({ found: 'none' });
      expect(await blind().findTickets(ticket({ reference: 'CS-9' }))).toEqual({ found: 'none' });
    });
  });

  test.each([409, 423, 425])('a POST that meets a %d is not sent: somebody has the record in use', async (status) => {
    await admin.fault({ kind: 'status', method: 'POST', status, body: { message: 'In use.' } });
    expect(await adapter().createTicket(ticket())).toMatchObject({
      outcome: 'not_sent',
      error: { kind: 'transient', code: 'locked' },
    });
    expect(await tickets()).toEqual([]);
  });

  test.each([
    ['a maintenance page', { status: 200, text: '<html><title>Back soon</title></html>' }],
    ['nothing', { status: 200, text: '' }],
  ])('a search that meets %s is not nothing: no POST', async (_what, answer) => {
    await admin.fault({ kind: 'status', method: 'GET', path: '/service/tickets$', ...answer });
    expect(await adapter().createTicket(ticket())).toMatchObject({ outcome: 'not_sent', error: { code: 'not_json' } });
    expect(await admin.log('POST')).toEqual([]);
  });

  test.each([
    ['a maintenance page after the commit', { kind: 'afterCommit', status: 200, text: '<html>' }, 'uncertain', 1],
    ['an empty 201 after the commit', { kind: 'afterCommit', status: 201, text: '' }, 'uncertain', 1],
    ['a challenge', { kind: 'status', status: 403, text: '<html>Just a moment...</html>' }, 'not_sent', 0],
  ])('a POST that is answered with %s', async (_what, fault, outcome, there) => {
    await admin.fault({ ...fault, method: 'POST', path: '/service/tickets$' });
    expect(await adapter().createTicket(ticket())).toMatchObject({ outcome });
    expect(await tickets()).toHaveLength(there);
  });

  test.each([
    ['answers 500 after the commit', { kind: 'afterCommit', status: 500 }, 1],
    ['drops the connection after the commit', { kind: 'afterCommit', then: 'drop' }, 1],
    ['never answers', { kind: 'hang' }, 0],
    ['answers 503 before anything', { kind: 'status', status: 503 }, 0],
    ['answers something that is no ticket', { kind: 'malformed' }, 1],
  ])('a POST that %s is uncertain, and is not sent again', async (_what, fault, there) => {
    await admin.fault({ ...fault, method: 'POST', path: '/service/tickets$' });
    expect(await adapter('full', 500).createTicket(ticket())).toMatchObject({ outcome: 'uncertain' });
    expect(await admin.log('POST', '/service/tickets$')).toHaveLength(1);
    expect(await tickets()).toHaveLength(there);
  });

  test('what nothing came of is not sent: away, throttled, a missing right, a search that fails', async () => {
    await admin.fault({ kind: 'status', method: 'POST', path: '/service/tickets$', status: 429, retryAfter: 7 });
    expect(await adapter().createTicket(ticket())).toMatchObject({
      outcome: 'not_sent',
      error: { code: 'throttled', retryAfterMs: 7_000 },
    });
    expect(await adapter('noTicketAdd').createTicket(ticket())).toMatchObject({
      outcome: 'not_sent',
      error: { code: 'forbidden', detail: expect.stringContaining('Service Tickets: Add = All') as string },
    });
    await admin.fault({ kind: 'status', method: 'GET', path: '/service/tickets$', status: 500 });
    expect(await adapter().createTicket(ticket())).toMatchObject({ outcome: 'not_sent', error: { code: 'upstream' } });
    expect(await tickets()).toEqual([]);
  });

  test.each([
    ['a board that is inactive', { boardId: '4' }],
    ['a status of another board', { statusId: '100' }],
    ['a company that is gone', { accountId: '999999' }],
  ])('%s is rejected with what ConnectWise says', async (_what, more) => {
    const result = await adapter().createTicket(ticket(more));
    expect(result).toMatchObject({ outcome: 'rejected', code: 'invalid_request' });
  });

  test('a POST is claimed once nothing is left to wait for, and not sent if somebody else has it', async () => {
    const order: string[] = [];
    const rateLimiter = { take: async () => void order.push('permit'), throttled: async () => undefined };
    const claim = async () => {
      order.push('claim');
      return 0;
    };
    const late = await adapter('full', 5_000, rateLimiter).createTicket(ticket({ claim }));
    expect(late).toMatchObject({ outcome: 'not_sent', error: { code: 'too_late' } });
    // To find the API, to look for the ticket, and to post it.
    expect(order).toEqual(['permit', 'permit', 'permit', 'claim']);
    expect(await admin.log('POST', '/service/tickets$')).toEqual([]);
  });

  test('a summary of more than 100 characters is cut, and a body stays whole', async () => {
    await adapter().createTicket(ticket({ summary: 'x'.repeat(300), body: 'y'.repeat(5_000) }));
    const [made] = await tickets();
    expect(made?.summary).toHaveLength(100);
    expect(made?.notes[0]?.text).toHaveLength(5_000);
  });
});

describe('notes and statuses', () => {
  async function made(): Promise<string> {
    const result = await adapter().createTicket(ticket());
    if (result.outcome !== 'created') throw new Error('It was not created.');
    return result.ticket.id;
  }

  test('a note is added once by its marker; uncertain after a failure, and found then', async () => {
    const ticketId = await made();
    const claim = async () => Date.now() + 60_000;
    const note = { ticketId, marker: '[CS-1-r2]', text: 'Again. [CS-1-r2]', first: true, claim };
    await admin.fault({ kind: 'afterCommit', method: 'POST', path: '/notes$', status: 500 });
    expect(await adapter().addNote(note)).toMatchObject({ outcome: 'uncertain' });
    expect(await adapter().findNote(note)).toBe('there');
    expect(await adapter().addNote(note)).toEqual({ outcome: 'existing' });
    expect((await tickets())[0]?.notes.filter(({ text }) => text.includes('[CS-1-r2]'))).toHaveLength(1);
    expect(await adapter().addNote({ ...note, marker: '[CS-1-r3]', text: 'Over. [CS-1-r3]' })).toEqual({
      outcome: 'created',
    });
  });

  test('notes without their text are not no note: the first is posted, a second is for a person', async () => {
    const ticketId = await made();
    const blind = adapter('noNoteText');
    const claim = async () => Date.now() + 60_000;
    const note = { ticketId, marker: '[CS-1-r2]', text: 'Again. [CS-1-r2]', first: true, claim };
    expect(await blind.addNote(note)).toEqual({ outcome: 'created' });
    expect(await blind.findNote(note)).toBe('unreadable');
    expect(await blind.addNote({ ...note, first: false })).toEqual({ outcome: 'unreadable' });
    expect(await adapter().findNote(note)).toBe('there');
    expect((await tickets())[0]?.notes.filter(({ text }) => text.includes('[CS-1-r2]'))).toHaveLength(1);
  });

  test('in use is passing for notes and for statuses', async () => {
    const ticketId = await made();
    const claim = async () => Date.now() + 60_000;
    const note = { ticketId, marker: '[CS-1-r2]', text: 'Again. [CS-1-r2]', first: true, claim };
    const inUse = { kind: 'status', status: 409, body: { message: 'In use.' } };
    await admin.fault({ ...inUse, method: 'POST', path: '/notes$' });
    await admin.fault({ ...inUse, method: 'PATCH' });
    expect(await adapter().addNote(note)).toMatchObject({ outcome: 'not_sent', error: { code: 'locked' } });
    const failed = adapter().setTicketStatus({ ticketId, statusId: '201' });
    await expect(failed).rejects.toMatchObject({ kind: 'transient', code: 'locked' });
  });

  test('closed and reopened by its status; gone is null', async () => {
    const ticketId = await made();
    await admin.change({ change: 'setTicketStatus', ticketId: Number(ticketId), status: 'Closed' });
    expect(await adapter().getTicket({ ticketId })).toMatchObject({ closed: true, statusName: 'Closed' });
    await adapter().setTicketStatus({ ticketId, statusId: '201' });
    expect(await adapter().getTicket({ ticketId })).toMatchObject({ closed: false, statusName: 'In Progress' });
    await admin.change({ change: 'deleteTicket', ticketId: Number(ticketId) });
    expect(await adapter().getTicket({ ticketId })).toBeNull();
  });
});
