/**
 * From an empty organization to the mapping, clicked in two sites side by side: Countersign's console and the simulated
 * Mailprotector console. The names of the steps begin with the numbers of the guide's sentences.
 */
import { randomBytes } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { insertToken } from '../../db/queries/organization.ts';
import {
  createIntegration,
  createPsaConnection,
  goodCredentials,
  person,
  reach,
  type IntegrationView,
} from '../../dev/walkthrough/guide.ts';
import { until } from '../../dev/until.ts';
import { members } from '../../simulators/connectwise/members.ts';
import { keys } from '../../simulators/mailprotector/keys.ts';
import { consolePassword } from '../../simulators/mailprotector/managers.ts';
import { findChromium, launchChromium } from '../kit/chromium.ts';
import { pushEnv } from '../kit/push.ts';
import { startSystem, type System } from '../kit/system.ts';
import { vendorKey } from '../kit/vendorApi.ts';
import { openVisitor, type Visitor } from '../kit/visitor.ts';

let system: System;
let browser: Browser;
let visitor: Visitor;
/** Countersign. */
let page: Page;
/** Mailprotector. */
let portal: Page;
/** The key that was shown first, and the one that is used. */
let firstKey: string;
let key: string;
let pushId: string;

// It may have to fetch a Chromium.
beforeAll(async () => {
  const [path, started] = await Promise.all([findChromium(), startSystem({ customers: 30, env: pushEnv })]);
  system = started;
  await system.mailprotector.settings({ vendorApiUrl: `${system.api.url}/api`, vendorKey });
  browser = await launchChromium(path);
  visitor = await openVisitor(browser, system.api.url);
  page = visitor.page;
}, 480_000);
afterAll(async () => {
  await browser?.close();
  await system?.close();
});

const token = () => system.secrets[0] ?? '';
const button = (name: string, at: Page = page) => at.getByRole('button', { name, exact: true });
const region = (name: string) => page.getByRole('region', { name, exact: true });
const integrations = () => system.api.all<IntegrationView>('/v1/integrations');
const heading = (name: string) => page.getByRole('heading', { name, level: 1 });
const keyShown = () => page.getByLabel('API key', { exact: true });

async function newToken(scopes: string[]): Promise<string> {
  const secret = `cs_${randomBytes(32).toString('base64url')}`;
  await insertToken(system.database.db, system.organizationId, { name: 'browser', secret, scopes });
  return secret;
}

async function typePsa(member: string, over: { privateKey?: string } = {}): Promise<void> {
  const { publicKey = '', privateKey = '' } = members[member] ?? {};
  await page.getByLabel('Site').fill(system.connectwise.url);
  await page.getByLabel('Company ID').fill('acme');
  await page.getByLabel('Public Key').fill(publicKey);
  await page.getByLabel('Private Key').fill(over.privateKey ?? privateKey);
}

/** Whether a text is anywhere in what the page holds: what it shows, its address, its stores, its history. */
async function isInPage(text: string, at: Page): Promise<boolean> {
  const stores = await at.evaluate<string>(
    'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state, location.href])',
  );
  return `${await at.content()}${stores}`.includes(text);
}

/** Whether a text is anywhere in the memory of the page's scripts: in a kept answer, for example. */
async function isInMemory(text: string, at: Page): Promise<boolean> {
  const session = await at.context().newCDPSession(at);
  let snapshot = '';
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => void (snapshot += chunk));
  await session.send('HeapProfiler.collectGarbage');
  await session.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  await session.detach();
  return snapshot.includes(text);
}

describe('first run', () => {
  test('before anything is connected, the page says what comes first, and offers no vendor', async () => {
    await visitor.signIn(token());
    await page.getByRole('heading', { name: 'Connect your PSA first' }).waitFor();
    expect(await page.getByRole('link', { name: 'Connect Mailprotector' }).count()).toBe(0);
    await visitor.inspect('first-run');
  });

  test('G01 the card of the vendor says that the vendor supports the integration, and where', async () => {
    const card = region('Mailprotector');
    await card.getByText('This is an external integration').waitFor();
    const support = card.getByRole('link', { name: 'Support by Mailprotector' });
    expect(await support.getAttribute('href')).toBe('https://support.mailprotector.com');
  });

  test('the form asks for the credentials by the names of the PSA, says where each is found, and names what is missing', async () => {
    await page.getByRole('link', { name: 'Connect your PSA' }).click();
    await heading('Connect your PSA').waitFor();
    await page.getByText('The host that you log in to').waitFor();
    expect(await page.getByLabel('Private Key').getAttribute('type')).toBe('password');
    await button('Connect ConnectWise PSA').click();
    expect(await page.getByText('This is needed.').count()).toBe(4);
    await visitor.inspect('connect-psa');
  });

  test('what the PSA refuses is said, and new credentials are given on the same page', async () => {
    await typePsa('full', { privateKey: 'not-the-key' });
    await button('Connect ConnectWise PSA').click();
    await heading('ConnectWise PSA').waitFor();
    await page.getByRole('alert').getByText('does not accept the credentials').waitFor();
    expect(await page.getByText('Not checked yet').count()).toBe(0);
    await visitor.inspect('psa-refused');
  });

  test('a right that is missing is told row by row, with the setting to change', async () => {
    await typePsa('noCatalog');
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
    await visitor.inspect('psa-rights');
    await typePsa('full');
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

describe('the vendor sends the counts', () => {
  test('G03 select the Mailprotector card, click Connect', async () => {
    await page.getByRole('link', { name: 'Integrations' }).first().click();
    await page.getByRole('link', { name: 'Connect Mailprotector' }).click();
    await heading('Connect Mailprotector').waitFor();
    expect(new URL(page.url()).pathname).toBe('/connect/mailprotector');
  });

  test('G02 who buys through Virtual Administrator is refused with that reason, and nothing is made', async () => {
    const question = page.getByRole('group', { name: 'Do you receive Mailprotector through Virtual Administrator?' });
    await question.getByText('Yes').click();
    await page
      .getByRole('alert')
      .getByText('If you receive Mailprotector through Virtual Administrator, you cannot utilize the integration')
      .waitFor();
    expect(await button('Connect').count()).toBe(0);
    expect(await integrations()).toEqual([]);
    await visitor.inspect('virtual-administrator');
    await question.getByText('No').click();
  });

  test('modules and intake are asked in plain words, and what is still open is said', async () => {
    await page.getByText('Still to do: choose how the counts arrive.').waitFor();
    expect(await button('Connect').isDisabled()).toBe(true);
    await page.getByLabel('Alerts').check();
    await page.getByText('Mailprotector sends the counts when you click Update Counts').click();
    await visitor.inspect('questions');
    await button('Connect').click();
  });

  test('G04 copy the API key; each integration has its own', async () => {
    await keyShown().waitFor();
    firstKey = await keyShown().innerText();
    await button('Copy the key').click();
    await page.getByText('The key was copied').waitFor();
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe(firstKey);
    [pushId = ''] = (await integrations()).map(({ id }) => id);
    expect(page.url()).toBe(`${system.api.url}/integrations/${pushId}/connect`);
  });

  test('G05 it is shown only once, and a warning says so: it is nowhere once the page is left', async () => {
    await page.getByText('It is shown only this once.').waitFor();
    await visitor.inspect('key');
    // The probe finds it while it is there.
    expect(await isInMemory(firstKey, page)).toBe(true);
    await page.getByRole('link', { name: 'Integrations' }).first().click();
    await heading('Integrations').waitFor();
    expect(await isInPage(firstKey, page)).toBe(false);
    expect(await isInMemory(firstKey, page)).toBe(false);
    await page.goBack();
    await page.getByText('was shown once, when it was made').waitFor();
    expect(await isInPage(firstKey, page)).toBe(false);
  });

  test('a closed tab loses nothing: another browser goes on where it was, and makes a new key', async () => {
    await visitor.context.close();
    visitor = await openVisitor(browser, system.api.url);
    page = visitor.page;
    await visitor.signIn(token());
    await page.getByRole('article', { name: 'Mailprotector' }).getByRole('link', { name: 'Go on connecting' }).click();
    await page.getByText('was shown once, when it was made').waitFor();
    await visitor.inspect('key-gone');
    await button('Make a new key').click();
    await keyShown().waitFor();
    key = await keyShown().innerText();
    expect(key).not.toBe(firstKey);
  });

  test('G14 Next is not offered before the steps are done, and the reason stands beside it', async () => {
    expect(await region('Next').getByRole('button', { name: 'Next' }).isDisabled()).toBe(true);
    await region('Next').getByText('Enable in the vendor console: waits for the vendor to accept the key').waitFor();
  });

  test('G06 Open Portal leads to the Mailprotector console; log in', async () => {
    const opened = visitor.context.waitForEvent('page');
    await page.getByRole('link', { name: 'Open Portal' }).click();
    portal = await opened;
    portal.setDefaultTimeout(60_000);
    await portal.getByLabel('E-mail address').fill('admin@msp.example');
    await portal.getByLabel('Password').fill(consolePassword);
    await button('Log in', portal).click();
    await portal.getByRole('navigation', { name: 'Main' }).waitFor();
    expect(new URL(portal.url()).origin).not.toBe(system.api.url);
  });

  test('G07, G08 select Integrations, scroll to Gradient MSP, paste the key, click Enable', async () => {
    await portal.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Integrations' }).click();
    await portal.getByRole('heading', { name: 'Gradient MSP' }).scrollIntoViewIfNeeded();
    await portal.getByLabel('Partner API Key').fill(key);
    await button('Enable', portal).click();
    await portal.getByText('Gradient MSP is enabled for Test MSP.').waitFor();
    expect(await portal.content()).not.toContain(key);
  });

  test('G11 return to Countersign: it shows what happened there, as it happens, and the key is gone', async () => {
    const news = page.getByRole('status', { name: 'What happened in the Mailprotector Console' });
    await news.getByText('Mailprotector has accepted the key').waitFor();
    await page.getByRole('heading', { name: 'Choose the customers in the Mailprotector Console' }).waitFor();
    expect(await isInPage(key, page)).toBe(false);
    await visitor.inspect('link-there');
  });

  test('G09 select all the accounts to sync, click Link Selected Customers; Countersign counts them', async () => {
    await portal.getByRole('checkbox', { name: 'Select all 30 customers' }).check();
    await button('Link Selected Customers', portal).click();
    await portal.getByText('30 customers are linked with Gradient MSP.').waitFor();
    await page.getByText('30 customers are linked in the Mailprotector Console').waitFor();
    expect(await system.api.all(`/v1/integrations/${pushId}/accounts`)).toHaveLength(30);
  });

  test('G12 click Check Permissions: each right that alerts need is told', async () => {
    await region('Check Permissions').waitFor();
    await button('Check Permissions').click();
    await page
      .getByRole('row', { name: /Read service boards/ })
      .getByText('Granted')
      .waitFor();
    await page
      .getByRole('row', { name: /Create tickets/ })
      .getByText('Unknown')
      .waitFor();
    expect(await region('Check Permissions').getByText('Denied').count()).toBe(0);
    await visitor.inspect('check-permissions');
  });

  test('G13 select the PSA board', async () => {
    await page.getByRole('button', { name: /Service board/ }).click();
    await page.getByRole('option', { name: 'Alerts' }).click();
    await button('Use this service board').click();
    await page.getByText('The service board was chosen').waitFor();
    const { board } = await system.api.get<{ board: { boardId: string } | null }>(
      `/v1/integrations/${pushId}/alert-settings`,
    );
    expect(board).not.toBeNull();
  });

  test('G14 press Next to go to account mapping', async () => {
    await region('Next').getByText('Next is account mapping.').waitFor();
    await visitor.inspect('next');
    await region('Next').getByRole('link', { name: 'Next' }).click();
    await page.waitForURL(`**/integrations/${pushId}/accounts`);
    expect(await integrations()).toHaveLength(1);
  });
});

describe('Countersign reads the counts', () => {
  let pullId: string;

  test('reseller id and key are tried at once, and a refusal is said in words', async () => {
    await page.goto('/connect/mailprotector');
    await page.getByText('No', { exact: true }).click();
    await page.getByText('Countersign reads the counts').click();
    await button('Connect').click();
    await page.getByLabel('Reseller id').fill('500');
    await page.getByLabel('API key', { exact: true }).fill('sim-mp-not-a-key');
    await button('Give credentials').click();
    await page.getByRole('alert').getByText('Try the vendor credentials').waitFor();
    await visitor.inspect('vendor-refused');
    await page.getByLabel('API key', { exact: true }).fill(keys.reseller);
    await button('Give credentials').click();
    await page.getByRole('heading', { name: 'Choose the customers' }).waitFor();
    pullId = /integrations\/([^/]+)\/connect/.exec(page.url())?.[1] ?? '';
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
    await visitor.inspect('customers');
    await button('Link selected customers').click();
    await reach(system, pullId, 'mapAccounts');
    expect(await system.api.all(`/v1/integrations/${pullId}/accounts`)).toHaveLength(29);
    await region('Next').getByText('Next is account mapping.').waitFor();
  });

  test('the worker is killed while Sync Status spins: it goes on with the next one, and Refresh lights up', async () => {
    const { psaConnectionId } = await system.api.get<IntegrationView>(`/v1/integrations/${pullId}`);
    await person.mapAccounts(system, pullId);
    await person.mapServices(system, pullId, psaConnectionId);
    for (const side of [system.mailprotector, system.connectwise])
      await side.fault({ kind: 'latency', ms: 300, times: null });
    await person.finish(system, pullId);
    await button('Sync Status: syncing').waitFor();
    await system.killWorker();
    await system.startWorker();
    for (const side of [system.mailprotector, system.connectwise]) await side.clearFaults();
    await button('Refresh: new data is ready').waitFor();
    await until('the first sync to be over', async () => {
      const { process } = await system.api.get<IntegrationView>(`/v1/integrations/${pullId}`);
      return process.done;
    });
    await page.getByText('Everything is set up.').waitFor();
    expect(await button('Sync Status: syncing').count()).toBe(0);
  });

  test('its page says how it is, when it runs next, and how old its credentials are', async () => {
    await page.goto(`/integrations/${pullId}`);
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
    await visitor.inspect('integration-pull');
  });

  test('disconnect and reconnect: what was decided is kept, and the wizard asks for the access alone', async () => {
    await button('Disconnect …').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
    await page.getByRole('heading', { name: 'Connect again' }).waitFor();
    await visitor.inspect('disconnected');
    await button('Reconnect').click();
    await page.getByRole('heading', { name: 'How Countersign reads from Mailprotector' }).waitFor();
    await page.getByLabel('Reseller id').fill(goodCredentials.vendor.resellerId);
    await page.getByLabel('API key', { exact: true }).fill(goodCredentials.vendor.apiKey);
    await button('Give credentials').click();
    await page.getByText('Everything is set up.').waitFor();
    expect(await system.api.all(`/v1/integrations/${pullId}/accounts?mapped=true`)).not.toEqual([]);
  });
});

describe('keys', () => {
  test('the page lists the keys with their last use; a new one is shown once, and the old one works on for a while', async () => {
    await page.goto(`/integrations/${pushId}`);
    const list = page.getByRole('list', { name: 'Keys' });
    await list.getByText(/Last used/).waitFor();
    await button('Make a new key …').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Make it' }).click();
    await keyShown().waitFor();
    const made = await keyShown().innerText();
    await list.getByText(/Ends/).waitFor();
    expect(await list.getByText('In force').count()).toBe(2);
    await visitor.inspect('integration-push');
    await page.getByRole('link', { name: 'Integrations' }).first().click();
    await heading('Integrations').waitFor();
    expect(await isInPage(made, page)).toBe(false);
    expect(await isInMemory(made, page)).toBe(false);
    await visitor.inspect('integrations-two');
  });
});

test('who may only look is offered nothing that the API would refuse', async () => {
  const looker = await openVisitor(browser, system.api.url);
  await looker.signIn(await newToken(['read']), `/integrations/${pushId}`);
  await looker.page.getByRole('region', { name: 'Keys' }).waitFor();
  for (const name of ['Make a new key …', 'Revoke', 'Save schedule', 'Disconnect …', 'Check Permissions', 'Sync now'])
    expect(await button(name, looker.page).count(), name).toBe(0);
  await looker.page.goto('/connect/mailprotector');
  await looker.page.getByRole('heading', { name: 'Only an admin connects a vendor' }).waitFor();
  await looker.page.goto('/psa-connections/new');
  await looker.page.getByRole('heading', { name: 'Only an admin connects the PSA' }).waitFor();
  await looker.inspect('only-admins');
  expect(looker.complaints).toEqual([]);
  await looker.context.close();
});

test('another organization’s integration is one that nobody has', async () => {
  await page.goto('/integrations/00000000-0000-4000-8000-000000000000');
  await page.getByRole('alert').getByText('There is no such integration').waitFor();
  expect(await page.getByRole('heading', { name: 'How it is' }).count()).toBe(0);
  await visitor.inspect('no-such-integration');
});

test('each page says that it is reading, that it may not be seen, and that something failed', async () => {
  const psaId = await createPsaConnection(system);
  const id = await createIntegration(system, psaId);
  const reader = await openVisitor(browser, system.api.url);
  const { page: looked } = reader;
  await reader.signIn(token());
  const pages = [
    { path: `/integrations/${id}`, asks: `**/v1/integrations/${id}`, reads: 'Reading the integration …' },
    { path: `/integrations/${id}/connect`, asks: `**/v1/integrations/${id}`, reads: 'Reading how far it is …' },
    {
      path: `/psa-connections/${psaId}`,
      asks: `**/v1/psa-connections/${psaId}`,
      reads: 'Reading the connection …',
    },
    { path: '/psa-connections/new', asks: '**/v1/psas', reads: 'Reading which PSAs there are …' },
    { path: '/connect/mailprotector', asks: '**/v1/vendors', reads: 'Reading the vendors …' },
  ];
  // The stream of events would tell what the page asks for, so it says nothing.
  await looked.route('**/v1/events', () => undefined);
  for (const { path, asks, reads } of pages) {
    let status = 0;
    await looked.route(asks, async (route) => {
      if (status === 0) return;
      const body = { type: 'about:blank', title: 'Refused', status, code: 'x', detail: `The answer is ${status}.` };
      await route.fulfill({ status, contentType: 'application/problem+json', body: JSON.stringify(body) });
    });
    await looked.goto(path);
    await looked.getByText(reads).waitFor({ state: 'attached' });
    status = 403;
    await looked.goto(path);
    await looked.getByRole('heading', { name: /are not yours to see$/ }).waitFor();
    await reader.shoot(`no-rights-${reads}`);
    status = 422;
    await looked.goto(path);
    await looked.getByRole('alert').getByText('The answer is 422.').waitFor();
    await looked.unroute(asks);
    await looked.getByRole('button', { name: 'Try again' }).first().click();
    await looked.getByRole('alert').waitFor({ state: 'detached' });
    await looked.getByRole('heading', { level: 2 }).first().waitFor();
  }
  expect(reader.complaints).toEqual([]);
  await reader.context.close();
});

test('the pages run nothing that the policy forbids, and no script has failed', () => {
  expect(visitor.complaints).toEqual([]);
});
