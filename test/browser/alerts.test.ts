/** The pages of alerts, of reminders of new customers, and of settings, on one system whose vendor sends. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { createApiClient } from '../../dev/walkthrough/apiClient.ts';
import { addCustomer, type OnboardingView } from '../../dev/walkthrough/newCustomer.ts';
import { until } from '../../dev/until.ts';
import { stepLabels } from '../../domain/process/labels.ts';
import {
  connectAlerts,
  postAlert,
  sendAlert,
  ticketsIn,
  ticketsOf,
  untilAlert,
  type Alerting,
  type AlertView,
} from '../kit/alerts.ts';
import { consoleOf } from '../kit/consoleOf.ts';
import { inspect, newToken, shoot, signIn } from '../kit/consolePages.ts';
import { pushEnv } from '../kit/push.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let page: Page;
let alerting: Alerting;

const open = consoleOf({
  start: async () => {
    const env = { ...pushEnv, ONBOARDING_REMIND_MS: '1000', ONBOARDING_ESCALATE_MS: '3000' };
    system = await startSystem({ customers: 8, env });
    return system;
  },
  prepare: async () => {
    alerting = await connectAlerts(system);
  },
  begin: (first) => {
    ({ page } = first);
  },
});

const token = () => system.secrets[0] ?? '';
const button = (name: string) => page.getByRole('button', { name, exact: true });
const grid = () => page.getByRole('grid', { name: 'Alerts' });
const rows = (text?: string) =>
  grid()
    .getByRole('row')
    .filter({ hasText: text ?? /./, hasNot: page.getByRole('columnheader') });
const dialog = () => page.getByRole('dialog').last();
const account = (at: number) => alerting.mapped[at]?.id ?? '';
const send = (accountId: string, alertId: string, title: string) =>
  sendAlert(system, alerting.key, accountId, { alertId, title, description: `More of ${title}.`, priority: 3 });
const choose = async (label: string, option: string) => {
  await page.getByRole('button', { name: new RegExp(label) }).click();
  await page.getByRole('option', { name: option, exact: true }).click();
};

describe('Alerts', () => {
  test('each with its state; a dead one says why, and is retried; the filter stands in the address', async () => {
    const parked = await send(alerting.unmapped[0] ?? '', 'parked-1', 'Quota of nobody');
    const delivered = await send(account(0), 'good-1', 'Mail is delayed');
    await untilAlert(system, delivered, 'delivered');
    await system.connectwise.fault({
      kind: 'status',
      method: 'POST',
      path: '/service/tickets$',
      status: 400,
      times: null,
    });
    const dead = await send(account(1), 'dead-1', 'Queue is full');
    const { reason } = await untilAlert(system, dead, 'dead');
    await signIn(page, token(), '/alerts');
    await rows('Quota of nobody').getByText('Waits for mapping').waitFor();
    await rows('Mail is delayed').getByText('Delivered').waitFor();
    await inspect(page, 'alerts');

    await choose('State', 'Not delivered');
    await rows('Mail is delayed').waitFor({ state: 'detached' });
    expect(new URL(page.url()).searchParams.get('state')).toBe('dead');
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download CSV' }).click(),
    ]);
    const lines = (await readFile(await saved.path(), 'utf8')).trimEnd().split('\r\n');
    expect(lines.slice(1)).toEqual([expect.stringContaining('Queue is full')]);
    await page.reload();
    await rows('Queue is full').click();
    await dialog().getByText('It became no service ticket').or(dialog().getByText('It became no ticket')).waitFor();
    await dialog()
      .getByText(reason?.detail ?? '?')
      .waitFor();
    await inspect(page, 'alert-dead');
    await dialog().getByText('Put that right in the PSA, then press Retry').waitFor();
    // Who may only look reads who can do it, also where the board itself is refused.
    const looking = await open();
    await signIn(looking.page, await newToken(system, ['read']), `/alerts?alert=${dead}`);
    const can = (what: string) =>
      looking.page.getByText(`Somebody who may operate (an operator or an admin) can ${what}`);
    await can('retry it when that is put right in the PSA').waitFor();
    await looking.page.route(`**/v1/alerts/${dead}`, async (asked) => {
      const answer = (await (await asked.fetch()).json()) as { reason: object };
      await asked.fulfill({ json: { ...answer, reason: { ...answer.reason, of: 'board' } } });
    });
    await looking.page.reload();
    await looking.page.getByText('The PSA refuses the service board itself').waitFor();
    await can('choose another service board, and retry or dismiss this alert').waitFor();
    await looking.page.getByRole('dialog').getByRole('link', { name: 'Choose the service board' }).waitFor();
    await inspect(looking.page, 'alert-dead-board');
    await looking.context.close();
    await system.connectwise.clearFaults();
    await dialog().getByRole('button', { name: 'Retry' }).click();
    await dialog().getByText('Delivered', { exact: true }).first().waitFor();
    const [ticket, second] = await ticketsOf(system, dead);
    expect(second).toBeUndefined();
    const link = dialog().getByRole('link', { name: String(ticket?.id), exact: true });
    expect(await link.getAttribute('href')).toBe((await system.api.get<AlertView>(`/v1/alerts/${dead}`)).ticketUrl);
    const done = dialog().getByRole('list', { name: 'What was done' });
    // A wake of Countersign's own that comes late may have asked for one, too.
    await done.getByText('Asked for another try (test)').waitFor();
    await done.getByText(/Made the .*ticket/).waitFor();
    await dialog().getByRole('button', { name: 'Close' }).click();

    // What nobody wants is dismissed with a reason, which stands there afterwards with the person's name.
    await page.goto('/alerts?state=parked');
    await rows('Quota of nobody').click();
    await dialog().getByText('Its customer is not mapped to a company. It is delivered').waitFor();
    await button('Dismiss …').click();
    await dialog().getByRole('button', { name: 'Dismiss', exact: true }).click();
    await dialog().getByText('Say why, so that whoever looks at it later knows.').waitFor();
    await dialog().getByLabel('Why').fill('Not a customer of ours');
    await shoot(page, 'alert-dismiss-light-1280');
    await dialog().getByRole('button', { name: 'Dismiss', exact: true }).click();
    await dialog().getByText('Not a customer of ours').waitFor();
    await dialog().getByRole('list', { name: 'What was done' }).getByText('Dismissed it (test)').waitFor();
    expect(await system.api.get(`/v1/alerts/${parked}`)).toMatchObject({ state: 'dismissed' });
  });

  test('many of one customer share a ticket; they are found by a part of a title, page by page', async () => {
    for (let at = 0; at < 55; at++) await send(account(0), `flood-${at}`, `Flood number ${at}`);
    const gathered = await until('the flood to be gathered', async () => {
      const { items } = await system.api.get<{ items: AlertView[] }>('/v1/alerts?state=gathered&limit=200');
      return items.length >= 45 ? items[0] : undefined;
    });
    await signIn(page, token(), '/alerts');
    await page.getByRole('searchbox', { name: 'Search' }).fill('flood number');
    await until('fifty rows', async () => (await rows('Flood number').count()) === 50);
    await button('More alerts').click();
    await until('all of them', async () => (await rows('Flood number').count()) === 55);
    expect(new URL(page.url()).searchParams.get('search')).toBe('flood number');

    await page.goto(`/alerts?alert=${gathered.id}`);
    await dialog().getByRole('link', { name: 'Shared with others' }).click();
    await dialog().getByRole('heading', { name: 'Many alerts' }).waitFor();
    await dialog()
      .getByRole('link', { name: /^The alerts that share this/ })
      .click();
    await page.getByText('Only alerts that share one ticket are shown').waitFor();
    await until('only those', async () => (await rows().count()) >= 45);
    await inspect(page, 'alerts-gathered');
  });

  test('the settings show the ticket that would be made before they are saved', async () => {
    const at = `/v1/integrations/${alerting.id}/alert-settings`;
    // The fields of tickets that hang on no board are set with the PSA.
    await signIn(page, token(), `/psa-connections/${alerting.psaConnectionId}`);
    await choose('Source of tickets', 'Integration');
    await button('Save settings').click();
    await page.getByText('The settings were saved').waitFor();
    await inspect(page, 'psa-settings');
    // Its type hangs on the board, and is chosen with it.
    await page.goto(new URL(`/integrations/${alerting.id}`, page.url()).href);
    const { board } = await system.api.get<{ board: object }>(at);
    await choose('Type', 'Network');
    await button('Use this service board').click();
    await page.getByText('The service board was chosen').waitFor();
    expect(await system.api.get(at)).toMatchObject({ board: { ...board, typeId: expect.stringMatching(/\d/) } });
    await page.goto(new URL('/alerts', page.url()).href);
    await page.getByRole('link', { name: 'Alert settings' }).click();
    await page.getByRole('heading', { name: 'Alert settings' }).waitFor();
    const preview = page.getByRole('region', { name: 'Preview' });
    await preview.getByText('Mail is delayed (Acme Dental)').waitFor();
    await page.getByLabel('Summary').fill('[Mail] {titel}');
    await page.getByText('There is no field {titel}.').waitFor();
    await page.getByLabel('Summary').fill('[Mail] {title}');
    await preview.getByText('[Mail] Mail is delayed').waitFor();
    await page.getByLabel('Within so many minutes').fill('90');
    expect((await preview.innerText()).replaceAll(/\s+/g, ' ')).toMatch(/Type Network.* Source of tickets Integration/);
    await inspect(page, 'alert-settings');
    await button('Save the settings').click();
    await page.getByText('The alert settings were saved').waitFor();
    expect(await system.api.get(at)).toMatchObject({
      summary: '[Mail] {title}',
      storm: { most: 10, windowMinutes: 90 },
    });
  });

  test('a test alert is told stage by stage, to its ticket that was found again', async () => {
    const before = (await ticketsIn(system)).length;
    await signIn(page, token(), '/alerts');
    await button('Test alert …').click();
    await dialog()
      .getByRole('button', { name: /Customer$/ })
      .click();
    await page.getByRole('option').filter({ hasNotText: 'not mapped' }).first().click();
    await button('Send the test').dblclick();
    const stages = dialog().getByRole('list', { name: 'Stages of the test' });
    const stage = (text: RegExp) => stages.getByRole('listitem').filter({ hasText: text });
    await stage(/^Accepted/)
      .getByText('Done')
      .waitFor();
    // The words of the steps are those of the Temporal UI.
    for (const step of ['resolveAccount', 'writeTicket', 'settleTicket'] as const)
      await stage(new RegExp(`^${stepLabels[step].title}`))
        .getByText('Done')
        .waitFor();
    expect(await ticketsIn(system)).toHaveLength(before + 1);
    await inspect(page, 'alert-test');
    // The list behind it has heard of the ticket, too.
    await button('Done').click();
    await rows().first().getByText('Delivered').waitFor();
  });

  test('a test whose ticket the PSA does not find again says so', async () => {
    await system.connectwise.settings({ searchLagMs: 600_000 });
    const { id } = await system.api.post<AlertView>(`/v1/integrations/${alerting.id}/test-alert`, {
      accountId: account(1),
    });
    const { reason } = await untilAlert(system, id, 'delivered', 60_000);
    await system.connectwise.settings({ searchLagMs: 0 });
    expect(reason?.code).toBe('not_found_again');
    await signIn(page, token(), `/alerts?alert=${id}`);
    await dialog()
      .getByText(/was not found again/)
      .waitFor();
    await shoot(page, 'alert-not-found-again-light-1280');
  });
});

test('a new customer says how often somebody was reminded, and since when it is a problem', async () => {
  await addCustomer(system.mailprotector, { id: 9_401, name: 'Nobody Maps Me', users: 2 });
  await alerting.console.link([9_401]);
  await until('it to be a problem', async () => {
    const waiting = await system.api.all<OnboardingView>('/v1/onboardings?escalated=true');
    return waiting.some(({ name }) => name === 'Nobody Maps Me');
  });
  await signIn(page, token(), '/new-customers');
  const row = page.getByRole('listitem', { name: 'Nobody Maps Me', exact: true });
  await row.getByText('Waits too long for you').waitFor();
  await row.getByText(/\d+ reminders?, the last .*It has been a problem since/).waitFor();
  await choose('Show', 'Those that wait too long');
  await row.waitFor();
  expect(new URL(page.url()).searchParams.get('escalated')).toBe('true');
  await inspect(page, 'new-customers-escalated');
});

describe('Settings', () => {
  test('a token is shown once, works with its scope, and ends when it is revoked', async () => {
    await signIn(page, token(), '/settings');
    await button('Make a token …').click();
    await dialog().getByLabel('Name').fill('Nightly export');
    await dialog().getByText('Read', { exact: true }).click();
    await inspect(page, 'token-new');
    await button('Make the token').click();
    const secret = (await dialog().getByLabel('Token', { exact: true }).textContent()) ?? '';
    await button('Done').click();
    const tokens = page.getByRole('list', { name: 'Tokens' });
    const row = tokens.getByRole('listitem', { name: 'Nightly export' });
    await row.getByText(/never used/).waitFor();
    expect(await page.content()).not.toContain(secret);
    const program = createApiClient(system.api.url, secret);
    expect(await program.get('/v1/me')).toMatchObject({ scopes: ['read'] });
    await page.reload();
    await row.getByText(/used just now/).waitFor();
    await inspect(page, 'settings');
    await row.getByRole('button', { name: /Revoke/ }).click();
    await dialog().getByRole('button', { name: 'Revoke', exact: true }).click();
    await row.waitFor({ state: 'detached' });
    expect((await program.call('GET', '/v1/me')).status).toBe(401);
  });

  test('writing is turned on by whoever says to understand it, and off again', async () => {
    const enabled = async () =>
      (await system.api.get<{ writesEnabled: boolean }>(`/v1/psa-connections/${alerting.psaConnectionId}`))
        .writesEnabled;
    await signIn(page, token(), '/settings');
    const connections = page.getByRole('list', { name: 'PSA connections' });
    await connections.getByText('Rights are there').first().waitFor();
    await button('Turn writing on …').click();
    expect(await button('Turn writing on').isDisabled()).toBe(true);
    await dialog().getByText('I understand that approvals change invoices.').click();
    await button('Turn writing on').click();
    await connections.getByText('Writing is on').waitFor();
    expect(await enabled()).toBe(true);
    await button('Turn writing off …').click();
    await button('Turn writing off').click();
    await connections.getByText('Writing is off').waitFor();
    expect(await enabled()).toBe(false);
  });

  test('what the vendor sent and was refused is listed with the reason', async () => {
    const wrong = { alertId: 'wrong-1', priority: 99 };
    expect((await postAlert(system, alerting.key, 'posted-as-this', wrong)).status).toBeGreaterThanOrEqual(400);
    await signIn(page, token(), '/settings');
    const refused = page.getByRole('grid', { name: 'Refused posts' }).getByRole('row');
    await refused.filter({ hasText: 'posted-as-this' }).getByText('An alert').waitFor();
  });
});

test('who may only look is offered nothing, and the API refuses the same', async () => {
  const viewer = await newToken(system, ['read']);
  const api = createApiClient(system.api.url, viewer);
  const { items } = await system.api.get<{ items: AlertView[] }>('/v1/alerts?state=dismissed&limit=1');
  const alert = items[0]?.id ?? '';
  await signIn(page, viewer, `/alerts?alert=${alert}`);
  await dialog().getByRole('list', { name: 'What was done' }).waitFor();
  expect(await dialog().getByRole('button').allInnerTexts()).toEqual(['']);
  await dialog().getByRole('button', { name: 'Close' }).click();
  expect(await button('Test alert …').count()).toBe(0);
  await page.goto(`/integrations/${alerting.id}/alerts`);
  await page.getByRole('region', { name: 'Preview' }).getByText('[Mail] Mail is delayed').waitFor();
  expect(await button('Save the settings').count()).toBe(0);
  await inspect(page, 'alert-settings-viewer');
  await page.goto('/settings');
  await page.getByRole('list', { name: 'Tokens' }).waitFor();
  for (const name of [/Make a token/, /Revoke/, /Turn writing/, /Invite/])
    expect(await page.getByRole('button', { name }).count()).toBe(0);
  const refused = [
    ['POST', `/v1/alerts/${alert}/retry`],
    ['POST', `/v1/alerts/${alert}/dismiss`, { reason: 'No' }],
    ['PUT', `/v1/integrations/${alerting.id}/alert-settings`, { summary: 'x' }],
    ['POST', `/v1/integrations/${alerting.id}/test-alert`, { accountId: account(0) }],
    ['PUT', `/v1/psa-connections/${alerting.psaConnectionId}/writes`, { enabled: true }],
    ['POST', '/v1/tokens', { name: 'Mine', scope: 'read', lifeDays: null }],
  ] as const;
  for (const [method, path, body] of refused) expect((await api.call(method, path, body)).status, path).toBe(403);
});
