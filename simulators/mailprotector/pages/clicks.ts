/**
 * The actions of the pages' forms, and the page that follows each. gradientMsp.ts carries the actions out, as it does for the
 * JSON endpoints.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { SimAnswer } from '../../kit/simulator.ts';
import { ConsoleProblem } from '../consoleProblem.ts';
import type { Session } from '../sessions.ts';
import { customersPage } from './customers.ts';
import { addressOf, redirect } from './layout.ts';
import { searched } from './list.ts';
import type { Site } from './site.ts';

/** How long a page waits for an action that may take minutes; after that it shows the action's progress. */
const patienceMs = 1_000;

/** Carries out the action of a form that was posted. @returns undefined when there is no such form */
export async function click(
  site: Site,
  session: Session,
  path: string,
  form: URLSearchParams,
): Promise<SimAnswer | undefined> {
  const [first, second = '', third, fourth] = path.slice(1).split('/');
  if (first === 'integrations' && second === 'gradient-msp' && fourth === undefined)
    return gradientClick(site, session, third ?? '', form);
  if (first !== 'customers') return undefined;
  if (second === '') return addCustomer(site, session, form);
  if (third !== 'integrations') return undefined;
  const customer = site.customers().find(({ id }) => String(id) === second);
  if (!customer || (fourth !== undefined && fourth !== 'remove')) return undefined;
  const here = `/customers/${customer.id}/integrations`;
  if (fourth === 'remove')
    return told(session, here, async () => {
      await site.gradient.assign(customer.id, null);
      return `${customer.name} has no customer in Gradient any more. What was mapped there stays.`;
    });
  return told(session, here, async () => {
    const clientId = form.get('clientId') ?? '';
    if (clientId === '') throw new ConsoleProblem(422, 'Select a customer in Gradient first.');
    await site.gradient.assign(customer.id, clientId);
    const chosen = site.gradient.state().assigned[customer.id];
    return `${customer.name} is “${chosen?.name ?? clientId}” in Gradient from the next Update Counts on.`;
  });
}

async function gradientClick(
  { customers, gradient }: Site,
  session: Session,
  name: string,
  form: URLSearchParams,
): Promise<SimAnswer | undefined> {
  const here = '/integrations#gradient-msp';
  const { linking, updating } = gradient.activities();
  switch (name) {
    case 'enable':
      return told(session, here, async () => {
        const key = (form.get('partnerApiKey') ?? '').trim();
        if (key === '') throw new ConsoleProblem(422, 'Paste the Partner API Key first.');
        await gradient.enable(key);
        return `The Partner API Key was accepted: Gradient MSP is enabled for ${gradient.state().organization}.`;
      });
    case 'migrate-to-alerts':
      return told(session, here, async () => {
        await gradient.migrate();
        return 'Migrated to Billing and Alerts. Select all the customers you want to send to Gradient and click Link Selected Customers.';
      });
    case 'link': {
      const ids = selected(customers(), form);
      if (ids.length === 0) return refused(session, here, 'Select at least one customer first.');
      if (linking?.endedAt === null) return refused(session, here, 'Customers are still being linked.');
      return inBackground('/integrations#gradient-customers', gradient.link(ids));
    }
    case 'update-counts':
      if (!gradient.state().enabled) return refused(session, here, 'Gradient MSP is not enabled.');
      if (updating?.endedAt === null) return refused(session, here, 'Update Counts is still running.');
      return inBackground(here, gradient.updateCounts());
    default:
      return undefined;
  }
}

/**
 * Returns the ids of the selected customers: the ticked rows; with *Select all*, the customers that the search found, on all
 * pages, except for the rows that were unticked after it.
 */
function selected(customers: Parameters<typeof searched>[0], form: URLSearchParams): number[] {
  if (!form.has('all')) return form.getAll('customer').map(Number);
  const except = new Set((form.get('except') ?? '').split(','));
  return searched(customers, form.get('search') ?? '')
    .map(({ id }) => id)
    .filter((id) => !except.has(String(id)));
}

function addCustomer(site: Site, session: Session, form: URLSearchParams): SimAnswer | Promise<SimAnswer> {
  const given = { name: '', domain: '', users: '' };
  for (const field of ['name', 'domain', 'users'] as const) given[field] = (form.get(field) ?? '').trim();
  const { name, domain, users } = given;
  const problem =
    name === ''
      ? 'Name can’t be blank.'
      : !/^[\w-]+(\.[\w-]+)+$/.test(domain)
        ? 'Domain is not a domain’s name, as new-customer.example is one.'
        : site.customers().some((customer) => customer.domains.some((other) => other.name === domain))
          ? 'Domain has already been taken.'
          : /^\d{1,4}$/.test(users)
            ? undefined
            : 'Users is not a number up to 9,999.';
  if (problem !== undefined) {
    const notice = { tone: 'bad', text: problem } as const;
    return customersPage({ site, session, notice, query: new URLSearchParams(), given });
  }
  const made = site.addCustomer(name, domain, Number(users));
  session.notice = {
    tone: 'good',
    text: `${made.name} was added. For it to start syncing, select it, and click on Integrations.`,
  };
  return redirect(addressOf('/customers', { search: String(made.id) }));
}

/** Carries out an action, and lets the next page tell its outcome. */
async function told(session: Session, here: string, work: () => Promise<string>): Promise<SimAnswer> {
  try {
    session.notice = { tone: 'good', text: await work() };
  } catch (error) {
    if (!(error instanceof ConsoleProblem)) throw error;
    session.notice = { tone: 'bad', text: error.message };
  }
  return redirect(here);
}

function refused(session: Session, here: string, text: string): SimAnswer {
  session.notice = { tone: 'bad', text };
  return redirect(here);
}

/**
 * Waits for an action for at most `patienceMs`. gradientMsp.ts keeps the action's progress and its outcome, which the page
 * shows.
 */
async function inBackground(here: string, work: Promise<unknown>): Promise<SimAnswer> {
  await Promise.race([work.catch(() => undefined), delay(patienceMs)]);
  return redirect(here);
}
