/** Account mapping in a real Chromium: typing, clicking, dragging with the mouse, and the keyboard alone. */
import { readFileSync } from 'node:fs';
import { sql } from 'drizzle-orm';
import type { Locator, Page, Response } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { insertOrganization } from '../../db/queries/organization.ts';
import { until } from '../../dev/until.ts';
import { connectAll } from '../../dev/walkthrough/guide.ts';
import { accountBoardOn, accountsOf } from '../kit/accountBoard.ts';
import { consoleOf } from '../kit/consoleOf.ts';
import { inspect, newToken, shoot, signIn } from '../kit/consolePages.ts';
import { dragOnto } from '../kit/drag.ts';
import { seedLarge } from '../kit/largeIntegration.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let page: Page;
let integrationId: string;
let psaConnectionId: string;

const open = consoleOf({
  start: async () => (system = await startSystem({ customers: 40 })),
  prepare: async () => {
    ({ integrationId, psaConnectionId } = await connectAll(system));
  },
  begin: (first) => {
    ({ page } = first);
  },
});

const token = () => system.secrets[0] ?? '';
const path = (id = integrationId) => `/integrations/${id}/accounts`;
const accounts = () => accountsOf(system, integrationId);

const board = (on = page) => accountBoardOn(on);
const psaList = () => board().psaList;
const list = () => board().vendorList;
const row = (name: string) => board().vendorRow(name);
const psaRow = (name: string) => board().psaRow(name);
const said = (words: string) => board().said(words);

async function openBoard(secret = token(), on = page, id = integrationId): Promise<void> {
  await signIn(on, secret, path(id));
  await board(on).vendorList.getByRole('row').first().waitFor();
  await board(on).psaList.getByRole('row').first().waitFor();
}

/** Takes a mapping back, so that the next test finds what this one did. */
async function unmap({ id }: { id: string }): Promise<void> {
  const { psaAccountId } = await accounts().one(id);
  if (psaAccountId !== null)
    await system.api.decide('DELETE', `/v1/integrations/${integrationId}/accounts/${id}`, 'mapping');
}
const psaAccounts = () =>
  system.api.all<{ id: string; name: string; mapped: number }>(`/v1/integrations/${integrationId}/psa-accounts`);

describe('the page', () => {
  test('exact matches are done and marked; those with most seats stand first', async () => {
    await openBoard();
    const all = await accounts().all();
    expect(all.filter(({ how }) => how === 'exact').length).toBeGreaterThan(5);
    await list().getByRole('row').nth(8).waitFor();
    const shown = await list().getByRole('row').allInnerTexts();
    expect(shown.length).toBeGreaterThan(8);
    for (const [at, text] of shown.entries()) {
      const account = all[at];
      expect(text).toContain(account?.name);
      expect(text).toContain(account?.seats === null ? 'Not counted' : String(account?.seats.toLocaleString('en-US')));
      expect(text.includes('Exact match')).toBe(account?.how === 'exact');
    }
    const { accounts: left } = await system.api.get<{
      accounts: { mapped: number; exact: number; linked: number; open: number };
    }>(`/v1/integrations/${integrationId}/mapping-progress`);
    await said(`${left.mapped} of ${left.linked} customers mapped, ${left.exact} of them by exact match.`).waitFor();
    await said(`${left.open} still unmapped: not billed until mapped to a company.`).waitFor();
    await inspect(page, 'account-mapping');
  });

  test('long names stay in their place, and are read whole when pointed at', async () => {
    const [first] = await accounts().all();
    const name = `${'Very Long Practice Name of Many Partners '.repeat(4)}GmbH & Co. KG`;
    await system.database.db.execute(
      sql`update vendor_account set name = ${name} where integration_id = ${integrationId} and id = ${first?.id}`,
    );
    await system.database.db.execute(
      sql`update psa_account set name = ${name} where psa_connection_id = ${psaConnectionId} and id = ${first?.psaAccountId ?? ''}`,
    );
    await openBoard();
    await inspect(page, 'account-mapping-long');
    expect(await row(name).getByTitle(name).count()).toBeGreaterThan(0);
    await system.database.db.execute(
      sql`update vendor_account set name = ${first?.name} where integration_id = ${integrationId} and id = ${first?.id}`,
    );
    await system.database.db.execute(
      sql`update psa_account set name = ${first?.psaAccountName ?? ''} where psa_connection_id = ${psaConnectionId} and id = ${first?.psaAccountId ?? ''}`,
    );
  });

  test('accounts of one name are told apart in both lists, and a nearly equal name says why it was not matched', async () => {
    await openBoard();
    const twins = (await accounts().all()).filter(({ name }) => name === 'Smith Law');
    expect(twins).toHaveLength(2);
    await board().searchRight.fill('Smith Law');
    for (const { id, apart } of twins) {
      expect(apart).toContain(`ID ${id}`);
      await row(`Smith Law (${apart})`).waitFor();
      await row(`Smith Law (${apart})`)
        .getByText(apart ?? '?')
        .first()
        .waitFor();
    }
    await inspect(page, 'account-mapping-twins');
    const realties = (
      await system.api.all<{ id: string; name: string; apart: string | null }>(
        `/v1/integrations/${integrationId}/psa-accounts`,
      )
    ).filter(({ name }) => name === 'Twin Peaks Realty');
    expect(realties).toHaveLength(2);
    await board().searchLeft.fill('Twin Peaks');
    for (const { apart } of realties) await psaRow(`Twin Peaks Realty (${apart})`).waitFor();
    // Several have the name: the dialog says which is which.
    await board().searchRight.fill('Twin Peaks');
    await page.getByRole('button', { name: 'Map Twin Peaks Realty to…' }).click();
    for (const { apart } of realties)
      await page
        .getByRole('option')
        .filter({ hasText: apart ?? '?' })
        .waitFor();
    await shoot(page, 'map-to-twins');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();

    const near = (await accounts().all()).find(({ name }) => name === 'Fabrikam Foods');
    if (near?.psaAccountId) await unmap(near);
    await page.reload();
    await board().searchRight.fill('Fabrikam');
    await row('Fabrikam Foods').getByText('the same but for spaces').waitFor();
    await inspect(page, 'account-mapping-near');
    await row('Fabrikam Foods').getByRole('button', { name: 'Map Fabrikam Foods to Fabrikam Foods' }).click();
    await said('Mapped Fabrikam Foods to Fabrikam Foods.').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await said('Unmapped Fabrikam Foods.').waitFor();
  });

  test('it says that nothing fits what is searched for', async () => {
    await openBoard();
    await board().searchLeft.fill('no company has this name');
    await page.getByText('No company has “no company has this name” in its name or code.').waitFor();
    await inspect(page, 'account-mapping-nothing');
    expect(await psaList().getByRole('button').count()).toBe(0);
  });
});

describe('mapping', () => {
  test('a PSA account is dragged onto a row to which the list was scrolled meanwhile', async () => {
    await openBoard();
    // The last one, out of sight.
    const account = (await accounts().all()).findLast(({ excluded, apart }) => !excluded && apart === null);
    if (!account) throw new Error('This test needs an account.');
    const target = await accounts().anyTarget();
    await board().findPsa(target.name);
    expect(await row(account.name).count()).toBe(0);
    await dragOnto(page, psaRow(target.name), row(account.name), {
      before: () => scrollToEnd(list()),
    });
    await said(`Mapped ${account.name} to ${target.name}.`).waitFor();
    expect((await accounts().one(account.id)).psaAccountId).toBe(target.id);
    await page.getByRole('button', { name: 'Undo' }).click();
    await until(
      'it to be as it was',
      async () => (await accounts().one(account.id)).psaAccountId === account.psaAccountId,
    );
  });

  test('by the keyboard alone: to the row, Map to…, a name typed, chosen; it is announced, and the focus is back', async () => {
    const account = await accounts().anyOpen();
    const target = await accounts().anyTarget();
    await openBoard();
    await board().searchRight.focus();
    await page.keyboard.type(account.name);
    await until('one row', async () => {
      const [rows, found] = [await list().getByRole('row').count(), await row(account.name).count()];
      return found === 1 && rows < 5;
    });
    // Past the button that clears the search, into the list, and along the row to its first button.
    for (let presses = 0; presses < 4 && !(await isIn(list())); presses++) await page.keyboard.press('Tab');
    await until('the list to have the focus', () => isIn(list()));
    while (!(await isIn(row(account.name)))) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe(`Map ${account.name} to…`);
    await page.keyboard.press('Enter');
    const box = page.getByRole('combobox');
    await box.waitFor();
    await until('typing to go there', () => isIn(box));
    await page.keyboard.type(target.name);
    await page.getByRole('option', { name: target.name }).first().waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await said(`Mapped ${account.name} to ${target.name}.`).waitFor();
    expect((await accounts().one(account.id)).psaAccountId).toBe(target.id);
    await until('the focus to be back in the row', () => isIn(row(account.name)));
    // ✕ is in reach of the same keys.
    await page.getByRole('button', { name: `Unmap ${account.name}` }).press('Enter');
    await said(`Unmapped ${account.name}.`).waitFor();
    expect((await accounts().one(account.id)).psaAccountId).toBeNull();
  });

  test('✕ unmaps; excluding asks for the reason, which is then shown; including and Undo take it back', async () => {
    const matched = (await accounts().all()).find(({ how }) => how === 'exact');
    if (!matched) throw new Error('This test needs an exact match.');
    await openBoard();
    await board().find(matched.name);
    await page.getByRole('button', { name: `Unmap ${matched.name}` }).click();
    await said(`Unmapped ${matched.name}.`).waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await said(`Mapped ${matched.name} to ${matched.psaAccountName}.`).waitFor();
    expect((await accounts().one(matched.id)).psaAccountId).toBe(matched.psaAccountId);

    // Another one, which Countersign does not match by itself as soon as it is included again.
    const account = await accounts().anyOpen();
    await board().find(account.name);
    await page.getByRole('button', { name: `Exclude ${account.name}…` }).click();
    const dialog = page.getByRole('dialog', { name: `Exclude ${account.name}` });
    await dialog.getByRole('button', { name: 'Exclude' }).click();
    await dialog.getByText('Say why, so that whoever looks at it later knows.').waitFor();
    await inspect(page, 'exclude');
    await dialog.getByLabel('Why').fill('Our own mailboxes');
    await dialog.getByRole('button', { name: 'Exclude' }).click();
    await row(account.name).getByText('Our own mailboxes').waitFor();
    expect(await accounts().one(account.id)).toMatchObject({ excluded: true, psaAccountId: null });
    await page.getByRole('button', { name: `Include ${account.name} again` }).click();
    await said(`Included ${account.name} again.`).waitFor();
    expect(await accounts().one(account.id)).toMatchObject({ excluded: false, psaAccountId: null });
    await page.getByRole('button', { name: 'Undo' }).click();
    await row(account.name).getByText('Our own mailboxes').waitFor();
    await system.api.call('DELETE', `/v1/integrations/${integrationId}/accounts/${account.id}/exclusion`);
  });

  test('several that are mapped to one stand together and say so; what is mapped can be hidden', async () => {
    const account = await accounts().anyOpen();
    const other = (await accounts().all()).find(
      ({ psaAccountId, together }) => psaAccountId !== null && together === 1,
    );
    await openBoard();
    await board().find(account.name);
    await board().findPsa(other?.psaAccountName ?? '');
    await dragOnto(page, psaRow(other?.psaAccountName ?? ''), row(account.name));
    await row(account.name).getByText('2 together').waitFor();
    await psaRow(other?.psaAccountName ?? '')
      .getByText('2 mapped')
      .waitFor();
    await page.getByRole('button', { name: 'Clear Search customers of Mailprotector' }).click();
    await row(other?.name ?? '')
      .getByText('2 together')
      .waitFor();
    const names = (await accounts().all()).map(({ name }) => name);
    expect(Math.abs(names.indexOf(account.name) - names.indexOf(other?.name ?? ''))).toBe(1);
    await page.getByText('Hide mapped').click();
    await row(other?.name ?? '').waitFor({ state: 'detached' });
    expect(await list().getByText('Exact match').count()).toBe(0);
    await inspect(page, 'account-mapping-hide-mapped');
    // What is mapped no more comes back into a list that hid it.
    expect(await row(account.name).count()).toBe(0);
    await page.getByRole('button', { name: 'Undo' }).click();
    await row(account.name).waitFor();
  });

  test('two people map the same customer: the second is told who did what, and sees it; nothing is overwritten', async () => {
    const account = await accounts().anyOpen();
    const [first, second] = (await psaAccounts()).filter(({ mapped }) => mapped === 0);
    const bob = await open();
    await openBoard(await newToken(system, ['operate'], { name: 'Bob' }), bob.page);
    await openBoard(await newToken(system, ['operate'], { name: 'Ann' }));
    for (const [on, target] of [[page, first] as const, [bob.page, second] as const]) {
      await board(on).find(account.name);
      await board(on).findPsa(target?.name ?? '');
    }
    await dragOnto(bob.page, board(bob.page).psaRow(second?.name ?? ''), board(bob.page).vendorRow(account.name));
    await board(bob.page).said(`Mapped ${account.name} to ${second?.name}.`).waitFor();
    await dragOnto(page, psaRow(first?.name ?? ''), row(account.name));
    await page.getByText(/Bob changed it at .* It is mapped to/).waitFor();
    await row(account.name)
      .getByText(second?.name ?? '', { exact: true })
      .waitFor();
    expect((await accounts().one(account.id)).psaAccountId).toBe(second?.id);
    await inspect(page, 'changed-meanwhile');
    // Knowing it, Ann may decide.
    await page.getByRole('button', { name: `Unmap ${account.name}` }).click();
    await said(`Unmapped ${account.name}.`).waitFor();
    expect((await accounts().one(account.id)).psaAccountId).toBeNull();
  });
});

test('the mapping file goes out, and in again after a look at what it would change', async () => {
  const account = await accounts().anyOpen();
  const target = await accounts().anyTarget();
  await openBoard();
  await page.getByRole('button', { name: 'Mapping file' }).click();
  const dialog = page.getByRole('dialog', { name: 'Mapping file' });
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    dialog.getByRole('button', { name: 'Export' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe(`mappings-${integrationId}.csv`);
  const csv = readFileSync(await download.path(), 'utf8');
  expect(csv).toContain(account.name);
  const give = async (text: string) => {
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      dialog.getByRole('button', { name: /^Import …|^Another file/ }).click(),
    ]);
    await chooser.setFiles({ name: 'mappings.csv', mimeType: 'text/csv', buffer: Buffer.from(text) });
  };
  await give(csv);
  await dialog.getByText('The file says what is mapped already: nothing would change.').waitFor();
  await give(`kind,id,mappedTo\naccount,${account.id},no-such-account\n`);
  await dialog.getByText('1 line cannot be read: nothing is changed').waitFor();
  expect(await dialog.getByRole('button', { name: /^Make / }).count()).toBe(0);
  await inspect(page, 'mapping-file-wrong');
  await give(`kind,id,mappedTo\naccount,${account.id},${target.id}\n`);
  await dialog.getByRole('listitem').filter({ hasText: account.name }).waitFor();
  expect((await accounts().one(account.id)).psaAccountId).toBeNull();
  await inspect(page, 'mapping-file');
  await dialog.getByRole('button', { name: 'Make 1 change' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect((await accounts().one(account.id)).psaAccountId).toBe(target.id);
  await unmap(account);
});

test('20,000 accounts a side stay quick: as many requests as for 40, and as many rows in the page', async () => {
  const organizationId = await insertOrganization(system.database.db, 'A large MSP');
  const secret = await newToken(system, ['admin'], { organizationId });
  const id = await seedLarge(system.database.db, {
    organizationId,
    like: { integrationId, psaConnectionId },
    count: 20_000,
  });
  const small = await work(path(), token(), (await accounts().anyOpen()).name.slice(0, 8));
  const large = await work(path(id), secret, 'Customer 19999');
  expect(large.requests).toBeLessThanOrEqual(small.requests + 2);
  expect(large.rows).toBeLessThanOrEqual(120);
  expect(large.bytes).toBeLessThan(200_000);
  // Mapping far down is as short a way.
  await page.getByRole('button', { name: 'Map Customer 19999 to…' }).click();
  await page.getByRole('combobox').fill('Company 12345');
  await page.getByRole('option', { name: 'Company 12345' }).click();
  await said('Mapped Customer 19999 to Company 12345.').waitFor();
});

/** Opens the page, searches on the right, scrolls the left list, and says what that cost. */
async function work(at: string, secret: string, wanted: string) {
  const fresh = await open();
  page = fresh.page;
  const answers: Promise<Buffer>[] = [];
  const note = (response: Response) => {
    if (!/\/(psa-accounts|accounts|mapping-progress)(\?|$)/.test(response.url())) return;
    // A request that the page has given up has no body.
    answers.push(response.body().catch(() => Buffer.alloc(0)));
  };
  page.on('response', note);
  await signIn(page, secret, at);
  await list().getByRole('row').first().waitFor();
  await psaList().getByRole('row').first().waitFor();
  await psaList().evaluate((element) => element.scrollTo(0, 2_000));
  await board().searchRight.fill(wanted);
  await list().getByRole('row', { name: wanted }).first().waitFor();
  const rows = await page.getByRole('row').count();
  page.off('response', note);
  const bytes = Math.max(...(await Promise.all(answers)).map((body) => body.length));
  return { requests: answers.length, bytes, rows };
}

const scrollToEnd = (of: Locator) => of.evaluate((element) => element.scrollTo(0, element.scrollHeight));
const isIn = (of: Locator): Promise<boolean> => of.evaluate((element) => element.matches(':focus-within'));
