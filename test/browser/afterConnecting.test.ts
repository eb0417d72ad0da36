/** The pages of what follows connecting: new customers, review, migration to alerts. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../dev/until.ts';
import { connectAll, syncNow } from '../../dev/walkthrough/guide.ts';
import { addCustomer, type OnboardingView } from '../../dev/walkthrough/newCustomer.ts';
import { findChromium, launchChromium } from '../kit/chromium.ts';
import { inspect, newToken, openPage, shoot, signIn, type ConsolePage } from '../kit/consolePages.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let browser: Browser;
let page: Page;
let context: BrowserContext;
let opened: ConsolePage;
let integrationId: string;

beforeAll(async () => {
  const [path, started] = await Promise.all([findChromium(), startSystem({ customers: 26 })]);
  system = started;
  browser = await launchChromium(path);
  ({ integrationId } = await connectAll(system));
}, 480_000);
afterAll(async () => {
  await browser?.close();
  await system?.close();
});

beforeEach(async () => {
  opened = await openPage(browser, system);
  ({ page, context } = opened);
});
afterEach(async () => {
  await context.close();
  await system.mailprotector.clearFaults();
  await system.connectwise.clearFaults();
  expect(opened.complaints).toEqual([]);
});

const token = () => system.secrets[0] ?? '';
const button = (name: string) => page.getByRole('button', { name, exact: true });
const customer = (name: string) =>
  page.getByRole('list', { name: 'New customers' }).getByRole('listitem', { name, exact: true });
const onboardings = () => system.api.all<OnboardingView>('/v1/onboardings?open=true');

describe('New customers', () => {
  test('who waits since when, with the nearest names; mapped in place, it is on its way', async () => {
    const { items } = await system.api.get<{ items: { name: string }[] }>(
      `/v1/integrations/${integrationId}/psa-accounts?mapped=false&limit=1`,
    );
    const near = items[0]?.name ?? '';
    await addCustomer(system.mailprotector, { id: 9_201, name: `${near} Annex`, users: 7 });
    await addCustomer(system.mailprotector, {
      id: 9_202,
      name: `${'A Very Long Customer Name That Does Not Fit '.repeat(3)}GmbH & Co. KG`,
      users: 4,
    });
    await syncNow(system, integrationId);
    await until(
      'both to wait',
      async () => (await onboardings()).filter(({ state }) => state === 'waiting').length === 2,
    );
    await signIn(page, token(), '/new-customers');
    const row = customer(`${near} Annex`);
    await row.getByText('Waits for you').waitFor();
    expect(await row.innerText()).toMatch(/A sync found it in Mailprotector\s+(just now|\d+ minutes? ago)/);
    await page.getByRole('link', { name: /^New customers 2 waiting$/ }).waitFor();
    await inspect(page, 'new-customers');
    await button(`Map ${near} Annex to ${near}`).click();
    await page.getByText(`${near} Annex is mapped to ${near}`).waitFor();
    await until('it to be mapped', async () => {
      const { items: accounts } = await system.api.get<{ items: { name: string; psaAccountId: string | null }[] }>(
        `/v1/integrations/${integrationId}/accounts?search=Annex`,
      );
      return accounts[0]?.psaAccountId;
    });
  });

  test('what somebody else has decided meanwhile is told, and not overwritten', async () => {
    const [waiting] = (await onboardings()).filter(({ state }) => state === 'waiting');
    const { vendorAccountId: accountId = '', name = '' } = waiting ?? {};
    await signIn(page, token(), '/new-customers');
    await customer(name).waitFor();
    const account = `/v1/integrations/${integrationId}/accounts/${accountId}`;
    await system.api.decide('PUT', account, 'exclusion', { reason: 'Ours' });
    await button(`Map to … for ${name}`).click();
    await page.getByRole('combobox').fill('a ');
    await page.getByRole('combobox').fill('ac');
    await page.getByRole('option').first().click();
    await page.getByRole('alertdialog').or(page.getByRole('alert')).filter({ hasText: 'changed it' }).first().waitFor();
    expect((await system.api.get<{ excluded: boolean }>(account)).excluded).toBe(true);
    await customer(name).waitFor({ state: 'detached' });
  });

  test('who may only look is offered nothing', async () => {
    await addCustomer(system.mailprotector, { id: 9_301, name: 'Looked At Only', users: 2 });
    await syncNow(system, integrationId);
    await signIn(page, await newToken(system, ['read']), '/new-customers');
    await customer('Looked At Only').waitFor();
    await page.getByText('You may look, and change nothing').waitFor();
    expect(await page.getByRole('list', { name: 'New customers' }).getByRole('button').count()).toBe(0);
    await inspect(page, 'new-customers-viewer');
  });
});

describe('the pages of an integration', () => {
  test('Review says of a finished integration that it is finished, and what is billed from what', async () => {
    await signIn(page, token(), `/integrations/${integrationId}/review`);
    await page.getByText('It is finished').waitFor();
    const rows = page.getByRole('grid', { name: 'What will be billed from what' }).getByRole('row');
    await rows.filter({ hasText: 'MP-CLOUDFILTER' }).first().waitFor();
    expect(await button('Finish').count()).toBe(0);
    await inspect(page, 'review-finished');
  });

  test('Review says why it cannot be finished yet', async () => {
    const { psaConnectionId } = await system.api.get<{ psaConnectionId: string }>(`/v1/integrations/${integrationId}`);
    const { integration } = await system.api.post<{ integration: { id: string } }>('/v1/integrations', {
      vendor: 'mailprotector',
      psaConnectionId,
      intake: 'pull',
      modules: ['billing'],
      viaVirtualAdministrator: false,
    });
    await signIn(page, token(), `/integrations/${integration.id}/review`);
    await page.getByText('Finish needs at least one account and one service that is mapped.').waitFor();
    expect(await button('Finish').isDisabled()).toBe(true);
    await inspect(page, 'review-not-yet');
    await system.api.post(`/v1/integrations/${integration.id}/disconnect`);
  });

  test('a migration is begun, is told as it goes on, and is taken back', async () => {
    await signIn(page, token(), `/integrations/${integrationId}/migrate`);
    await inspect(page, 'migrate-before');
    await button('Migrate to Alerts').click();
    const steps = page.getByRole('list', { name: 'Steps of migrating Mailprotector to alerts' });
    await steps.getByRole('listitem').filter({ hasText: 'Migrate to Alerts' }).getByText('Done').waitFor();
    await inspect(page, 'migrate-begun');
    await button('Back to billing only …').click();
    await shoot(page, 'migrate-abandon-light-1280');
    await page.getByRole('dialog').getByRole('button', { name: 'Back to billing only' }).click();
    await page.getByRole('heading', { name: 'Alerts are not connected yet' }).waitFor();
    expect((await system.api.get<{ modules: string[] }>(`/v1/integrations/${integrationId}`)).modules).toEqual([
      'billing',
    ]);
  });
});
