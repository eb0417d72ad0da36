/** Signing off in a real Chromium: previews, to-dos, conflicts, what was written and what is undone (G28). */
import { sql } from 'drizzle-orm';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { until } from '../../dev/until.ts';
import { connectAll } from '../../dev/walkthrough/guide.ts';
import { consoleOf } from '../kit/consoleOf.ts';
import { goTo, inspect, newToken, shoot, signIn } from '../kit/consolePages.ts';
import { explainCard, nameOf, readPsaAnew, setBilled, type CardView } from '../kit/reconcile.ts';
import { turnWritingOn } from '../kit/signOff.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let page: Page;
/** What the first page has sent to change something, each as its method and path. */
let sent: string[];
let psaConnectionId: string;

const open = consoleOf({
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
