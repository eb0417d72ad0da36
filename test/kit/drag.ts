import type { Locator, Page } from 'playwright-core';

/**
 * Drags with the mouse as a person does: press, move, move on, let go.
 *
 * @param during.before called once the drag is on, before the target is looked for: to scroll to it
 * @param during.over called while the pointer is over the target
 */
export async function dragOnto(
  page: Page,
  from: Locator,
  to: Locator,
  during: { before?: () => Promise<unknown>; over?: () => Promise<unknown> } = {},
): Promise<void> {
  const start = await middleOf(from);
  await page.mouse.move(start.x, start.y);
  await page.mouse.down();
  await page.mouse.move(start.x + 12, start.y + 4, { steps: 4 });
  await during.before?.();
  await to.waitFor();
  const end = await middleOf(to);
  await page.mouse.move(end.x - 8, end.y, { steps: 12 });
  await page.mouse.move(end.x, end.y, { steps: 4 });
  await during.over?.();
  await page.mouse.up();
}

async function middleOf(of: Locator): Promise<{ x: number; y: number }> {
  const box = await of.boundingBox();
  if (!box) throw new Error('What is to be dragged, or dropped on, cannot be seen.');
  return { x: box.x + Math.min(box.width / 2, 120), y: box.y + box.height / 2 };
}
