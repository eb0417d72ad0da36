/** The month-end sheet, compared with what approvals, left-out cards and cards say by themselves. */
import { parse } from 'csv-parse/sync';
import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApi, type ApiHarness, type Caller } from '../kit/apiHarness.ts';
import { cents, inCents, keyOf, sumsOf, type Line, type Part, type Sums } from '../kit/monthEndSheet.ts';
import { freshCard, seedApproval, seedTenant, seen, type Tenant } from '../kit/apiTenant.ts';

interface Card {
  id: string;
  psaAccountId: string;
  psaProductId: string;
  kind: string;
  dismissed: boolean;
  write: { lineId: string; from: number; to: number; effectiveDate: string | null } | null;
}
interface Approval {
  id: string;
  state: string;
}

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

async function all<T>(caller: Caller, path: string, limit = 200): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const query: string = `${path.includes('?') ? '&' : '?'}limit=${limit}${cursor ? `&cursor=${cursor}` : ''}`;
    const page: { items: T[]; nextCursor: string | null } = await caller.good('GET', `${path}${query}`);
    // Only the last page may be short.
    expect(page.nextCursor === null || page.items.length === limit).toBe(true);
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor);
  return items;
}

/** What the sheet has to say, from the other lists alone: each card's part, and how many lines it has. */
async function expected(caller: Caller): Promise<Map<string, { part: Part; lines: number }>> {
  const cards = await all<Card>(caller, '/v1/cards');
  const keyOfId = new Map(cards.map((card) => [card.id, keyOf(card)]));
  const parts = new Map<string, { part: Part; lines: number }>();
  const approvals = await all<Approval>(caller, '/v1/approvals');
  for (const { id } of approvals)
    for (const line of await all<Card>(caller, `/v1/approvals/${id}/lines`)) {
      const key = keyOf(line);
      parts.set(key, { part: 'approved', lines: (parts.get(key)?.lines ?? 0) + 1 });
    }
  for (const { id } of approvals)
    for (const { cardId } of await all<{ cardId: string }>(caller, `/v1/approvals/${id}/skipped`)) {
      const key = keyOfId.get(cardId);
      if (key !== undefined && !parts.has(key)) parts.set(key, { part: 'skipped', lines: 1 });
    }
  for (const card of cards)
    if (card.kind !== 'no_change' && !parts.has(keyOf(card)))
      parts.set(keyOf(card), { part: card.dismissed ? 'dismissed' : 'untouched', lines: 1 });
  return parts;
}

/** The sheet fits the other lists, and adds up: lines to customers, customers to the whole. */
async function check(caller: Caller, limit: number): Promise<Line[]> {
  const lines = await all<Line>(caller, '/v1/month-end/lines', limit);
  const parts = await expected(caller);
  const found = new Map<string, { part: Part; lines: number }>();
  for (const line of lines) {
    const before = found.get(keyOf(line));
    // No card is in two parts.
    expect(before?.part ?? line.part, keyOf(line)).toBe(line.part);
    found.set(keyOf(line), { part: line.part, lines: (before?.lines ?? 0) + 1 });
  }
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(parts));
  expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length);

  const customers = await all<Sums & { psaAccountId: string; psaAccountName: string }>(
    caller,
    '/v1/month-end/customers',
    limit,
  );
  const places = customers.map(({ psaAccountName, psaAccountId }) => `${psaAccountName}\n${psaAccountId}`);
  expect(places).toEqual(places.toSorted());
  expect(customers.map(({ psaAccountId }) => psaAccountId).toSorted()).toEqual(
    [...new Set(lines.map(({ psaAccountId }) => psaAccountId))].toSorted(),
  );
  for (const customer of customers) {
    const own = lines.filter(({ psaAccountId }) => psaAccountId === customer.psaAccountId);
    expect(inCents(customer), customer.psaAccountId).toEqual(sumsOf(own));
  }
  const whole = await caller.good<Sums & { customers: number }>('GET', '/v1/month-end');
  expect(inCents(whole)).toEqual(sumsOf(lines));
  expect(whole.customers).toBe(customers.length);
  return lines;
}

type Act = 'approve' | 'askWrongly' | 'dismiss' | 'withdraw' | 'write' | 'undo';
const acts: readonly Act[] = ['approve', 'approve', 'askWrongly', 'askWrongly', 'dismiss', 'withdraw', 'write', 'undo'];

async function act(tenant: Tenant, caller: Caller, what: Act, at: number): Promise<void> {
  const cards = (await all<Card>(caller, '/v1/cards')).filter(({ write }) => write !== null);
  const card = cards[at % cards.length];
  const approvals = await all<Approval>(caller, '/v1/approvals');
  const approval = approvals[at % Math.max(1, approvals.length)];
  if (!card?.write) return;
  const asked = { cardId: card.id, ...card.write };
  const others = cards.slice(0, 1).flatMap(({ id, write }) => (write ? [{ cardId: id, ...write }] : []));
  switch (what) {
    case 'approve':
      await caller.call('POST', '/v1/approvals', { cards: [asked] });
      return;
    case 'askWrongly':
      await caller.call('POST', '/v1/approvals', { cards: [{ ...asked, to: asked.to + 1 }, ...others] });
      return;
    case 'dismiss':
      await caller.good('POST', `/v1/cards/${card.id}/dismiss`, { reason: 'Free until spring' });
      return;
    case 'withdraw':
      if (approval) await caller.call('POST', `/v1/approvals/${approval.id}/withdraw`);
      return;
    case 'write':
      await seedApproval(tenant, 'applied').catch(() => undefined);
      return;
    case 'undo':
      if (approval) await caller.call('POST', `/v1/approvals/${approval.id}/undo`);
  }
}

describe('whatever was decided', () => {
  test('every card with a difference is in exactly one part, and the sums are those of the lines', async () => {
    let tenants = 0;
    const seenParts = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...acts), fc.nat(6)), { minLength: 3, maxLength: 12 }),
        fc.integer({ min: 1, max: 60 }),
        async (steps, limit) => {
          const tenant = await seedTenant(harness.db, harness.one.encryption, `m${tenants++}`);
          const caller = harness.as(tenant.tokens.operate);
          for (const [what, at] of steps) await act(tenant, caller, what, at);
          for (const line of await check(caller, Math.max(7, limit))) seenParts.add(line.outcome ?? line.part);
        },
      ),
      { numRuns: 6 },
    );
    expect([...seenParts]).toEqual(expect.arrayContaining(['todo', 'untouched']));
  });
});

describe('one sheet', () => {
  let tenant: Tenant;
  let caller: Caller;
  beforeAll(async () => {
    tenant = await seedTenant(harness.db, harness.one.encryption, 'sheet');
    caller = harness.as(tenant.tokens.operate);
  });
  const lines = (query = '') => all<Line>(caller, `/v1/month-end/lines?${query}`);
  const lineOf = async (cardId: string, query = '') => (await lines(query)).filter((line) => line.cardId === cardId);

  test('what is written, left to do, asked in vain, dismissed and left alone says so, with who and how much', async () => {
    const written = await seedApproval(tenant, 'applied');
    const todo = await freshCard(tenant);
    await caller.good('POST', '/v1/approvals', { cards: [seen(todo)] });
    const [skipped, other] = [await freshCard(tenant), await freshCard(tenant, 1)];
    await caller.good('POST', '/v1/approvals', { cards: [{ ...seen(skipped), to: 1 }, seen(other)] });
    const dismissed = await freshCard(tenant, 1);
    await caller.good('POST', `/v1/cards/${dismissed.id}/dismiss`, { reason: 'Free until spring' });
    const left = await freshCard(tenant, 2);

    const [ofWritten] = (await lines('part=approved')).filter(({ outcome }) => outcome === 'written');
    expect(ofWritten).toMatchObject({
      part: 'approved',
      byName: 'test',
      from: 5,
      differsBy: null,
      words: 'Written to the PSA.',
    });
    expect(ofWritten?.amount).toBe(((ofWritten?.to ?? 0) - 5) * 2.5);
    expect(await lineOf(todo.id)).toMatchObject([{ outcome: 'todo', byName: '"operate"', currency: 'USD' }]);
    expect(await lineOf(skipped.id)).toMatchObject([
      { part: 'skipped', reason: 'differs', to: 1, words: expect.stringContaining('Look at the card again') },
    ]);
    expect(await lineOf(dismissed.id)).toMatchObject([
      { part: 'dismissed', words: 'Dismissed: Free until spring', byName: '"operate"' },
    ]);
    expect(await lineOf(left.id)).toMatchObject([
      { part: 'untouched', reason: 'undecided', words: 'Nobody has decided about it.', byName: null, at: null },
    ]);

    // Undone, it is two lines that cancel out.
    await caller.good('POST', `/v1/approvals/${written}/undo`);
    await harness.db.execute(
      sql`update approval_line set state = 'applied' where batch_id in (select id from approval_batch where undo_of = ${written})`,
    );
    const both = await lineOf(ofWritten?.cardId ?? '');
    expect(both.map(({ outcome, undoOf }) => [outcome, undoOf])).toEqual([
      ['undone', null],
      ['written', written],
    ]);
    expect(both.reduce((sum, { amount }) => sum + (amount ?? 0), 0)).toBe(0);
    expect(both.map(({ sum }) => sum)).toEqual(['notWritten', 'notWritten']);
    await check(caller, 9);
    // Undone in another month, what was billed and what was taken back stand each in its own sheet.
    const move = (at: string) =>
      harness.db.execute(sql`update approval_batch set created_at = ${at}::timestamptz where undo_of = ${written}`);
    await move('2025-08-15T12:00:00Z');
    expect(await lineOf(ofWritten?.cardId ?? '')).toMatchObject([{ outcome: 'undone', sum: 'billed' }]);
    expect(await lineOf(ofWritten?.cardId ?? '', 'from=2025-08-01&to=2025-08-31')).toMatchObject([{ sum: 'billed' }]);
    await move(ofWritten?.at ?? '');
    // The card is open again: it is one of those that the page counts, and lists.
    await harness.db.execute(sql`update card set kind = 'reconcile' where id = ${ofWritten?.cardId}`);
    const { cards } = await caller.good<Sums>('GET', '/v1/month-end');
    const again = await all<Line>(caller, '/v1/month-end/lines?differsAgain=true', 1);
    expect(again.map(keyOf)).toContain(ofWritten && keyOf(ofWritten));
    expect(new Set(again.map(keyOf)).size).toBe(cards.differAgain);
    expect(again).toEqual((await lines()).filter(({ differsBy }) => differsBy !== null));
  });

  test('a card that was left out once and approved later is approved', async () => {
    const card = await freshCard(tenant, 3);
    const other = await freshCard(tenant, 4);
    await caller.good('POST', '/v1/approvals', { cards: [{ ...seen(card), to: 1 }, seen(other)] });
    expect(await lineOf(card.id)).toMatchObject([{ part: 'skipped' }]);
    await caller.good('POST', '/v1/approvals', { cards: [seen(card)] });
    expect(await lineOf(card.id)).toMatchObject([{ part: 'approved', outcome: 'todo' }]);
  });

  test('the money of a to-do that was replaced by a newer sign-off counts once', async () => {
    const card = await freshCard(tenant, 4);
    await caller.good('POST', '/v1/approvals', { cards: [seen(card)] });
    await caller.good('POST', '/v1/approvals', { cards: [seen(card)] });
    const [first, second, ...more] = await lineOf(card.id);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ outcome: 'replaced', amount: 0 });
    expect(second).toMatchObject({ outcome: 'todo' });
    expect(second?.amount).not.toBe(0);
    await check(caller, 9);
  });

  test('each part by itself, and each customer by itself, has the lines that the whole has of it', async () => {
    const whole = await lines();
    for (const part of ['approved', 'skipped', 'dismissed', 'untouched'] as const) {
      const own = whole.filter((line) => line.part === part);
      expect(own.length, part).toBeGreaterThan(0);
      const paged = await all<Line>(caller, `/v1/month-end/lines?part=${part}`, 3);
      expect(paged, part).toEqual(own);
    }
    const some = whole[5]?.psaAccountId ?? '';
    expect(await lines(`psaAccountId=${some}`)).toEqual(whole.filter(({ psaAccountId }) => psaAccountId === some));
  });

  test('what was decided in another month is in its sheet alone, and what began to differ later is not in it', async () => {
    const card = await freshCard(tenant, 5);
    const { approval } = await caller.good<{ approval: { id: string } }>('POST', '/v1/approvals', {
      cards: [seen(card)],
    });
    // In New York it was still October.
    await harness.db.execute(
      sql`update approval_batch set created_at = '2025-11-01T03:00:00Z' where id = ${approval.id}`,
    );
    const october = 'from=2025-10-01&to=2025-10-31&timeZone=America/New_York';
    expect(await lines(october)).toMatchObject([{ cardId: card.id, outcome: 'todo' }]);
    expect(await lines('from=2025-10-01&to=2025-10-31&timeZone=UTC')).toEqual([]);
    // Its to-do is open still: in the months after it nobody says that it was not decided.
    expect(await lineOf(card.id)).toMatchObject([
      { part: 'approved', sum: 'open', earlier: true, words: expect.stringMatching(/^Approved before these days/) },
    ]);
    const { cards: counted } = await caller.good<Sums>('GET', '/v1/month-end');
    expect(counted).toMatchObject({ openEarlier: 1 });
    await harness.db.execute(sql`update approval_line set state = 'withdrawn' where batch_id = ${approval.id}`);
    expect(await lineOf(card.id)).toMatchObject([{ part: 'untouched' }]);
    await harness.db.execute(sql`update approval_line set state = 'todo' where batch_id = ${approval.id}`);
    await harness.db.execute(sql`update card set differs_since = '2025-10-02T00:00:00Z' where id = ${card.id}`);
    const another = await freshCard(tenant, 6);
    await harness.db.execute(sql`update card set differs_since = '2025-10-02T00:00:00Z' where id = ${another.id}`);
    expect((await lines(october)).map(({ part, cardId }) => [part, cardId]).toSorted()).toEqual(
      [
        ['approved', card.id],
        ['untouched', another.id],
      ].toSorted(),
    );
    const approvals = await all<Approval>(caller, `/v1/approvals?${october}`);
    expect(approvals.map(({ id }) => id)).toEqual([approval.id]);
  });

  test('a card is told by its account and product: made anew, it is still approved', async () => {
    const card = await freshCard(tenant, 7);
    await caller.good('POST', '/v1/approvals', { cards: [seen(card)] });
    await harness.db.execute(sql`update card set id = gen_random_uuid() where id = ${card.id}`);
    const [line] = await lineOf(card.id);
    const same = (await lines()).filter((each) => line && keyOf(each) === keyOf(line));
    expect(same.map(({ part }) => part)).toEqual(['approved']);
  });

  test('the file has the lines of the list, its amounts can be added, and a name that is a formula is none', async () => {
    await harness.db.execute(
      sql`update psa_account set name = '=HYPERLINK("x")' where psa_connection_id = ${tenant.psaConnectionId} and id = ${tenant.psaAccount(2)}`,
    );
    const listed = await lines('from=2020-01-01&to=2099-12-31');
    const answer = await caller.call<string>('GET', '/v1/month-end/lines.csv?from=2020-01-01&to=2099-12-31');
    expect(answer.headers.get('content-disposition')).toContain('month-end-2020-01-01-to-2099-12-31.csv');
    const whole: Record<string, string>[] = parse(answer.body, { bom: true, columns: true, record_delimiter: '\r\n' });
    const rows = whole.filter(({ sum }) => sum !== 'notBilled');
    // What is on no card stands after the cards.
    const outside = await all<{ why: string; name: string; seats: number }>(caller, '/v1/month-end/unbilled', 1);
    expect(outside.length).toBeGreaterThan(0);
    expect(whole.slice(rows.length).map((row) => [row['part'], row['customer'] || row['product'], row['new']])).toEqual(
      outside.map(({ why, name, seats }) => [why, name, String(seats)]),
    );
    expect(rows.map((row) => [row['customer id'], row['part'], row['amount']])).toEqual(
      listed.map(({ psaAccountId, part, amount }) => [psaAccountId, part, amount === null ? '' : String(amount)]),
    );
    const sum = rows.reduce((total, row) => total + Number(row['amount']), 0);
    expect(cents(sum)).toBe(listed.reduce((total, { amount }) => total + cents(amount ?? 0), 0));
    expect(rows.find((row) => row['customer id'] === tenant.psaAccount(2))?.['customer']).toBe('\'=HYPERLINK("x")');
  });

  test('what is used and on no card is told: customers not mapped, and excluded, and services not mapped', async () => {
    const { db } = harness;
    const { integrationId } = tenant;
    const used = { unmapped: tenant.vendorAccount(40), excluded: tenant.vendorAccount(41) };
    await db.execute(sql`
      insert into vendor_account (integration_id, id, name, linked, excluded)
      values (${integrationId}, ${used.unmapped}, 'Nobody Ltd', true, false), (${integrationId}, ${used.excluded}, 'Our own', true, true)
      on conflict (integration_id, id) do update set name = excluded.name, linked = true, excluded = excluded.excluded`);
    await db.execute(sql`
      delete from account_mapping where integration_id = ${integrationId} and vendor_account_id in (${used.unmapped}, ${used.excluded})`);
    await db.execute(
      sql`insert into service (integration_id, id, name) values (${integrationId}, 'new-service', 'New service')`,
    );
    const { rows: mapped } = await db.execute<{ id: string }>(sql`
      select m.vendor_account_id as id from account_mapping m join vendor_account a on (a.integration_id, a.id) = (m.integration_id, m.vendor_account_id)
       where m.integration_id = ${integrationId} and a.linked and not a.excluded order by 1 limit 2`);
    for (const [account, service, seats] of [
      [used.unmapped, 'new-service', 7],
      [used.excluded, 'new-service', 5],
      ...mapped.map(({ id }) => [id, 'new-service', 3]),
    ])
      await db.execute(sql`
        insert into usage_count (integration_id, vendor_account_id, service_id, quantity, as_of)
        values (${integrationId}, ${account}, ${service}, ${seats}, now())
        on conflict (integration_id, vendor_account_id, service_id) do update set quantity = excluded.quantity`);
    const found = await all<{ id: string; why: string; name: string; seats: number; customers: number; words: string }>(
      caller,
      '/v1/month-end/unbilled',
    );
    expect(found).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ why: 'unmapped', name: 'Nobody Ltd' }),
        expect.objectContaining({ why: 'excluded', name: 'Our own' }),
        expect.objectContaining({ why: 'unmapped_service', name: 'New service', customers: 2, seats: 6 }),
      ]),
    );
    const { unbilled } = await caller.good<{ unbilled: { why: string; count: number; seats: number }[] }>(
      'GET',
      '/v1/month-end',
    );
    for (const why of ['unmapped', 'excluded', 'unmapped_service']) {
      const own = found.filter((each) => each.why === why);
      const seats = own.reduce((sum, each) => sum + each.seats, 0);
      expect(unbilled.find((each) => each.why === why)).toEqual({ why, count: own.length, seats });
    }
    const [other] = found;
    expect(await caller.good('GET', `/v1/month-end?psaAccountId=${tenant.psaAccount(1)}`)).toMatchObject({
      unbilled: [],
    });
    expect(other?.words).toContain('nobody is billed');
    const { body } = await caller.call<string>('GET', '/v1/month-end/unbilled.csv');
    const rows: Record<string, string>[] = parse(body, { bom: true, columns: true, record_delimiter: '\r\n' });
    expect(rows.map((row) => [row['id'], row['why'], row['seats']])).toEqual(
      found.map(({ id, why, seats }) => [id, why, String(seats)]),
    );
  });

  test('the file of the customers has a line for each currency, and each line adds up', async () => {
    const customers = await all<Sums & { psaAccountId: string }>(caller, '/v1/month-end/customers');
    const answer = await caller.call<string>('GET', '/v1/month-end/customers.csv');
    const rows: Record<string, string>[] = parse(answer.body, { bom: true, columns: true, record_delimiter: '\r\n' });
    expect(rows.map((row) => [row['customer id'], row['currency']])).toEqual(
      customers.flatMap(({ psaAccountId, money }) =>
        money.length === 0 ? [[psaAccountId, '']] : money.map(({ currency }) => [psaAccountId, currency ?? '']),
      ),
    );
    const parts = ['approved and billed', 'approved and not done yet', 'approved and came to nothing', 'left out', 'dismissed', 'undecided']; // prettier-ignore
    for (const row of rows)
      expect(cents(Number(row['all']))).toBe(parts.reduce((sum, part) => sum + cents(Number(row[part])), 0));
  });

  test('a customer whom the PSA has no more keeps its lines, under its id', async () => {
    const [line] = await lines('part=approved');
    const id = line?.psaAccountId ?? '';
    await harness.db.execute(
      sql`delete from psa_account where psa_connection_id = ${tenant.psaConnectionId} and id = ${id}`,
    );
    expect((await lines(`psaAccountId=${id}`))[0]).toMatchObject({ psaAccountName: id, part: 'approved' });
  });
});
