/**
 * What the console shows of a PSA that is unlike ConnectWise: its words, whole numbers only, lines that cannot be written, the day of a
 * change and proration, and a reading that lost rows without an error, beside the runs.
 */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { until } from '../../dev/until.ts';
import { connectAll } from '../../dev/walkthrough/guide.ts';
import { notWritableWords } from '../../domain/psaCaps.ts';
import { consoleOf } from '../kit/consoleOf.ts';
import { inspect, signIn } from '../kit/consolePages.ts';
import { explainCard, readPsaAnew, type CardView } from '../kit/reconcile.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let page: Page;
let psaConnectionId: string;

consoleOf({
  start: async () => (system = await startSystem({ psa: 'differences', customers: 26 })),
  prepare: async () => {
    ({ psaConnectionId } = await connectAll(system));
  },
  begin: (first) => {
    ({ page } = first);
  },
});

const token = () => system.secrets[0] ?? '';
const button = (name: string | RegExp) =>
  page.getByRole('button', typeof name === 'string' ? { name, exact: true } : { name });
const rows = () => page.getByRole('grid', { name: 'Cards' }).getByRole('row');
const panel = () => page.getByRole('dialog');
const cards = () => system.api.all<CardView>('/v1/cards?dismissed=false&sort=money');
const ready = async () => (await cards()).filter(({ state, write }) => state === 'ready' && write !== null);
/** The text of what is explained, on one line. */
const explained = async () => (await panel().innerText()).replaceAll(/\s+/g, ' ');

test('a card of a fraction needs a whole number, one of a line that the PSA counts itself is not writable: both say why, and are not approvable', async () => {
  const [fraction, counted] = await ready();
  if (!fraction || !counted?.write) throw new Error('There are no two cards that could be approved.');
  await system.api.put(`/v1/cards/${fraction.id}/rule`, { rule: { offset: 0.5, reason: 'Half a seat' } });
  await system.psa.settings({ counted: [Number(counted.write.lineId)] });
  await readPsaAnew(system, psaConnectionId);
  await until('both not to be ready', async () => {
    const now = new Set((await ready()).map(({ id }) => id));
    return !now.has(fraction.id) && !now.has(counted.id);
  });

  await signIn(page, token(), '/reconcile?state=not_writable');
  await rows().nth(2).waitFor();
  await page.getByRole('columnheader', { name: 'Client' }).first().waitFor();
  for (const { psaAccountName } of [fraction, counted])
    await rows()
      .filter({ hasText: psaAccountName })
      .filter({ hasText: /Not writable/ })
      .first()
      .waitFor();
  await inspect(page, 'any-psa-not-writable');

  await explainCard(page, fraction);
  expect(await explained()).toContain('It needs a whole number: the PSA cannot hold');
  expect(await explained()).toMatch(/position \d+: \d+ at/);
  await inspect(page, 'any-psa-whole-number');
  await button('Close').click();

  await explainCard(page, counted);
  expect(await explained()).toContain(notWritableWords.calculated);
  await inspect(page, 'any-psa-calculated');
});

test('a card and the preview say from which day on the change is billed, and what the PSA prorates', async () => {
  const [card] = await ready();
  if (!card?.write) throw new Error('There is no card that could be approved.');
  const says =
    'Whether the PSA prorates is set on the line; what is approved here begins with a period, so nothing should be.';
  await signIn(page, token(), '/reconcile?state=ready');
  await explainCard(page, card);
  const day = new Date(`${card.write.effectiveDate}T12:00:00Z`).toLocaleDateString('en-US', { dateStyle: 'medium' });
  expect(await explained()).toContain(`First billed on ${day} for the period that begins then.`);
  expect(await explained()).toContain(says);
  await inspect(page, 'any-psa-dated');
  await button('Close').click();

  await page.getByRole('button', { name: /^Preview/ }).click();
  await page.getByText(says).waitFor();
  await page.getByRole('columnheader', { name: 'First billed' }).waitFor();
  expect(await page.getByRole('grid').first().innerText()).toContain(day);
  await inspect(page, 'any-psa-preview');
});

test('a reading that lost rows without an error is held, and shown beside the runs; discarded, the PSA is read anew', async () => {
  await system.psa.settings({ sees: 4 });
  await system.api.post(`/v1/psa-connections/${psaConnectionId}/check`);
  await until('the reading to be held', async () => {
    const now = await system.api.get<{ heldRefresh: object | null }>(`/v1/psa-connections/${psaConnectionId}`);
    return now.heldRefresh !== null;
  });
  await signIn(page, token(), '/runs');
  await page.getByText(/^A reading of .* is held$/).waitFor();
  await page.getByRole('grid').getByRole('row').nth(1).waitFor();
  await inspect(page, 'any-psa-runs');
  await page.getByRole('link', { name: 'Open', exact: true }).click();
  await page.getByText('A reading is held: far fewer rows came than before').waitFor();
  await inspect(page, 'any-psa-held');
  await system.psa.settings({ sees: null });
  await button('Discard and read anew …').click();
  await panel().getByRole('button', { name: 'Discard and read anew' }).click();
  await button('Release …').waitFor({ state: 'detached' });
  expect(await cards()).not.toEqual([]);
});
