/**
 * What an operator does at three in the morning, in the real Temporal UI: find what is stuck, read why, free it, see it end.
 * With SCREENSHOTS set to a folder the pages are kept there; `docs/images` has those that docs/operations.md shows.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connectAll, latestRun } from '../../dev/walkthrough/guide.ts';
import { until } from '../../dev/until.ts';
import { findChromium, launchChromium } from '../kit/chromium.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let browser: Browser;
let page: Page;
let id: string;
const shots = process.env['SCREENSHOTS'];

// It may have to fetch a Chromium.
beforeAll(async () => {
  const [path, started] = await Promise.all([findChromium(), startSystem({ customers: 26 })]);
  system = started;
  browser = await launchChromium(path);
  page = await browser.newPage({ viewport: { width: 1200, height: 720 }, baseURL: inject('temporalUi') });
  page.setDefaultTimeout(60_000);
  ({ integrationId: id } = await connectAll(system));
}, 480_000);
afterAll(async () => {
  await browser?.close();
  await system?.close();
});

/** The page has some things twice: for wide screens and for narrow ones. */
const seen = (locator: Locator) => locator.filter({ visible: true }).first();
async function shoot(name: string): Promise<void> {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`), animations: 'disabled' });
}

test('a blocked sync is found, says why, is freed by the Signal wake, and completes', async () => {
  // The right to read usage was taken away.
  await system.mailprotector.fault({ kind: 'status', status: 403, method: 'GET', path: '/domains$', times: null });
  await system.api.post(`/v1/integrations/${id}/syncs`);
  await until('it to be blocked', async () => {
    const { sync } = await system.api.get<{ sync: { steps: { state: string }[] } }>(`/v1/integrations/${id}`);
    return sync.steps.some((step) => step.state === 'blocked') && sync.steps[3]?.state === 'done';
  });

  const found = seen(page.getByRole('link', { name: `sync/${id}` }));
  const query = "`Blocked`=true AND `Process`='sync'";
  await until('the search to find it', async () => {
    await page.goto(`/namespaces/${system.namespace}/workflows?query=${encodeURIComponent(query)}`);
    // The search lags behind what happens.
    await found.waitFor({ timeout: 5_000 });
    return true;
  });
  await shoot('temporal-blocked');

  await found.click();
  await seen(page.getByText('User Metadata')).click();
  const words = await until('it to say why', async () => {
    // Markdown is shown in frames of its own.
    const texts = (await Promise.all(page.frames().map((frame) => frame.locator('body').innerText()))).join('\n');
    return texts.includes('Read usage from the vendor: blocked (forbidden)') && texts;
  });
  expect(words).toContain('Reads usage from the vendor and makes it visible, all or nothing');
  expect(words).toContain('Grant the missing right in the outside system, then retry the step.');
  expect(words).toContain('The Signal wake tries again.');
  expect(words).toContain('✓ Read the PSA afresh');
  await shoot('temporal-problem');

  await system.mailprotector.clearFaults();
  await seen(page.getByRole('button', { name: 'More Actions' })).click();
  await seen(page.getByText('Send a Signal')).click();
  await seen(page.getByTestId('signal-select-button')).click();
  await seen(page.getByRole('option', { name: 'wake' })).click();
  await shoot('temporal-signal');
  await seen(page.getByRole('button', { name: 'Submit' })).click();

  await until('the run to be applied', async () => (await latestRun(system, id))?.state === 'applied');
  await page.goto(page.url().replace('/user-metadata', '/history'));
  await seen(page.getByText('Completed', { exact: true })).waitFor();
  await shoot('temporal-completed');
  await until(
    'nothing to be blocked',
    async () => (await system.temporal.workflow.count('Blocked = true')).count === 0,
  );
});
