/** The simulated ConnectWise's tickets against connectwise.md §4.5–4.6 and §5.2–5.3, and nothing else. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { clientId, members } from '../../simulators/connectwise/members.ts';
import { startConnectwise } from '../../simulators/connectwise/start.ts';
import type { RunningSimulator } from '../../simulators/kit/simulator.ts';
import { simulatorAdmin, type SimulatorAdmin } from '../../dev/walkthrough/simulatorAdmin.ts';
import { asking, type Ask } from './asking.ts';

interface Ticket {
  id: number;
  summary: string;
  board: { id: number; name: string };
  status: { id: number; name: string };
  company: { id: number; name: string };
  externalXRef: string;
  _info: { lastUpdated: string };
}

let simulator: RunningSimulator;
let admin: SimulatorAdmin;
let ask: Ask;
let company: { id: number; name: string };
const tickets = '/v4_6_release/apis/3.0/service/tickets';

const as = (member: keyof typeof members): Ask => {
  const text = `acme+${members[member]?.publicKey}:${members[member]?.privateKey}`;
  return asking(simulator.url, { authorization: `Basic ${Buffer.from(text).toString('base64')}`, clientId });
};

beforeAll(async () => {
  simulator = await startConnectwise({ customers: 40 });
  admin = simulatorAdmin(simulator.url);
});
afterAll(() => simulator.close());
beforeEach(async () => {
  await asking(simulator.url, {})('POST', '/__admin/reset', {});
  ask = as('full');
  const { body } = await ask<{ id: number; name: string }[]>(
    'GET',
    '/v4_6_release/apis/3.0/company/companies?pageSize=1',
  );
  company = body[0] ?? { id: 0, name: '' };
});

const minimal = (more: object = {}) => ({
  summary: 'Mail is delayed',
  company: { id: company.id },
  board: { id: 2 },
  ...more,
});
const create = (more: object = {}) => ask<Ticket>('POST', tickets, minimal(more));
const found = async (conditions: string) =>
  (await ask<Ticket[]>('GET', `${tickets}?${new URLSearchParams({ conditions }).toString()}`)).body;

describe('creating (§4.6)', () => {
  test('references come back expanded, texts for the first note do not come back', async () => {
    const { status, body } = await create({ initialDescription: 'The queue is long.', externalXRef: 'CS-1' });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      summary: 'Mail is delayed',
      company: { id: company.id, name: company.name },
      board: { id: 2, name: 'Alerts' },
      status: { name: 'New' },
      externalXRef: 'CS-1',
    });
    expect(body).not.toHaveProperty('initialDescription');
    const notes = await ask<{ text: string }[]>('GET', `${tickets}/${body.id}/notes`);
    expect(notes.body).toMatchObject([{ text: 'The queue is long.' }]);
  });

  test.each([
    ['no summary', { summary: undefined }, 'summary'],
    ['101 characters', { summary: 'x'.repeat(101) }, 'summary'],
    ['no company', { company: undefined }, 'company'],
    ['no board', { board: undefined }, 'board'],
    ['a reference of 101 characters', { externalXRef: 'x'.repeat(101) }, 'externalXRef'],
    ['a project board', { board: { id: 3 } }, 'board'],
    ['an inactive board', { board: { id: 4 } }, 'board'],
  ])('%s is 400, and no ticket is there', async (_what, more, field) => {
    const { status, body } = await ask<{ errors: { field: string }[] }>('POST', tickets, minimal(more));
    expect(status).toBe(400);
    expect(body.errors.map((error) => error.field)).toContain(field);
    expect((await admin.state<{ tickets: unknown[] }>()).tickets).toEqual([]);
  });

  test("a status is looked for on the ticket's own board", async () => {
    expect((await create({ status: { name: 'In Progress' } })).body.status.name).toBe('In Progress');
    const other = await ask<{ code: string; message: string }>('POST', tickets, minimal({ status: { id: 100 } }));
    expect(other).toMatchObject({ status: 400, body: { code: 'NotFound' } });
    expect(other.body.message).toMatch(/not found for Service Board 2/);
  });
});

describe('finding and changing', () => {
  test('by externalXRef, by id, by search; a change dates the row', async () => {
    const { body: made } = await create({ externalXRef: 'CS-2' });
    await create({ externalXRef: 'CS-3' });
    expect((await found('externalXRef="CS-2"')).map((ticket) => ticket.id)).toEqual([made.id]);
    const searched = await ask<Ticket[]>('POST', `${tickets}/search`, { conditions: 'externalXRef="CS-3"' });
    expect(searched.body).toHaveLength(1);
    const changed = await ask<Ticket>('PATCH', `${tickets}/${made.id}`, [
      { op: 'replace', path: 'status', value: { name: 'Closed' } },
    ]);
    expect(changed.body).toMatchObject({ status: { name: 'Closed' }, closedFlag: true });
    expect(changed.body._info.lastUpdated > made._info.lastUpdated).toBe(true);
  });

  test('a technician closes one, or deletes it', async () => {
    const { body } = await create();
    await admin.change({ change: 'setTicketStatus', ticketId: body.id, status: 'Closed' });
    expect((await ask<Ticket>('GET', `${tickets}/${body.id}`)).body).toMatchObject({ closedFlag: true });
    await admin.change({ change: 'deleteTicket', ticketId: body.id });
    expect((await ask('GET', `${tickets}/${body.id}`)).status).toBe(404);
  });

  test('searches lag behind a creation, by id there is no lag (§5.2)', async () => {
    await admin.settings({ searchLagMs: 3_600_000 });
    const { body } = await create({ externalXRef: 'CS-4' });
    expect(await found('externalXRef="CS-4"')).toEqual([]);
    expect((await ask('GET', `${tickets}/${body.id}`)).status).toBe(200);
    await admin.settings({ searchLagMs: 0 });
    expect(await found('externalXRef="CS-4"')).toHaveLength(1);
  });

  test('a note needs a text and a place', async () => {
    const { body } = await create();
    expect((await ask('POST', `${tickets}/${body.id}/notes`, { text: 'Again.' })).status).toBe(400);
    const note = await ask('POST', `${tickets}/${body.id}/notes`, { text: 'Again.', internalAnalysisFlag: true });
    expect(note.status).toBe(201);
    expect((await ask<unknown[]>('GET', `${tickets}/${body.id}/notes`)).body).toHaveLength(1);
  });

  test('a failure after the commit leaves the ticket there', async () => {
    await admin.fault({ kind: 'afterCommit', method: 'POST', path: '/service/tickets$', status: 500 });
    expect((await create({ externalXRef: 'CS-5' })).status).toBe(500);
    expect(await found('externalXRef="CS-5"')).toHaveLength(1);
  });
});

test('rights: who may not read, add or edit is refused (§6)', async () => {
  const { body } = await create();
  expect((await as('billingOnly')('GET', tickets)).status).toBe(403);
  expect((await as('billingOnly')('POST', `${tickets}/${body.id}/notes`, { text: 'x' })).status).toBe(403);
  expect((await as('noTicketAdd')('POST', tickets, minimal())).status).toBe(403);
  expect((await as('noTicketAdd')('GET', tickets)).status).toBe(200);
});
