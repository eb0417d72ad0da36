/** Cards on Reconcile, and what becomes of their lines in the PSA meanwhile. */
import type { Page } from 'playwright-core';
import { until } from '../../dev/until.ts';
import type { CardView as GuideCard } from '../../dev/walkthrough/guide.ts';
import type { System } from './system.ts';

export interface CardView extends GuideCard {
  state: string;
  psaAccountApart: string | null;
  difference: number | null;
  lines: { agreementId: string; lineId: string }[];
}

/** What the page calls a card. */
export const nameOf = ({ psaAccountName, psaAccountApart: apart, productId }: CardView): string =>
  `${psaAccountName}${apart === null ? '' : ` (${apart})`}, ${productId}`;

/** Opens the explanation of a card. */
export async function explainCard(page: Page, card: CardView): Promise<void> {
  // What comes later stands above the cards, and moves them: a press that began on one row must not end on another.
  await page.getByRole('region', { name: 'Found money' }).waitFor();
  await page.getByRole('group', { name: 'Why not bulk' }).getByRole('button').first().waitFor();
  await page.getByRole('button', { name: `Explain ${nameOf(card)}`, exact: true }).click();
  await page.getByRole('dialog').getByRole('heading', { name: 'Approved before' }).waitFor();
}

/** Somebody changes a card's line in the PSA itself. */
export async function setBilled(system: System, card: CardView, quantity: number): Promise<void> {
  const { lines } = await system.api.get<CardView>(`/v1/cards/${card.id}`);
  const line = lines.find(({ lineId }) => lineId === card.write?.lineId);
  await system.connectwise.change({
    change: 'setQuantity',
    agreementId: Number(line?.agreementId),
    lineId: Number(line?.lineId),
    quantity,
  });
}

/** Reads the PSA anew, and waits until it was. */
export async function readPsaAnew(system: System, psaConnectionId: string): Promise<void> {
  const at = async () =>
    (await system.api.get<{ refreshedAt: string }>(`/v1/psa-connections/${psaConnectionId}`)).refreshedAt;
  const before = await at();
  await system.api.post(`/v1/psa-connections/${psaConnectionId}/check`);
  await until('the PSA to be read', async () => (await at()) !== before);
}
