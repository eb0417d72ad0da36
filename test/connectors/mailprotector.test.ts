/** The Mailprotector adapter against the simulated Mailprotector, over HTTP. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { unlimited } from '../../connectors/rateLimiter.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import { createMailprotectorAdapter, mailprotectorSettings } from '../../connectors/mailprotector/adapter.ts';
import type { UsageCount, UsagePage } from '../../connectors/vendor.ts';
import type { RunningSimulator } from '../../simulators/kit/simulator.ts';
import { keys } from '../../simulators/mailprotector/keys.ts';
import { startMailprotector } from '../../simulators/mailprotector/start.ts';
import { simulatorAdmin, type SimulatorAdmin } from '../../dev/walkthrough/simulatorAdmin.ts';
import { json, recordingLogger, startHttpServer } from './httpServer.ts';

interface State {
  customers: {
    id: number;
    name: string;
    story: string;
    domains: {
      id: number;
      name: string;
      pending: boolean;
      aliases: { id: number }[];
      groups: { id: number; name: string; services: string[]; users: number }[];
    }[];
  }[];
}

let simulator: RunningSimulator;
let admin: SimulatorAdmin;

beforeAll(async () => {
  simulator = await startMailprotector({ customers: 52 });
  admin = simulatorAdmin(simulator.url);
});
afterAll(() => simulator.close());
beforeEach(async () => {
  await fetch(`${simulator.url}/__admin/reset`, { method: 'POST', body: '{}' });
});

function adapter(settings: object = {}, credentials: object = {}, baseUrl = simulator.url) {
  return createMailprotectorAdapter(
    { resellerId: '500', apiKey: keys.reseller, ...credentials },
    mailprotectorSettings.parse(settings),
    { baseUrl, rateLimiter: unlimited, concurrency: 8, timeoutMs: 5_000 },
  );
}

async function pages(settings: object = {}, query: { accountIds?: string[]; after?: string } = {}) {
  const found: UsagePage[] = [];
  for await (const page of adapter(settings).readUsage(query)) found.push(page);
  return found;
}

const usage = async (settings: object = {}) => (await pages(settings)).flatMap((page) => page.counts);
const inShort = (counts: UsageCount[]) =>
  Object.fromEntries(counts.map(({ accountId, service, quantity }) => [`${accountId} ${service}`, quantity]));

const codes: Record<string, string> = {
  'CloudFilter Email Security': 'CloudFilter',
  'SafeSend Outbound': 'SafeSend',
  'XtraMail Email Continuity': 'XtraMail',
  SecureStore: 'SecureStore',
  Bracket: 'Bracket',
  CloudMail: 'CloudMail',
};

/** What the simulator itself holds: users of groups of domains that count, per customer and service. */
async function truth({ pendingToo = false, extraPerGroup = 0 } = {}): Promise<Record<string, number>> {
  const { customers } = await admin.state<State>();
  const sums: Record<string, number> = {};
  for (const customer of customers) {
    for (const domain of customer.domains) {
      if (domain.pending && !pendingToo) continue;
      for (const group of domain.groups) {
        for (const display of group.services) {
          const key = `${customer.id} ${codes[display] ?? display}`;
          sums[key] = (sums[key] ?? 0) + group.users + extraPerGroup;
        }
      }
    }
  }
  return sums;
}

async function customerOf(story: string) {
  const { customers } = await admin.state<State>();
  const found = customers.find((customer) => customer.story === story);
  if (!found) throw new Error(`No customer has the story ${story}.`);
  return found;
}

const failureOf = (asking: Promise<unknown>): Promise<ConnectorError> =>
  asking.then(
    () => {
      throw new Error('It did not fail.');
    },
    (error: unknown) => error as ConnectorError,
  );

describe('usage', () => {
  test('equals what the simulator holds, for every customer and service', async () => {
    const expected = await truth();
    expect(Object.keys(expected).length).toBeGreaterThan(52);
    expect(inShort(await usage())).toEqual(expected);
  });

  test('every count is the sum of its parts, each with domain and group', async () => {
    for (const count of await usage()) {
      expect(count.parts.reduce((sum, part) => sum + part.quantity, 0)).toBe(count.quantity);
      expect(count.parts.every((part) => part.domain.includes('.') && part.group !== '' && part.groupId !== '')).toBe(
        true,
      );
    }
  });

  test('several services on one group carry one group id: the same people', async () => {
    const bundle = await customerOf('bundle');
    const counts = (await usage()).filter((count) => count.accountId === String(bundle.id));
    expect(counts).toHaveLength(3);
    const groups = counts.map((count) =>
      count.parts
        .map((part) => part.groupId)
        .sort()
        .join(),
    );
    expect(new Set(groups).size).toBe(1);
  });

  test('alias domains are not counted a second time', async () => {
    const aliased = await customerOf('alias');
    expect(aliased.domains[0]?.aliases.length).toBeGreaterThan(0);
    const counts = (await usage()).filter((count) => count.accountId === String(aliased.id));
    expect(inShort(counts)).toEqual({ [`${aliased.id} CloudFilter`]: 13 });
    const asked = await admin.log('GET', `/domains/${aliased.domains[0]?.aliases[0]?.id}/`);
    expect(asked).toEqual([]);
  });

  test('a pending domain counts only if the setting says so', async () => {
    const pending = await customerOf('pending');
    const of = (counts: UsageCount[]) => inShort(counts)[`${pending.id} CloudFilter`];
    expect(of(await usage())).toBe(8);
    expect(of(await usage({ countPendingDomains: true }))).toBe(12);
    expect(inShort(await usage({ countPendingDomains: true }))).toEqual(await truth({ pendingToo: true }));
  });

  test('a customer down to zero has a zero, not nothing', async () => {
    const quiet = await customerOf('downToZero');
    expect(inShort(await usage())[`${quiet.id} CloudFilter`]).toBe(0);
  });

  test('a service nobody knows keeps the name it came with, or the one a setting gives it', async () => {
    const { customers } = await admin.state<State>();
    const group = customers[0]?.domains[0]?.groups[0];
    await admin.change({ change: 'setServices', id: group?.id, services: ['Shield Gateway'] });
    expect(inShort(await usage())).toHaveProperty([`${customers[0]?.id} Shield Gateway`], group?.users);
    const mapped = await usage({ services: { 'Shield Gateway': 'CloudFilter' } });
    expect(inShort(mapped)[`${customers[0]?.id} CloudFilter`]).toBeGreaterThanOrEqual(group?.users ?? Infinity);
  });

  test('the one service of a group may come as an object', async () => {
    await admin.settings({ singleService: true });
    expect(inShort(await usage())).toEqual(await truth());
  });
});

describe('counting users instead of trusting user_count', () => {
  test('only billable types count, so both ways agree where user_count holds Users only', async () => {
    expect(inShort(await usage({ countBy: 'users' }))).toEqual(await truth());
  });

  test('where user_count holds more than Users, counting users still bills Users', async () => {
    await admin.settings({ userCountTypes: ['User', 'Mailing List'] });
    expect(inShort(await usage())).toEqual(await truth({ extraPerGroup: 1 }));
    expect(inShort(await usage({ countBy: 'users' }))).toEqual(await truth());
  });

  test('other types are billed when they are asked for', async () => {
    const counts = await usage({ countBy: 'users', billableUserTypes: ['User', 'Discovered User'] });
    expect(inShort(counts)).toEqual(await truth({ extraPerGroup: 1 }));
  });

  test('how many users there are of each type comes along, to be shown with the numbers', async () => {
    const plain = await customerOf('exact');
    const found = (await pages({ countBy: 'users' })).flatMap((page) => page.userTypes);
    const groups = plain.domains.flatMap((domain) => domain.groups);
    expect(found.find((row) => row.accountId === String(plain.id))?.counts).toEqual({
      User: groups.reduce((sum, group) => sum + group.users, 0),
      Alias: groups.length,
      'Mailing List': groups.length,
      'Unlicensed User': groups.length,
      'Discovered User': groups.length,
    });
    expect((await pages()).flatMap((page) => page.userTypes)).toEqual([]);
  });
});

describe('a read that is continued', () => {
  test('hands over batches in one order, each with the cursor that continues after it', async () => {
    const whole = await pages();
    expect(whole.length).toBeGreaterThan(2);
    expect(whole.at(-1)?.next).toBeUndefined();
    const [first] = whole;
    const rest = await pages({}, { after: first?.next ?? '' });
    expect(rest).toEqual(whole.slice(1));
  });

  test('of some accounts reads those and no others', async () => {
    const counts = (await pages({}, { accountIds: ['4003', '4001'] })).flatMap((page) => page.counts);
    expect([...new Set(counts.map((count) => count.accountId))]).toEqual(['4001', '4003']);
    expect(await admin.log('GET', '/customers')).toEqual([]);
  });

  test('of no account asks nothing', async () => {
    expect(await pages({}, { accountIds: [] })).toEqual([]);
    expect(await admin.log('GET')).toEqual([]);
  });
});

describe('calls', () => {
  test('are the fewest there can be: pages of customers and domains, one per domain, one per group', async () => {
    const { customers } = await admin.state<State>();
    const domains = customers.flatMap((customer) => customer.domains);
    const counted = domains.filter((domain) => !domain.pending);
    const groups = counted.flatMap((domain) => domain.groups);
    const domainRows = domains.length + domains.flatMap((domain) => domain.aliases).length;
    await usage();
    const floor = Math.ceil(customers.length / 50) + Math.ceil(domainRows / 50) + counted.length + groups.length;
    expect(await admin.log('GET')).toHaveLength(floor);
  });

  test('to count users it takes one list more for each domain', async () => {
    await usage();
    const before = (await admin.log('GET')).length;
    await admin.clearLog();
    await usage({ countBy: 'users' });
    const lists = await admin.log('GET', '/users');
    expect(await admin.log('GET')).toHaveLength(before + lists.length);
    expect(lists.every((entry) => /\/domains\/\d+\/users/.test(entry.path))).toBe(true);
  });

  test('no more run at once than allowed', async () => {
    await admin.fault({ kind: 'latency', ms: 5, times: null });
    await usage();
    const stats = (await (await fetch(`${simulator.url}/__admin/stats`)).json()) as { maxConcurrent: number };
    expect(stats.maxConcurrent).toBeLessThanOrEqual(8);
    expect(stats.maxConcurrent).toBeGreaterThan(4);
  });
});

describe('lists that do not arrive whole', () => {
  test('without the header, and with a key nobody knows, pages are walked to the end', async () => {
    const expected = await truth();
    for (const paging of ['none', 'unknownKeys']) {
      await admin.settings({ paging });
      expect(inShort(await usage())).toEqual(expected);
    }
  });

  test('a vendor that gives smaller pages than asked for is still read whole', async () => {
    await admin.settings({ maxPerPage: 7 });
    expect((await adapter({ perPage: 50 }).listAccounts()).length).toBe(52);
    await admin.settings({ maxPerPage: 7, paging: 'none' });
    expect((await adapter({ perPage: 50 }).listAccounts()).length).toBe(52);
  });

  test.each([
    ['customers', '/resellers/500/customers'],
    ['domains', '/resellers/500/domains'],
    ['user groups', '/user_groups$'],
  ])('a page of %s that is cut short makes the read incomplete, whatever else arrives', async (_what, path) => {
    await admin.fault({ kind: 'truncate', path });
    expect(await failureOf(usage())).toMatchObject({ kind: 'transient', code: 'incomplete' });
  });

  test('a cut page is noticed without the header too, as long as a later page is longer', async () => {
    await admin.settings({ paging: 'none', maxPerPage: 25 });
    await admin.fault({ kind: 'truncate', path: '/resellers/500/customers' });
    expect(await failureOf(adapter().listAccounts())).toMatchObject({ code: 'incomplete' });
  });

  /** A server whose rows change after its first page was given. */
  async function moving(before: number[], after: number[], withTotal: boolean) {
    return startHttpServer((asked, response) => {
      const url = new URL(asked.url, 'http://server');
      const page = Number(url.searchParams.get('page'));
      const rows = page === 1 ? before : after;
      const body = rows.slice((page - 1) * 5, page * 5).map((id) => ({ id, name: `Customer ${id}` }));
      json(response, 200, body, withTotal ? { 'x-pagination': JSON.stringify({ total: rows.length }) } : {});
    });
  }
  const ids = (count: number) => Array.from({ length: count }, (_unused, at) => at + 1);

  test.each([
    ['a row in front, so that one comes twice', ids(12), [99, ...ids(12)], true],
    ['a row in front, without the header', ids(12), [99, ...ids(12)], false],
    ['a row that went, so that one is passed over', ids(12), ids(12).slice(1), true],
  ])('rows that move between pages make it incomplete: %s', async (_how, before, after, withTotal) => {
    const server = await moving(before, after, withTotal);
    try {
      const moved = adapter({ perPage: 5 }, {}, server.url).listAccounts();
      expect(await failureOf(moved)).toMatchObject({ kind: 'transient', code: 'incomplete' });
    } finally {
      await server.close();
    }
  });

  test('a broken page breaks the read: nothing of it is handed over as the whole', async () => {
    await admin.fault({ kind: 'status', status: 503, path: '/user_groups', skip: 20 });
    expect(await failureOf(usage())).toMatchObject({ kind: 'transient', code: 'upstream', status: 503 });
    await admin.clearFaults();
    await admin.fault({ kind: 'cut', path: '/user_groups/\\d+/services', skip: 10 });
    expect(await failureOf(usage())).toMatchObject({ kind: 'transient', code: 'network' });
    await admin.fault({ kind: 'malformed', path: '/resellers/500/domains' });
    // What came is not what the list says it holds, before any of its rows is looked at.
    expect(await failureOf(usage())).toMatchObject({ kind: 'transient', code: 'incomplete' });
  });
});

test('signals of one account that is refused are told as not read, and the others are read', async () => {
  const { customers } = await admin.state<State>();
  const refused = customers.find((customer) => customer.domains.length > 0);
  const accountIds = customers.map(({ id }) => String(id));
  const signals = () =>
    adapter().readSignals({ accountIds, pendingDomains: true, deadSyncs: true, openStatements: true });
  const whole = await signals();
  expect(whole.unread).toEqual([]);
  await admin.fault({ kind: 'status', status: 403, path: `/domains/${refused?.domains[0]?.id}/user_syncs` });
  await admin.fault({ kind: 'status', status: 403, path: `/customers/${accountIds[1]}/statements` });
  const partly = await signals();
  expect(partly.unread).toEqual(
    expect.arrayContaining([
      { rule: 'directorySync', accountId: String(refused?.id), code: 'forbidden' },
      { rule: 'statementOverdue', accountId: accountIds[1], code: 'forbidden' },
    ]),
  );
  expect(partly.pendingDomains).toEqual(whole.pendingDomains);
  expect(partly.openStatements).toEqual(whole.openStatements?.filter(({ accountId }) => accountId !== accountIds[1]));
});

test('a read that failed makes no further calls', async () => {
  await usage();
  const whole = (await admin.log('GET')).length;
  await admin.clearLog();
  await admin.fault({ kind: 'status', status: 503, path: '/user_groups', skip: 20 });
  await failureOf(usage());
  // Another whole read takes as long as what might be left of the first one.
  await usage();
  const first = (await admin.log('GET')).length - whole;
  expect(first).toBeLessThanOrEqual(2 + 2 + 20 + 1 + 8);
});

describe('answers in other bytes', () => {
  test.each([
    ['a byte order mark', { bom: true }],
    ['ISO-8859-1', { charset: 'iso-8859-1' }],
  ])('%s: every name and number is what it is', async (_what, encoding) => {
    const [accounts, counts] = [await adapter().listAccounts(), await usage()];
    expect(accounts.some(({ name }) => /[^\u0000-\u007f]/.test(name))).toBe(true);
    await admin.fault({ kind: 'encoded', times: null, ...encoding });
    expect([await adapter().listAccounts(), await usage()]).toEqual([accounts, counts]);
  });

  test('bytes that are neither UTF-8 nor declared are an error, not another name', async () => {
    await admin.fault({ kind: 'encoded', charset: 'iso-8859-1', declared: false });
    expect(await failureOf(adapter().listAccounts())).toMatchObject({ kind: 'permanent', code: 'bad_shape' });
  });
});

describe('credentials', () => {
  test('that work answer the reseller\u2019s name', async () => {
    expect(await adapter().verifyCredentials()).toEqual({ resellerName: 'Acme Managed IT' });
  });

  test.each([
    ['a wrong key', { apiKey: 'wrong-key-000' }, 'bad_credentials', /401/],
    ['an unknown reseller', { resellerId: '999' }, 'not_found', /no reseller 999/],
    ['another reseller', { resellerId: '501' }, 'forbidden', /does not see reseller 501/],
    ['a customer\u2019s key', { apiKey: keys.customerRole }, 'forbidden', /whose key it is/],
    [
      'G02 a reseller of Virtual Administrator',
      { apiKey: keys.virtualAdministrator },
      'virtual_administrator',
      /Virtual Administrator/,
    ],
  ])('%s', async (_what, credentials, code, detail) => {
    const error = await failureOf(adapter({}, credentials).verifyCredentials());
    expect(error).toMatchObject({ kind: 'permanent', code });
    expect(error.detail).toMatch(detail);
  });

  test.each([
    ['message', 'forbidden'],
    ['error', 'forbidden'],
    // A page refuses nobody for want of a right: a challenge looks just the same.
    ['html', 'not_json'],
  ])('are refused with the same code when the body is of the form %s', async (errorBody, withoutRight) => {
    await admin.settings({ errorBody });
    const refusals = [
      { apiKey: 'wrong-key-000' },
      { resellerId: '999' },
      { apiKey: keys.customerRole },
      { apiKey: keys.virtualAdministrator },
    ].map((credentials) => failureOf(adapter({}, credentials).verifyCredentials()));
    expect((await Promise.all(refusals)).map((error) => [error.code, error.kind])).toEqual([
      ['bad_credentials', 'permanent'],
      ['not_found', 'permanent'],
      [withoutRight, withoutRight === 'forbidden' ? 'permanent' : 'transient'],
      ['virtual_administrator', 'permanent'],
    ]);
  });

  test.each([
    ['a maintenance page', { status: 200, text: '<html><title>Back soon</title></html>' }],
    ['nothing', { status: 200, text: '' }],
    ['a challenge', { status: 403, text: '<html>Just a moment...</html>', headers: { 'cf-mitigated': 'challenge' } }],
  ])('that meet %s are not refused', async (_what, fault) => {
    await admin.fault({ kind: 'status', times: null, ...fault });
    const [tried, listed] = [adapter().verifyCredentials(), adapter().listAccounts()];
    for (const error of [await failureOf(tried), await failureOf(listed)])
      expect(error).toMatchObject({ kind: 'transient', code: 'not_json' });
  });

  test('leave no key in an error or a log line', async () => {
    const logger = recordingLogger();
    const apiKey = 'wrong-key-000';
    const told = createMailprotectorAdapter({ resellerId: '500', apiKey }, mailprotectorSettings.parse({}), {
      baseUrl: simulator.url,
      rateLimiter: unlimited,
      concurrency: 1,
      logger,
    });
    const error = await failureOf(told.verifyCredentials());
    expect(JSON.stringify([error, error.message, error.stack, logger.lines])).not.toContain(apiKey);
    expect(logger.lines.length).toBeGreaterThan(0);
  });

  test('customers\u2019 names and ids reach no log line', async () => {
    const logger = recordingLogger();
    const told = createMailprotectorAdapter(
      { resellerId: '500', apiKey: keys.reseller },
      mailprotectorSettings.parse({}),
      {
        baseUrl: simulator.url,
        rateLimiter: unlimited,
        concurrency: 4,
        logger,
      },
    );
    for await (const _page of told.readUsage({})) continue;
    const text = JSON.stringify(logger.lines);
    const { customers } = await admin.state<State>();
    expect(customers.filter(({ name }) => text.includes(JSON.stringify(name).slice(1, -1)))).toEqual([]);
    expect(text).not.toMatch(/\/(customers|domains|user_groups)\/\d/);
  });
});
