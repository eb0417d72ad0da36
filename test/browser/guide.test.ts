/**
 * guide.txt, walked in its order by somebody who holds nothing else: by clicks, typing and real dragging, in two sites side by
 * side, Countersign's console and the simulated Mailprotector console. Each name begins with the number of its sentence.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { stepOf, type CardView, type IntegrationView } from '../../dev/walkthrough/guide.ts';
import { until } from '../../dev/until.ts';
import { keys } from '../../simulators/mailprotector/keys.ts';
import { accountBoardOn, accountsOf } from '../kit/accountBoard.ts';
import { findChromium, launchChromium, leaveChromium } from '../kit/chromium.ts';
import { goTo as goToPage, inspect, openPage, signIn, watched, type ConsolePage } from '../kit/consolePages.ts';
import { sayWhatFailedPagesShow } from '../kit/failedPages.ts';
import { dragOnto } from '../kit/drag.ts';
import { portalOn } from '../kit/portal.ts';
import { typePsa } from '../kit/psaForm.ts';
import { pushEnv } from '../kit/push.ts';
import { foundInMemory, isInPage } from '../kit/secretInPage.ts';
import { approveOne, jumpTo, turnWritingOn } from '../kit/signOff.ts';
import { startSystem, type System } from '../kit/system.ts';
import { vendorKey } from '../kit/vendorApi.ts';

let system: System;
let browser: Browser;
/** Each browser in which Countersign was open. */
const opened: ConsolePage[] = [];
/** Countersign, and Mailprotector. */
let page: Page;
let portal: Page;
let key: string;
let id: string;

// It may have to fetch a Chromium.
beforeAll(async () => {
  const [path, started] = await Promise.all([findChromium(), startSystem({ customers: 30, env: pushEnv })]);
  system = started;
  await system.mailprotector.settings({ vendorApiUrl: `${system.api.url}/api`, vendorKey });
  browser = await launchChromium(path);
  page = await openBrowser();
}, 480_000);
afterAll(async () => {
  await leaveChromium(browser);
  await system?.close();
});
afterEach(sayWhatFailedPagesShow);

const token = () => system.secrets[0] ?? '';
const button = (name: string) => page.getByRole('button', { name, exact: true });
const region = (name: string) => page.getByRole('region', { name, exact: true });
const heading = (name: string) => page.getByRole('heading', { name, level: 1 });
const goTo = (name: string) => goToPage(page, name);
/** The integration that the guide is about was connected first. */
const card = () => page.getByRole('article', { name: 'Mailprotector' }).first();

const at = () => `/v1/integrations/${id}`;
const cards = () => system.api.all<CardView>('/v1/cards');
const services = async () =>
  (await system.api.get<{ items: { id: string; name: string; products: object[] }[] }>(`${at()}/services`)).items;
const cloudFilter = async () => (await services()).find((each) => each.id === 'CloudFilter');
const accounts = () => accountsOf(system, id);
const board = () => accountBoardOn(page);
const migrationStep = (name: string) =>
  page.getByRole('list', { name: 'Steps of migrating Mailprotector to alerts' }).getByText(name).locator('..');
const there = () => portalOn(portal);
async function openBrowser(): Promise<Page> {
  opened.push(await openPage(browser, system));
  return opened.at(-1)?.page as Page;
}

test('before the guide: sign in, and connect the PSA', async () => {
  await signIn(page, token());
  await page.getByRole('link', { name: 'Connect your PSA' }).click();
  await heading('Connect your PSA').waitFor();
  await typePsa(page, system, 'full');
  await button('Connect ConnectWise PSA').click();
  await page.getByRole('row', { name: /Read products.* Granted/ }).waitFor();
});

test('G01 its card says that this is an external integration, which Mailprotector supports, and where', async () => {
  await goTo('Integrations');
  const offered = region('Mailprotector');
  await offered.getByText('This is an external integration').waitFor();
  expect(await offered.getByRole('link', { name: 'Support by Mailprotector' }).getAttribute('href')).toBe(
    'https://support.mailprotector.com',
  );
});

test('G03 select the Mailprotector integration card, and click Connect', async () => {
  await page.getByRole('link', { name: 'Connect Mailprotector' }).click();
  await heading('Connect Mailprotector').waitFor();
  const here = page.getByRole('navigation', { name: 'Pages' }).locator('[aria-current=page]');
  expect(await here.allInnerTexts()).toEqual(['Integrations']);
});

test('G02 who receives Mailprotector through Virtual Administrator is refused with that reason, and nothing is made', async () => {
  const question = page.getByRole('radiogroup', { name: /receive Mailprotector through Virtual Administrator/ });
  await question.getByText('Yes').click();
  const refusal = 'If you receive Mailprotector through Virtual Administrator, you cannot utilize the integration';
  await page.getByRole('alert').getByText(refusal).waitFor();
  expect(await button('Connect').count()).toBe(0);
  expect(await system.api.all('/v1/integrations')).toEqual([]);
  await inspect(page, 'virtual-administrator');
  await question.getByText('No').click();
  await page.getByText('Still to do: choose how the counts arrive.').waitFor();
  expect(await button('Connect').isDisabled()).toBe(true);
  await page.getByText('Mailprotector sends the counts when you click Update Counts').click();
  await inspect(page, 'questions');
  await button('Connect').click();
});

test('G04 copy the API key, which this integration alone has', async () => {
  await page.waitForURL('**/integrations/*/connect');
  key = await page.getByLabel('API key', { exact: true }).innerText();
  await button('Copy the key').click();
  await page.getByText('The key was copied').waitFor();
  expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe(key);
  id = new URL(page.url()).pathname.split('/')[2] ?? '';
  expect(await system.api.all('/v1/integrations')).toHaveLength(1);
});

test('G05 save it in a secure place: it is available only once, and nowhere after its page was left', async () => {
  await page.getByText('It is shown only this once.').waitFor();
  await inspect(page, 'key');
  await goTo('Integrations');
  await heading('Integrations').waitFor();
  expect(await isInPage(key, page)).toBe(false);
  // The probe finds what is there.
  expect(await foundInMemory([key, id], page)).toEqual([id]);
  await page.goBack();
  await page.getByText('was shown once, when it was made').waitFor();
  expect(await isInPage(key, page)).toBe(false);
  // Nothing is to be mapped yet, and the page says why.
  expect(await region('Next').getByRole('button', { name: 'Next' }).isDisabled()).toBe(true);
  await region('Next').getByText('Enable in the vendor console: waits for the vendor to accept the key').waitFor();
});

test('G06 click Open Portal, and log in to the Mailprotector Console', async () => {
  const tab = page.context().waitForEvent('page');
  await page.getByRole('link', { name: 'Open Portal' }).first().click();
  portal = watched(await tab, opened[0]?.complaints ?? []);
  await there().logIn();
  expect(new URL(portal.url()).origin).toBe(system.mailprotector.url);
});

test('G07 select the Integrations tab in the top navigation, and scroll to Gradient MSP', async () => {
  await there().goTo('Integrations');
  const title = portal.getByRole('heading', { name: 'Gradient MSP' });
  await title.waitFor();
  const height = portal.viewportSize()?.height ?? 800;
  expect((await title.boundingBox())?.y).toBeGreaterThan(height);
  await portal.mouse.move(300, 300);
  await until('it to be scrolled to', async () => {
    await portal.mouse.wheel(0, 300);
    return ((await title.boundingBox())?.y ?? height) < height - 100;
  });
});

test('G08 paste the key, and click Enable; another one is refused in the words of the Vendor API', async () => {
  await portal.getByLabel('Partner API Key').fill('not-the-key');
  await there().press('Enable');
  const refusal = 'The Partner API Key was not accepted. Gradient MSP answered 401: Unauthorized';
  await there().region('Gradient MSP').getByRole('alert').getByText(refusal).waitFor();
  expect(await stepOf(system, id, 'enable')).toMatchObject({ state: 'waiting' });
  await portal.getByLabel('Partner API Key').fill(key);
  await there().press('Enable');
  await portal.getByText('Gradient MSP is enabled for Test MSP.').waitFor();
  expect(await stepOf(system, id, 'enable')).toMatchObject({ state: 'done' });
  expect(await portal.content()).not.toContain(key);
});

test('G09 select all the accounts to sync, and click Link Selected Customers', async () => {
  await portal.getByRole('checkbox', { name: 'Select all 30 customers' }).check();
  const one = portal.getByRole('checkbox', { name: 'Friends of the House' });
  expect(await one.isChecked()).toBe(true);
  await one.uncheck();
  await portal.getByText('29 of 30 selected').waitFor();
  await one.check();
  await portal.getByText('30 of 30 selected').waitFor();
  await there().press('Link Selected Customers');
  await portal.getByText('30 customers are linked with Gradient MSP.').waitFor();
  // Also those of the second page.
  expect(await accounts().all()).toHaveLength(30);
});

test('G10 the list of service assignments there is to be disregarded', async () => {
  const list = there().region('Service assignments');
  await list.getByRole('cell', { name: 'CloudFilter Email Security' }).waitFor();
  expect(await list.innerText()).toContain('Please disregard these');
  expect(await list.locator('button, input, select, a').count()).toBe(0);
});

test('G11 return to Countersign: it shows what happened there, as it happened', async () => {
  await page.bringToFront();
  const news = page.getByRole('status', { name: 'What happened in the Mailprotector Console' });
  await news.getByText('Mailprotector has accepted the key').waitFor();
  await news.getByText('30 customers are linked in the Mailprotector Console').waitFor();
});

test('G11 … also to another browser, because the tab was closed', async () => {
  await page.close();
  page = await openBrowser();
  await signIn(page, token());
  await card().getByRole('link', { name: 'Go on connecting' }).click();
  await page.getByText('30 customers are linked in the Mailprotector Console').waitFor();
  await region('Next').getByText('Next is account mapping.').waitFor();
  await inspect(page, 'next');
});

test('G12, G13 if you are connecting alerts: click Check Permissions, and select the PSA board', async () => {
  // The guide's own integration migrates to alerts later (G30): this one carries them from the start, and nothing else.
  await page.goto('/connect/mailprotector');
  await page.getByText('No', { exact: true }).click();
  await page.getByLabel('Billing').uncheck();
  await page.getByLabel('Alerts').check();
  await page.getByText('Countersign reads the counts').click();
  await button('Connect').click();
  await page.getByLabel('Reseller id').fill('500');
  await page.getByLabel('API key').fill(keys.reseller);
  await button('Give credentials').click();
  await page.getByLabel('Select all 30 customers').check();
  await button('Link selected customers').click();
  await button('Check Permissions').click();
  for (const right of [/Read service boards.* Granted/, /Create tickets.* Unknown/])
    await page.getByRole('row', { name: right }).waitFor();
  expect(await region('Check Permissions').getByText('Denied').count()).toBe(0);
  await inspect(page, 'check-permissions');
  await page
    .getByRole('button', { name: /Service board/ })
    .first()
    .click();
  await page.getByRole('option', { name: 'Alerts' }).click();
  await button('Use this service board').click();
  await page.getByText('The service board was chosen').waitFor();
  const other = new URL(page.url()).pathname.split('/')[2] ?? '';
  const { board: chosen } = await system.api.get<{ board: object | null }>(`/v1/integrations/${other}/alert-settings`);
  expect(chosen).not.toBeNull();
  await system.api.post(`/v1/integrations/${other}/disconnect`);
});

test('G14 press Next to complete the account and service mapping', async () => {
  await page.goto(`/integrations/${id}/connect`);
  await region('Next').getByRole('link', { name: 'Next' }).click();
  await heading('Account mapping').waitFor();
});

test('G45 further details on account and service mapping are a click away', async () => {
  await button('Further details').click();
  const dialog = page.getByRole('dialog', { name: 'Account and service mapping' });
  await dialog.getByText('Names that are equal, character for character').waitFor();
  await inspect(page, 'mapping-details');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
});

test('G15 accounts with an exact match between vendor and PSA were matched by themselves', async () => {
  const exact = (await accounts().all()).filter(({ how }) => how === 'exact');
  expect(exact.length).toBeGreaterThan(5);
  await board().vendorList.getByText('Exact match').first().waitFor();
});

test('G16 use the filter button beside an account name on the right: the nearest names, and why', async () => {
  const account = await accounts().anyOpen();
  const { items } = await system.api.get<{ items: { id: string; name: string; reason: string }[] }>(
    `${at()}/accounts/${account.id}/suggestions`,
  );
  const [nearest] = items;
  const map = async () => {
    await board()
      .vendorRow(account.name)
      .getByRole('button', { name: `Map ${account.name} to…` })
      .click();
    const dialog = page.getByRole('dialog', { name: `Map ${account.name} to …` });
    await page
      .getByRole('option')
      .filter({ hasText: nearest?.name ?? '' })
      .filter({ hasText: `Near: ${nearest?.reason}` })
      .click();
    await dialog.waitFor({ state: 'detached' });
    await board().said(`Mapped ${account.name} to ${nearest?.name}.`).waitFor();
    expect(await accounts().one(account.id)).toMatchObject({ psaAccountId: nearest?.id, how: 'person' });
  };
  await board().find(account.name);
  await map();
  await button('Undo').click();
  await board().said(`Unmapped ${account.name}.`).waitFor();
  expect((await accounts().one(account.id)).psaAccountId).toBeNull();
  await map();
});

test('G17 use the search bar on the left to find PSA accounts', async () => {
  const target = await accounts().anyTarget();
  const part = target.name.slice(0, 12);
  const found = await system.api.all(`${at()}/psa-accounts?search=${encodeURIComponent(part)}`);
  const rows = () => board().psaList.getByRole('row').count();
  await board().searchLeft.fill(part);
  await board().psaRow(target.name).waitFor();
  await until('only what fits to be shown', async () => (await rows()) === found.length);
  await button('Clear Search companies').click();
  await until('all to be shown', async () => (await rows()) > found.length);
});

test('G18 drag and drop a PSA account from the left onto a vendor account on the right', async () => {
  const [target, account] = [await accounts().anyTarget(), await accounts().anyOpen()];
  await board().drag(target, account);
  expect((await accounts().one(account.id)).psaAccountId).toBe(target.id);
});

test('G19 once accounts are mapped, click Next for the service mapping', async () => {
  await button('Next').click();
  await heading('Service mapping').waitFor();
});

test('G22 without a service mapping the configuration does not go on, and says why', async () => {
  await button('Next').click();
  await page.getByText('Map at least one service first.').first().waitFor();
});

test('G20, G21 align a PSA product on the left, found by its Product ID, with a vendor service on the right', async () => {
  const { name = '' } = (await cloudFilter()) ?? {};
  const products = page.getByRole('grid', { name: 'Products in the PSA' }).getByRole('row');
  const all = await products.count();
  await page.getByRole('searchbox', { name: 'Search by Product ID' }).fill('MP-CLOUDFILTER');
  await until('only what fits to be shown', async () => (await products.count()) < all);
  const row = page.getByRole('grid', { name: 'Services of Mailprotector' }).getByRole('row', { name, exact: true });
  await dragOnto(page, page.getByRole('row', { name: 'MP-CLOUDFILTER', exact: true }), row);
  const dialog = page.getByRole('dialog', { name: `Map ${name}`, exact: true });
  await until('it to be previewed', () => dialog.getByRole('button', { name: 'Save' }).isEnabled());
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await row.getByText('MP-CLOUDFILTER').waitFor();
  expect((await cloudFilter())?.products).toMatchObject([{ productId: 'MP-CLOUDFILTER' }]);
});

test('G23 after mapping the services, click Next', async () => {
  await button('Next').click();
  await heading('Review and finish').waitFor();
});

test('G24 review the service configurations, and click Finish', async () => {
  const { name = '' } = (await cloudFilter()) ?? {};
  const reviewed = page.getByRole('grid', { name: 'What will be billed from what' });
  await reviewed.getByRole('row', { name, exact: true }).getByText('MP-CLOUDFILTER').waitFor();
  await page.getByText(`1 of ${(await services()).length} services mapped`).waitFor();
  await inspect(page, 'review');
  await button('Finish').click();
});

test('G25 this starts a sync: Sync Status at the top right spins', async () => {
  await button('Sync Status: syncing').waitFor();
  const turns = `getComputedStyle(document.querySelector('[aria-label^="Sync Status"] svg')).animationIterationCount`;
  expect(await page.evaluate<string>(turns)).toBe('infinite');
  await button('Sync Status: syncing').click();
  const status = page.getByRole('dialog', { name: 'Sync Status' });
  await status.getByText('Counts from the vendor').waitFor();
  await inspect(page, 'sync-status');
  await page.keyboard.press('Escape');
  expect(await button('Refresh: new data is ready').count()).toBe(0);
});

// This vendor sends its counts, and has not sent any yet: the sync that Finish has started is complete when they have come. So the
// guide's next heading, "Start the Sync", is walked before the rest of this one.
test('G29 return to Mailprotector, and click Update Counts: the counts arrive', async () => {
  await portal.bringToFront();
  expect((await cards()).every(({ usage }) => usage === null)).toBe(true);
  const text = await there().updateCounts();
  const [, posted, unmapped, refused] = /Posted (\d+) Not mapped in Gradient yet (\d+) Refused (\d+)/.exec(text) ?? [];
  expect(Number(posted)).toBeGreaterThan(10);
  expect(Number(unmapped)).toBeGreaterThan(0);
  expect(refused).toBe('0');
});

test('G26 once the sync is complete Refresh lights up pink; clicking it shows the vendor’s usage', async () => {
  await page.bringToFront();
  await heading('Reconcile').waitFor();
  await button('Refresh: new data is ready').waitFor();
  await inspect(page, 'refresh-lit');
  await button('Refresh: new data is ready').click();
  await button('Refresh').waitFor();
  const used = (await cards()).find(({ usage }) => usage !== null && usage > 0);
  const all = page.getByRole('grid', { name: 'Cards' }).getByRole('row');
  const rows = all.filter({ hasText: used?.psaAccountName ?? '?' });
  await until('the usage to be shown', async () =>
    (await rows.allInnerTexts()).some((text) => text.includes(String(used?.usage))),
  );
  await inspect(page, 'reconcile');
});

test('G27 use the filter or sort options to jump to the connected services', () => jumpTo(page, 'MP-CLOUDFILTER'));

test('G28 start reviewing and approving usage: ConnectWise holds what was approved, and nothing else has moved', async () => {
  await turnWritingOn(page);
  await goTo('Reconcile');
  await approveOne(page, system);
});

test('G30 within Mailprotector, navigate to Integrations and click Migrate to Alerts', async () => {
  await portal.bringToFront();
  await there().goTo('Integrations');
  await there().press('Migrate to Alerts');
  await portal.getByText('This integration sends billing and alerts.').waitFor();
});

test('G31 select all the customers, and click Link Selected Customers', async () => {
  const words = 'Select all the customers you want to send to Gradient and click Link Selected Customers.';
  await there().region('Customers').getByText(words).waitFor();
  await there().linkAll(30);
});

test('G32 in Countersign click Integrations, and Configure the Mailprotector integration', async () => {
  await page.bringToFront();
  await goTo('Integrations');
  await card().getByRole('link', { name: 'Configure Mailprotector' }).click();
  await heading('Mailprotector').waitFor();
});

test('G33 click Update Account Mapping', async () => {
  await page.getByRole('link', { name: 'Update Account Mapping' }).first().click();
  await heading('Account mapping').waitFor();
});

test('G34 map by dragging the card from the left to Mailprotector’s on the right', async () => {
  const [target, account] = [await accounts().anyTarget(), await accounts().anyOpen()];
  await board().drag(target, account);
  expect((await accounts().one(account.id)).psaAccountId).toBe(target.id);
});

test('G35 when complete, press Back To Overview', async () => {
  await button('Back To Overview').click();
  await heading('Migrate to alerts').waitFor();
  await migrationStep('Update Account Mapping').getByText('Done').waitFor();
  await inspect(page, 'migrate');
});

test('G36 navigate back to Mailprotector, and click Update Counts: the page of the migration says that it has come', async () => {
  await portal.bringToFront();
  await there().updateCounts();
  await page.bringToFront();
  await migrationStep('Update Counts').getByText('Done').waitFor();
  expect((await system.api.get<IntegrationView>(at())).modules).toEqual(['billing', 'alerts']);
});

test('G37, G38 a new customer is on the Customers page of Mailprotector’s top navigation', async () => {
  await portal.bringToFront();
  await there().goTo('Customers');
  await portal.getByLabel('Name').fill('Pelican Freight');
  await portal.getByLabel('Domain').fill('pelican-freight.example');
  await portal.getByLabel('Users').fill('23');
  await there().press('Add Customer');
  await portal.getByText('Pelican Freight was added.').waitFor();
  await portal.getByRole('row', { name: /Pelican Freight .* Not linked/ }).waitFor();
  expect((await accounts().all()).map(({ name }) => name)).not.toContain('Pelican Freight');
});

test('G39 select it, and click Integrations on its Overview', async () => {
  await portal.getByRole('link', { name: 'Pelican Freight' }).click();
  await portal.getByRole('navigation', { name: 'Customer' }).getByRole('link', { name: 'Integrations' }).click();
  await portal.getByRole('heading', { name: 'Gradient MSP' }).waitFor();
});

test('G40 use the text field to search and select the corresponding customer', async () => {
  await portal.getByLabel('Search for the corresponding customer in Gradient').pressSequentially('northwind');
  await there().press('Select Northwind Dental, LLC');
  await portal.getByText('Customer in Gradient: Northwind Dental, LLC').waitFor();
  expect((await accounts().all()).find(({ name }) => name === 'Pelican Freight')?.psaAccountId).toBeNull();
});

test('G41 return to the Integrations page, and push Update Counts', async () => {
  await portal.getByRole('link', { name: 'Integrations page' }).click();
  expect(await there().updateCounts()).toContain('Refused 0');
});

test('G42 return to Countersign, and push a fresh sync on the Mailprotector integration', async () => {
  await page.bringToFront();
  await goTo('Integrations');
  await card().getByRole('button', { name: 'Sync now' }).click();
  await page.getByText('A sync was asked for').waitFor();
});

test('G43 the accounts appear', async () => {
  await button('Refresh: new data is ready').waitFor();
  await button('Refresh: new data is ready').click();
  await card().getByRole('link', { name: 'Configure Mailprotector' }).click();
  await page.getByRole('link', { name: 'Update Account Mapping' }).first().click();
  await board().searchRight.fill('Pelican Freight');
  await board().vendorRow('Pelican Freight').getByText('Chosen in Mailprotector').waitFor();
});

test('G44 these steps are all that is needed: nobody is asked again', async () => {
  await goTo('New customers');
  await page.getByRole('heading', { name: 'No new customer waits' }).waitFor();
  await inspect(page, 'nobody-waits');
  const pelican = (await accounts().all()).find(({ name }) => name === 'Pelican Freight');
  expect(pelican).toMatchObject({ how: 'vendor' });
  const card = (await cards()).find(
    ({ psaAccountId, productId }) => psaAccountId === pelican?.psaAccountId && productId === 'MP-CLOUDFILTER',
  );
  expect(card?.usage).toBeGreaterThanOrEqual(23);
});

test('the pages ran nothing that the policy forbids, and no script has failed', () => {
  expect(opened.flatMap(({ complaints }) => complaints)).toEqual([]);
});
