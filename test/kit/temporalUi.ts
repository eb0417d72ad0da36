/** The real Temporal UI in a real Chromium, used as an operator uses it. */
import type { Browser, Locator, Page } from 'playwright-core';
import { expect, inject } from 'vitest';
import { until } from '../../dev/until.ts';
import { shoot } from './consolePages.ts';
import { openPages } from './failedPages.ts';
import type { System } from './system.ts';

/** Its pages have some things twice: for wide screens and for narrow ones. */
const seen = (locator: Locator) => locator.filter({ visible: true }).first();

export interface TemporalUi {
  page: Page;
  /** Opens a search of docs/operations.md, and waits until it finds the workflow. @param picture keeps a picture of it */
  find(query: string, workflowId: string, picture?: string): Promise<void>;
  /** Opens the page of a workflow that was found, and returns what its tab User Metadata says, when it says `words`. */
  read(workflowId: string, words: string, picture?: string): Promise<string>;
  /** Sends the Signal `wake` by the dialog. */
  wake(picture?: string): Promise<void>;
  /** Terminates the workflow whose page is open. */
  terminate(): Promise<void>;
  /** Waits until the page that is open says that its workflow is over. */
  untilCompleted(picture?: string): Promise<void>;
  /** Opens a tab of the workflow's page. */
  tab(name: 'pending-activities' | 'workers' | 'history'): Promise<void>;
  click(locator: Locator): Promise<void>;
  shoot(picture: string): Promise<void>;
}

export async function openTemporalUi(
  browser: Browser,
  system: Pick<System, 'namespace' | 'temporal'>,
): Promise<TemporalUi> {
  const page = await browser.newPage({ viewport: { width: 1200, height: 720 }, baseURL: inject('temporalUi') });
  openPages.add(page);
  page.setDefaultTimeout(30_000);
  const take = async (picture: string | undefined) => {
    if (picture !== undefined) await shoot(page, picture);
  };
  const click = (locator: Locator) => seen(locator).click();
  return {
    page,
    click,
    shoot: (picture) => shoot(page, picture),
    async find(query, workflowId, picture) {
      const { workflow } = system.temporal;
      await until(`the search ${query} to find ${workflowId}`, async () => {
        // The search lags behind what happens, and a page takes longer than a question.
        const { count } = await workflow.count(`(${query}) and WorkflowId = '${workflowId}'`);
        if (count === 0) return false;
        await page.goto(`/namespaces/${system.namespace}/workflows?query=${encodeURIComponent(query)}`);
        await seen(page.getByRole('link', { name: workflowId })).waitFor({ timeout: 5_000 });
        return true;
      });
      await take(picture);
    },
    async read(workflowId, words, picture) {
      await click(page.getByRole('link', { name: workflowId }));
      await click(page.getByText('User Metadata'));
      const text = await until(`it to say "${words}"`, async () => {
        // Markdown is shown in frames of its own.
        const texts = await Promise.all(page.frames().map((frame) => frame.locator('body').innerText()));
        const all = texts.join('\n');
        if (!all.includes(words)) throw new Error(all);
        return all;
      });
      await take(picture);
      return text;
    },
    async wake(picture) {
      await click(page.getByRole('button', { name: 'More Actions' }));
      await click(page.getByText('Send a Signal'));
      await click(page.getByTestId('signal-select-button'));
      await click(page.getByRole('option', { name: 'wake' }));
      await take(picture);
      await click(page.getByRole('button', { name: 'Submit' }));
      await seen(page.getByText('Workflow signaled')).waitFor();
    },
    async terminate() {
      await click(page.getByRole('button', { name: 'More Actions' }));
      await click(page.getByText('Terminate', { exact: true }));
      const dialog = page.getByRole('dialog').filter({ visible: true });
      await dialog.getByRole('textbox').fill('To see whether it comes back');
      await click(dialog.getByRole('button', { name: 'Terminate' }));
      await seen(page.getByText('Terminated', { exact: true })).waitFor();
    },
    async untilCompleted(picture) {
      await page.goto(page.url().replace(/\/(user-metadata|pending-activities|workers)/, '/history'));
      await seen(page.getByText('Completed', { exact: true })).waitFor();
      await take(picture);
    },
    async tab(name) {
      await page.goto(page.url().replace(/\/(user-metadata|pending-activities|workers|history)/, `/${name}`));
      expect(page.url()).toContain(name);
    },
  };
}
