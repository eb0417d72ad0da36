/**
 * The console in a real Chromium, served by a real api. With SCREENSHOTS set to a folder its pages are kept there, in
 * both themes, wide and narrow.
 */
import { sql } from 'drizzle-orm';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { insertOrganization } from '../../db/queries/organization.ts';
import { until } from '../../dev/until.ts';
import { connectAll, latestRun, syncNow } from '../../dev/walkthrough/guide.ts';
import { consoleOf } from '../kit/consoleOf.ts';
import { inspect as inspectPage, newToken, shoot as shootPage, signIn as signInOn } from '../kit/consolePages.ts';
import { fillSignIn, personLike } from '../kit/consoleSignIn.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let page: Page;
let integrationId: string;

consoleOf({
  start: async () => (system = await startSystem({ customers: 26 })),
  prepare: async () => {
    ({ integrationId } = await connectAll(system));
  },
  begin: (first) => {
    ({ page } = first);
  },
});

const signIn = (secret: string, path?: string) => signInOn(page, secret, path);
const inspect = (name: string) => inspectPage(page, name);
const shoot = (name: string) => shootPage(page, name);
const token = () => system.secrets[0] ?? '';
const pages = () => page.getByRole('navigation', { name: 'Pages' });
const goTo = (name: string) =>
  pages()
    .getByRole('link', { name: new RegExp(`^${name}`) })
    .click();
const cardRows = () => page.getByRole('grid', { name: 'Cards' }).getByRole('row');
const runRows = () => page.getByRole('grid', { name: /^Sync runs of/ }).getByRole('row', { name: /\d/ });

test('a wrong password is refused in words; the right one leads to the page that was asked for', async () => {
  const person = await personLike(system.api.url, token());
  await page.goto('/runs');
  await fillSignIn(page, { ...person, password: 'not-the-password' });
  await page.getByText('E-mail and password do not fit together').waitFor();
  await inspect('sign-in');
  await page.getByLabel('Password', { exact: true }).fill(person.password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Runs', level: 1 }).waitFor();
  expect(await page.title()).toBe('Runs · Countersign');
  // No script can read the session, and nothing of it is kept where one could.
  expect(await page.evaluate<string>('document.cookie + JSON.stringify([localStorage, sessionStorage])')).not.toMatch(
    /session_token|password/,
  );
  // Another tab, and one that is opened tomorrow, are signed in.
  const tab = await page.context().newPage();
  await tab.goto('/runs');
  await tab.getByRole('heading', { name: 'Runs', level: 1 }).waitFor();
});

test('an address of another host is no page to go on to', async () => {
  await page.goto('/sign-in?next=%2F%2Fevil.example%2F');
  await fillSignIn(page, await personLike(system.api.url, token()));
  await page.getByRole('heading', { name: 'Integrations', level: 1 }).waitFor();
  expect(new URL(page.url()).origin).toBe(system.api.url);
});

test('Integrations shows what the API says of each', async () => {
  await signIn(token());
  const card = page.getByRole('article', { name: 'Mailprotector' });
  await card.getByText('Healthy').waitFor();
  await card.getByText('Countersign reads the counts').waitFor();
  await card.getByText('Nothing waits for anybody.').waitFor();
  const { sync } = await system.api.get<{ sync: { steps: { title: string; state: string }[] } }>(
    `/v1/integrations/${integrationId}`,
  );
  await card.getByText('Steps of the last sync').click();
  const shown = await card
    .getByRole('list', { name: /^Steps of the last sync/ })
    .getByRole('listitem')
    .allInnerTexts();
  const needed = sync.steps.filter(({ state }) => state !== 'skipped').map(({ title }) => `${title} Done`);
  expect(shown.map((text) => text.replaceAll(/\s+/g, ' ').trim())).toEqual(needed);
  await inspect('integrations');
});

test('who types and leaves for another page arrives there, however long that page takes to come', async () => {
  await signIn(token(), '/reconcile');
  await cardRows().nth(1).waitFor();
  await page.route('**/assets/**', async (asked) => {
    await new Promise((resolve) => setTimeout(resolve, 600)); // Longer than the pause after which typing is searched for.
    await asked.continue();
  });
  const link = pages().getByRole('link', { name: 'Settings' });
  await link.waitFor();
  await page.getByRole('searchbox').fill('MP-');
  // Within the pause, which a click of Playwright's may outlast.
  await link.evaluate<void, { focus: () => void; click: () => void }>((shown) => {
    shown.focus();
    shown.click();
  });
  await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
});

test('what narrows the list is shown and taken away, also where a link chose it', async () => {
  await signIn(token(), '/reconcile?kind=new_revenue&direction=under');
  const only = page.getByRole('group', { name: 'Only' });
  await only.getByRole('button', { name: /^Take away: On no / }).waitFor();
  await inspect('reconcile-only');
  await only.getByRole('button', { name: 'Take away: Billed too little' }).click();
  await until('one filter', async () => (await only.getByRole('button').count()) === 1);
  expect(page.url()).toContain('kind=new_revenue');
  await only.getByRole('button').click();
  await only.waitFor({ state: 'detached' });
  await cardRows().nth(2).waitFor();
  expect(page.url()).not.toContain('kind=');
  // The number of what is ready is the same in the sums and among the reasons.
  const reason = await page
    .getByRole('group', { name: 'Why not bulk' })
    .getByRole('button', { name: /^Ready/ })
    .innerText();
  const said = await page
    .getByRole('region', { name: 'Found money' })
    .getByText(/ready to be approved:/)
    .innerText();
  expect(Number(/^\d+/.exec(said)?.[0])).toBe(Number(/\d+$/.exec(reason.trim())?.[0]));
});

test('a sync is followed in Sync Status, also when its worker is killed, and nothing changes before Refresh is pressed', async () => {
  // Its clock is moved on, so that nobody has to wait until the page finds that nothing moves.
  await page.clock.install();
  await signIn(token(), '/runs');
  await runRows().first().waitFor();
  const before = await runRows().count();
  await goTo('Integrations');
  // Slow enough to be seen.
  for (const side of [system.mailprotector, system.connectwise])
    await side.fault({ kind: 'latency', ms: 600, times: null });
  await page.getByRole('button', { name: 'Sync now' }).click();
  await page.getByText('A sync was asked for').waitFor();
  await until('the run to begin', async () => (await latestRun(system, integrationId))?.state === 'running');
  await goTo('Runs');
  // A page that is opened shows what is so then.
  await runRows().filter({ hasText: 'At work' }).waitFor();
  expect(await runRows().count()).toBe(before + 1);
  await page.getByRole('button', { name: 'Sync Status: syncing' }).click();
  const status = page.getByRole('dialog', { name: 'Sync Status' });
  await status.getByText('Read usage from the vendor').waitFor();
  await shoot('sync-status-light-1280');
  await system.killWorker();
  await page.clock.fastForward(25_000);
  await status.getByText('Nothing has moved since').waitFor();
  await inspect('sync-stands');
  await system.mailprotector.clearFaults();
  await system.connectwise.clearFaults();
  await system.startWorker();
  await page.keyboard.press('Escape');
  const lit = page.getByRole('button', { name: 'Refresh: new data is ready' });
  await lit.waitFor();
  expect(await runRows().filter({ hasText: 'At work' }).count()).toBe(1);
  // It lights up pink: in the colour of the token, as the browser resolves it.
  const [colour, pink] = await page.evaluate<string[]>(`(() => {
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.background = 'var(--refresh)';
    const lit = document.querySelector('[aria-label^="Refresh: new data"]');
    const colours = [lit, probe].map((each) => getComputedStyle(each).backgroundColor);
    probe.remove();
    return colours;
  })()`);
  expect(colour).toBe(pink);
  await shoot('refresh-light-1280');
  await lit.click();
  await until('its end to be shown', async () => (await runRows().filter({ hasText: 'At work' }).count()) === 0);
  await page.getByRole('button', { name: 'Refresh', exact: true }).waitFor();
  expect(await page.getByRole('button', { name: 'Sync Status: syncing' }).count()).toBe(0);
  expect((await latestRun(system, integrationId))?.state).toBe('applied');
});

test('Runs shows the runs of the API, the newest first, in the zone of the person', async () => {
  // The sync of the test before may still be at work.
  await until('the last run to be over', async () => (await latestRun(system, integrationId))?.state === 'applied');
  await signIn(token(), '/runs');
  await runRows().first().waitFor();
  const runs = await system.api.all<{ state: string; startedAt: string; figures: { accounts: number } }>(
    `/v1/integrations/${integrationId}/syncs`,
  );
  expect(await runRows().count()).toBe(runs.length);
  const newest = (await runRows().first().innerText()).replaceAll(/\s+/g, ' ');
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone: 'America/New_York',
    hour: '2-digit',
    minute: '2-digit',
  }).format(new Date(runs[0]?.startedAt ?? ''));
  expect(newest).toContain(clock.replaceAll(/\s+/g, ' '));
  expect(newest).toContain('Applied');
  expect(newest).toContain(String(runs[0]?.figures.accounts));
  await inspect('runs');
});

test('what is blocked says whom it waits for and what to do, and is counted in the navigation', async () => {
  await system.mailprotector.fault({ kind: 'status', status: 403, method: 'GET', path: '/domains$', times: null });
  await system.api.post(`/v1/integrations/${integrationId}/syncs`);
  await until('it to be blocked', async () => {
    const { items } = await system.api.get<{ items: { waits: { code?: string }[] }[] }>('/v1/health');
    return items.some(({ waits }) => waits.some(({ code }) => code === 'forbidden'));
  });
  await signIn(token());
  const card = page.getByRole('article', { name: 'Mailprotector' });
  // A blocked step is tried again when the read of the PSA beside it is over: a page that is opened in that moment says so
  // only after Refresh.
  const lit = page.getByRole('button', { name: 'Refresh: new data is ready' });
  await until('the card to say that it fails', async () => {
    if (await lit.isVisible()) await lit.click();
    return card.getByText('Failing').isVisible();
  });
  const todo = card
    .getByRole('list', { name: 'What waits for whom' })
    .getByRole('listitem')
    .filter({ hasText: 'Grant the missing right' });
  expect(await todo.innerText()).toMatch(/^You/);
  await page.getByRole('link', { name: /^Integrations 1 waiting$/ }).waitFor();
  await page.getByRole('button', { name: 'Sync Status: blocked' }).waitFor();
  await inspect('blocked');
  await system.mailprotector.clearFaults();
  await system.temporal.workflow.getHandle(`sync/${integrationId}`).signal('wake');
  await until('the run to be applied', async () => (await latestRun(system, integrationId))?.state === 'applied');
});

test('an api that is restarted under an open page is told, and the page goes on by itself', async () => {
  await signIn(token());
  await page.getByText('Healthy').or(page.getByText('Failing')).waitFor();
  await system.killApi();
  // What is read just then says it, too.
  await page.getByText('Countersign does not answer').first().waitFor();
  await inspect('lost');
  // A page that is opened meanwhile says the same, and is read when it can be.
  await goTo('Runs');
  await system.startApi();
  await runRows().first().waitFor();
  await page.getByText('Countersign does not answer').waitFor({ state: 'detached' });
  // It follows what goes on again.
  const before = await runRows().count();
  await syncNow(system, integrationId);
  await page.getByRole('button', { name: 'Refresh: new data is ready' }).click();
  await until('the new run to be shown', async () => (await runRows().count()) === before + 1);
});

test('what was done and what was refused is told at the foot of the page, beside what can be pressed', async () => {
  await signIn(token());
  await page.setViewportSize({ width: 360, height: 740 });
  const told = (words: string) => page.getByRole('alertdialog').filter({ hasText: words });
  const syncNow = page.getByRole('button', { name: 'Sync now' });
  const refusal = { type: 'about:blank', title: 'Not now', status: 409, code: 'not-now', detail: 'Not now, please.' };
  const asked = '**/v1/integrations/*/syncs';
  await page.route(asked, (route) =>
    route.request().method() === 'POST'
      ? route.fulfill({ status: 409, contentType: 'application/problem+json', body: JSON.stringify(refusal) })
      : route.continue(),
  );
  await syncNow.click();
  await told('Not now, please.').waitFor();
  await page.unroute(asked);
  await syncNow.click();
  await told('A sync was asked for').waitFor();
  // The page ends where the strip begins, however many lines it has.
  const heights = () =>
    page.evaluate<{ page: number; strip: number }>(`(() => {
      const strip = document.querySelector('[role=alertdialog]').closest('[role=region]').getBoundingClientRect();
      return { page: Math.round(document.getElementById('root').getBoundingClientRect().bottom), strip: Math.round(strip.top) };
    })()`);
  await until('the page to end above what is told', async () => {
    const { page: end, strip } = await heights();
    return end <= strip;
  });
  await shoot('toasts-light-360');
  await page.evaluate(`document.documentElement.dataset.theme = 'dark'`);
  await shoot('toasts-dark-360');
  // What was done goes by itself; what was refused stays until it was read, or the page is left.
  await told('A sync was asked for').waitFor({ state: 'detached' });
  expect(await told('Not now, please.').isVisible()).toBe(true);
  await page.getByRole('button', { name: 'Navigation' }).click();
  await goTo('Audit');
  await told('Not now, please.').waitFor({ state: 'detached' });
});

test('somebody else who signs in where a session has ended sees nothing of what was open there', async () => {
  await signIn(token());
  await page.getByRole('article', { name: 'Mailprotector' }).waitFor();
  const { id } = await personLike(system.api.url, token());
  await system.database.db.execute(sql`delete from session where user_id = ${id}`);
  const dialog = page.getByRole('dialog', { name: 'Sign in again' });
  await dialog.waitFor();
  const organizationId = await insertOrganization(system.database.db, 'A third MSP');
  const other = await personLike(system.api.url, await newToken(system, ['read'], { organizationId }));
  await dialog.getByLabel('E-mail').fill(other.email);
  await dialog.getByLabel('Password', { exact: true }).fill(other.password);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'You, at A third MSP' }).waitFor();
  expect(await page.getByRole('article', { name: 'Mailprotector' }).count()).toBe(0);
});

test('an organization without an integration is told what comes first, and sees nothing of another', async () => {
  const organizationId = await insertOrganization(system.database.db, 'Another MSP');
  await signIn(await newToken(system, ['admin'], { organizationId }));
  await page.getByRole('heading', { name: 'Connect your PSA first' }).waitFor();
  await page.getByRole('button', { name: 'You, at Another MSP' }).waitFor();
  await inspect('empty');
  await page.goto(`/runs?integration=${integrationId}`);
  await page.getByRole('heading', { name: 'Nothing is connected yet' }).waitFor();
  expect(await runRows().count()).toBe(0);
});

test('the colours are those of the system until others are chosen, which this machine remembers', async () => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await signIn(token());
  const background = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
  const dark = await background();
  await page.getByRole('button', { name: /^You, at/ }).click();
  await shoot('menu-dark-1280');
  await page.getByRole('menuitemradio', { name: 'Light' }).click();
  const light = await background();
  expect(light).not.toBe(dark);
  await page.reload();
  await pages().waitFor();
  expect(await background()).toBe(light);
});

test('on a narrow screen the navigation opens, leads on, and closes', async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto('/integrations');
  await fillSignIn(page, await personLike(system.api.url, token()));
  await page.getByRole('button', { name: 'Navigation' }).click();
  await shoot('navigation-light-360');
  await goTo('Audit');
  await page.getByRole('heading', { name: 'Audit', level: 1 }).waitFor();
  await pages().waitFor({ state: 'hidden' });
  expect(await pages().isVisible()).toBe(false);
  await page.setViewportSize({ width: 1280, height: 800 });
  await inspect('not-here-yet');
});
