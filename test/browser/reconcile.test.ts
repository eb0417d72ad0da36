/** Reconcile in a real Chromium: found money, filters, the explanation of a card, and what is decided on it (G26, G27). */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { until } from '../../dev/until.ts';
import { connectAll } from '../../dev/walkthrough/guide.ts';
import { consoleOf } from '../kit/consoleOf.ts';
import { inspect, newToken, shoot, signIn } from '../kit/consolePages.ts';
import { explainCard, nameOf, type CardView } from '../kit/reconcile.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let page: Page;
/** What the first page has sent to change something, each as its method and path. */
let sent: string[];
let psaConnectionId: string;

consoleOf({
  start: async () => (system = await startSystem({ customers: 26 })),
  prepare: async () => {
    ({ psaConnectionId } = await connectAll(system));
  },
  begin: (first) => {
    ({ page } = first);
    sent = [];
    page.on('request', (request) => {
      if (request.method() !== 'GET') sent.push(`${request.method()} ${new URL(request.url()).pathname}`);
    });
  },
});

const token = () => system.secrets[0] ?? '';
const button = (name: string | RegExp, on = page) =>
  on.getByRole('button', typeof name === 'string' ? { name, exact: true } : { name });
const rows = (on = page) => on.getByRole('grid', { name: 'Cards' }).getByRole('row');
const panel = (on = page) => on.getByRole('dialog');
const cards = (query = '') =>
  system.api.all<CardView>(`/v1/cards?dismissed=false&pending=none&agrees=false&sort=money&${query}`);
const ready = async () => (await cards('state=ready')).filter(({ write }) => write !== null);
/** How often the first page has sent it. */
const times = (asked: string) => sent.filter((each) => each === asked).length;

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
