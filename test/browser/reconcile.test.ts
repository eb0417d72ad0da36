/** Reconcile in a real Chromium: found money, filters, the explanation of a card, and signing off in all its ways (G26 to G28). */
import { readFile } from 'node:fs/promises';
import { sql } from 'drizzle-orm';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { until } from '../../dev/until.ts';
import { connectAll } from '../../dev/walkthrough/guide.ts';
import { findChromium, launchChromium, leaveChromium } from '../kit/chromium.ts';
import { goTo, inspect, newToken, openPage, shoot, signIn, type ConsolePage } from '../kit/consolePages.ts';
import { sayWhatFailedPagesShow } from '../kit/failedPages.ts';
import { explainCard, nameOf, readPsaAnew, setBilled, type CardView } from '../kit/reconcile.ts';
import { turnWritingOn } from '../kit/signOff.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let browser: Browser;
let page: Page;
let opened: ConsolePage[];
/** What the first page has sent to change something, each as its method and path. */
let sent: string[];
let psaConnectionId: string;

beforeAll(async () => {
  const [path, started] = await Promise.all([findChromium(), startSystem({ customers: 26 })]);
  system = started;
  browser = await launchChromium(path);
  ({ psaConnectionId } = await connectAll(system));
}, 480_000);
afterAll(async () => {
  await leaveChromium(browser);
  await system?.close();
});

beforeEach(async () => {
  opened = [];
  sent = [];
  ({ page } = await open());
  page.on('request', (request) => {
    if (request.method() !== 'GET') sent.push(`${request.method()} ${new URL(request.url()).pathname}`);
  });
});
afterEach(async () => {
  await system.connectwise.clearFaults();
  for (const each of opened) await each.context.close();
  expect(opened.flatMap(({ complaints }) => complaints)).toEqual([]);
});
afterEach(sayWhatFailedPagesShow);

async function open(): Promise<ConsolePage> {
  const one = await openPage(browser, system);
  opened.push(one);
  return one;
}

const token = () => system.secrets[0] ?? '';
const button = (name: string | RegExp, on = page) =>
  on.getByRole('button', typeof name === 'string' ? { name, exact: true } : { name });
const rows = (on = page) => on.getByRole('grid', { name: 'Cards' }).getByRole('row');
const panel = (on = page) => on.getByRole('dialog');
const cards = (query = '') =>
  system.api.all<CardView>(`/v1/cards?dismissed=false&pending=none&agrees=false&sort=money&${query}`);
const todoCards = () => system.api.all<CardView>('/v1/cards?pending=todo&sort=money');
const ready = async () => (await cards('state=ready')).filter(({ write }) => write !== null);
const writes = (enabled: boolean) => system.api.put(`/v1/psa-connections/${psaConnectionId}/writes`, { enabled });
const patches = async () => (await system.connectwise.log('PATCH')).length;
/** How often the first page has sent it. */
const times = (asked: string) => sent.filter((each) => each === asked).length;
const outcomes = (on = page) => on.getByRole('grid', { name: 'Changes' }).getByRole('row');

const setQuantity = (card: CardView, quantity: number) => setBilled(system, card, quantity);
const readPsa = () => readPsaAnew(system, psaConnectionId);
const explain = (card: CardView, on = page) => explainCard(on, card);

test('it opens with found money, and shows the cards that are searched, filtered, sorted and grouped, all in the address', async () => {
  const summary = await system.api.get<{
    found: { kind: string; under: { amount: number; cards: number }; over: { amount: number; cards: number } }[];
    customersWithoutLine: { none: number };
  }>('/v1/summary');
  const confirmed = summary.found.find(({ kind }) => kind === 'confirmed');
  const all = await cards();
  await signIn(page, token(), '/reconcile');
  await page.getByRole('region', { name: 'Found money' }).waitFor();
  const found = (await page.getByRole('region', { name: 'Found money' }).innerText()).replaceAll(/\s+/g, ' ');
  const sides = [
    { side: 'Underbilled', of: confirmed?.under },
    { side: 'Overbilled', of: confirmed?.over },
  ].filter(({ of }) => (of?.cards ?? 0) > 0);
  expect(sides).not.toEqual([]);
  for (const { side, of } of sides) {
    const amount = (of?.amount ?? 0).toLocaleString('en-US', { style: 'currency', currency: 'USD' });
    expect(found).toContain(`${side} ${amount} a month on ${of?.cards} cards`);
  }
  if (summary.customersWithoutLine.none > 1)
    expect(found).toContain(`${summary.customersWithoutLine.none} customers with usage on no`);
  await rows().nth(2).waitFor();
  expect((await rows().count()) - 1).toBe(Math.min(100, all.length));
  for (const [at, card] of all.slice(0, 15).entries()) {
    const text = (
      await rows()
        .nth(at + 1)
        .innerText()
    ).replaceAll(/\s+/g, ' ');
    expect(text).toContain(card.psaAccountName.replaceAll(/\s+/g, ' '));
    expect(text).toContain(
      `${card.current.toLocaleString('en-US')} ${card.usage === null ? '—' : card.usage.toLocaleString('en-US')}`,
    );
  }
  await inspect(page, 'reconcile');
  // On a narrow screen no number has to be scrolled to sideways: each stands under its title.
  await page.setViewportSize({ width: 360, height: 740 });
  const beyond = () =>
    page.evaluate<number>(`(() => {
    const { scrollWidth, clientWidth } = document.querySelector('table[aria-label="Cards"]').parentElement;
    return scrollWidth - clientWidth;
  })()`);
  await expect.poll(beyond, { timeout: 30_000 }).toBe(0);
  for (const theme of ['dark', 'light']) {
    await page.evaluate(`document.documentElement.dataset.theme = '${theme}'`);
    await rows().nth(3).scrollIntoViewIfNeeded();
    await shoot(page, `reconcile-rows-${theme}-360`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });

  // Why not bulk: each count is a filter, and shows as many cards as it says.
  const reasons = page.getByRole('group', { name: 'Why not bulk' }).getByRole('button');
  await reasons.first().waitFor();
  await page.getByRole('heading', { name: `${all.length} open cards`, exact: true }).waitFor();
  for (const name of await reasons.allInnerTexts()) {
    const count = Number(/\d+$/.exec(name.trim())?.[0]);
    const one = reasons.filter({ hasText: name.replaceAll(/\s*\d+$/g, '').trim() }).first();
    await one.click();
    await until(`${name} to be shown`, async () => (await rows().count()) - 1 === Math.min(100, count));
    expect(page.url()).toContain('state=');
    await one.click();
    await until('all to be shown again', async () => (await rows().count()) - 1 === Math.min(100, all.length));
  }

  const [first] = all;
  const word = first?.psaAccountName.split(' ')[0] ?? '';
  await page.getByRole('searchbox').fill(word);
  const fitting = await cards(`search=${encodeURIComponent(word)}`);
  await until('what fits', async () => (await rows().count()) - 1 === fitting.length);
  expect(page.url()).toContain(`q=${encodeURIComponent(word)}`);
  await page.reload();
  await rows().nth(1).waitFor();
  expect((await rows().count()) - 1).toBe(fitting.length);
  expect(await page.getByRole('searchbox').inputValue()).toBe(word);
  await page.getByRole('searchbox').fill('no such customer');
  await page.getByText('No card fits').waitFor();
  await button('Show all open cards').click();
  await rows().nth(2).waitFor();
  expect(await page.getByRole('searchbox').inputValue()).toBe('');

  await page
    .getByRole('columnheader', { name: /^ConnectWise company|^Company|company/i })
    .first()
    .click();
  const [byName] = await system.api.all<CardView>('/v1/cards?sort=account&dismissed=false&pending=none&agrees=false');
  await until('the order by name', async () =>
    (await rows().nth(1).innerText()).includes(byName?.psaAccountName ?? '?'),
  );
  await button(/Group by/).click();
  await page.getByRole('option').nth(2).click();
  await until('groups', async () => (await rows().count()) - 1 > Math.min(100, all.length));
  expect(page.url()).toContain('group=product');
  // A group says what all of its cards come to, also those that are not shown yet.
  const { items: groups } = await system.api.get<{ items: { name: string; cards: number }[] }>(
    '/v1/cards/groups?by=product&dismissed=false&pending=none&agrees=false',
  );
  const [largest] = groups.toSorted((a, b) => b.cards - a.cards);
  if (!largest) throw new Error('There is no group.');
  await rows().filter({ hasText: largest.name }).getByText(`${largest.cards} cards`).waitFor();
  await shoot(page, 'reconcile-grouped-light-1280');
  // Their file is of the same cards.
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Groups as CSV' }).click(),
  ]);
  const lines = (await readFile(await saved.path(), 'utf8')).trimEnd().split('\r\n').slice(1);
  expect(new Set(lines.map((line) => line.split(',')[0]))).toEqual(new Set(groups.map(({ name }) => name)));

  // Of two PSAs of one name, each has its number.
  await page.route('**/v1/psa-connections', async (asked) => {
    const answer = await asked.fetch();
    const { items } = (await answer.json()) as { items: { id: string; name: string }[] };
    await asked.fulfill({ json: { items: items.flatMap((each) => [each, { ...each, id: crypto.randomUUID() }]) } });
  });
  await page.goto(`/reconcile?psa=${psaConnectionId}`);
  await button(/^Take away: .* \(1\)$/).waitFor();
  await button(/ PSA$/).click();
  await page.getByRole('option', { name: / \(2\)$/ }).waitFor();
});

test('who may only look sees the same, and is offered nothing that changes it', async () => {
  const [card] = await ready();
  await signIn(page, await newToken(system, ['read']), '/reconcile');
  await rows().nth(2).waitFor();
  await page.getByText('You may look, and change nothing').waitFor();
  expect(await page.getByRole('checkbox').count()).toBe(0);
  expect(await button(/Preview/).count()).toBe(0);
  if (!card) throw new Error('No card is ready.');
  await explain(card);
  expect(await panel().getByRole('button').allInnerTexts()).toEqual(['']);
});

test('a card explains its numbers; it is ruled, reviewed, dismissed with others, and each is taken back', async () => {
  const [card, second, third] = await ready();
  if (!card || !second || !third) throw new Error('Too few cards are ready.');
  await signIn(page, token(), '/reconcile');
  await explain(card);
  const said = (await panel().innerText()).replaceAll(/\s+/g, ' ');
  for (const part of [
    `Used: ${card.usage}`,
    `To bill: ${card.target}`,
    `Billed: ${card.current}`,
    'No rule changes it',
  ])
    expect(said).toContain(part);
  // One way to write a day on a card, also in what the API says of it.
  expect(said).not.toMatch(/\d{4}-\d\d-\d\d/);
  expect(said).toMatch(/As it is on \w+ \d+, \d{4}/);
  expect(said).toContain('First billed on');
  expect(said).toContain('Nothing was approved of it yet.');
  await inspect(page, 'reconcile-card');

  await button('Adjust by a rule …').click();
  const dialog = page.getByRole('dialog', { name: /^A rule for/ });
  await dialog.getByRole('button', { name: 'Set the rule' }).click();
  await dialog.getByText('Say why').waitFor();
  await dialog.getByRole('textbox', { name: 'Number' }).fill('500');
  await dialog.getByRole('textbox', { name: 'Why' }).fill('The contract has a minimum');
  await dialog.getByLabel(/Last day/).fill('2020-12-31');
  await dialog.getByRole('button', { name: 'Set the rule' }).click();
  await dialog.getByText('a rule that ends before it changes nothing').waitFor();
  await dialog.getByLabel(/Last day/).fill('2099-12-31');
  await shoot(page, 'reconcile-rule-light-1280');
  await dialog.getByRole('button', { name: 'Set the rule' }).dblclick();
  await panel().getByRole('heading', { name: 'To bill: 500' }).waitFor();
  expect(times(`PUT /v1/cards/${card.id}/rule`)).toBe(1);
  expect(await panel().innerText()).toContain('A rule says: at least 500. The contract has a minimum');
  // The row behind it says it, too, also where a row is a card.
  const ruled = rows().filter({ hasText: 'Rule: at least 500' });
  await ruled.waitFor();
  expect(await ruled.getByTitle('The contract has a minimum, until').count()).toBe(1);
  await page.keyboard.press('Escape');
  for (const width of [1280, 360])
    for (const theme of ['dark', 'light']) {
      await page.setViewportSize({ width, height: 800 });
      await page.evaluate(`document.documentElement.dataset.theme = '${theme}'`);
      await ruled.scrollIntoViewIfNeeded();
      await shoot(page, `reconcile-ruled-${theme}-${width}`);
    }
  await page.setViewportSize({ width: 1280, height: 800 });
  await explain(card);
  await button('Change the rule …').click();
  await page
    .getByRole('dialog', { name: /^A rule for/ })
    .getByRole('button', { name: 'Remove the rule' })
    .click();
  await panel()
    .getByRole('heading', { name: `To bill: ${card.target}` })
    .waitFor();

  await button('Reviewed, no change').click();
  await button('Not reviewed after all').waitFor();
  await panel().getByText('Reviewed, by').waitFor();
  await button('Not reviewed after all').click();
  await button('Reviewed, no change').waitFor();
  await page.keyboard.press('Escape');

  for (const each of [second, third]) await page.getByRole('checkbox', { name: `Select ${nameOf(each)}` }).check();
  await page.getByText('2 cards selected').waitFor();
  await button('Dismiss …').click();
  await page.getByRole('dialog').getByLabel('Why').fill('They are moving away');
  await page.getByRole('dialog').getByText('Until a day', { exact: true }).click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'The day' }).fill('2020-01-01');
  await page.getByRole('dialog').getByText('the card comes back on this one').waitFor();
  await page.getByRole('dialog').getByText('Until a number changes', { exact: true }).click();
  await shoot(page, 'reconcile-dismiss-light-1280');
  await page.getByRole('dialog').getByRole('button', { name: 'Dismiss', exact: true }).dblclick();
  await page.getByText('2 cards dismissed').waitFor();
  expect(times('POST /v1/cards/dismiss')).toBe(1);
  await button(`Explain ${nameOf(second)}`).waitFor({ state: 'detached' });
  for (const each of [second, third]) {
    const now = await system.api.get<object>(`/v1/cards/${each.id}`);
    expect(now).toMatchObject({ dismissed: true, dismissal: { reason: 'They are moving away' } });
  }
  await button(/^Open cards Show|Show/)
    .last()
    .click();
  await page.getByRole('option', { name: 'Dismissed and reviewed' }).click();
  // The counts are of what is shown.
  await page.getByRole('heading', { name: '2 dismissed or reviewed cards', exact: true }).waitFor();
  const reasons = page.getByRole('group', { name: 'Why not bulk' });
  await until('the counts of what is shown', async () =>
    /^\D*2$/.test((await reasons.innerText()).replaceAll(/\s+/g, ' ').trim()),
  );
  await explain(second);
  await panel().getByText('Dismissed: They are moving away').waitFor();
  await button('Bring it back').click();
  await button('Dismiss …').waitFor();
  await system.api.call('DELETE', `/v1/cards/${third.id}/dismiss`);
});

test('a card that is not writable says why and what to do, and nothing of what approving does', async () => {
  const held = (await cards('state=not_writable')).find(({ flags }) =>
    flags.some(({ reason }) => reason === 'report_only'),
  );
  const [other] = await ready();
  if (!held || !other) throw new Error('There are no such cards.');
  const does = () => panel().getByRole('heading', { name: 'What approving does' });
  await signIn(page, token(), '/reconcile?state=ready');
  await explain(other);
  await does().waitFor();
  await signIn(page, token(), '/reconcile?state=not_writable');
  await explain(held);
  await panel().getByText('lets the line follow usage').waitFor();
  expect(await does().count()).toBe(0);
});

test('a line is picked where several bill the product', async () => {
  const open = (await cards('flag=needs_choice')).find(({ flags }) =>
    flags.some(({ reason }) => reason === 'several_lines'),
  );
  if (!open) return;
  await signIn(page, token(), '/reconcile?state=needs_choice');
  await explain(open);
  const picks = panel().getByRole('radio');
  expect(await picks.count()).toBeGreaterThan(1);
  await shoot(page, 'reconcile-pick-light-1280');
  await picks.first().click();
  await until('it to be picked', async () => (await system.api.get<CardView>(`/v1/cards/${open.id}`)).write);
  await button(/^Put on the to-do list: /).waitFor();
  await system.api.call('DELETE', `/v1/cards/${open.id}/line`);
});

test('the first approval is of one customer, is read back, and then the rest is offered', async () => {
  await writes(true);
  const before = await ready();
  await signIn(page, token(), '/reconcile');
  await rows().nth(2).waitFor();
  await button('Preview all that match …').dblclick();
  await page.getByText('Nothing was written to this PSA before').waitFor();
  expect(times('POST /v1/approvals/previews')).toBe(1);
  await page.getByRole('heading', { name: `${before.length} changes` }).waitFor();
  await inspect(page, 'approve-preview');
  await button(/^Begin with /).click();
  await page.getByText('Nothing was written to this PSA before').waitFor({ state: 'detached' });
  await button(/^Approve \d+ changes?$/).waitFor();
  const few = Number(/\d+/.exec(await button(/^Approve \d+/).innerText())?.[0]);
  expect(few).toBeLessThan(before.length);
  // All of these are of one customer, so there is none to begin with.
  expect(await page.getByText('Nothing was written to this PSA before').count()).toBe(0);
  await button(/^Approve \d+/).click();
  await until(
    'all to be written',
    async () =>
      (await outcomes()
        .filter({ hasText: /Written/ })
        .count()) === few,
  );
  expect(await patches()).toBe(few);
  await page.getByText(`${few} of ${few}`).waitFor();
  await inspect(page, 'approval');
  await button('Go on with the rest').click();
  await page.getByRole('heading', { name: new RegExp(`^${before.length - few} changes?$`) }).waitFor();
  await button(/^Undo/).waitFor({ state: 'detached' });
  expect(await patches()).toBe(few);
});

test('two people who approve one card make one write', async () => {
  await system.connectwise.clearLog();
  await system.connectwise.fault({ kind: 'latency', method: 'PATCH', ms: 900 });
  const [card] = await ready();
  if (!card) throw new Error('No card is ready.');
  const other = (await open()).page;
  await signIn(page, token(), '/reconcile');
  await signIn(other, await newToken(system, ['operate'], { name: 'Grace' }), '/reconcile');
  for (const on of [page, other]) await explain(card, on);
  await Promise.all([page, other].map((on) => button(/^Approve \d/, on).click()));
  await until('one to be told', async () => {
    const told = await Promise.all(
      [page, other].map((on) => on.getByText(/under way already|It is being written/).count()),
    );
    return told.every((count) => count > 0);
  });
  await until(
    'it to be written',
    async () => (await system.api.get<CardView>(`/v1/cards/${card.id}`)).state === 'agrees',
  );
  expect(await patches()).toBe(1);
  // Whose press came second sees that there is something new; nothing has changed under their hands.
  await until('one to be told that there is news', async () => {
    const lit = await Promise.all([page, other].map((on) => button('Refresh: new data is ready', on).count()));
    return lit.some((count) => count > 0);
  });
});

test('a conflict shows the number that was found; nothing is written over it', async () => {
  await system.connectwise.clearLog();
  const [card] = await ready();
  if (!card) throw new Error('No card is ready.');
  await setQuantity(card, 777);
  await signIn(page, token(), '/reconcile');
  await explain(card);
  await button(/^Approve \d/).dblclick();
  await panel().getByText('a conflict: the PSA held another number').waitFor();
  expect(times('POST /v1/approvals')).toBe(1);
  await panel().getByRole('link', { name: /→/ }).first().click();
  await page.getByRole('region', { name: 'What did not go as approved' }).getByText('777').waitFor();
  await shoot(page, 'approval-conflict-light-1280');
  expect(await patches()).toBe(0);
});

test('writing that is turned off in the middle leaves a to-do list, whose lines are withdrawn or ticked off by the next read', async () => {
  await system.connectwise.clearLog();
  await system.connectwise.fault({ kind: 'latency', method: 'PATCH', ms: 900, times: null });
  const some = (await ready()).slice(0, 4);
  await signIn(page, token(), '/reconcile');
  for (const each of some) await page.getByRole('checkbox', { name: `Select ${nameOf(each)}` }).check();
  await button('Preview the selected …').click();
  await button('Approve 4 changes').click();
  await until('the first PATCH', async () => (await patches()) > 0);
  await writes(false);
  await page.getByText(/Writing to this PSA was turned off before/).waitFor();
  const written = await patches();
  expect(written).toBeLessThan(4);
  await until(
    'the rest to be to-dos',
    async () => (await outcomes().filter({ hasText: 'To do' }).count()) === 4 - written,
  );
  await inspect(page, 'approval-todo');
  await system.connectwise.clearFaults();

  const withdraw = button(/^Withdraw the change of/);
  await withdraw.first().click();
  await outcomes().filter({ hasText: 'Withdrawn' }).first().waitFor();
  const rest = await todoCards();
  expect(rest).toHaveLength(3 - written);
  const [done] = rest;
  if (done) {
    await page.goto('/reconcile?show=todo');
    await rows().nth(1).waitFor();
    expect((await rows().count()) - 1).toBe(rest.length);
    await shoot(page, 'reconcile-todo-light-1280');
    await setQuantity(done, done.target ?? 0);
    await readPsa();
    expect((await todoCards()).map(({ id }) => id)).toEqual(rest.slice(1).map(({ id }) => id));
  }
});

test('what a page says of writing is so when it is approved; where it is not, nothing is approved', async () => {
  await writes(true);
  await system.connectwise.clearLog();
  const todosNow = async () => (await todoCards()).map(({ id }) => id);
  const todos = await todosNow();
  const card = (await ready()).find(({ id }) => !todos.includes(id));
  if (!card) throw new Error('No card is ready.');
  await signIn(page, token(), '/reconcile');
  await page.getByRole('checkbox', { name: `Select ${nameOf(card)}` }).check();
  await button('Preview the selected …').click();
  await button('Approve 1 change').waitFor();
  // Until it is clicked, the page hears nothing of the change.
  const asked = `**/v1/psa-connections/${psaConnectionId}`;
  const stale = await page.request.get(`${system.api.url}/v1/psa-connections/${psaConnectionId}`);
  await page.route(asked, (route) => route.fulfill({ response: stale }));
  await writes(false);
  await button('Approve 1 change').click();
  await page.getByText(/was turned off meanwhile/).waitFor();
  await page.unroute(asked);
  await button('Put on the to-do list: 1 change').waitFor();
  expect([await patches(), await todosNow()]).toEqual([0, todos]);
  // Gone back to after its card was approved elsewhere, the preview says so, and offers nothing that was approved.
  await goTo(page, 'Reconcile');
  await explain(card);
  await button(/^Put on the to-do list: \d/).click();
  await panel().getByText('It is on the to-do list').waitFor();
  await page.keyboard.press('Escape');
  await panel().waitFor({ state: 'detached' });
  for (let at = 0; at < 5 && !page.url().includes('/previews/'); at++) await page.goBack();
  await page.getByText('1 of 1 change was approved meanwhile').waitFor();
  await button('Preview anew').waitFor();
  expect(await button(/^Put on/).count()).toBe(0);
  const { pending } = await system.api.get<{ pending: { approvalId: string } }>(`/v1/cards/${card.id}`);
  await system.api.call('POST', `/v1/approvals/${pending.approvalId}/withdraw`);
  await turnWritingOn(page);
  await goTo(page, 'Reconcile');
  await explain(card);
  await button(/^Approve \d/).waitFor();
});

test('a number that changes between preview and click is left out, with both numbers; what was written is undone', async () => {
  await writes(true);
  await system.connectwise.clearLog();
  await signIn(page, token(), '/reconcile');
  const [moved, ...others] = (await ready()).slice(0, 4);
  if (!moved) throw new Error('No card is ready.');
  for (const each of [moved, ...others]) await page.getByRole('checkbox', { name: `Select ${nameOf(each)}` }).check();
  await button('Preview the selected …').click();
  await button(`Approve ${others.length + 1} changes`).waitFor();
  const tab = (await open()).page;
  const { id: same } = await system.api.post<{ id: string }>('/v1/approvals/previews', {
    psaConnectionId,
    filter: { cardIds: others.map(({ id }) => id) },
  });
  await signIn(tab, token(), `/approvals/previews/${same}`);
  await button(`Approve ${others.length} changes`, tab).waitFor();
  await setQuantity(moved, moved.current + 1);
  await readPsa();
  await button(`Approve ${others.length + 1} changes`).click();
  const left = page.getByRole('list', { name: 'Left out' });
  await left.waitFor();
  const said = (await left.innerText()).replaceAll(/\s+/g, ' ');
  expect(said).toContain(
    `shown ${moved.write?.from} → ${moved.write?.to}, now ${moved.current + 1} → ${moved.write?.to}`,
  );
  await until(
    'the others',
    async () =>
      (await outcomes()
        .filter({ hasText: /Written/ })
        .count()) === others.length,
  );
  await shoot(page, 'approval-left-out-light-1280');
  expect(await patches()).toBe(others.length);
  const written = await patches();
  // Another page that still shows the same changes is refused by their names, and leads to what became of them.
  await button(`Approve ${others.length} changes`, tab).click();
  await tab.getByText(`${nameOf(others[0] ?? moved)}: ${others[0]?.write?.to} is billed already`).waitFor();
  await tab.getByText(`${others.length} of ${others.length} changes were approved meanwhile`).waitFor();
  await button('Preview anew', tab).waitFor();
  expect(await button(/^Approve/, tab).count()).toBe(0);
  await inspect(tab, 'approve-elsewhere');
  await tab.getByRole('link', { name: 'Show what became of them' }).click();
  await tab.waitForURL(new URL(page.url()).pathname);
  // What the undo would set back is shown line by line; a line that somebody changed meanwhile is left alone, and says why.
  const [gone, ...back] = others;
  if (!gone?.write) throw new Error('Too few cards are ready.');
  await button('Undo what was written …').click();
  const question = page.getByRole('dialog', { name: `Undo ${others.length} changes?` });
  const shown = question.getByRole('grid', { name: 'What is set back' }).getByRole('row');
  await shown.nth(others.length).waitFor();
  const texts = (await shown.allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' '));
  for (const { psaAccountName, write } of others)
    expect(texts.some((text) => text.includes(psaAccountName) && text.includes(` ${write?.to} ${write?.from} `))).toBe(
      true,
    );
  await inspect(page, 'approval-undo');
  // Between the dialog and the press: what was shown is not what would be sent, so nothing is.
  await setQuantity(gone, 888);
  await readPsa();
  await question.getByRole('button', { name: `Undo ${others.length} changes` }).click();
  const alone = page.getByRole('list', { name: 'Left alone' });
  await alone.getByText(`The line holds 888 now, and not the ${gone.write.to} that was written.`).waitFor();
  await inspect(page, 'approval-undo-left');
  expect(await patches()).toBe(written);
  const again = page.getByRole('dialog', { name: `Undo ${back.length} changes?` });
  await again.getByRole('button', { name: 'Not now' }).click();
  // One line is undone alone, and the other stays.
  const [wrong, other] = back;
  if (!wrong || !other) throw new Error('Too few cards are ready.');
  await button(`Undo the change of ${nameOf(wrong)}`).click();
  const one = page.getByRole('dialog', { name: 'Undo 1 change?' });
  await one.getByText('The other changes of the approval stay as they are.').waitFor();
  await inspect(page, 'approval-undo-one');
  await one.getByRole('button', { name: 'Undo 1 change' }).dblclick();
  await page.getByRole('heading', { name: 'Undo: what became of it' }).waitFor();
  await until(
    'one to be undone',
    async () =>
      (await outcomes()
        .filter({ hasText: /Written/ })
        .count()) === 1,
  );
  expect(await page.getByText('That did not work').count()).toBe(0);
  expect((await system.api.get<CardView>(`/v1/cards/${other.id}`)).current).toBe(other.write?.to);
  await page.getByRole('link', { name: 'an earlier approval' }).click();
  await page.getByText(`2 of ${others.length} changes in the PSA, 1 undone`).waitFor();
  await button('Undo what was written …').click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^Undo / })
    .click();
  await page.getByRole('heading', { name: 'Undo: what became of it' }).waitFor();
  await until(
    'the other to be undone',
    async () =>
      (await outcomes()
        .filter({ hasText: /Written/ })
        .count()) === 1,
  );
  for (const each of back) expect((await system.api.get<CardView>(`/v1/cards/${each.id}`)).current).toBe(each.current);
  // The approval that was undone says so, with what it comes to now, and leads to its cards.
  await page.getByRole('link', { name: 'an earlier approval' }).click();
  await page.getByText(`1 of ${others.length} changes in the PSA, ${back.length} undone`).waitFor();
  await until(
    'the lines to say so',
    async () =>
      (await outcomes()
        .filter({ hasText: /Undone/ })
        .count()) === back.length,
  );
  await page.getByText(/^By "?test"?, .*: Over\./).waitFor();
  await inspect(page, 'approval-undone');
  // All approvals are reached from the menu, each with who gave it and how it stands.
  const here = page.url();
  await goTo(page, 'Approvals');
  const past = page.getByRole('grid', { name: 'Approvals' }).getByRole('row');
  const { items } = await system.api.get<{ items: { lines: number }[] }>('/v1/approvals?limit=50');
  await until('all approvals', async () => (await past.count()) - 1 === items.length);
  expect((await past.nth(1).innerText()).replaceAll(/\s+/g, ' ')).toMatch(
    new RegExp(`"?test"?, an undo Over ${items[0]?.lines} `),
  );
  await inspect(page, 'approvals');
  // Whoever approved can be chosen: people did, and no program's token.
  for (const [who, shown] of [
    ['Token "test"', page.getByText('Nothing fits')],
    ['People', past.nth(1)],
  ] as const) {
    await button(/ Who$/).click();
    await page.getByRole('option', { name: who }).click();
    await shown.waitFor();
  }
  await past.nth(1).click();
  await page.getByRole('heading', { name: 'Undo: what became of it' }).waitFor();
  await page.goto(here);
  await outcomes().getByRole('link', { name: gone.psaAccountName }).first().click();
  await panel().getByRole('heading', { name: 'Approved before' }).waitFor();
});

test('a to-do is approved on its card once writing is on again; the page says that nothing is written by that alone', async () => {
  await writes(false);
  const [card] = await ready();
  if (!card) throw new Error('No card is ready.');
  await signIn(page, token(), '/reconcile');
  await explain(card);
  await button(/^Put on the to-do list: \d/).dblclick();
  await panel().getByText('It is on the to-do list').waitFor();
  expect(times('POST /v1/approvals')).toBe(1);
  await panel()
    .getByText(/Turning writing on does not write it/)
    .waitFor();
  expect(await button(/^(Approve|Put on the to-do list:) \d/).count()).toBe(0);
  await inspect(page, 'reconcile-card-todo');
  await system.connectwise.clearLog();
  await writes(true);
  await page.reload();
  await panel()
    .getByText(/this to-do is not written by that/)
    .waitFor();
  expect(await patches()).toBe(0);
  await button(/^Approve \d/).click();
  await until('it to be written', async () => (await patches()) === 1);
  expect(await todoCards()).not.toContainEqual(expect.objectContaining({ id: card.id }));
});

test('a line of which Countersign cannot know what became of it is settled by a person', async () => {
  const { items } = await system.api.get<{ items: { id: string; counts: { applied: number } }[] }>('/v1/approvals');
  const approval = items.find(({ counts }) => counts.applied > 0);
  if (!approval) throw new Error('Nothing was written.');
  const problem = JSON.stringify({ code: 'needs_answer', detail: 'Nobody knows whether the PSA took the change.' });
  const { rows: asked } = await system.database.db.execute<{ target: number }>(sql`
    update approval_line set state = 'uncertain', problem = ${problem}::jsonb
     where id = (select id from approval_line where batch_id = ${approval.id} and state = 'applied' order by position limit 1)
    returning target`);
  await signIn(page, token(), `/approvals/${approval.id}`);
  const field = page.getByLabel('What the line holds now, in the PSA');
  await field.fill('many');
  await inspect(page, 'approval-asked');
  await field.fill(String(asked[0]?.target));
  await button('This is what it holds').click();
  await field.waitFor({ state: 'detached' });
  expect(await system.api.get(`/v1/approvals/${approval.id}`)).toMatchObject({ counts: { uncertain: 0 } });
});
