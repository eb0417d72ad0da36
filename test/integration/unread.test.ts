/**
 * One bad row, one refused agreement, one refused customer: it keeps its last read numbers, its cards say why and are not
 * approvable, and everything else goes on.
 */
import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { connectAll, latestRun, syncNow, type CardView } from '../../dev/walkthrough/guide.ts';
import { until } from '../../dev/until.ts';
import { startRewritingProxy, type Answer, type Rewrite, type RewritingProxy } from '../kit/rewritingProxy.ts';
import { customersOf } from '../kit/simulatorState.ts';
import { startSystem, type System } from '../kit/system.ts';

type Row = Record<string, unknown>;
interface Card extends CardView {
  flags: { code: string; reason: string; words: string }[];
}
interface Company {
  id: number;
  name: string;
  agreements: { id: number; name: string; status: string; lines: { id: number; quantity: number }[] }[];
}

let system: System;
let mailprotector: RewritingProxy;
let connectwise: RewritingProxy;
let ids: { psaConnectionId: string; integrationId: string };
let baseline: Card[];
let companies: Company[];
/** PSA accounts with one active agreement and an approvable card, of which each test takes its own. */
let victims: Company[];

/** Without when a card's detail changed: each run writes its own. */
const cardsNow = async () =>
  (await system.api.all<Card & { changedAt: string }>('/v1/cards?sort=account')).map(
    ({ changedAt: _at, ...card }) => card,
  );
const of = (cards: readonly Card[], company: Company | undefined) =>
  cards.filter((card) => card.psaAccountId === String(company?.id));
const others = (cards: readonly Card[], ...but: (Company | undefined)[]) =>
  cards.filter((card) => !but.some((company) => card.psaAccountId === String(company?.id)));
const numbers = ({ id, kind, usage, current, target }: Card) => ({ id, kind, usage, current, target });
const refuse = (answer: Answer, status: number, message: string) =>
  Object.assign(answer, { status, json: { message } });
const today = () => new Date().toISOString().slice(0, 10);

beforeAll(async () => {
  [mailprotector, connectwise] = await Promise.all([startRewritingProxy(), startRewritingProxy()]);
  system = await startSystem({ env: { MAILPROTECTOR_URL: mailprotector.url } });
  mailprotector.target = system.mailprotector.url;
  connectwise.target = system.connectwise.url;
  ids = await connectAll({ ...system, psa: { ...system.psa, url: connectwise.url } });
  baseline = await cardsNow();
  ({ companies } = await system.connectwise.state<{ companies: Company[] }>());
  victims = companies.filter(
    (company) => company.agreements.length === 1 && of(baseline, company).some((card) => card.approvable),
  );
  expect(victims.length).toBeGreaterThan(6);
});
afterAll(async () => {
  await system?.close();
  await Promise.all([mailprotector?.close(), connectwise?.close()]);
});

/** Everything can be read again: the numbers are what they were, and nothing is held back. */
afterEach(async () => {
  mailprotector.rewrites = [];
  connectwise.rewrites = [];
  await until('what was under way to be over', async () => (await latestRun(system, ids.integrationId))?.finishedAt);
  expect((await syncNow(system, ids.integrationId)).state).toBe('applied');
  expect(await cardsNow()).toEqual(baseline);
  expect((await unread()).total).toBe(0);
});

interface Unread {
  total: number;
  first: { entity: string; id: string; name: string | null; accountId: string | null; why: string; since: string }[];
}
const unread = async () =>
  (await system.api.get<{ unread: Unread }>(`/v1/psa-connections/${ids.psaConnectionId}`)).unread;

/** The cards of these are as they were, but not approvable, and say so; all other cards are as they were. */
function expectKept(cards: readonly Card[], kept: readonly (readonly [Company | undefined, string, RegExp])[]): void {
  for (const [company, reason, words] of kept) {
    expect(of(cards, company).map(numbers)).toEqual(of(baseline, company).map(numbers));
    expect(of(cards, company).length).toBeGreaterThan(0);
    for (const card of of(cards, company)) {
      expect(card).toMatchObject({ approvable: false, bulkApprovable: false });
      const flag = card.flags.find((each) => each.reason === reason);
      expect(flag, company?.name).toMatchObject({ code: 'incomplete' });
      expect(flag?.words).toMatch(words);
      expect(flag?.words).toContain(today());
    }
  }
  const touched = kept.map(([company]) => company);
  expect(others(cards, ...touched)).toEqual(others(baseline, ...touched));
}

/** Changes one row of a list. */
const row =
  (path: RegExp, id: number | undefined, change: Row): Rewrite =>
  (answer, request) => {
    if (path.test(request.path) && Array.isArray(answer.json))
      answer.json = (answer.json as Row[]).map((each) => (each['id'] === id ? { ...each, ...change } : each));
  };

test('the PSA: rows and agreements that cannot be read keep what was read last, each named by its id and name', async () => {
  const [nameless, ownerless, productless, undated, refused, deniedRow] = victims;
  const agreement = (company: Company | undefined) => company?.agreements[0];
  const line = (company: Company | undefined) => agreement(company)?.lines[0];
  connectwise.rewrites = [
    row(/\/company\/companies\?/, nameless?.id, { name: null }),
    row(/\/finance\/agreements\?/, agreement(ownerless)?.id, { company: null }),
    row(/\/additions\?/, line(productless)?.id, { product: null }),
    row(/\/additions\?/, line(undated)?.id, { cancelledDate: '2026-02-31T00:00:00Z' }),
    row(/\/procurement\/catalog\?/, 1, {}),
    (answer, { path }) => {
      if (path.includes(`/agreements/${agreement(refused)?.id}/additions`)) refuse(answer, 403, 'No rights here.');
      if (path.includes(`/agreements/${agreement(deniedRow)?.id}/additions`)) refuse(answer, 404, 'Not found');
    },
  ];
  expect((await syncNow(system, ids.integrationId)).state).toBe('applied');
  expectKept(await cardsNow(), [
    [nameless, 'account_not_read', new RegExp(`\\(${nameless?.id}\\).*name`)],
    [ownerless, 'agreement_not_read', new RegExp(`"Managed Services" \\(${agreement(ownerless)?.id}\\).*company`)],
    [productless, 'lines_not_read', new RegExp(`"Managed Services".*line ${line(productless)?.id}.*product`)],
    [undated, 'lines_not_read', new RegExp(`line ${line(undated)?.id}.*cancelledDate`)],
    [refused, 'lines_not_read', /"Managed Services".*403.*No rights here/],
    // Its lines are not found, and it is there: that is a real problem.
    [deniedRow, 'lines_not_read', /404/],
  ]);
  const { total, first } = await unread();
  expect(total).toBe(6);
  expect(first).toContainEqual(
    expect.objectContaining({ entity: 'lines', id: String(agreement(refused)?.id), accountId: String(refused?.id) }),
  );

  // It lasts since it began, and an approval is refused as its card says.
  const [{ since } = { since: '' }] = first;
  await syncNow(system, ids.integrationId);
  expect((await unread()).first.map((each) => each.since)).toEqual(first.map(() => since));
});

test('the PSA: a product that cannot be read stays, and one that is new is not there yet; both are named', async () => {
  const [product] = (
    await system.api.all<{ id: string; productId: string }>(`/v1/psa-connections/${ids.psaConnectionId}/products`)
  ).slice(0, 1);
  connectwise.rewrites = [
    row(/\/procurement\/catalog\?/, Number(product?.id), { identifier: null, description: 'Named still' }),
  ];
  expect((await syncNow(system, ids.integrationId)).state).toBe('applied');
  expect(await cardsNow()).toEqual(baseline);
  const { total, first } = await unread();
  expect({ total, first }).toMatchObject({
    total: 1,
    first: [{ entity: 'psa_product', id: product?.id, name: 'Named still' }],
  });
});

test.each([
  [
    'an agreement of nobody',
    /\/finance\/agreements\?/,
    { id: 999_999, name: 'Odd one', company: null },
    /agreement 999999 \("Odd one"\).*company/,
  ],
  ['a company without an id', /\/company\/companies\?/, { id: null, name: 'Odd one' }, /row \d+ \("Odd one"\)/],
  [
    'a new company without a name',
    /\/company\/companies\?/,
    { id: 999_999, identifier: 'Odd', name: null },
    /account 999999 \("Odd"\).*name/,
  ],
])(
  'the PSA: %s makes the round incomplete, in words that name it, and nothing else of it shows',
  async (_what, path, odd, words) => {
    connectwise.rewrites = [
      (answer, request) => {
        if (path.test(request.path))
          answer.json = [...(answer.json as Row[]).slice(1), { ...(answer.json as Row[])[0], ...odd }];
      },
    ];
    await system.api.post(`/v1/integrations/${ids.integrationId}/syncs`);
    const problem = await until('the refresh to be blocked', async () => {
      const { process } = await system.api.get<{
        process: { steps: { state: string; problem: { code: string; what: string } | null }[] };
      }>(`/v1/psa-connections/${ids.psaConnectionId}`);
      return process.steps.find((step) => step.state === 'blocked')?.problem;
    });
    expect(problem.code).toBe('bad_shape');
    expect(problem.what).toMatch(words);
    expect(await cardsNow()).toEqual(baseline);
    connectwise.rewrites = [];
    await system.api.post(`/v1/psa-connections/${ids.psaConnectionId}/check`);
  },
);

test('the vendor: customers that cannot be read keep their counts, and no zero is made of it', async () => {
  const customers = await customersOf(system);
  const customerOf = (company: Company | undefined) => customers.find(({ name }) => name === company?.name);
  const [nameless, pending, group, refused, vanished] = victims.filter((company) => customerOf(company));
  const domain = (company: Company | undefined) => customerOf(company)?.domains[0];
  mailprotector.rewrites = [
    row(/\/resellers\/\d+\/customers\?/, customerOf(nameless)?.id, { name: null }),
    row(/\/domains\?/, domain(pending)?.id, { domain_status: null }),
    row(/\/user_groups\?/, domain(group)?.groups[0]?.id, { user_count: 'many' }),
    (answer, { path }) => {
      if (path.includes(`/user_groups/${domain(refused)?.groups[0]?.id}/services`)) refuse(answer, 403, 'Not yours');
      if (path.includes(`/domains/${domain(vanished)?.id}/user_groups`)) refuse(answer, 404, 'Not found');
    },
  ];
  expect((await syncNow(system, ids.integrationId)).state).toBe('applied');
  expectKept(await cardsNow(), [
    [nameless, 'usage_not_read', new RegExp(`"${nameless?.name}".*name`)],
    [
      pending,
      'usage_not_read',
      new RegExp(`domain ${domain(pending)?.id} \\("${domain(pending)?.name}"\\).*domain_status`),
    ],
    [group, 'usage_not_read', new RegExp(`row ${domain(group)?.groups[0]?.id}.*user_count`)],
    [refused, 'usage_not_read', /403.*Not yours/],
    [vanished, 'usage_not_read', /404/],
  ]);
  const { rows } = await system.database.db.execute(sql`select id from vendor_account where unread_since is not null`);
  expect(rows).toHaveLength(5);
});

test('the vendor: a domain that is gone since it was listed is not a customer that cannot be read', async () => {
  const customers = await customersOf(system);
  const [company] = victims.filter(({ name }) => customers.some((customer) => customer.name === name));
  const customer = customers.find(({ name }) => name === company?.name);
  let alias: unknown;
  mailprotector.rewrites = [
    (answer, { path }) => {
      if (!/\/resellers\/\d+\/domains\?/.test(path)) return;
      // It stands in the place of an alias, which counts for nobody, so that the list is as long as it says.
      alias ??= (answer.json as Row[]).find((each) => each['parent'])?.['id'];
      const ghost = { id: 999_999, parent: null, account: { id: customer?.id, name: '' } };
      answer.json = (answer.json as Row[]).map((each) => (each['id'] === alias ? { ...each, ...ghost } : each));
    },
  ];
  expect((await syncNow(system, ids.integrationId)).state).toBe('applied');
  expect(alias).toBeDefined();
  expect((await system.mailprotector.log('GET', '/domains/999999/user_groups')).length).toBeGreaterThan(0);
  const cards = await cardsNow();
  expect(of(cards, company)).toEqual(of(baseline, company));
  expect(cards.flatMap(({ flags }) => flags).filter(({ reason }) => reason === 'usage_not_read')).toEqual([]);
});

test('the vendor: where each customer is refused it is not the customers, and a person is told', async () => {
  mailprotector.rewrites = [
    (answer, { path }) => {
      if (/\/user_groups\?/.test(path)) refuse(answer, 403, 'Not yours');
    },
  ];
  await system.api.post(`/v1/integrations/${ids.integrationId}/syncs`);
  await until('the sync to be blocked', async () => {
    const run = await latestRun(system, ids.integrationId);
    const { process } = await system.api.get<{
      process: { steps: { state: string; problem: { code: string } | null }[] };
    }>(`/v1/syncs/${run?.id}`);
    return process.steps.some((step) => step.state === 'blocked' && step.problem?.code === 'forbidden');
  });
  expect(await cardsNow()).toEqual(baseline);
  mailprotector.rewrites = [];
  await system.api.post(`/v1/integrations/${ids.integrationId}/syncs`);
});

test('lines of an agreement that is not active are read where its product has no line, and only once', async () => {
  const company = companies.find(({ name }) => name === 'Cancelled Contract');
  const agreement = company?.agreements[0];
  const [card] = of(baseline, company);
  const { leftOut } = await system.api.get<{ leftOut: { lineId: string; reason: string }[] }>(`/v1/cards/${card?.id}`);
  const found = { lineId: String(agreement?.lines[0]?.id), reason: 'agreement_cancelled' };
  expect(leftOut).toContainEqual(expect.objectContaining(found));
  expect(card?.flags.map(({ words }) => words).join()).toMatch(/cancelled/);
  const inactive = companies.flatMap(({ agreements }) => agreements.filter(({ status }) => status !== 'Active'));
  const asked = async () => {
    const log = await Promise.all(
      inactive.map(({ id }) => system.connectwise.log('GET', `/agreements/${id}/additions`)),
    );
    return log.flat().length;
  };
  await system.connectwise.clearLog();
  await syncNow(system, ids.integrationId);
  expect(await asked()).toBe(0);

  // It has changed since: it is read again.
  connectwise.rewrites = [
    row(/\/finance\/agreements\?/, agreement?.id, { _info: { lastUpdated: '2030-01-01T00:00:00Z' } }),
  ];
  await syncNow(system, ids.integrationId);
  expect(await asked()).toBe(1);
});
