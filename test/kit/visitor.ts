/** Somebody who looks at the console with a browser of their own. With SCREENSHOTS set to a folder, pages are kept there. */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import { signInLike } from './consoleSignIn.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const shots = process.env['SCREENSHOTS'];
const themes = ['light', 'dark'] as const;
const widths = [1280, 360] as const;

interface Violation {
  id: string;
  nodes: { html: string }[];
}

export interface Visitor {
  context: BrowserContext;
  page: Page;
  /** What the browser complained about: what the Content-Security-Policy blocked, and errors of scripts. */
  complaints: string[];
  /** Signs in as the person who is like a token (`signInLike`), and waits until the page is there. */
  signIn(token: string, path?: string): Promise<void>;
  /** Keeps a picture of the page as it is. */
  shoot(name: string): Promise<void>;
  /** Looks at the page in both themes, wide and narrow: axe finds nothing, and nothing hangs over the side. */
  inspect(name: string): Promise<void>;
}

/** @param baseURL of the api that serves the console */
export async function openVisitor(browser: Browser, baseURL: string): Promise<Visitor> {
  const context = await browser.newContext({
    baseURL,
    viewport: { width: 1280, height: 800 },
    timezoneId: 'America/New_York',
    locale: 'en-US',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/i.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));

  async function findings(): Promise<string[]> {
    await page.evaluate(axe);
    const { violations } = await page.evaluate<{ violations: Violation[] }>('axe.run()');
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
  }
  async function shoot(name: string): Promise<void> {
    if (!shots) return;
    mkdirSync(shots, { recursive: true });
    await page.screenshot({ path: join(shots, `${name}.png`), animations: 'disabled', fullPage: true });
  }

  return {
    context,
    page,
    complaints,
    shoot,
    signIn: (token, path) => signInLike(page, token, path),
    async inspect(name) {
      for (const theme of themes) {
        await page.evaluate(`document.documentElement.dataset.theme = '${theme}'`);
        expect(await findings(), `${name}, ${theme}`).toEqual([]);
        for (const width of widths) {
          await page.setViewportSize({ width, height: width === 360 ? 740 : 800 });
          const beyond = await page.evaluate<number>(`(() => {
            const page = document.getElementById('page') ?? document.documentElement;
            return Math.max(document.documentElement.scrollWidth - innerWidth, page.scrollWidth - page.clientWidth);
          })()`);
          expect(beyond, `${name} at ${width}`).toBeLessThanOrEqual(0);
          await shoot(`${name}-${theme}-${width}`);
        }
        await page.setViewportSize({ width: 1280, height: 800 });
      }
    },
  };
}
