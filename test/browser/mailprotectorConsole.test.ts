/**
 * The guide's steps in Mailprotector, clicked in the simulated console in a real Chromium against a real api and worker. What is
 * done in Countersign in between is asked of its API; test/browser/guide.test.ts clicks there too.
 * With SCREENSHOTS set to a folder the pages are kept there.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { person, reach, untilConnected, type CardView, type IntegrationView } from '../../dev/walkthrough/guide.ts';
import { until } from '../../dev/until.ts';
import { consolePassword } from '../../simulators/mailprotector/managers.ts';
import { findChromium, launchChromium } from '../kit/chromium.ts';
import { createPushing, pushEnv, type Pushing } from '../kit/push.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let browser: Browser;
let page: Page;
let pushing: Pushing;
const shots = process.env['SCREENSHOTS'];
const complaints: string[] = [];

// It may have to fetch a Chromium.
beforeAll(async () => {
  const [path, started] = await Promise.all([findChromium(), startSystem({ customers: 30, env: pushEnv })]);
  system = started;
  pushing = await createPushing(system);
  browser = await launchChromium(path);
  page = await browser.newPage({ viewport: { width: 1200, height: 800 }, baseURL: system.mailprotector.url });
  page.setDefaultTimeout(60_000);
  page.on('console', (message) => void complaints.push(message.text()));
  page.on('pageerror', (error) => void complaints.push(String(error)));
}, 480_000);
afterAll(async () => {
  await browser?.close();
  await system?.close();
});

const top = () => page.getByRole('navigation', { name: 'Main' });
const gradient = () => page.getByRole('region', { name: 'Gradient MSP' });
const button = (name: string) => page.getByRole('button', { name, exact: true });
const at = () => `/v1/integrations/${pushing.id}`;
const cards = () => system.api.all<CardView>(`/v1/cards?psaConnectionId=${pushing.psaConnectionId}`);
const accounts = () =>
  system.api.all<{ id: string; name: string; psaAccountId: string | null; how: string | null }>(`${at()}/accounts`);

async function shoot(name: string): Promise<void> {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `console-${name}.png`), animations: 'disabled' });
}

async function stepState(process: 'process' | 'migration', step: string): Promise<string | undefined> {
  const view = await system.api.get<Record<'process' | 'migration', IntegrationView['process'] | null>>(at());
  return view[process]?.steps.find((row) => row.step === step)?.state;
}

test('G06 the address of the portal leads to the console; log in', async () => {
  await page.goto('/');
  expect(await page.title()).toContain('Log in');
  await page.getByLabel('E-mail address').fill('admin@msp.example');
  await page.getByLabel('Password').fill(consolePassword);
  await button('Log in').click();
  await top().getByRole('link', { name: 'Customers' }).waitFor();
});

test('G07 the Integrations tab is in the top navigation, and Gradient MSP is found by scrolling', async () => {
  await top().getByRole('link', { name: 'Integrations' }).click();
  const title = page.getByRole('heading', { name: 'Gradient MSP' });
  await title.waitFor();
  expect((await title.boundingBox())?.y).toBeGreaterThan(800);
  await until('it to be scrolled to', async () => {
    await page.mouse.wheel(0, 300);
    return ((await title.boundingBox())?.y ?? 800) < 700;
  });
});

test('G08 paste the key, click Enable; a wrong one is refused in the Vendor API’s words', async () => {
  await page.getByLabel('Partner API Key').fill('not-the-key');
  await button('Enable').click();
  const alert = gradient().getByRole('alert');
  expect(await alert.innerText()).toBe('The Partner API Key was not accepted. Gradient MSP answered 401: Unauthorized');
  expect(await stepState('process', 'enable')).toBe('waiting');

  await page.getByLabel('Partner API Key').fill(pushing.key);
  await button('Enable').click();
  await gradient().getByText('Gradient MSP is enabled for Test MSP.').waitFor();
  expect(await stepState('process', 'enable')).toBe('done');
  expect(await page.content()).not.toContain(pushing.key);
});

test('G09 select all, but for one that is taken away again; Link Selected Customers', async () => {
  await reach(system, pushing.id, 'linkCustomers');
  await page.getByRole('checkbox', { name: 'Select all 30 customers' }).check();
  expect(await page.getByRole('checkbox', { name: 'Friends of the House' }).isChecked()).toBe(true);
  await gradient().getByText('30 of 30 selected').waitFor();
  await page.getByRole('checkbox', { name: 'Friends of the House' }).uncheck();
  await gradient().getByText('29 of 30 selected').waitFor();
  await shoot('selected');
  await button('Link Selected Customers').click();
  await gradient().getByText('29 customers are linked with Gradient MSP.').waitFor();
  // Also those of the second page.
  const linked = await accounts();
  expect(linked).toHaveLength(29);
  expect(linked.map(({ name }) => name)).not.toContain('Friends of the House');
  expect(await stepState('process', 'linkCustomers')).toBe('done');
});

test('G10 a list of service assignments is on this page; there is nothing in it that could be changed', async () => {
  const list = page.getByRole('region', { name: 'Service assignments' });
  await list.getByRole('cell', { name: 'CloudFilter Email Security' }).waitFor();
  expect(await list.innerText()).toContain('Please disregard these');
  expect(await list.locator('button, input, select, a').count()).toBe(0);
});

test('G29 click Update Counts: the counts arrive', async () => {
  await person.mapAccounts(system, pushing.id);
  await person.mapServices(system, pushing.id, pushing.psaConnectionId);
  await person.finish(system, pushing.id);
  expect((await cards()).every((card) => card.usage === null)).toBe(true);
  await button('Update Counts').click();
  const counts = page.getByRole('region', { name: 'Usage counts' });
  await counts.getByText('Last result').waitFor();
  await shoot('counts');
  const text = (await counts.innerText()).replaceAll(/\s+/g, ' ');
  const [, posted, unmapped, refused] = /Posted (\d+) Not mapped in Gradient yet (\d+) Refused (\d+)/.exec(text) ?? [];
  expect(Number(posted)).toBeGreaterThan(50);
  expect(Number(unmapped)).toBeGreaterThan(0);
  expect(refused).toBe('0');
  await untilConnected(system, pushing.id);
  expect((await cards()).filter((card) => card.usage !== null).length).toBeGreaterThan(20);
});

test('G30 on the Integrations tab is the button Migrate to Alerts', async () => {
  await top().getByRole('link', { name: 'Integrations' }).click();
  await button('Migrate to Alerts').click();
  await gradient().getByText('This integration sends billing and alerts.').waitFor();
  await shoot('migrated');
  expect(await stepState('migration', 'requestMigration')).toBe('done');
});

test('G31 select all the customers to send, click Link Selected Customers', async () => {
  const words = 'Select all the customers you want to send to Gradient and click Link Selected Customers.';
  await page.getByRole('region', { name: 'Customers' }).getByText(words).waitFor();
  await page.getByRole('checkbox', { name: 'Select all 30 customers' }).check();
  await button('Link Selected Customers').click();
  await gradient().getByText('30 customers are linked with Gradient MSP.').waitFor();
  expect(await stepState('migration', 'linkCustomers')).toBe('done');
  expect(await accounts()).toHaveLength(30);
});

test('G36 click Update Counts: the migration is done with it', async () => {
  await system.api.post(`${at()}/steps/updateAccountMapping/complete`);
  await button('Update Counts').click();
  await page.getByRole('region', { name: 'Usage counts' }).getByText('Last result').waitFor();
  await until('it to be done', async () => (await stepState('migration', 'updateCounts')) === 'done');
  expect(Number(await page.getByRole('definition').first().innerText())).toBeGreaterThan(50);
});

test('G37, G38 a new customer is on the Customers page of the top navigation, and not linked', async () => {
  await top().getByRole('link', { name: 'Customers' }).click();
  await page.getByLabel('Name').fill('Pelican Freight');
  await page.getByLabel('Domain').fill('pelican-freight.example');
  await page.getByLabel('Users').fill('23');
  await button('Add Customer').click();
  await page.getByText('Pelican Freight was added.').waitFor();
  await page.getByRole('row', { name: /Pelican Freight .* Not linked/ }).waitFor();
  expect((await accounts()).map(({ name }) => name)).not.toContain('Pelican Freight');
});

test('G39 select the customer, and click Integrations on its Overview', async () => {
  await page.getByRole('link', { name: 'Pelican Freight' }).click();
  const tabs = page.getByRole('navigation', { name: 'Customer' });
  expect(await tabs.locator('[aria-current=page]').innerText()).toBe('Overview');
  await tabs.getByRole('link', { name: 'Integrations' }).click();
  await page.getByRole('heading', { name: 'Gradient MSP' }).waitFor();
});

test('G40 the text field searches as one types, and selects the corresponding customer', async () => {
  await page.getByLabel('Search for the corresponding customer in Gradient').pressSequentially('northwind');
  await page.getByText('1 customer found.').waitFor();
  await shoot('search');
  await button('Select Northwind Dental, LLC').click();
  await page.getByText('Customer in Gradient: Northwind Dental, LLC').waitFor();
  await shoot('chosen');
  expect((await accounts()).find(({ name }) => name === 'Pelican Freight')).toMatchObject({ psaAccountId: null });
});

test('G41, G44 return to the Integrations page and push Update Counts: it is mapped, and nobody is asked again', async () => {
  await page.getByRole('link', { name: 'Integrations page' }).click();
  await button('Update Counts').click();
  await page.getByRole('region', { name: 'Usage counts' }).getByText('Last result').waitFor();
  const mapped = await until('it to be mapped', async () =>
    (await accounts()).find((account) => account.name === 'Pelican Freight' && account.psaAccountId !== null),
  );
  expect(mapped.how).toBe('vendor');
  await until('its card to count it', async () => {
    const card = (await cards()).find(
      (row) => row.psaAccountId === mapped.psaAccountId && row.productId === 'MP-CLOUDFILTER',
    );
    return (card?.usage ?? 0) >= 23;
  });
});

test('the pages run no script but their own: nothing was blocked, and nothing failed in it', () => {
  expect(complaints).toEqual([]);
});
