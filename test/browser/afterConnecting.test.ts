/**
 * The pages of what follows connecting: new customers, review, migration to alerts; and what holds for every page: nothing is lost
 * when a session ends, a viewer changes nothing, and nobody sees another organization.
 */
import { sql } from 'drizzle-orm';
import type { Page, Request } from 'playwright-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { insertOrganization } from '../../db/queries/organization.ts';
import { until } from '../../dev/until.ts';
import { connectAll, createIntegration, person, syncNow } from '../../dev/walkthrough/guide.ts';
import { addCustomer, type OnboardingView } from '../../dev/walkthrough/newCustomer.ts';
import { onlyShown } from '../kit/apiSamples.ts';
import { consoleOf } from '../kit/consoleOf.ts';
import { inspect, newToken, shoot, signIn } from '../kit/consolePages.ts';
import { fillSignIn, personLike } from '../kit/consoleSignIn.ts';
import type { Person } from '../kit/people.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let page: Page;
let integrationId: string;
let psaConnectionId: string;

consoleOf({
  start: async () => (system = await startSystem({ customers: 26 })),
  prepare: async () => {
    ({ integrationId, psaConnectionId } = await connectAll(system));
  },
  begin: (first) => {
    ({ page } = first);
  },
});

const token = () => system.secrets[0] ?? '';
const button = (name: string) => page.getByRole('button', { name, exact: true });
const customer = (name: string) =>
  page.getByRole('list', { name: 'New customers' }).getByRole('listitem', { name, exact: true });
const onboardings = () => system.api.all<OnboardingView>('/v1/onboardings?open=true');

describe('New customers', () => {
  test('who waits since when, with the nearest names; mapped in place, it is on its way', async () => {
    const { items } = await system.api.get<{ items: { id: string; name: string }[] }>(
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
    await row.getByText(/A sync found it in Mailprotector (just now|\d+ minutes? ago)/).waitFor();
    await page.getByRole('link', { name: /^New customers 2 waiting$/ }).waitFor();
    await inspect(page, 'new-customers');
    // The name is only similar, so both sides are named before anything is mapped.
    await button(`Map ${near} Annex to ${near} …`).click();
    const asked = page.getByRole('dialog', { name: 'Are these one company?' });
    await asked.getByText(`${near} Annex`, { exact: true }).waitFor();
    await asked.getByText(near, { exact: true }).waitFor();
    await inspect(page, 'new-customers-guess');
    await asked.getByRole('button', { name: 'Yes, map it' }).click();
    await page.getByText(`Mapped ${near} Annex to ${near}.`).waitFor();
    const account = async () => {
      const { items: accounts } = await system.api.get<{ items: { id: string; psaAccountId: string | null }[] }>(
        `/v1/integrations/${integrationId}/accounts?search=Annex`,
      );
      return accounts[0];
    };
    await until('it to be mapped', async () => (await account())?.psaAccountId);
    // Nothing lies over a button: what was just done stands in the page, with what takes it back.
    await button('Undo').click();
    await page.getByText(`Unmapped ${near} Annex.`).waitFor();
    await until('it to be as it was', async () => (await account())?.psaAccountId === null);
    await page
      .getByRole('list', { name: 'Customers without a mapping' })
      .getByRole('link', { name: 'Account mapping' })
      .waitFor();
    await inspect(page, 'new-customers-undone');
    await system.api.decide(
      'PUT',
      `/v1/integrations/${integrationId}/accounts/${(await account())?.id ?? ''}`,
      'mapping',
      {
        psaAccountId: items[0]?.id,
      },
    );
  });

  test('what somebody else has decided meanwhile is told, and not overwritten', async () => {
    const [waiting] = (await onboardings()).filter(({ state }) => state === 'waiting');
    const { vendorAccountId: accountId = '', name = '' } = waiting ?? {};
    await signIn(page, token(), '/new-customers');
    await customer(name).waitFor();
    const account = `/v1/integrations/${integrationId}/accounts/${accountId}`;
    await system.api.decide('PUT', account, 'exclusion', { reason: 'Ours' });
    await button(`Map to … for ${name}`).click();
    const { items: targets } = await system.api.get<{ items: { name: string }[] }>(
      `/v1/integrations/${integrationId}/psa-accounts?mapped=false&limit=1`,
    );
    await page.getByRole('combobox').fill(targets[0]?.name ?? '');
    await page
      .getByRole('option', { name: targets[0]?.name ?? '' })
      .first()
      .click();
    await page.getByRole('alertdialog').or(page.getByRole('alert')).filter({ hasText: 'changed it' }).first().waitFor();
    expect((await system.api.get<{ excluded: boolean }>(account)).excluded).toBe(true);
    await customer(name).waitFor({ state: 'detached' });
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
    const id = await createIntegration(system, psaConnectionId);
    await signIn(page, token(), `/integrations/${id}/review`);
    await page.getByText('Finish needs at least one account and one service that is mapped.').waitFor();
    expect(await button('Finish').isDisabled()).toBe(true);
    await inspect(page, 'review-not-yet');
    await system.api.post(`/v1/integrations/${id}/disconnect`);
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

describe('a session that ends', () => {
  let who: Person;
  beforeEach(async () => {
    const secret = await newToken(system, ['admin'], { name: 'Ending' });
    await signIn(page, secret);
    who = await personLike(system.api.url, secret);
  });
  /** Something happens in the organization besides, so that its stream of events looks now, and not within five seconds, who follows it. */
  const end = async () => {
    await system.database.db.execute(sql`delete from session where user_id = ${who.id}`);
    await system.database.db.execute(sql`
      update integration set credentials_expire_on = coalesce(credentials_expire_on, date '2100-01-01') + 1
       where id = ${integrationId}`);
  };
  async function signInAgain(): Promise<void> {
    const dialog = page.getByRole('dialog', { name: 'Sign in again' });
    await dialog.waitFor();
    await fillSignIn(dialog, who);
    await dialog.waitFor({ state: 'detached' });
  }
  const field = (label: string) => page.getByLabel(label, { exact: true }).and(page.locator('input'));
  const press = (name: string | RegExp) => page.getByRole('button', { name }).first().click();
  const pick = async (button: RegExp, option: string) => {
    await press(button);
    await page.getByRole('option', { name: option }).click();
  };

  test('in the middle of typing: nothing is lost, in any form', async () => {
    const choosing = await createIntegration(system, psaConnectionId);
    await person.credentials(system, choosing);
    const at = `/integrations/${integrationId}`;
    const forms: { path: string; open?: () => Promise<unknown>; typed?: Record<string, string>; still?: string }[] = [
      { path: '/settings', typed: { 'Present password': 'half', 'New password': 'half-typed' } },
      { path: '/settings', open: () => press('Invite somebody'), typed: { 'E-mail': 'half@' } },
      { path: '/psa-connections/new', typed: { Site: 'half', 'Private Key': 'half', 'Name in Countersign': 'Half' } },
      { path: `/psa-connections/${psaConnectionId}`, typed: { 'Decimals of a quantity': '3', 'Public Key': 'half' } },
      {
        path: '/connect/mailprotector',
        open: async () => {
          await page.getByRole('radio', { name: 'No', exact: true }).check();
          await page.getByRole('checkbox', { name: /^Alerts/ }).check();
          await page.getByRole('radio', { name: /^Countersign reads the counts/ }).check();
        },
        still: 'input:checked >> nth=3',
      },
      {
        path: `/integrations/${choosing}/connect`,
        open: () => page.getByLabel(/^Select all/).check(),
        still: 'text=/^([1-9]\\d*) of \\1 selected/',
      },
      {
        path: at,
        open: () => pick(/How often/, 'At other times'),
        typed: { 'Cron expression': '30 3', 'Reseller id': '5' },
      },
      { path: `${at}/accounts`, open: () => press(/^Exclude /), typed: { Why: 'half a reason' } },
      { path: `${at}/accounts`, open: () => press(/^Map .* to…/), typed: { 'Company in the PSA': 'half a name' } },
      {
        path: `${at}/services`,
        open: async () => {
          await press(/^Change /);
          await pick(/Rounding/, 'Up to whole seats');
        },
        still: 'role=dialog >> button:has-text("Up to whole seats")',
      },
    ];
    for (const { path, open, typed = {}, still } of forms) {
      await page.goto(path);
      await open?.();
      for (const [label, text] of Object.entries(typed)) await field(label).fill(text);
      await end();
      await signInAgain();
      for (const [label, text] of Object.entries(typed))
        expect(await field(label).inputValue(), `${path}, ${label}`).toBe(text);
      if (still !== undefined) await page.locator(still).waitFor();
    }
    await system.api.post(`/v1/integrations/${choosing}/disconnect`);
  });

  test('before something is sent: it is done once the person has signed in again', async () => {
    // Whatever else the page asks would tell that the session has ended before anything is sent: the stream of events is not
    // answered at all, and what is read waits until the person is asked to sign in.
    let reading = Promise.resolve();
    let goOn = () => undefined as void;
    const underWay = new Set<Request>();
    page.on('requestfinished', (request) => underWay.delete(request));
    page.on('requestfailed', (request) => underWay.delete(request));
    await page.route('**/v1/**', async (route) => {
      const request = route.request();
      if (request.url().includes('/v1/events')) return;
      if (request.method() === 'GET') {
        await reading;
        underWay.add(request);
      }
      await route.continue();
    });
    const endUnheard = async () => {
      reading = new Promise((resolve) => (goOn = resolve));
      await until('what is read to be there', () => underWay.size === 0);
      await end();
    };
    const signInWhenAsked = async () => {
      await page.getByRole('dialog', { name: 'Sign in again' }).waitFor();
      goOn();
      await signInAgain();
    };
    await page.goto(`/integrations/${integrationId}/accounts`);
    await press(/^Exclude /);
    const dialog = page.getByRole('dialog', { name: /^Exclude / });
    const name = (await dialog.getByRole('heading').innerText()).replace('Exclude ', '');
    await dialog.getByLabel('Why').fill('Half a reason');
    await endUnheard();
    await dialog.getByRole('button', { name: 'Exclude' }).click();
    await signInWhenAsked();
    await page.getByText(`Excluded ${name}.`).waitFor();
    const { items } = await system.api.get<{ items: { excludedWhy: string | null }[] }>(
      `/v1/integrations/${integrationId}/accounts?search=${encodeURIComponent(name)}`,
    );
    expect(items.map(({ excludedWhy }) => excludedWhy)).toContain('Half a reason');
    await page.getByRole('button', { name: 'Undo' }).click();
    await page
      .getByText(`Included ${name} again.`)
      .or(page.getByText(`Mapped ${name} to`))
      .first()
      .waitFor();

    await page.goto('/settings');
    await page.getByLabel('Present password').fill(who.password);
    await page.getByLabel('New password').fill('quite-another-password');
    await endUnheard();
    await press('Set password');
    await signInWhenAsked();
    await page.getByText('Your password was set').waitFor();
  });
});

describe('who is not to change, or to see, anything', () => {
  const pages = () => [
    '/integrations',
    ...['', '/connect', '/accounts', '/services', '/review', '/migrate'].map(
      (page) => `/integrations/${integrationId}${page}`,
    ),
    `/psa-connections/${psaConnectionId}`,
    '/psa-connections/new',
    '/connect/mailprotector',
    '/new-customers',
    `/runs?integration=${integrationId}`,
    '/settings',
  ];
  /** By which nothing is changed but what the page shows, and one's own password. */
  const harmless =
    /^(Search|Clear|Hide mapped|All that are on their way|Mapping file|Download CSV|Further details|Present password|New password|Mailprotector ·)/;

  test('a viewer is offered nothing on any page, and the API refuses the same', async () => {
    await addCustomer(system.mailprotector, { id: 9_301, name: 'Looked At Only', users: 2 });
    await syncNow(system, integrationId);
    await signIn(page, await newToken(system, ['read']));
    for (const path of pages()) {
      await page.goto(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page
        .getByText(/^Reading .*…$/)
        .first()
        .waitFor({ state: 'detached' });
      const offered = await page.evaluate<string[]>(`
        [...document.querySelectorAll('main :is(button, input, select, [draggable=true])')]
          .filter((each) => each.checkVisibility() && !each.disabled)
          .map((each) => (each.getAttribute('aria-label') ?? each.labels?.[0]?.innerText ?? each.innerText).trim())`);
      expect(
        offered.filter((name) => !harmless.test(name)),
        path,
      ).toEqual([]);
      if (path === '/new-customers') {
        await customer('Looked At Only').getByText('Waits for an operator').waitFor();
        await inspect(page, 'new-customers-viewer');
      }
    }
    const contract = await system.api.get<{ paths: Record<string, Record<string, { operationId: string }>> }>(
      '/openapi.json',
    );
    const changes = Object.entries(contract.paths).flatMap(([path, operations]) =>
      Object.entries(operations)
        .filter(([method, { operationId }]) => method !== 'get' && !onlyShown.includes(operationId))
        .map(([method]) => [method.toUpperCase(), path.replaceAll(/\{[^}]+\}/g, integrationId)] as const),
    );
    expect(changes.length).toBeGreaterThan(30);
    const statuses = await page.evaluate<number[]>(`Promise.all(${JSON.stringify(changes)}.map(([method, path]) =>
      fetch(path, { method, body: '{}', headers: { 'content-type': 'application/json' } }).then(({ status }) => status)))`);
    expect(changes.map((change, at) => [...change, statuses[at]])).toEqual(changes.map((change) => [...change, 403]));
  });

  test('the addresses of another organization are ones that nobody has', async () => {
    const organizationId = await insertOrganization(system.database.db, 'Another MSP');
    const answers: [string, number][] = [];
    page.on('response', (response) => {
      const { pathname } = new URL(response.url());
      if (pathname.startsWith('/v1/') && [integrationId, psaConnectionId].some((id) => pathname.includes(id)))
        answers.push([pathname, response.status()]);
    });
    await signIn(page, await newToken(system, ['admin'], { organizationId }));
    await page.getByRole('heading', { name: 'Connect your PSA first' }).waitFor();
    for (const path of pages().filter((each) => each.includes(integrationId) || each.includes(psaConnectionId))) {
      await page.goto(path);
      await page
        .getByText(/There is no such|Nothing is connected yet/)
        .first()
        .waitFor();
      expect(await page.locator('main').innerText(), path).not.toContain('Mailprotector');
      expect(await page.getByRole('grid').count(), path).toBe(0);
    }
    expect(answers.length).toBeGreaterThan(2);
    expect(answers.filter(([, status]) => status !== 404)).toEqual([]);
    await inspect(page, 'no-such');
  });
});
