/** The page Reconcile as the guide uses it: jump to the connected services, review, and approve. */
import { isDeepStrictEqual } from 'node:util';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { until } from '../../dev/until.ts';
import { goTo } from './consolePages.ts';
import { nameOf, type CardView } from './reconcile.ts';
import { billedLinesOf, type BilledLine } from './simulatorState.ts';
import type { System } from './system.ts';

/** Searches for one product, and shows its cards that can be approved. */
export async function jumpTo(page: Page, productId: string): Promise<void> {
  await page.getByRole('searchbox').fill(productId);
  await page
    .getByRole('group', { name: 'Why not bulk' })
    .getByRole('button', { name: /^Ready/ })
    .click();
  await until('the cards of one product that can be approved', async () => {
    const shown = (await page.getByRole('grid', { name: 'Cards' }).getByRole('row').allInnerTexts()).slice(1);
    return shown.length > 0 && shown.every((text) => text.includes(productId) && text.includes('Ready'));
  });
}

/** Lets Countersign write to the PSA, as an admin does it in Settings. */
export async function turnWritingOn(page: Page): Promise<void> {
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  await goTo(page, 'Settings');
  await button('Turn writing on …').click();
  await page.getByText('I understand that approvals change invoices.').click();
  await button('Turn writing on').click();
  await page.getByText('Writing is on').waitFor();
}

/** Approves one card by what it shows, and waits until the simulated ConnectWise holds that number, and all others as before. */
export async function approveOne(page: Page, system: System): Promise<void> {
  const cards = await system.api.all<CardView>('/v1/cards');
  const card = cards.find(({ bulkApprovable, write }) => bulkApprovable && write);
  if (!card?.write) throw new Error('No card can be approved.');
  const { lineId, from, to } = card.write;
  const before = await billedLinesOf(system);
  await page.getByRole('button', { name: `Explain ${nameOf(card)}` }).click();
  await page.getByRole('button', { name: `Approve ${from} → ${to}` }).click();
  const wanted = before.map((line) => (String(line.id) === lineId ? { ...line, quantity: to } : line));
  expect(quantities(wanted)).not.toEqual(quantities(before));
  await until('ConnectWise to hold it', async () =>
    isDeepStrictEqual(quantities(await billedLinesOf(system)), quantities(wanted)),
  );
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

const quantities = (lines: BilledLine[]) => lines.map(({ id, quantity }) => [id, quantity]);
