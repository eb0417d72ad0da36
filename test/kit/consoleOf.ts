/** The console of a file's system in a real Chromium, with a page of its own for each test. */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { findChromium, launchChromium, leaveChromium } from './chromium.ts';
import { openPage, type ConsolePage } from './consolePages.ts';
import { sayWhatFailedPagesShow } from './failedPages.ts';
import type { System } from './system.ts';

/**
 * Starts a system and a browser before a file's tests and ends them after. Each test begins with an empty page, ends without faults in
 * the simulators, and fails where the browser complained about one of its pages.
 *
 * @param of.start starts the system
 * @param of.prepare connects in it what all tests need
 * @param of.begin is given the page with which a test begins
 * @returns opens another page, as that of another person
 */
export function consoleOf(of: {
  start: () => Promise<System>;
  prepare: (system: System) => Promise<void>;
  begin: (first: ConsolePage) => void;
}): () => Promise<ConsolePage> {
  let system: System | undefined;
  let browser: Browser | undefined;
  let opened: ConsolePage[] = [];

  async function open(): Promise<ConsolePage> {
    if (!system || !browser) throw new Error('The system is not there yet.');
    const one = await openPage(browser, system);
    opened.push(one);
    return one;
  }

  beforeAll(async () => {
    const [path, started] = await Promise.all([findChromium(), of.start()]);
    system = started;
    browser = await launchChromium(path);
    await of.prepare(system);
  }, 480_000);
  afterAll(async () => {
    await leaveChromium(browser);
    await system?.close();
  });
  beforeEach(async () => {
    opened = [];
    of.begin(await open());
  });
  afterEach(async () => {
    for (const { context } of opened) await context.close();
    await system?.mailprotector.clearFaults();
    await system?.psa.clearFaults();
    expect(opened.flatMap(({ complaints }) => complaints)).toEqual([]);
  });
  afterEach(sayWhatFailedPagesShow);
  return open;
}
