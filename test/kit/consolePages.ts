/** Pages of the console in a real Chromium. With SCREENSHOTS set to a folder, pictures of them are kept there. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import { insertToken } from '../../db/queries/organization.ts';
import { signInLike } from './consoleSignIn.ts';
import type { System } from './system.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const shots = process.env['SCREENSHOTS'];
const themes = ['light', 'dark'] as const;
const widths = [1280, 360] as const;

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
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/i.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return { page, context, complaints };
}

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

async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<{ violations: Violation[] }>('axe.run()');
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
    expect(await findings(page), `${name}, ${theme}`).toEqual([]);
    for (const width of widths) {
      await page.setViewportSize({ width, height: width === 360 ? 740 : 800 });
      const beyond = await page.evaluate<number>(`(() => {
        const page = document.getElementById('page') ?? document.documentElement;
        return Math.max(document.documentElement.scrollWidth - innerWidth, page.scrollWidth - page.clientWidth);
      })()`);
      expect(beyond, `${name} at ${width}`).toBeLessThanOrEqual(0);
      await shoot(page, `${name}-${theme}-${width}`);
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  }
}
