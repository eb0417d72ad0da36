/** The frame of every page: its head, the navigation, and who is logged in. `html` escapes every value that is filled in. */
import { html } from 'hono/html';
import type { SimAnswer } from '../../kit/simulator.ts';
import type { Notice, Session } from '../sessions.ts';

export type Html = ReturnType<typeof html>;

export interface Page {
  title: string;
  /** The entry of the navigation to which the page belongs; absent on the login page. */
  at?: 'customers' | 'integrations';
  session?: Session;
  /** Whether an action is under way; then a browser without JavaScript loads the page again by itself. */
  running?: boolean;
  body: Html;
}

/** The policy allows files of this console only, and no script within a page. */
const policy =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

export async function show(page: Page, status = 200): Promise<SimAnswer> {
  const link = (at: Page['at'], href: string, name: string) =>
    html`<a href="${href}" ${page.at === at ? html`aria-current="page"` : ''}>${name}</a>`;
  const text = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${page.title} · Mailprotector Console (simulated)</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/assets/console.css" />
        <script src="/assets/console.js" defer></script>
        ${page.running ? html`<noscript><meta http-equiv="refresh" content="3" /></noscript>` : ''}
      </head>
      <body>
        <aside class="simulated">
          Simulation for tests and demonstrations. This is not Mailprotector's own console.
        </aside>
        <header>
          <a class="brand" href="/">Mailprotector <span>Console</span></a>
          ${page.session
            ? html`<nav aria-label="Main">
                  ${link('customers', '/customers', 'Customers')}
                  ${link('integrations', '/integrations', 'Integrations')}
                </nav>
                <form class="account" method="post" action="/logout">
                  <span title="${page.session.email}">${page.session.name}</span>
                  <button class="quiet">Log out</button>
                </form>`
            : ''}
        </header>
        <main>${page.body}</main>
      </body>
    </html>`;
  return {
    status,
    text: String(text),
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': policy,
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    },
  };
}

export function addressOf(path: string, query: Record<string, string>): string {
  return `${path}?${new URLSearchParams(query).toString()}`;
}

export function redirect(location: string, headers: Record<string, string> = {}): SimAnswer {
  return { status: 303, headers: { location, ...headers } };
}

export function noticeBox(notice: Notice | undefined): Html | '' {
  if (!notice) return '';
  return html`<p class="notice ${notice.tone}" role="${notice.tone === 'bad' ? 'alert' : 'status'}">${notice.text}</p>`;
}

/** Formats a time as `26 Nov 2026, 14:58:40 UTC`. */
export function timeOf(iso: string): Html {
  const words = new Date(iso).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' });
  return html`<time datetime="${iso}">${words} UTC</time>`;
}

export const numberOf = (value: number) => value.toLocaleString('en-US');

export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${numberOf(count)} ${count === 1 ? one : many}`;
}
