/** What the pages showed when a test of theirs failed: a time-out alone does not say why something did not come. */
import type { Page } from 'playwright-core';
import type { TestContext } from 'vitest';

/** The pages that tests of this process have opened. */
export const openPages = new Set<Page>();

/** For `afterEach`, after the hook that closes the pages: the hooks of a file run from the last to the first. */
export async function sayWhatFailedPagesShow({ task }: TestContext): Promise<void> {
  for (const page of openPages) {
    if (page.isClosed()) openPages.delete(page);
    else if (task.result?.state === 'fail')
      process.stderr.write(`"${task.name}" failed at ${page.url()}, which showed:\n${await shown(page)}\n`);
  }
}

async function shown(page: Page): Promise<string> {
  try {
    return (await page.evaluate<string>('document.body.innerText')).slice(0, 2_000);
  } catch (error) {
    return `nothing that could be read: ${String(error)}`;
  }
}
