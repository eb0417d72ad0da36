/** Somebody who looks at the console with a browser of their own. */
import type { Browser } from 'playwright-core';
import { inspect, openPage, shoot, signIn, type ConsolePage } from './consolePages.ts';

export interface Visitor extends ConsolePage {
  signIn(token: string, path?: string): Promise<void>;
  shoot(name: string): Promise<void>;
  inspect(name: string): Promise<void>;
}

/** @param url of the api that serves the console */
export async function openVisitor(browser: Browser, url: string): Promise<Visitor> {
  const opened = await openPage(browser, { api: { url } });
  return {
    ...opened,
    signIn: (token, path) => signIn(opened.page, token, path),
    shoot: (name) => shoot(opened.page, name),
    inspect: (name) => inspect(opened.page, name),
  };
}
