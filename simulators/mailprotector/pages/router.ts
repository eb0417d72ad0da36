/** Finds the page of an address, for the manager who is logged in. */
import { html } from 'hono/html';
import type { SimAnswer, SimRequest } from '../../kit/simulator.ts';
import { ConsoleProblem } from '../consoleProblem.ts';
import type { Session } from '../sessions.ts';
import { click } from './clicks.ts';
import { customerIntegrations, customerOverview } from './customer.ts';
import { customersPage } from './customers.ts';
import { integrationsPage } from './integrations.ts';
import { addressOf, redirect, show } from './layout.ts';
import { loginPage } from './login.ts';
import { script } from './script.ts';
import type { Site } from './site.ts';
import { style } from './style.ts';

/** The cookie has this console's name, because a browser sends a cookie of one port of this machine to all other ports. */
const cookieName = 'mailprotector_console';
const pagePath = /^\/(?:(?:login|logout|assets|customers|integrations)(?:\/.*)?)?$/;

/** @returns a function that answers a request for a page; it returns undefined for an address that is no page */
export function createPages(site: Site): (request: SimRequest) => Promise<SimAnswer> | undefined {
  const { sessions } = site;

  async function answer(request: SimRequest): Promise<SimAnswer> {
    const { method, path, query, form = new URLSearchParams() } = request;
    if (path === '/assets/console.css') return asset('text/css', style);
    if (path === '/assets/console.js') return asset('text/javascript', script);
    if (path === '/login')
      return method === 'POST' ? login(form) : loginPage(sessions.managers(), nextOf(query.get('next')));
    const session = sessions.find(cookieOf(request));
    if (!session) {
      if (path === '/' || path === '/logout') return redirect('/login');
      // The address of a form is no page: after the login its page is shown.
      const wanted = method === 'GET' ? path : path.replace(/\/gradient-msp\/.*/, '');
      const searching = query.size > 0 ? `?${query.toString()}` : '';
      return redirect(addressOf('/login', { next: wanted + searching }));
    }
    if (path === '/logout' && method === 'POST') {
      sessions.end(session.id);
      return redirect('/login', { 'set-cookie': `${cookieName}=; Path=/; Max-Age=0` });
    }
    return (
      (method === 'POST' ? await click(site, session, path, form) : await page(session, path, query)) ?? lost(session)
    );
  }

  function login(form: URLSearchParams): SimAnswer | Promise<SimAnswer> {
    const [email, next] = [form.get('email') ?? '', nextOf(form.get('next'))];
    try {
      const { id } = sessions.login(email, form.get('password') ?? '');
      return redirect(next, { 'set-cookie': `${cookieName}=${id}; Path=/; HttpOnly; SameSite=Lax` });
    } catch (error) {
      if (!(error instanceof ConsoleProblem)) throw error;
      return loginPage(sessions.managers(), next, { message: error.message, email });
    }
  }

  async function page(session: Session, path: string, query: URLSearchParams): Promise<SimAnswer | undefined> {
    if (path === '/') return redirect('/customers');
    const customerPath = /^\/customers\/(\d+)(\/integrations)?$/.exec(path);
    const customer = site.customers().find(({ id }) => String(id) === customerPath?.[1]);
    if (path !== '/customers' && path !== '/integrations' && !customer) return undefined;
    const { notice } = session;
    delete session.notice;
    const of = { site, session, notice, query };
    if (path === '/customers') return customersPage(of);
    if (path === '/integrations') return integrationsPage(of);
    if (!customer) return undefined;
    if (!customerPath?.[2]) return customerOverview({ ...of, customer });
    const search = query.get('search') ?? '';
    const found = site.gradient.state().enabled ? await clientsOf(search) : { clients: [] };
    return customerIntegrations({ ...of, customer }, search, found);
  }

  async function clientsOf(search: string) {
    try {
      return await site.gradient.clients(search);
    } catch (error) {
      if (error instanceof ConsoleProblem) return { problem: error.message };
      throw error;
    }
  }

  return (request) => (pagePath.test(request.path) ? answer(request) : undefined);
}

function lost(session: Session): Promise<SimAnswer> {
  const body = html`<h1>There is no such page</h1>
    <p><a href="/customers">Go to the customers</a></p>`;
  return show({ title: 'Not found', session, body }, 404);
}

function asset(type: string, text: string): SimAnswer {
  return { status: 200, text, headers: { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-cache' } };
}

function cookieOf({ headers }: SimRequest): string {
  const found = (headers.cookie ?? '').split(/; */).find((each) => each.startsWith(`${cookieName}=`));
  return found?.slice(cookieName.length + 1) ?? '';
}

/** Returns the page that follows the login: only an address of this console, never one of another host. */
function nextOf(next: string | null): string {
  return next !== null && /^\/(?![/\\])/.test(next) ? next : '/';
}
