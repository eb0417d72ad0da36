/**
 * Connecting, besides the guide's own way (guide.test.ts): what the PSA or the vendor refuses, the intake that Countersign reads, a
 * key that is lost or replaced, disconnecting, and the states of every page.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  createIntegration,
  createPsaConnection,
  goodCredentials,
  person,
  reach,
  untilConnected,
} from '../../dev/walkthrough/guide.ts';
import { keys } from '../../simulators/mailprotector/keys.ts';
import { findChromium, launchChromium, leaveChromium } from '../kit/chromium.ts';
import { inspect as inspectPage, openPage, signIn, type ConsolePage } from '../kit/consolePages.ts';
import { sayWhatFailedPagesShow } from '../kit/failedPages.ts';
import { typePsa } from '../kit/psaForm.ts';
import { createPushing, pushEnv } from '../kit/push.ts';
import { foundInMemory, isInPage } from '../kit/secretInPage.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let browser: Browser;
let opened: ConsolePage;
let page: Page;
let integrationId: string;

// It may have to fetch a Chromium.
beforeAll(async () => {
  const [path, started] = await Promise.all([findChromium(), startSystem({ customers: 30, env: pushEnv })]);
  system = started;
  browser = await launchChromium(path);
  opened = await openPage(browser, system);
  page = opened.page;
}, 480_000);
afterAll(async () => {
  await leaveChromium(browser);
  await system?.close();
});
afterEach(sayWhatFailedPagesShow);

const token = () => system.secrets[0] ?? '';
const inspect = (name: string) => inspectPage(page, name);
const button = (name: string) => page.getByRole('button', { name, exact: true });
const region = (name: string) => page.getByRole('region', { name, exact: true });
const heading = (name: string) => page.getByRole('heading', { name, level: 1 });
const keyShown = () => page.getByLabel('API key', { exact: true });

describe('first run', () => {
  test('before anything is connected, the page says what comes first, and offers no vendor', async () => {
    await signIn(page, token());
    await page.getByRole('heading', { name: 'Connect your PSA first' }).waitFor();
    expect(await page.getByRole('link', { name: 'Connect Mailprotector' }).count()).toBe(0);
    await inspect('first-run');
  });

  test('the form asks for the credentials by the names of the PSA, says where each is found, and names what is missing', async () => {
    await page.getByRole('link', { name: 'Connect your PSA' }).click();
    await heading('Connect your PSA').waitFor();
    await page.getByText('The host that you log in to').waitFor();
    expect(await page.getByLabel('Private Key').getAttribute('type')).toBe('password');
    await button('Connect ConnectWise PSA').click();
    expect(await page.getByText('This is needed.').count()).toBe(4);
    await inspect('connect-psa');
  });

  test('what fails is said from the first attempt on, and what the PSA refuses; new credentials are given on the same page', async () => {
    await typePsa(page, system, 'full', { site: 'http://127.0.0.1:65123' });
    await button('Connect ConnectWise PSA').click();
    await heading('ConnectWise PSA').waitFor();
    await page.getByText(/could not be asked: attempt \d+ failed/).waitFor();
    await inspect('psa-unreachable');
    await typePsa(page, system, 'full', { privateKey: 'not-the-key' });
    await button('Give new credentials').click();
    await page.getByText('The new credentials were saved').waitFor();
    await region('New credentials').getByText('Refused: see Rights').waitFor();
    await page.getByRole('alert').getByText('does not accept the credentials').waitFor();
    expect(await page.getByText('Not checked yet').count()).toBe(0);
    await inspect('psa-refused');
  });

  test('a right that is missing is told row by row, with the setting to change', async () => {
    await typePsa(page, system, 'noCatalog');
    await button('Give new credentials').click();
    const row = page.getByRole('row', { name: /Read products/ });
    await row.getByText('Denied').waitFor();
    expect(await row.innerText()).toContain('Procurement > Product Catalog: Inquire = All');
    await page
      .getByRole('row', { name: /Read companies/ })
      .getByText('Granted')
      .waitFor();
    await page
      .getByRole('row', { name: /Write approved quantities/ })
      .getByText('Unknown')
      .waitFor();
    expect(await page.getByLabel('Private Key').inputValue()).toBe('');
    await inspect('psa-rights');
    await typePsa(page, system, 'full');
    await button('Give new credentials').click();
    await row.getByText('Granted').waitFor();
  });

  test('settings and writing are changed there; writing only by somebody who has understood what it does', async () => {
    await page.getByLabel('Decimals of a quantity').fill('9');
    await button('Save settings').click();
    await page.getByText(/expected number to be <=4/).waitFor();
    await page.getByLabel('Decimals of a quantity').fill('2');
    await button('Save settings').click();
    await page.getByText('The settings were saved').waitFor();
    await button('Turn writing on …').click();
    expect(await button('Turn writing on').isDisabled()).toBe(true);
    await page.getByText('I understand that approvals change invoices.').click();
    await button('Turn writing on').click();
    await region('Writing').getByText('On', { exact: true }).waitFor();
    await button('Turn writing off …').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Turn writing off' }).click();
    await region('Writing').getByText('Off', { exact: true }).waitFor();
  });
});

describe('Countersign reads the counts', () => {
  test('reseller id and key are tried at once, and a refusal is said in words', async () => {
    await page.goto('/connect/mailprotector');
    await page.getByText('No', { exact: true }).click();
    await page.getByText('Countersign reads the counts').click();
    await button('Connect').click();
    await page.getByLabel('Reseller id').fill('500');
    await page.getByLabel('API key', { exact: true }).fill('sim-mp-not-a-key');
    await button('Give credentials').click();
    await page.getByRole('alert').getByText('Try the vendor credentials').waitFor();
    await inspect('vendor-refused');
    await page.getByLabel('API key', { exact: true }).fill(keys.reseller);
    await button('Give credentials').click();
    await page.getByRole('heading', { name: 'Choose the customers' }).waitFor();
    integrationId = /integrations\/([^/]+)\/connect/.exec(page.url())?.[1] ?? '';
    // A key is no answer that is kept either.
    expect(await isInPage(keys.reseller, page)).toBe(false);
  });

  test('the customers are chosen from a list that is searched, all of them or some', async () => {
    await page.getByText('0 of 30 selected').waitFor();
    await page.getByLabel('Select all 30 customers').check();
    await page.getByText('30 of 30 selected').waitFor();
    await page.getByLabel('Search customers').fill('friends');
    await page.getByLabel('Friends of the House').uncheck();
    await page.getByText('29 of 30 selected').waitFor();
    await page.getByLabel('Search customers').fill('');
    await inspect('customers');
    await button('Link selected customers').click();
    await reach(system, integrationId, 'mapAccounts');
    expect(await system.api.all(`/v1/integrations/${integrationId}/accounts`)).toHaveLength(29);
    await region('Next').getByText('Next is account mapping.').waitFor();
  });

  test('its page says how it is, when it runs next, and how old its credentials are', async () => {
    const { psaConnectionId } = await system.api.get<{ psaConnectionId: string }>(`/v1/integrations/${integrationId}`);
    await person.mapAccounts(system, integrationId);
    await person.mapServices(system, integrationId, psaConnectionId);
    await person.finish(system, integrationId);
    await page.getByText('Everything is set up.').waitFor();
    await untilConnected(system, integrationId);
    await page.goto(`/integrations/${integrationId}`);
    await region('How it is').getByText('29', { exact: true }).waitFor();
    await region('Credentials').getByText('0 days').waitFor();
    await region('Schedule').getByText('It syncs only when somebody asks for it.').waitFor();
    await page.getByRole('button', { name: /How often/ }).click();
    await page.getByRole('option', { name: 'Every month' }).click();
    await page.getByRole('button', { name: /On day/ }).click();
    await page.getByRole('option', { name: '31' }).click();
    await page.getByLabel('Time zone').fill('America/New_Yrok');
    await button('Save schedule').click();
    await page.getByText('There is no time zone "America/New_Yrok".').waitFor();
    await page.getByLabel('Time zone').fill('America/New_York');
    await button('Save schedule').click();
    await page.getByText(/There is no day 31 in/).waitFor();
    expect(await page.getByRole('list', { name: 'Next runs' }).getByRole('listitem').count()).toBe(5);
    const reminders = region('Reminders of new customers');
    await reminders.getByText('every day; after 7 days it is a problem').waitFor();
    await reminders.getByLabel('Remind every', { exact: true }).fill('none');
    await reminders.getByText('A number, of a minute or more.').waitFor();
    await reminders.getByLabel('Remind every', { exact: true }).fill('4');
    await reminders.getByRole('button', { name: /Remind every: unit/ }).click();
    await page.getByRole('option', { name: 'hours' }).click();
    await reminders.getByRole('button', { name: 'Save reminders' }).click();
    await reminders.getByText('every 4 hours; after 7 days it is a problem').waitFor();
    await inspect('integration-pull');
    await reminders.getByRole('button', { name: 'As the installation has them' }).click();
    await reminders.getByText('every day; after 7 days').waitFor();
  });

  test('disconnect and reconnect: what was decided is kept, and the wizard asks for the access alone', async () => {
    await button('Disconnect …').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
    await page.getByRole('heading', { name: 'Connect again' }).waitFor();
    await inspect('disconnected');
    await button('Reconnect').click();
    await page.getByRole('heading', { name: 'How Countersign reads from Mailprotector' }).waitFor();
    await page.getByLabel('Reseller id').fill(goodCredentials.vendor.resellerId);
    await page.getByLabel('API key', { exact: true }).fill(goodCredentials.vendor.apiKey);
    await button('Give credentials').click();
    await page.getByText('Everything is set up.').waitFor();
    expect(await system.api.all(`/v1/integrations/${integrationId}/accounts?mapped=true`)).not.toEqual([]);
  });
});

test('a key is shown once: in the wizard, and when it is replaced, after which the old one works on for a while', async () => {
  const { id, key: firstKey, console } = await createPushing(system);
  await page.goto(`/integrations/${id}/connect`);
  await page.getByText('was shown once, when it was made').waitFor();
  await inspect('key-gone');
  await button('Make a new key').click();
  await keyShown().waitFor();
  const second = await keyShown().innerText();
  expect(second).not.toBe(firstKey);
  await console.enable(second);
  await page.getByRole('heading', { name: 'Choose the customers in the Mailprotector Console' }).waitFor();
  expect(await isInPage(second, page)).toBe(false);

  await page.goto(`/integrations/${id}`);
  const list = page.getByRole('list', { name: 'Keys' });
  await list.getByText(/Last used/).waitFor();
  await button('Make a new key …').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Make it' }).click();
  await keyShown().waitFor();
  const third = await keyShown().innerText();
  await list.getByText(/Ends/).waitFor();
  expect(await list.getByText('In force').count()).toBe(2);
  await inspect('integration-push');
  await page.getByRole('link', { name: 'Integrations' }).first().click();
  await heading('Integrations').waitFor();
  expect(await isInPage(third, page)).toBe(false);
  // The probe finds what is there.
  expect(await foundInMemory([third, id], page)).toEqual([id]);
  await inspect('integrations-two');
});

test('each page says that it is reading, that it may not be seen, and that something failed', async () => {
  const psaId = await createPsaConnection(system);
  const id = await createIntegration(system, psaId);
  const reader = await openPage(browser, system);
  const { page: looked } = reader;
  await signIn(looked, token());
  const one = `**/v1/integrations/${id}`;
  const pages = [
    { path: `/integrations/${id}`, asks: one, reads: 'Reading the integration …' },
    { path: `/integrations/${id}/connect`, asks: one, reads: 'Reading how far it is …' },
    { path: `/integrations/${integrationId}/accounts`, asks: '**/psa-accounts*', reads: 'Reading the companies …' },
    {
      path: `/integrations/${integrationId}/services`,
      asks: '**/v1/integrations/*/services',
      reads: 'Reading the services of Mailprotector …',
    },
    { path: `/integrations/${integrationId}/review`, asks: '**/mapping-progress', reads: 'Reading what is mapped …' },
    {
      path: `/integrations/${integrationId}/migrate`,
      asks: '**/v1/integrations?*',
      reads: 'Reading the integration …',
    },
    { path: `/psa-connections/${psaId}`, asks: `**/v1/psa-connections/${psaId}`, reads: 'Reading the connection …' },
    { path: '/psa-connections/new', asks: '**/v1/psas', reads: 'Reading which PSAs there are …' },
    { path: '/connect/mailprotector', asks: '**/v1/vendors', reads: 'Reading the vendors …' },
    { path: '/runs', asks: '**/syncs*', reads: 'Reading the runs …' },
    { path: '/new-customers', asks: '**/v1/onboardings*', reads: 'Reading the new customers …' },
    { path: '/settings', asks: '**/v1/members*', reads: 'Reading the members …' },
  ];
  // The stream of events would tell what the page asks for, so it says nothing.
  await looked.route('**/v1/events', () => undefined);
  for (const { path, asks, reads } of pages) {
    let status = 0;
    await looked.route(asks, async (route) => {
      if (status === 0) return;
      const detail = `The answer is ${status}.`;
      const body = { type: 'about:blank', title: 'Refused', status, code: 'x', detail, instance: 'r-1' };
      await route.fulfill({ status, contentType: 'application/problem+json', body: JSON.stringify(body) });
    });
    await looked.goto(path);
    await looked.getByText(reads).waitFor({ state: 'attached' });
    if (path === '/runs') await inspectPage(looked, 'reading');
    status = 403;
    await looked.goto(path);
    await looked.getByRole('heading', { name: /are not yours to see$/ }).waitFor();
    await looked.getByText('The answer is 403.').first().waitFor();
    if (path === '/runs') await inspectPage(looked, 'no-rights');
    status = 422;
    await looked.goto(path);
    await looked.getByRole('alert').getByText('The answer is 422.').waitFor();
    await looked.getByText('Request r-1').waitFor();
    if (path === '/runs') await inspectPage(looked, 'failed');
    await looked.unroute(asks);
    await looked.getByRole('button', { name: 'Try again' }).first().click();
    await looked.getByRole('alert').waitFor({ state: 'detached' });
    await looked.getByText(reads).waitFor({ state: 'detached' });
  }
  expect(reader.complaints).toEqual([]);
  await reader.context.close();
});

test('the pages run nothing that the policy forbids, and no script has failed', () => {
  expect(opened.complaints).toEqual([]);
});
