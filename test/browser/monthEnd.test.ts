/** The pages of what has happened: the month-end sheet, runs with a held one, and the audit; all on one system. */
import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { sql } from 'drizzle-orm';
import type { Locator, Page } from 'playwright-core';
import { describe, expect, inject, test } from 'vitest';
import { until } from '../../dev/until.ts';
import {
  connectAll,
  seenOf,
  signOff,
  syncNow,
  untilApprovalClosed,
  type CardView,
  type RunView,
} from '../../dev/walkthrough/guide.ts';
import { consoleOf } from '../kit/consoleOf.ts';
import { inspect, newToken, shoot, signIn } from '../kit/consolePages.ts';
import { startSystem, type System } from '../kit/system.ts';

interface Line {
  part: string;
  psaAccountName: string;
  psaAccountId: string;
  outcome: string | null;
  amount: number | null;
}

let system: System;
let page: Page;
let integrationId: string;
let psaConnectionId: string;
let viewer: string;

const open = consoleOf({
  start: async () => {
    const env = { TEMPORAL_UI_URL: inject('temporalUi') };
    system = await startSystem({ customers: 26, env });
    return system;
  },
  prepare: async () => {
    ({ integrationId, psaConnectionId } = await connectAll(system));
    viewer = await newToken(system, ['read'], { name: 'Vera Viewer' });
  },
  begin: (first) => {
    ({ page } = first);
  },
});

const token = () => system.secrets[0] ?? '';
const button = (name: string) => page.getByRole('button', { name, exact: true });
const grid = (name: string | RegExp) => page.getByRole('grid', { name });
const rowsOf = (name: string | RegExp) => grid(name).getByRole('row');

/** The lines of the file that a button saves. */
async function download(): Promise<Record<string, string>[]> {
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download CSV' }).click(),
  ]);
  return parse(await readFile(await saved.path(), 'utf8'), { bom: true, columns: true });
}

const textOf = async (row: Locator) => (await row.innerText()).replaceAll(/\s+/g, ' ');

describe('Runs', () => {
  /** A sync whose counts are a third of what is visible. */
  async function hold(): Promise<RunView> {
    await system.database.db.execute(sql`
      update usage_count set quantity = quantity * 3 where integration_id = ${integrationId} and quantity is not null`);
    const run = await syncNow(system, integrationId);
    expect(run.state).toBe('held');
    return run;
  }
  const stateOf = async (id: string) => (await system.api.get<RunView>(`/v1/syncs/${id}`)).state;

  test('a held run says what it would change, and is released; another one is discarded; a viewer does neither', async () => {
    const held = await hold();
    const changes = await system.api.all<{ vendorAccountName: string; before: number; after: number }>(
      `/v1/syncs/${held.id}/changes`,
    );
    await signIn(page, token(), '/runs');
    await rowsOf(/^Sync runs of/)
      .filter({ hasText: 'Held' })
      .first()
      .waitFor();
    await inspect(page, 'runs');
    expect(await download()).toHaveLength((await system.api.all(`/v1/integrations/${integrationId}/syncs`)).length);
    await rowsOf(/^Sync runs of/)
      .filter({ hasText: 'Held' })
      .first()
      .click();
    await page.getByText('It moved the whole too far, so nothing was changed').waitFor();
    const [first] = changes;
    const text = await textOf(rowsOf('What it would change').nth(1));
    expect(text).toContain(first?.vendorAccountName.replaceAll(/\s+/g, ' '));
    expect(text).toContain(`${first?.before.toLocaleString('en-US')} ${first?.after.toLocaleString('en-US')}`);
    const away = await page.getByRole('link', { name: 'Open in the Temporal UI' }).getAttribute('href');
    expect(away).toContain(encodeURIComponent(`sync/${integrationId}`));
    await inspect(page, 'run-held');
    expect(await download()).toHaveLength(changes.length);

    const looking = await open();
    await signIn(looking.page, viewer, `/runs/${held.id}`);
    await looking.page
      .getByText('Somebody who may operate (an operator or an admin) can release or discard it.')
      .waitFor();
    expect(await looking.page.getByRole('button', { name: /Release|Discard/ }).count()).toBe(0);
    await looking.context.close();

    await button('Release …').click();
    await shoot(page, 'run-release-light-1280');
    await page.getByRole('dialog').getByRole('button', { name: 'Release' }).click();
    await until('the run to be applied', async () => (await stateOf(held.id)) === 'applied');
    await page.getByText('Applied', { exact: true }).waitFor();
    expect(await button('Release …').count()).toBe(0);
    // What came in, and what it moved, is told of it: as many as it said that it would.
    const { figures } = await system.api.get<{ figures: Record<string, number> }>(`/v1/syncs/${held.id}`);
    expect(figures['changedCounts']).toBe(changes.length);
    expect(figures['counts']).toBeGreaterThanOrEqual(changes.length);
    await page.getByText('Counts changed', { exact: true }).waitFor();
    await inspect(page, 'run-applied');

    const second = await hold();
    await page.goto(`/runs/${second.id}`);
    await button('Discard …').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
    await page.getByText('Discarded', { exact: true }).waitFor();
    expect(await stateOf(second.id)).toBe('discarded');
  });
});

test('a reading of the PSA that lost too many rows waits for a person, who is asked again before it counts', async () => {
  const guard = JSON.stringify({ before: { accounts: 40, lines: 90 }, after: { accounts: 3, lines: 8 } });
  await system.database.db.execute(sql`
    insert into psa_refresh (psa_connection_id, guard, held_at) values (${psaConnectionId}, ${guard}::jsonb, now())`);
  const looking = await open();
  await signIn(looking.page, viewer, `/psa-connections/${psaConnectionId}`);
  await looking.page
    .getByText('Somebody who may operate (an operator or an admin) can release or discard it.')
    .waitFor();
  await looking.context.close();
  await signIn(page, token(), `/psa-connections/${psaConnectionId}`);
  await button('Release …').waitFor();
  await inspect(page, 'psa-held');
  await button('Release …').click();
  await page
    .getByRole('dialog')
    .getByText(/Release it only after/)
    .waitFor();
  await shoot(page, 'psa-held-release-light-1280');
  await page.getByRole('dialog').getByRole('button', { name: 'Not now' }).click();
  await button('Discard and read anew …').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Discard and read anew' }).click();
  await button('Release …').waitFor({ state: 'detached' });
});

describe('Month end', () => {
  const lines = (query = '') => system.api.all<Line>(`/v1/month-end/lines?timeZone=America/New_York${query}`);

  test('it adds up on the page, in the file, and for one customer', async () => {
    await system.api.put(`/v1/psa-connections/${psaConnectionId}/writes`, { enabled: true });
    const cards = (await system.api.all<CardView>('/v1/cards')).filter(({ write, approvable }) => write && approvable);
    expect(cards.length).toBeGreaterThan(4);
    const [asked, dismissed, ...others] = cards;
    const { approval } = await signOff(system, others.slice(0, 3));
    await untilApprovalClosed(system, approval.id);
    const wrong = { ...(asked ? seenOf(asked) : {}), to: 12_345 };
    const [last] = others.slice(3);
    await system.api.post('/v1/approvals', { cards: [wrong, ...(last ? [seenOf(last)] : [])] });
    await system.api.post(`/v1/cards/${dismissed?.id}/dismiss`, { reason: 'Free until spring' });
    await until('all to be settled', async () => (await lines()).every(({ outcome }) => outcome !== 'under_way'));

    await system.database.db.execute(sql`
      with account as (
        insert into vendor_account (integration_id, id, name, linked) values (${integrationId}, 'nobody', 'Nobody Ltd', true)
        returning id)
      insert into usage_count (integration_id, vendor_account_id, service_id, quantity, as_of)
      select ${integrationId}, account.id, (select id from service where integration_id = ${integrationId} limit 1), 7, now() from account`);

    await signIn(page, token(), '/month-end');
    await rowsOf('Sums of the period').nth(7).waitFor();
    const all = await lines();
    const billed = all.filter(({ outcome }) => outcome === 'written');
    expect(billed.length).toBeGreaterThan(2);
    const cents = (of: Line[]) => of.reduce((sum, { amount }) => sum + Math.round((amount ?? 0) * 100), 0) / 100;
    const money = (amount: number) =>
      new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD', signDisplay: 'exceptZero' }).format(amount);
    const cells = async (name: string) =>
      (await textOf(rowsOf('Sums of the period').filter({ hasText: name }))).replace(name, '').trim();
    const total =
      billed.map(({ amount }) => amount ?? 0).reduce((sum, amount) => sum + Math.round(amount * 100), 0) / 100;
    await page.getByText(`For the accountant ${money(total)}`).waitFor();
    expect(await cells('Approved, and billed from now on')).toBe(`${billed.length} ${money(cents(billed))}`);
    expect(await cells('Left out when it was asked for')).toMatch(/^1 /);
    expect(await cells('Dismissed')).toMatch(/^1 /);
    expect(await cells('All')).toContain(money(cents(all)));
    // The customers' columns are the rows of the sums, and so is their last row.
    const lastRow = await textOf(rowsOf(/^(?!Sums).* of the period$/).last());
    for (const of of [billed, all]) expect(lastRow).toContain(money(cents(of)));
    // A cell of money never holds a number of cards.
    expect(await grid(/^(?!Sums).* of the period$/).innerText()).not.toMatch(/\d cards?\b/);
    // What is used and on no card is told beside it, in the file, too.
    const outside = page.getByRole('region', { name: 'Used, and not billed' });
    await outside.getByRole('row', { name: 'Nobody Ltd' }).getByRole('link', { name: 'Not mapped' }).waitFor();
    expect(await textOf(outside.getByRole('row', { name: 'Nobody Ltd' }))).toContain(' 7');
    const [kept] = await Promise.all([
      page.waitForEvent('download'),
      outside.getByRole('link', { name: 'Used, and on no card, as CSV' }).click(),
    ]);
    expect(await readFile(await kept.path(), 'utf8')).toContain('Nobody Ltd');
    await inspect(page, 'month-end');

    const file = await download();
    const ofCards = file.filter((row) => row['sum'] !== 'notBilled');
    expect(ofCards.map((row) => row['customer id'])).toEqual(all.map(({ psaAccountId }) => psaAccountId));
    expect(file.slice(ofCards.length).map((row) => row['customer'])).toContain('Nobody Ltd');

    const customer = billed[0]?.psaAccountName ?? '';
    await grid(/of the period$/)
      .last()
      .getByRole('row', { name: customer })
      .first()
      .click();
    const own = all.filter(({ psaAccountId }) => psaAccountId === billed[0]?.psaAccountId);
    const shown = rowsOf(`Lines of ${customer}`);
    await shown
      .filter({ hasText: /Written/ })
      .first()
      .waitFor();
    expect((await shown.count()) - 1).toBe(own.length);
    expect(await textOf(shown.filter({ hasText: /Written/ }).first())).toContain('"test"');
    expect(await download()).toHaveLength(own.length);
    await inspect(page, 'month-end-customer');

    // A month in which nothing differed yet.
    await page.getByRole('link', { name: /^All / }).click();
    await page.getByRole('button', { name: /Period/ }).click();
    await page.getByRole('option').nth(2).click();
    await page.getByRole('heading', { name: /^Nothing in/ }).waitFor();
    await inspect(page, 'month-end-empty');
    // Days the wrong way round are told at the field, and nothing is shown of them; in an address they are turned.
    await page.getByRole('button', { name: /Period/ }).click();
    await page.getByRole('option', { name: 'Other days' }).click();
    await page.getByLabel('Last day').fill('2020-01-01');
    await page.getByText('It is before the first day.').waitFor();
    await page.getByRole('heading', { name: 'The last day is before the first' }).waitFor();
    expect(await page.getByRole('heading', { name: /^Nothing in/ }).count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Download CSV' }).count()).toBe(0);
    await inspect(page, 'month-end-wrong-days');
    await page.goto('/month-end?from=2020-02-01&to=2020-01-01');
    await page.getByRole('heading', { name: 'Nothing in Jan 1, 2020 to Feb 1, 2020' }).waitFor();
  });

  test('a viewer sees the same sheet', async () => {
    await signIn(page, viewer, '/month-end');
    await rowsOf('Sums of the period').nth(7).waitFor();
    expect((await download()).filter((row) => row['sum'] !== 'notBilled')).toHaveLength((await lines()).length);
  });
});

describe('Audit', () => {
  test('who changed what: filtered, opened, followed, saved', async () => {
    await signIn(page, token(), '/audit');
    await rowsOf('Audit').filter({ hasText: 'Cards: dismiss' }).first().waitFor();
    // What was written is told by its customer and product, and leads to its card.
    await rowsOf('Audit').filter({ hasText: 'Approvals: written' }).first().getByRole('link', { name: /, / }).waitFor();
    // Each row says what was done in words that people know, and shows nobody an id.
    for (const text of (await rowsOf('Audit').allInnerTexts()).slice(1)) {
      const [, , what] = text.split(/[\t\n]+/);
      expect(what).toMatch(/^[A-Z]/);
      expect(text).not.toMatch(/[\da-f]{8}-[\da-f]{4}-/);
    }
    await rowsOf('Audit').filter({ hasText: 'Runs: applied' }).first().getByRole('link', { name: 'The run' }).waitFor();
    await inspect(page, 'audit');
    await page
      .getByRole('button', { name: /^What/ })
      .or(page.getByRole('button', { name: /Anything/ }))
      .first()
      .click();
    await page.getByRole('option', { name: 'Cards', exact: true }).click();
    await until('only cards', async () => {
      const texts = await rowsOf('Audit').allInnerTexts();
      return texts.length > 1 && texts.slice(1).every((text) => text.includes('Cards:'));
    });
    const found = await system.api.all<object>('/v1/audit?action=card');
    expect(await download()).toHaveLength(found.length);
    await rowsOf('Audit')
      .nth(1)
      .click({ position: { x: 40, y: 18 } });
    await page.getByRole('dialog').getByText('Free until spring').waitFor();
    await inspect(page, 'audit-entry');
    await page.getByRole('dialog').getByRole('button', { name: 'All about the same' }).click();
    await page.getByText(/^Only about card /).waitFor();
    await until('what is about it alone', async () => (await rowsOf('Audit').count()) === 2);
    await button('Show everything').click();
    await until('all again', async () => (await rowsOf('Audit').count()) > 5);
  });
});
