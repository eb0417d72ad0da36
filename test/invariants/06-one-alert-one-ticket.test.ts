import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { goodCredentials, person } from '../../dev/walkthrough/guide.ts';
import { until } from '../../dev/until.ts';
import { factsCommitted } from '../../domain/process/ids.ts';
import {
  connectAlerts,
  postAlert,
  sendAlert,
  ticketsIn,
  ticketsOf,
  untilAlert,
  type Alerting,
  type AlertView,
} from '../kit/alerts.ts';
import { failUpdates } from '../kit/database.ts';
import { pushEnv } from '../kit/push.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let alerting: Alerting;
let account: string;
let n = 0;

beforeAll(async () => {
  system = await startSystem({
    env: {
      ...pushEnv,
      CALL_TIMEOUT_MS: '400',
      PSA_SEARCH_LAG_MS: '200',
      PSA_SEARCH_LOOKS: '2',
      SWEEP_INTERVAL_MS: '3000',
    },
  });
  alerting = await connectAlerts(system);
});
afterAll(() => system?.close());
beforeEach(async () => {
  await system.connectwise.clearFaults();
  await system.connectwise.settings({ searchLagMs: 0 });
  await system.connectwise.clearLog();
  // Each test has an account of its own, so that no storm gathers.
  account = alerting.mapped[n++]?.id ?? '';
});

const send = (alertId: string, more: object = {}) => sendAlert(system, alerting.key, account, { alertId, ...more });
const posts = async () => (await system.connectwise.log('POST', '/service/tickets$')).length;
/** Waits until a sweep has ended. */
const untilSwept = async (which: string) => {
  const last = async () => (await system.database.db.query.sweep.findFirst())?.sweptAt?.getTime();
  const before = await last();
  await until(`${which} to end`, async () => (await last()) !== before);
};
const postCommittedThen = (then: object) =>
  system.connectwise.fault({ kind: 'afterCommit', method: 'POST', path: '/service/tickets$', ...then });

test('an alert becomes a ticket on the chosen board, for the mapped company, with its reference', async () => {
  const id = await send('plain', { title: 'Queue\nis long', priority: 4 });
  const alert = await untilAlert(system, id, 'delivered');
  const [ticket, second] = await ticketsOf(system, id);
  expect(second).toBeUndefined();
  expect(ticket).toMatchObject({
    id: Number(alert.ticketId),
    externalXRef: alert.reference,
    company: { id: Number(alerting.mapped.find((each) => each.id === account)?.psaAccountId) },
    board: { name: 'Alerts' },
    status: { name: 'New' },
    priority: { name: 'Priority 1 - Critical' },
    summary: expect.stringMatching(/^Queue is long \(/) as string,
  });
  expect(alert.ticketUrl).toContain(`recid=${alert.ticketId}`);
  expect(alert.process?.steps.map((step) => step.state)).toEqual(['done', 'done', 'skipped', 'done']);
});

test.each([
  ['fails after it was committed', { status: 500 }],
  ['is cut off after it was committed', { then: 'drop' }],
  ['is never answered after it was committed', { then: 'hang' }],
])('a POST that %s makes one ticket, found after the lag, with one POST', async (what, then) => {
  await postCommittedThen(then);
  const id = await send(`uncertain ${what}`);
  await untilAlert(system, id, 'delivered');
  expect(await ticketsOf(system, id)).toHaveLength(1);
  expect(await posts()).toBe(1);
});

test('a search that lags longer than the first wait is asked again, and nothing is posted twice', async () => {
  // The first look comes 1.4 s after the claim, the second after 2.8 s.
  await system.connectwise.settings({ searchLagMs: 2_000 });
  await postCommittedThen({ status: 500 });
  const id = await send('lagging');
  await untilAlert(system, id, 'delivered');
  expect(await ticketsOf(system, id)).toHaveLength(1);
  expect(await posts()).toBe(1);
});

test('a POST that never arrived is sent once more, after every look, and no third time', async () => {
  await system.connectwise.fault({ kind: 'drop', method: 'POST', path: '/service/tickets$', times: null });
  const id = await send('lost');
  const dead = await untilAlert(system, id, 'dead', 60_000);
  expect(dead.reason?.code).toBe('not_taken');
  expect(await posts()).toBe(2);
  expect(await ticketsOf(system, id)).toEqual([]);
  // A person finds out why, and retries.
  await system.connectwise.clearFaults();
  await system.api.post(`/v1/alerts/${id}/retry`);
  await untilAlert(system, id, 'delivered');
  expect(await ticketsOf(system, id)).toHaveLength(1);
});

test('a claim that PostgreSQL could not make is no POST that may have arrived: it is made again, and the ticket comes', async () => {
  const claimed = 'old.claim_id is null and new.claim_id is not null';
  await failUpdates(system.database.db, { table: 'alert', when: claimed, times: 1 });
  const id = await send('unclaimed');
  await untilAlert(system, id, 'delivered');
  expect(await ticketsOf(system, id)).toHaveLength(1);
  expect(await posts()).toBe(1);
});

test('of five deliveries at once comes one alert and one ticket; identical ones need no note', async () => {
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => postAlert(system, alerting.key, account, { alertId: 'five' })),
  );
  const ids = await Promise.all(
    answers.map(async (answer) => ((await answer.json()) as { messageId: string }).messageId),
  );
  expect(new Set(ids).size).toBe(1);
  const alert = await untilAlert(system, ids[0] ?? '', 'delivered');
  expect(alert.revision).toBe(5);
  const [ticket, second] = await ticketsOf(system, alert.id);
  expect(second).toBeUndefined();
  expect(ticket?.notes).toHaveLength(1);
});

test('the same id for two accounts is a ticket for each company, with its own words', async () => {
  const other = alerting.mapped[n++];
  const of = [alerting.mapped.find((each) => each.id === account), other];
  const ids: string[] = [];
  for (const [at, each] of of.entries())
    ids.push(await sendAlert(system, alerting.key, each?.id ?? '', { alertId: 'quota-90', title: `Full: ${at}` }));
  for (const [at, id] of ids.entries()) {
    await untilAlert(system, id, 'delivered');
    const [ticket, second] = await ticketsOf(system, id);
    expect(second).toBeUndefined();
    expect(ticket).toMatchObject({
      company: { id: Number(of[at]?.psaAccountId) },
      summary: expect.stringContaining(`Full: ${at}`) as string,
    });
    expect(ticket?.notes).toHaveLength(1);
  }
});

test('sent again with other words it is a note on the same ticket, once, even if that POST fails after its commit', async () => {
  const id = await send('words');
  await untilAlert(system, id, 'delivered');
  await system.connectwise.fault({ kind: 'afterCommit', method: 'POST', path: '/notes$', status: 500 });
  await send('words', { description: 'It is worse now.' });
  await until('the note to be known', async () => (await untilAlert(system, id, 'delivered')).revision === 2);
  await until('the note', async () => (await ticketsOf(system, id))[0]?.notes.length === 2);
  await untilAlert(system, id, 'delivered');
  const [ticket, second] = await ticketsOf(system, id);
  expect(second).toBeUndefined();
  expect(ticket?.notes.filter((note) => note.text.includes('It is worse now.'))).toHaveLength(1);
});

test('a ticket that somebody closed is left closed: a repeat makes the next one, which says which it follows', async () => {
  const id = await send('closed');
  const first = await untilAlert(system, id, 'delivered');
  await system.connectwise.change({ change: 'setTicketStatus', ticketId: Number(first.ticketId), status: 'Closed' });
  await send('closed', { description: 'Again.' });
  await until('the second ticket', async () => (await ticketsOf(system, id)).length === 2);
  const second = await untilAlert(system, id, 'delivered');
  expect(second).toMatchObject({ previousTicketId: first.ticketId });
  expect(second.ticketId).not.toBe(first.ticketId);
  const tickets = await ticketsOf(system, id);
  expect(tickets.map((ticket) => ticket.status.name).sort()).toEqual(['Closed', 'New']);
  expect(tickets.at(-1)?.notes[0]?.text).toContain(`follows ticket ${first.ticketId}`);
});

test('where the setting says so a closed ticket is opened again, and told why', async () => {
  const settings = `/v1/integrations/${alerting.id}/alert-settings`;
  await system.api.put(settings, { whenClosed: 'reopen' });
  const id = await send('reopened');
  const first = await untilAlert(system, id, 'delivered');
  await system.connectwise.change({ change: 'setTicketStatus', ticketId: Number(first.ticketId), status: 'Closed' });
  await send('reopened', { description: 'Again.' });
  await until('the note', async () => (await ticketsOf(system, id))[0]?.notes.length === 2);
  expect(await ticketsOf(system, id)).toMatchObject([{ status: { name: 'New' }, closed: false }]);
  await untilAlert(system, id, 'delivered');
  await system.api.put(settings, { whenClosed: 'new_ticket' });
});

test('an alert of an account that nobody mapped is parked, and delivered by itself once it is', async () => {
  const accountId = alerting.unmapped[0] ?? '';
  const id = await sendAlert(system, alerting.key, accountId, { alertId: 'parked' });
  expect(await untilAlert(system, id, 'parked')).toMatchObject({ process: null });
  const { items } = await system.api.get<{ items: { id: string }[] }>(
    `/v1/psa-connections/${alerting.psaConnectionId}/accounts?limit=200`,
  );
  const taken = new Set(alerting.mapped.map((each) => each.psaAccountId));
  const free = items.find((item) => !taken.has(item.id));
  await system.api.decide('PUT', `/v1/integrations/${alerting.id}/accounts/${accountId}`, 'mapping', {
    psaAccountId: free?.id,
  });
  await untilAlert(system, id, 'delivered');
  expect(await ticketsOf(system, id)).toHaveLength(1);
});

test('an alert whose account is unmapped while it is delivered is parked, and goes on when it is mapped again', async () => {
  await postCommittedThen({ then: 'hang' });
  const id = await send('unmapped');
  await until('the POST', async () => (await posts()) === 1);
  // The ticket cannot be looked for, so the alert is still being delivered when it comes again and loses its account.
  await system.connectwise.fault({ kind: 'status', status: 503, path: '/service/tickets', times: null });
  await send('unmapped', { title: 'Worse' });
  const at = `/v1/integrations/${alerting.id}/accounts/${account}`;
  const { psaAccountId } = alerting.mapped.find((each) => each.id === account) ?? {};
  await system.api.decide('DELETE', at, 'mapping');
  await system.connectwise.clearFaults();
  const parked = await untilAlert(system, id, 'parked', 60_000);
  expect(parked.reason?.code).toBe('unmapped');
  await system.api.decide('PUT', at, 'mapping', { psaAccountId });
  await untilAlert(system, id, 'delivered');
  expect(await ticketsOf(system, id)).toHaveLength(1);
});

test('past its limit alerts of one account gather in one ticket with their number, and none is lost', async () => {
  await system.api.put(`/v1/integrations/${alerting.id}/alert-settings`, { storm: { most: 3, windowMinutes: 60 } });
  const before = (await ticketsIn(system)).length;
  const ids = await Promise.all(Array.from({ length: 20 }, (_, at) => send(`storm-${at}`)));
  await until('all to be told', async () => {
    const states = await Promise.all(
      ids.map(async (id) => (await system.api.get<{ state: string }>(`/v1/alerts/${id}`)).state),
    );
    return states.every((state) => state === 'delivered' || state === 'gathered') ? states : undefined;
  });
  const storm = (
    await system.api.all<{ id: string; source: string; ticketId: string | null }>(
      `/v1/alerts?integrationId=${alerting.id}`,
    )
  ).find((alert) => alert.source === 'storm');
  await until('the ticket of the many', async () => (await ticketsOf(system, storm?.id ?? '')).length === 1);
  expect((await ticketsIn(system)).length - before).toBe(4);
  await system.api.put(`/v1/integrations/${alerting.id}/alert-settings`, { storm: { most: 10 } });
});

test('a worker killed between the POST and its answer makes no second ticket', async () => {
  await postCommittedThen({ then: 'hang' });
  const id = await send('killed');
  await until('the POST to arrive', async () => (await posts()) === 1);
  await system.killWorker();
  await system.startWorker();
  await untilAlert(system, id, 'delivered');
  expect(await ticketsOf(system, id)).toHaveLength(1);
  expect(await posts()).toBe(1);
});

test('without the right to create tickets it is blocked, says whose alert it is and what to set, and goes on with the right', async () => {
  await person.psaCredentials(
    system,
    alerting.psaConnectionId,
    goodCredentials.psa(system.connectwise.url, 'noTicketAdd'),
  );
  const id = await send('forbidden');
  const problem = await until('it to be blocked', async () => {
    const { process } = await system.api.get<AlertView>(`/v1/alerts/${id}`);
    return process?.steps.find((step) => step.state === 'blocked')?.problem;
  });
  expect(problem).toMatchObject({
    code: 'forbidden',
    what: expect.stringContaining('Service Tickets: Add = All') as string,
  });
  const blocked = await until('it to be found', async () => {
    for await (const run of system.temporal.workflow.list({ query: "Blocked = true and Process = 'deliverAlert'" }))
      if (run.workflowId === `alert/${id}`) return run;
    return undefined;
  });
  expect(blocked.searchAttributes['Problem']).toEqual(['forbidden']);
  const handle = system.temporal.workflow.getHandle(`alert/${id}`);
  const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  expect(currentDetails).toContain(`For vendor account ${account} (`);
  expect(currentDetails).toContain('**Find or create the ticket**: blocked (forbidden) since');
  await person.psaCredentials(system, alerting.psaConnectionId);
  await untilAlert(system, id, 'delivered');
  expect(await ticketsOf(system, id)).toHaveLength(1);
});

/** The alert's workflow as the Temporal UI shows it. */
async function shown(id: string) {
  const handle = system.temporal.workflow.getHandle(`alert/${id}`);
  const { status, searchAttributes } = await handle.describe();
  const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  return { status: status.name, problem: searchAttributes['Problem']?.[0] ?? null, details: currentDetails };
}
const untilShown = (id: string, what: { status: string; problem: string | null }) =>
  until(`alert/${id} to be ${JSON.stringify(what)}`, async () => {
    const now = await shown(id);
    if (now.status === what.status && now.problem === what.problem) return now;
    throw new Error(`It is ${JSON.stringify(now)}`);
  });
const stateOf = async (id: string) => (await system.api.get<AlertView>(`/v1/alerts/${id}`)).state;

test('one that the PSA refuses for good gives its slot back and waits for a person, blocked, with the status; a wake tries it again', async () => {
  const body = { code: 'Invalid', message: 'Summary may not say quota.' };
  await system.connectwise.fault({
    kind: 'status',
    status: 400,
    method: 'POST',
    path: '/service/tickets$',
    body,
    times: 2,
  });
  const id = await send('refused');
  const dead = await untilAlert(system, id, 'dead');
  expect(dead.reason).toMatchObject({
    code: 'refused',
    detail: expect.stringContaining('may not say quota') as string,
  });
  const { details } = await untilShown(id, { status: 'RUNNING', problem: 'refused' });
  expect(details).toContain('The PSA refused the ticket (400)');
  expect(details).toContain(`POST /v1/alerts/${id}/retry`);
  expect(details).not.toContain('quota');
  const { waits } = await system.api.get<{ waits: { code?: string; workflowId: string; what: string }[] }>(
    `/v1/integrations/${alerting.id}/health`,
  );
  const wait = waits.find(({ workflowId }) => workflowId === `alert/${id}`);
  expect(wait).toMatchObject({ for: 'person', code: 'refused' });
  expect(details).toContain(wait?.what.split('. ')[1]);
  // Nothing happens by itself. A wake tries it, in vain; then it is tried once more, when the PSA takes it.
  const handle = system.temporal.workflow.getHandle(`alert/${id}`);
  const refusals = async () => (await system.connectwise.log('POST', '/service/tickets$')).length;
  expect(await refusals()).toBe(1);
  // Neither by a wake of Countersign's own, such as one that comes late or is the sweep's: the process parks again.
  const { db } = system.database;
  await db.execute(sql`update process set due_at = now() + interval '1 hour' where id = ${id}`);
  await handle.signal('wake', factsCommitted);
  await until('it to wait for a day again', async () => {
    const { rows } = await db.execute(
      sql`select from process where id = ${id} and due_at > now() + interval '2 hours'`,
    );
    return rows.length === 1;
  });
  expect(await refusals()).toBe(1);
  await handle.signal('wake');
  await until('a second refusal', async () => (await refusals()) === 2);
  await untilAlert(system, id, 'dead');
  await untilShown(id, { status: 'RUNNING', problem: 'refused' });
  await handle.signal('wake');
  await untilAlert(system, id, 'delivered');
  expect(await ticketsOf(system, id)).toHaveLength(1);
  await untilShown(id, { status: 'COMPLETED', problem: null });
});

test('one that is dismissed, or sent again, is waited for no longer', async () => {
  await system.connectwise.fault({ kind: 'status', status: 400, method: 'POST', path: '/service/tickets$', times: 2 });
  const [first, second] = [await send('to dismiss'), await send('to send again')];
  for (const id of [first, second]) await untilShown(id, { status: 'RUNNING', problem: 'refused' });
  await system.api.post(`/v1/alerts/${first}/dismiss`, { reason: 'No' });
  await untilShown(first, { status: 'COMPLETED', problem: null });
  await send('to send again', { description: 'In other words.' });
  await untilAlert(system, second, 'delivered');
  await untilShown(second, { status: 'COMPLETED', problem: null });
  expect(await ticketsOf(system, second)).toHaveLength(1);
});

test('where the board itself is refused one alert says so, and the others wait for it without being tried', async () => {
  const boardIs = (inactive: boolean) =>
    system.connectwise.change({ change: 'setBoardInactive', boardId: 2, inactive });
  await boardIs(true);
  const customers = alerting.mapped.slice(0, 8).map((each) => each.id);
  const ids = await Promise.all(
    customers.map((accountId) => sendAlert(system, alerting.key, accountId, { alertId: 'no board' })),
  );
  const untilCounted = (wanted: Record<string, number>) =>
    until(`alerts to be ${JSON.stringify(wanted)}`, async () => {
      const states = await Promise.all(ids.map(stateOf));
      for (const [state, n] of Object.entries(wanted))
        if (states.filter((each) => each === state).length !== n) throw new Error(`They are ${states.join(', ')}.`);
      return states;
    });
  const states = await untilCounted({ dead: 1, waiting: customers.length - 1 });
  const dead = ids[states.indexOf('dead')] ?? '';
  const { details } = await untilShown(dead, { status: 'RUNNING', problem: 'refused' });
  expect(details).toContain('The PSA refuses the board (400)');
  // One more is not even tried, neither by itself nor by the sweep.
  await system.connectwise.clearLog();
  ids.push(await sendAlert(system, alerting.key, customers[0] ?? '', { alertId: 'no board either' }));
  await untilCounted({ dead: 1, waiting: customers.length });
  // The first of these may have been under way already.
  for (const which of ['one sweep', 'the next one']) await untilSwept(which);
  expect(await posts()).toBe(0);
  const blocked: string[] = [];
  for await (const run of system.temporal.workflow.list({ query: "Blocked = true and Process = 'deliverAlert'" }))
    if (run.status.name === 'RUNNING') blocked.push(run.workflowId);
  expect(blocked).toEqual([`alert/${dead}`]);
  // Tried again in vain, there is one again; tried again with the board, all are delivered.
  await system.temporal.workflow.getHandle(`alert/${dead}`).signal('wake');
  await until('another try', async () => (await posts()) > 0);
  const after = await untilCounted({ dead: 1, waiting: customers.length });
  await boardIs(false);
  const next = ids[after.indexOf('dead')] ?? '';
  await untilShown(next, { status: 'RUNNING', problem: 'refused' });
  await system.temporal.workflow.getHandle(`alert/${next}`).signal('wake');
  await untilCounted({ delivered: ids.length });
  for (const id of ids) expect(await ticketsOf(system, id)).toHaveLength(1);
});
