/** Account mapping in a real Chromium: typing, clicking, dragging with the mouse, and the keyboard alone. */
import { readFileSync } from 'node:fs';
import { sql } from 'drizzle-orm';
import type { Browser, BrowserContext, Locator, Page, Response } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { insertOrganization } from '../../db/queries/organization.ts';
import { until } from '../../dev/until.ts';
import { connectAll, createIntegration, person, reach } from '../../dev/walkthrough/guide.ts';
import { findChromium, launchChromium } from '../kit/chromium.ts';
import { inspect, newToken, openPage, shoot, signIn, type ConsolePage } from '../kit/consolePages.ts';
import { dragOnto } from '../kit/drag.ts';
import { seedLarge } from '../kit/largeIntegration.ts';
import { startSystem, type System } from '../kit/system.ts';

interface Account {
  id: string;
  name: string;
  seats: number | null;
  psaAccountId: string | null;
  psaAccountName: string | null;
  how: string | null;
  excluded: boolean;
  together: number;
}

let system: System;
let browser: Browser;
let page: Page;
let context: BrowserContext;
let opened: ConsolePage[];
let integrationId: string;
let psaConnectionId: string;

beforeAll(async () => {
  const [path, started] = await Promise.all([findChromium(), startSystem({ customers: 40 })]);
  system = started;
  browser = await launchChromium(path);
  ({ integrationId, psaConnectionId } = await connectAll(system));
}, 480_000);
afterAll(async () => {
  await browser?.close();
  await system?.close();
});

beforeEach(async () => {
  opened = [];
  ({ page, context } = await open());
});
afterEach(async () => {
  for (const each of opened) await each.context.close();
  expect(opened.flatMap(({ complaints }) => complaints)).toEqual([]);
});

async function open(): Promise<ConsolePage> {
  const one = await openPage(browser, system);
  opened.push(one);
  return one;
}

const token = () => system.secrets[0] ?? '';
const path = (id = integrationId) => `/integrations/${id}/accounts`;
const accountsOf = (id = integrationId) => system.api.all<Account>(`/v1/integrations/${id}/accounts?order=seats`);
const accountOf = (id: string) => system.api.get<Account>(`/v1/integrations/${integrationId}/accounts/${id}`);
const anyOpen = async () => {
  const found = (await accountsOf()).filter(({ psaAccountId, excluded }) => psaAccountId === null && !excluded);
  const [first] = found;
  if (!first) throw new Error('Every account is mapped: this test needs one that is not.');
  return first;
};

const psaList = (on = page) => on.getByRole('grid', { name: 'Companies in the PSA' });
const list = (on = page) => on.getByRole('grid', { name: 'Customers of Mailprotector' });
const row = (name: string, on = page) => list(on).getByRole('row', { name, exact: true });
const psaRow = (name: string, on = page) => psaList(on).getByRole('row', { name, exact: true });
const said = (words: string, on = page) => on.getByRole('status').filter({ hasText: words });
const searchPsa = (on = page) => on.getByRole('searchbox', { name: 'Search companies' });
const search = (on = page) => on.getByRole('searchbox', { name: 'Search customers of Mailprotector' });

async function openBoard(secret = token(), on = page, id = integrationId): Promise<void> {
  await signIn(on, secret, path(id));
  await list(on).getByRole('row').first().waitFor();
  await psaList(on).getByRole('row').first().waitFor();
}

/** Searches for a company, and waits until the list has no other row that could take its place. */
async function findPsa(name: string | undefined, on = page): Promise<void> {
  await searchPsa(on).fill(name ?? '');
  await until('the company to be found', async () => {
    const [rows, found] = [await psaList(on).getByRole('row').count(), await psaRow(name ?? '', on).count()];
    return found === 1 && rows < 5;
  });
}

/** The same with a customer. */
async function find(name: string, on = page): Promise<void> {
  await search(on).fill(name);
  await until('the customer to be found', async () => {
    const [rows, found] = [await list(on).getByRole('row').count(), await row(name, on).count()];
    return found === 1 && rows < 5;
  });
}

/** Takes a mapping back, so that the next test finds what this one did. */
async function unmap({ id }: { id: string }): Promise<void> {
  const { psaAccountId } = await accountOf(id);
  if (psaAccountId !== null)
    await system.api.decide('DELETE', `/v1/integrations/${integrationId}/accounts/${id}`, 'mapping');
}
const psaAccounts = () =>
  system.api.all<{ id: string; name: string; mapped: number }>(`/v1/integrations/${integrationId}/psa-accounts`);

describe('the page', () => {
  test('G15 exact matches are done and marked; those with most seats stand first', async () => {
    await openBoard();
    const accounts = await accountsOf();
    expect(accounts.filter(({ how }) => how === 'exact').length).toBeGreaterThan(5);
    await list().getByRole('row').nth(8).waitFor();
    const shown = await list().getByRole('row').allInnerTexts();
    expect(shown.length).toBeGreaterThan(8);
    for (const [at, text] of shown.entries()) {
      const account = accounts[at];
      expect(text).toContain(account?.name);
      expect(text).toContain(account?.seats === null ? '—' : String(account?.seats.toLocaleString('en-US')));
      expect(text.includes('Exact match')).toBe(account?.how === 'exact');
    }
    const { accounts: left } = await system.api.get<{ accounts: { mapped: number; linked: number; open: number } }>(
      `/v1/integrations/${integrationId}/mapping-progress`,
    );
    await said(`${left.mapped} of ${left.linked} customers mapped`).waitFor();
    await said(`${left.open} still unmapped: not billed until mapped to a company.`).waitFor();
    await inspect(page, 'account-mapping');
  });

  test('long names stay in their place, and are read whole when pointed at', async () => {
    const [first] = await accountsOf();
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

  test('G45 further details on account and service mapping are one press away', async () => {
    await openBoard();
    await page.getByRole('button', { name: 'Further details' }).click();
    const dialog = page.getByRole('dialog', { name: 'Account and service mapping' });
    await dialog.getByText('Names that are equal, character for character').waitFor();
    await inspect(page, 'mapping-details');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await page.getByRole('dialog').count()).toBe(0);
  });

  test('it says that it is reading, that it may not be seen, and that something failed', async () => {
    let answer: { status: number; contentType: string; body: string } | undefined;
    await page.route('**/v1/integrations/*/psa-accounts*', async (route) => {
      if (answer) await route.fulfill(answer);
    });
    await signIn(page, token(), path());
    await page.getByText('Reading the companies …').waitFor({ state: 'attached' });
    await inspect(page, 'account-mapping-reading');
    const problem = (status: number, detail: string) => ({
      status,
      contentType: 'application/problem+json',
      body: JSON.stringify({ type: 'about:blank', title: 'Not allowed', status, code: 'x', detail }),
    });
    answer = problem(403, 'This needs a token with the scope "read".');
    await page.goto(path());
    await page.getByRole('heading', { name: 'The companies are not yours to see' }).waitFor();
    answer = problem(409, 'The PSA has not been read yet.');
    await page.goto(path());
    await page.getByRole('alert').getByText('The PSA has not been read yet.').waitFor();
    await inspect(page, 'account-mapping-failed');
    await page.unroute('**/v1/integrations/*/psa-accounts*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await psaList().getByRole('row').first().waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  test('it says that nothing fits what is searched for', async () => {
    await openBoard();
    await searchPsa().fill('no company has this name');
    await page.getByText('No company has “no company has this name” in its name or code.').waitFor();
    await inspect(page, 'account-mapping-nothing');
    expect(await psaList().getByRole('button').count()).toBe(0);
  });

  test('an integration of another organization is not there', async () => {
    const organizationId = await insertOrganization(system.database.db, 'Another MSP');
    const theirs = await newToken(system, ['admin'], { organizationId });
    await signIn(page, theirs, path());
    await page.getByRole('heading', { name: 'There is no such integration' }).waitFor();
    expect(await page.getByRole('grid').count()).toBe(0);
  });

  test('a viewer sees all and is offered nothing to change', async () => {
    await openBoard(await newToken(system, ['read']));
    await page.getByText('You may look, and change nothing').waitFor();
    expect(await list().getByRole('button').count()).toBe(0);
    expect(await psaList().getByRole('button').count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Undo' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Mapping file' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Export' }).waitFor();
    expect(await page.getByRole('button', { name: 'Import …' }).count()).toBe(0);
    await page.keyboard.press('Escape');
    await inspect(page, 'account-mapping-viewer');
  });
});

describe('mapping', () => {
  test('G16 the filter button shows the nearest names and why; what is chosen is mapped, and can be taken back', async () => {
    const account = await anyOpen();
    const { items } = await system.api.get<{ items: { id: string; name: string; reason: string }[] }>(
      `/v1/integrations/${integrationId}/accounts/${account.id}/suggestions`,
    );
    const [nearest] = items;
    await openBoard();
    await search().fill(account.name);
    await row(account.name)
      .getByRole('button', { name: `Map ${account.name} to…` })
      .click();
    const dialog = page.getByRole('dialog', { name: `Map ${account.name} to …` });
    await dialog.waitFor();
    const option = page.getByRole('option').filter({ hasText: `Near: ${nearest?.reason}` });
    await option.first().waitFor();
    await shoot(page, 'map-to-light-1280');
    await page
      .getByRole('option')
      .filter({ hasText: nearest?.name ?? '' })
      .first()
      .click();
    await dialog.waitFor({ state: 'detached' });
    await said(`Mapped ${account.name} to ${nearest?.name}.`).waitFor();
    // The nearest name may be the same.
    await row(account.name)
      .getByText(nearest?.name ?? '', { exact: true })
      .last()
      .waitFor();
    expect(await accountOf(account.id)).toMatchObject({ psaAccountId: nearest?.id, how: 'person' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await said(`Unmapped ${account.name}.`).waitFor();
    expect((await accountOf(account.id)).psaAccountId).toBeNull();
  });

  test('G17 the search bar on the left finds PSA accounts by a part of their name or code', async () => {
    await openBoard();
    const target = (await psaAccounts()).at(-1);
    await searchPsa().fill(target?.name.slice(0, 12) ?? '');
    await psaRow(target?.name ?? '').waitFor();
    const found = await system.api.all<{ name: string }>(
      `/v1/integrations/${integrationId}/psa-accounts?search=${encodeURIComponent(target?.name.slice(0, 12) ?? '')}`,
    );
    await until('only what fits to be shown', async () => (await psaList().getByRole('row').count()) === found.length);
    await page.getByRole('button', { name: 'Clear Search companies' }).click();
    await until('all to be shown', async () => (await psaList().getByRole('row').count()) > found.length);
    expect(found.length).toBeGreaterThan(0);
  });

  test('G18 a PSA account is dragged with the mouse from the left onto a vendor account on the right', async () => {
    const account = await anyOpen();
    const target = (await psaAccounts()).find(({ mapped }) => mapped === 0);
    await openBoard();
    await find(account.name);
    await findPsa(target?.name);
    await dragOnto(page, psaRow(target?.name ?? ''), row(account.name), {
      over: () => shoot(page, 'dragging-light-1280'),
    });
    await said(`Mapped ${account.name} to ${target?.name}.`).waitFor();
    expect(await accountOf(account.id)).toMatchObject({ psaAccountId: target?.id, how: 'person' });
    await unmap(account);
  });

  test('G18 … also onto a row to which the list was scrolled while dragging', async () => {
    await openBoard();
    // The last one, out of sight.
    const account = (await accountsOf()).findLast(({ excluded }) => !excluded);
    if (!account) throw new Error('This test needs an account.');
    const target = (await psaAccounts()).find(({ mapped }) => mapped === 0);
    await findPsa(target?.name);
    expect(await row(account.name).count()).toBe(0);
    await dragOnto(page, psaRow(target?.name ?? ''), row(account.name), {
      before: () => scrollToEnd(list()),
    });
    await said(`Mapped ${account.name} to ${target?.name}.`).waitFor();
    expect((await accountOf(account.id)).psaAccountId).toBe(target?.id);
    await page.getByRole('button', { name: 'Undo' }).click();
    await until('it to be as it was', async () => (await accountOf(account.id)).psaAccountId === account.psaAccountId);
  });

  test('G16 by the keyboard alone: to the row, Map to…, a name typed, chosen; it is announced, and the focus is back', async () => {
    const account = await anyOpen();
    const target = (await psaAccounts()).find(({ mapped }) => mapped === 0);
    await openBoard();
    await search().focus();
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
    await page.keyboard.type(target?.name ?? '');
    await page
      .getByRole('option', { name: target?.name ?? '' })
      .first()
      .waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await said(`Mapped ${account.name} to ${target?.name}.`).waitFor();
    expect((await accountOf(account.id)).psaAccountId).toBe(target?.id);
    await until('the focus to be back in the row', () => isIn(row(account.name)));
    // ✕ is in reach of the same keys.
    await page.getByRole('button', { name: `Unmap ${account.name}` }).press('Enter');
    await said(`Unmapped ${account.name}.`).waitFor();
    expect((await accountOf(account.id)).psaAccountId).toBeNull();
  });

  test('✕ unmaps; excluding asks for the reason, which is then shown; including and Undo take it back', async () => {
    const matched = (await accountsOf()).find(({ how }) => how === 'exact');
    if (!matched) throw new Error('This test needs an exact match.');
    await openBoard();
    await find(matched.name);
    await page.getByRole('button', { name: `Unmap ${matched.name}` }).click();
    await said(`Unmapped ${matched.name}.`).waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await said(`Mapped ${matched.name} to ${matched.psaAccountName}.`).waitFor();
    expect((await accountOf(matched.id)).psaAccountId).toBe(matched.psaAccountId);

    // Another one, which Countersign does not match by itself as soon as it is included again.
    const account = await anyOpen();
    await find(account.name);
    await page.getByRole('button', { name: `Exclude ${account.name}…` }).click();
    const dialog = page.getByRole('dialog', { name: `Exclude ${account.name}` });
    await dialog.getByRole('button', { name: 'Exclude' }).click();
    await dialog.getByText('Say why, so that whoever looks at it later knows.').waitFor();
    await inspect(page, 'exclude');
    await dialog.getByLabel('Why').fill('Our own mailboxes');
    await dialog.getByRole('button', { name: 'Exclude' }).click();
    await row(account.name).getByText('Our own mailboxes').waitFor();
    expect(await accountOf(account.id)).toMatchObject({ excluded: true, psaAccountId: null });
    await page.getByRole('button', { name: `Include ${account.name} again` }).click();
    await said(`Included ${account.name} again.`).waitFor();
    expect(await accountOf(account.id)).toMatchObject({ excluded: false, psaAccountId: null });
    await page.getByRole('button', { name: 'Undo' }).click();
    await row(account.name).getByText('Our own mailboxes').waitFor();
    await system.api.call('DELETE', `/v1/integrations/${integrationId}/accounts/${account.id}/exclusion`);
  });

  test('several that are mapped to one stand together and say so; what is mapped can be hidden', async () => {
    const account = await anyOpen();
    const other = (await accountsOf()).find(({ psaAccountId, together }) => psaAccountId !== null && together === 1);
    await openBoard();
    await find(account.name);
    await findPsa(other?.psaAccountName ?? '');
    await dragOnto(page, psaRow(other?.psaAccountName ?? ''), row(account.name));
    await row(account.name).getByText('2 together').waitFor();
    await psaRow(other?.psaAccountName ?? '')
      .getByText('2 mapped')
      .waitFor();
    await page.getByRole('button', { name: 'Clear Search customers of Mailprotector' }).click();
    await row(other?.name ?? '')
      .getByText('2 together')
      .waitFor();
    const names = (await accountsOf()).map(({ name }) => name);
    expect(Math.abs(names.indexOf(account.name) - names.indexOf(other?.name ?? ''))).toBe(1);
    await page.getByText('Hide mapped').click();
    await row(other?.name ?? '').waitFor({ state: 'detached' });
    expect(await list().getByText('Exact match').count()).toBe(0);
    await inspect(page, 'account-mapping-hide-mapped');
    await unmap(account);
  });

  test('two people map the same customer: the second is told who did what, and sees it; nothing is overwritten', async () => {
    const account = await anyOpen();
    const [first, second] = (await psaAccounts()).filter(({ mapped }) => mapped === 0);
    const bob = await open();
    await openBoard(await newToken(system, ['operate'], { name: 'Bob' }), bob.page);
    await openBoard(await newToken(system, ['operate'], { name: 'Ann' }));
    for (const [on, target] of [[page, first] as const, [bob.page, second] as const]) {
      await find(account.name, on);
      await findPsa(target?.name, on);
    }
    await dragOnto(bob.page, psaRow(second?.name ?? '', bob.page), row(account.name, bob.page));
    await said(`Mapped ${account.name} to ${second?.name}.`, bob.page).waitFor();
    await dragOnto(page, psaRow(first?.name ?? ''), row(account.name));
    await page.getByText(/Bob changed it at .* It is mapped to/).waitFor();
    await row(account.name)
      .getByText(second?.name ?? '', { exact: true })
      .waitFor();
    expect((await accountOf(account.id)).psaAccountId).toBe(second?.id);
    await inspect(page, 'changed-meanwhile');
    // Knowing it, Ann may decide.
    await page.getByRole('button', { name: `Unmap ${account.name}` }).click();
    await said(`Unmapped ${account.name}.`).waitFor();
    expect((await accountOf(account.id)).psaAccountId).toBeNull();
  });
});

test('the mapping file goes out, and in again after a look at what it would change', async () => {
  const account = await anyOpen();
  const target = (await psaAccounts()).find(({ mapped }) => mapped === 0);
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
  await give(`kind,id,mappedTo\naccount,${account.id},${target?.id}\n`);
  await dialog.getByRole('listitem').filter({ hasText: account.name }).waitFor();
  expect((await accountOf(account.id)).psaAccountId).toBeNull();
  await inspect(page, 'mapping-file');
  await dialog.getByRole('button', { name: 'Make 1 change' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect((await accountOf(account.id)).psaAccountId).toBe(target?.id);
  await unmap(account);
});

test('G19 Next leads to service mapping once accounts are mapped; nothing is lost by closing the tab', async () => {
  const id = await createIntegration(system, psaConnectionId);
  await person.credentials(system, id);
  await person.linkAll(system, id);
  await reach(system, id, 'mapAccounts');
  await openBoard(token(), page, id);
  await context.close();
  ({ page, context } = await open());
  await openBoard(token(), page, id);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('heading', { name: 'Service mapping', level: 1 }).waitFor();
  expect(new URL(page.url()).pathname).toBe(`/integrations/${id}/services`);
  await reach(system, id, 'mapServices');
});

test('20,000 accounts a side stay quick: as many requests as for 40, and as many rows in the page', async () => {
  const organizationId = await insertOrganization(system.database.db, 'A large MSP');
  const secret = await newToken(system, ['admin'], { organizationId });
  const id = await seedLarge(system.database.db, {
    organizationId,
    like: { integrationId, psaConnectionId },
    count: 20_000,
  });
  const small = await work(path(), token(), (await anyOpen()).name.slice(0, 8));
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
  await search().fill(wanted);
  await list().getByRole('row', { name: wanted }).first().waitFor();
  const rows = await page.getByRole('row').count();
  page.off('response', note);
  const bytes = Math.max(...(await Promise.all(answers)).map((body) => body.length));
  return { requests: answers.length, bytes, rows };
}

const scrollToEnd = (of: Locator) => of.evaluate((element) => element.scrollTo(0, element.scrollHeight));
const isIn = (of: Locator): Promise<boolean> => of.evaluate((element) => element.matches(':focus-within'));
