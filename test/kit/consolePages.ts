/** Pages of the console in a real Chromium. With SCREENSHOTS set to a folder, pictures of them are kept there. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import { insertToken } from '../../db/queries/organization.ts';
import { signInLike } from './consoleSignIn.ts';
import { openPages } from './failedPages.ts';
import type { System } from './system.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const shots = process.env['SCREENSHOTS'];
const themes = ['light', 'dark'] as const;

export interface ConsolePage {
  page: Page;
  context: BrowserContext;
  /** What the browser complained about: errors, and violations of the policy. */
  complaints: string[];
}

/** Opens an empty page in a browser context of its own, as that of another person. */
export async function openPage(browser: Browser, { api }: { api: { url: string } }): Promise<ConsolePage> {
  const complaints: string[] = [];
  const context = await browser.newContext({
    baseURL: api.url,
    viewport: { width: 1280, height: 800 },
    timezoneId: 'America/New_York',
    locale: 'en-US',
    // What moves costs time where pages are painted without a graphics card.
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  return { page: watched(await context.newPage(), complaints), context, complaints };
}

/** @param complaints collects what the browser complains about */
export function watched(page: Page, complaints: string[]): Page {
  openPages.add(page);
  page.setDefaultTimeout(60_000);
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/i.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return page;
}

/** Clicks on a page's name in the navigation. */
export const goTo = (page: Page, name: string): Promise<void> =>
  page
    .getByRole('navigation', { name: 'Pages' })
    .getByRole('link', { name: new RegExp(`^${name}`) })
    .click();

/** Signs in as the person who is like a token, and waits until the page is there. */
export const signIn = (page: Page, token: string, path?: string): Promise<void> => signInLike(page, token, path);

/** A token of the system's organization, or of another one, as an admin would make it. */
export async function newToken(
  system: Pick<System, 'database' | 'organizationId'>,
  scopes: string[],
  { name = 'browser', organizationId = system.organizationId } = {},
): Promise<string> {
  const secret = `cs_${randomBytes(32).toString('base64url')}`;
  await insertToken(system.database.db, organizationId, { name, secret, scopes });
  return secret;
}

/** Looks at the page as it is, with a list open that would close if the window became narrow: axe finds nothing. */
export async function expectNoFindings(page: Page, what: string): Promise<void> {
  expect(await findings(page), what).toEqual([]);
}

/** Rules that say something else in another theme. */
const rulesOfColours = ['color-contrast', 'link-in-text-block'];

/** @param rules only these; absent = all */
async function findings(page: Page, rules?: readonly string[]): Promise<string[]> {
  if (!(await page.evaluate<boolean>('"axe" in window'))) await page.evaluate(axe);
  // The unseen buttons by which React Aria lets a screen reader close an open list or popover stand outside of every landmark.
  const isOpen = await page.evaluate<boolean>('document.querySelector("[data-trigger]") !== null');
  const options = {
    resultTypes: ['violations'],
    ...(rules ? { runOnly: rules } : { rules: { region: { enabled: !isOpen } } }),
  };
  const asked = `axe.run(${JSON.stringify(options)})`;
  const { violations } = await page.evaluate<{ violations: Violation[] }>(asked);
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
}
interface Violation {
  id: string;
  nodes: { html: string }[];
}

export async function shoot(page: Page, name: string): Promise<void> {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`), animations: 'disabled', fullPage: true });
}

/** Looks at the page in both themes, wide and narrow: axe finds nothing, and nothing hangs over the side. */
export async function inspect(page: Page, name: string): Promise<void> {
  for (const theme of themes) {
    await page.evaluate(`document.documentElement.dataset.theme = '${theme}'`);
    expect(await findings(page, theme === 'light' ? undefined : rulesOfColours), `${name}, ${theme}`).toEqual([]);
    if (shots) await shoot(page, `${name}-${theme}-1280`);
  }
  await expectInside(page, `${name} at 1280`);
  await page.setViewportSize({ width: 360, height: 740 });
  await expectInside(page, `${name} at 360`);
  for (const theme of shots ? themes : []) {
    await page.evaluate(`document.documentElement.dataset.theme = '${theme}'`);
    await shoot(page, `${name}-${theme}-360`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

/** Waits for it: a page that has just become narrow is drawn anew a moment later. */
async function expectInside(page: Page, what: string): Promise<void> {
  const beyond = () =>
    page.evaluate<number>(`(() => {
    const page = document.getElementById('page') ?? document.documentElement;
    // In the frame only the page scrolls: the window itself is never longer than it is high.
    const longer = page.id === 'page' ? document.documentElement.scrollHeight - innerHeight : 0;
    return Math.max(document.documentElement.scrollWidth - innerWidth, page.scrollWidth - page.clientWidth, longer);
  })()`);
  await expect.poll(beyond, { message: what, timeout: 30_000 }).toBeLessThanOrEqual(0);
}
