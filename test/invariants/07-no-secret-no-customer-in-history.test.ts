import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { members } from '../../simulators/connectwise/members.ts';
import { keys } from '../../simulators/mailprotector/keys.ts';
import {
  createIntegration,
  createPsaConnection,
  person,
  reach,
  stepOf,
  syncNow,
  signOff,
  untilApprovalClosed,
  untilConnected,
  type CardView,
} from '../../dev/walkthrough/guide.ts';
import { dumpHistories } from '../kit/histories.ts';
import { companiesOf, customersOf } from '../kit/simulatorState.ts';
import { goodCredentials } from '../../dev/walkthrough/guide.ts';
import { startSystem, type System } from '../kit/system.ts';
import { factsCommitted } from '../../domain/process/ids.ts';
import { until } from '../../dev/until.ts';

let system: System;
let psaConnectionId: string;
let integrationId: string;
let secrets: string[];
let records: string[];

/** What an outside system says when it fails: it quotes a customer, an address, and the key that it was given. */
let quoting: (key: string | undefined) => Record<string, unknown>;

beforeAll(async () => {
  system = await startSystem({ customers: 30 });
  const customers = await customersOf(system);
  const first = customers[0];
  quoting = (key) => {
    const message = `${first?.name} <someone@${first?.domains[0]?.name}> may not do this with ${key}`;
    return { code: 'Fault', message, errors: [{ message }] };
  };
  const pair = (name: keyof typeof members) =>
    Buffer.from(`acme+${members[name]?.publicKey}:${members[name]?.privateKey}`).toString('base64');
  secrets = [
    ...system.secrets,
    ...Object.values(keys),
    ...Object.values(members).map((member) => member.privateKey),
    ...Object.keys(members).map(pair),
    'wrong-mailprotector-key',
    'wrongPrivateKey',
  ];
  records = [
    ...customers.map((customer) => customer.name),
    ...customers.flatMap((customer) => customer.domains.map((domain) => domain.name)),
    ...(await companiesOf(system)).map((company) => company.name),
    'someone@',
    '.example',
  ];
  await walkWithFailures();
});
afterAll(() => system?.close());

/** The guide to an approved card, with everything failing once on the way, each failure quoting what must not be kept. */
/** A person who is as fast as this test may free a step before its workflow has seen, and said, that it was blocked. */
const untilLogged = (problem: string) =>
  until(`the log to say that it is blocked: ${problem}`, () =>
    system
      .logs()
      .split('\n')
      .some((line) =>
        ['"msg":"blocked"', '"step":"verifyCredentials"', `"problem":"${problem}"`].every((part) =>
          line.includes(part),
        ),
      ),
  );

async function walkWithFailures(): Promise<void> {
  const { mailprotector, connectwise } = system;
  const psa = quoting(members['full']?.privateKey);
  const vendor = quoting(keys.reseller);
  const good = goodCredentials.psa(connectwise.url);
  psaConnectionId = await createPsaConnection(system, { ...good, privateKey: 'wrongPrivateKey' });
  const connection = () =>
    system.api.get<{ process: { steps: { step: string; state: string }[] } }>(`/v1/psa-connections/${psaConnectionId}`);
  await until('the wrong PSA key to be refused', async () =>
    (await connection()).process.steps.some((step) => step.state === 'blocked'),
  );
  await connectwise.fault({
    kind: 'status',
    status: 500,
    method: 'GET',
    path: '/company/companies$',
    times: 2,
    body: psa,
  });
  await connectwise.fault({
    kind: 'status',
    status: 429,
    retryAfter: 0,
    path: '/finance/agreements$',
    times: 1,
    body: psa,
  });
  await connectwise.fault({ kind: 'malformed', method: 'GET', path: '/procurement/catalog$', skip: 1 });
  await system.api.put(`/v1/psa-connections/${psaConnectionId}/credentials`, {
    kind: 'connectwise',
    credentials: good,
  });

  integrationId = await createIntegration(system, psaConnectionId);
  await mailprotector.fault({
    kind: 'status',
    status: 401,
    path: '/resellers/500$',
    body: quoting('wrong-mailprotector-key'),
  });
  await person.credentials(system, integrationId, { resellerId: '500', apiKey: 'wrong-mailprotector-key' });
  await untilBlocked('verifyCredentials');
  await untilLogged('bad_credentials');
  await mailprotector.fault({
    kind: 'status',
    status: 403,
    path: '/resellers/500$',
    body: quoting(keys.customerRole),
  });
  await person.credentials(system, integrationId, { resellerId: '500', apiKey: keys.customerRole });
  await until('the second try to be refused', async () => (await problemOf('verifyCredentials')).includes('forbidden'));
  await untilLogged('forbidden');
  await mailprotector.fault({ kind: 'status', status: 503, path: '/resellers/500/customers$', times: 2, body: vendor });
  await person.credentials(system, integrationId);
  await person.linkAll(system, integrationId);
  // The first malformed catalogue may have blocked the refresh: a check is what a person does about it.
  await until('the PSA to be read', async () => {
    const { process } = await connection();
    if (process.steps.some((step) => step.state === 'blocked'))
      await system.api.post(`/v1/psa-connections/${psaConnectionId}/check`);
    return process.steps.every((step) => step.state === 'done');
  });
  await person.mapAccounts(system, integrationId);
  await person.mapServices(system, integrationId, psaConnectionId);
  await mailprotector.fault({
    kind: 'status',
    status: 403,
    path: '/user_groups/\\d+/services$',
    times: null,
    body: vendor,
  });
  await mailprotector.fault({
    kind: 'status',
    status: 500,
    path: '/domains/\\d+/user_groups$',
    times: 2,
    body: vendor,
  });
  await person.finish(system, integrationId);
  await until('the first sync to be blocked', async () => {
    const { rows: blocked } = await system.database.db.execute(
      sql`select 1 from process_step where kind = 'sync' and state = 'blocked' and problem ->> 'code' = 'forbidden'`,
    );
    return blocked.length > 0;
  });
  await mailprotector.clearFaults();
  await system.temporal.workflow.getHandle(`sync/${integrationId}`).signal('wake');
  await untilConnected(system, integrationId);

  await system.api.put(`/v1/psa-connections/${psaConnectionId}/writes`, { enabled: true });
  const cards = (await system.api.all<CardView>('/v1/cards')).filter((card) => card.bulkApprovable).slice(0, 3);
  await connectwise.fault({ kind: 'status', status: 400, method: 'PATCH', times: 1, body: psa });
  await connectwise.fault({ kind: 'afterCommit', status: 500, method: 'PATCH', times: 1, body: psa });
  const { approval } = await signOff(system, cards);
  const closed = await untilApprovalClosed(system, approval.id);
  expect(closed.lines.map((line) => line.state).toSorted()).toEqual(['applied', 'applied', 'rejected']);
  await syncNow(system, integrationId);
}

async function problemOf(step: string): Promise<string> {
  return JSON.stringify((await stepOf(system, integrationId, step)).problem);
}

async function untilBlocked(step: string): Promise<void> {
  await reach(system, integrationId, step);
  await until(`${step} to be blocked`, async () => (await stepOf(system, integrationId, step)).state === 'blocked');
}

/** Which of these texts occur, so that a failure names them and not a megabyte of history. */
function found(text: string, forbidden: readonly string[]): string[] {
  return forbidden.filter(
    (one) => one !== '' && (text.includes(one) || text.includes(JSON.stringify(one).slice(1, -1))),
  );
}

test('no history, memo, summary, detail or failure of any workflow holds a secret or a customer', async () => {
  const dumps = await dumpHistories(system);
  // The dump is worth reading: every kind of process is in it, failures and problems included.
  for (const prefix of ['connect/', 'psa/', 'sync/', 'approve/', 'sweep'])
    expect(dumps.some((dump) => dump.workflowId.startsWith(prefix))).toBe(true);
  const all = dumps.map((dump) => dump.text).join('\n');
  for (const expected of ['bad_credentials', 'forbidden', 'pullVendor', integrationId]) expect(all).toContain(expected);
  const kept = dumps.flatMap((dump) =>
    [...found(dump.text, secrets), ...found(dump.text, records)].map((text) => `${dump.workflowId}: ${text}`),
  );
  expect(kept).toEqual([]);
});

/** What may be in a history: our ids, counts, cursors, codes, status, route templates, and the names that the MSP gave to itself and its connections. */
const allowed: [what: string, form: RegExp][] = [
  ['an id of ours', /^([a-z-]+\/)*[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\/\d+)?$/],
  ['a round that has no run', /^\d+$/],
  ['a code, a state, or the name of a step or process', /^[a-z][A-Za-z_-]{1,40}$/],
  ['a change of ours (TemporalChangeVersion)', /^([a-z-]+-\d+|until-\d{4}-\d\d-\d\d)$/],
  ["what Countersign's own wake says", new RegExp(`^${factsCommitted}$`)],
  ['a time of day at which a pause ends', /^\d\d:\d\d$/],
  ['a moment since when a step is blocked', /^\d{4}-\d\d-\d\d \d\d:\d\d$/],
  ['a status that asked for a pause', /^the (vendor|PSA) asked for a pause \(\d{3}\)$/],
  ['the template of a route that was asked', /^(\/([A-Za-z_]+|\{\w+\}))+$/],
  ['where a right is set, as the registry has it', /^[A-Z][\w ]+ > [\w ]+: \w+ = All( \(.*\))?$/],
  ['a name that the MSP gave, or that of the vendor', /^(Test MSP|Test PSA|Mailprotector)$/],
  ['a moment, by which a round is known', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/],
];

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

test('every value in a history is of a kind that may be there', async () => {
  const dumps = await dumpHistories(system);
  const texts = dumps.flatMap(({ workflowId, payloads }) =>
    payloads.flatMap(textsIn).map((text) => ({ workflowId, text })),
  );
  expect(texts.length).toBeGreaterThan(500);
  expect(texts.filter(({ text }) => !allowed.some(([, form]) => form.test(text)))).toEqual([]);
  // The names are there, so that a stranger sees whose a process is.
  for (const name of ['Test MSP', 'Test PSA', 'Mailprotector']) expect(texts.map(({ text }) => text)).toContain(name);
});

test('no log of api or worker holds a secret or a customer, at level debug', () => {
  const logs = system.logs();
  expect(logs).toContain('"level":20');
  expect(logs).toContain('"process":"api"');
  expect(logs).toContain('"process":"worker"');
  expect(found(logs, secrets)).toEqual([]);
  expect(found(logs, records)).toEqual([]);
});

test('each failed call is one line of the log, and so is each block and each freeing, with ids and problem', async () => {
  const lines = system
    .logs()
    .split('\n')
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : []));
  const of = (workflowId: string) => lines.filter((line) => line['workflowId'] === workflowId);
  const connect = of(`connect/${integrationId}`);
  // How often the step asks before it has heard of the new credentials is not said: another fact may wake it meanwhile.
  const calls = await system.mailprotector.log('GET', '/resellers/500$');
  const refused = connect.filter((line) => line['route'] === '/resellers/{id}' && Number(line['level']) > 20);
  // All but the one with the right key.
  expect(refused).toHaveLength(calls.length - 1);
  for (const [code, status] of [
    ['bad_credentials', 401],
    ['forbidden', 403],
  ]) {
    const failed = { msg: 'call failed', level: 40, code, status, activity: 'verifyCredentials' };
    expect(refused).toContainEqual(expect.objectContaining(failed));
    const blocked = connect.filter((line) => line['msg'] === 'blocked' && line['problem'] === code);
    expect(blocked.length).toBeGreaterThan(0);
    for (const line of blocked) expect(line).toMatchObject({ level: 40, integrationId, step: 'verifyCredentials' });
  }
  expect(connect.filter((line) => line['msg'] === 'freed').length).toBeGreaterThan(0);
  const told = new Set(lines.filter((line) => Number(line['level']) >= 40).map((line) => line['msg']));
  expect(told).not.toContain('Activity failed');
});

test('no row of any table holds a secret in plain text; what the vendor said is kept, its key redacted', async () => {
  const { db } = system.database;
  const { rows: tables } = await db.execute<{ name: string }>(
    sql`select table_name as name from information_schema.tables where table_schema = 'public'`,
  );
  expect(tables.length).toBeGreaterThan(15);
  let rows = 0;
  const kept: string[] = [];
  for (const { name } of tables) {
    const { rows: texts } = await db.execute<{ text: string }>(
      sql`select t::text as text from ${sql.identifier(name)} t`,
    );
    rows += texts.length;
    kept.push(...found(texts.map((row) => row.text).join('\n'), secrets).map((text) => `${name}: ${text}`));
  }
  expect(rows).toBeGreaterThan(300);
  expect(kept).toEqual([]);
  const {
    rows: [line],
  } = await db.execute<{ problem: { detail: string } }>(
    sql`select problem from approval_line where state = 'rejected'`,
  );
  // A person is told what the other side said; this is the one place where it is.
  expect(line?.problem.detail).toContain('may not do this');
  const {
    rows: [row],
  } = await db.execute<{ credentials: string }>(sql`select credentials from integration`);
  expect(row?.credentials).toMatch(/^k1:[A-Za-z0-9+/=]{60,}$/);
});

test('a replayed Idempotency-Key gives the first answer again and no credentials', async () => {
  const request = () =>
    system.api.call<Record<string, unknown>>(
      'POST',
      '/v1/psa-connections',
      { kind: 'connectwise', name: 'Again', credentials: goodCredentials.psa(system.connectwise.url, 'readOnly') },
      { 'idempotency-key': 'the-same-key' },
    );
  const first = await request();
  const second = await request();
  expect(second.headers.get('idempotent-replayed')).toBe('true');
  expect(second.body['id']).toBe(first.body['id']);
  const { rows: stored } = await system.database.db.execute<{ text: string }>(
    sql`select k::text as text from idempotency_key k`,
  );
  for (const text of [JSON.stringify(first.body), JSON.stringify(second.body), ...stored.map((row) => row.text)])
    expect(found(text, secrets)).toEqual([]);
});
