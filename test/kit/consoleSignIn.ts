/** How every test of the console's pages signs in: as a person, with e-mail and password, like everybody else; once. */
import type { BrowserContext, Locator, Page } from 'playwright-core';
import { findToken } from '../../db/queries/organization.ts';
import { roles, scopeOfRole } from '../../domain/roles.ts';
import { seedPerson, type Person } from './people.ts';
import { databaseAt } from './system.ts';

const persons = new Map<string, Promise<Person>>();

/**
 * The person who has the organization, the rights and the name of a token: made when first asked for, the same from then on.
 *
 * @param url of the api of a system that this process has started
 */
export function personLike(url: string, token: string): Promise<Person> {
  const known = persons.get(token) ?? makePerson(url, token);
  persons.set(token, known);
  return known;
}

async function makePerson(url: string, token: string): Promise<Person> {
  const db = databaseAt(url);
  const row = await findToken(db, token);
  if (!row) throw new Error('This token is none of the system.');
  const role = roles.findLast((each) => row.scopes.includes(scopeOfRole[each])) ?? 'viewer';
  return seedPerson(db, row.organizationId, role, row.name);
}

/** Signs in on the sign-in page, or in the dialog of a session that has ended. */
export async function fillSignIn(
  page: Page | Locator,
  { email, password }: Pick<Person, 'email' | 'password'>,
): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** The cookies of the session that was begun for a token, which another browser context goes on with. */
const sessions = new Map<string, Awaited<ReturnType<BrowserContext['cookies']>>>();

/** Opens a page of the console as the person who is like a token (`personLike`), and waits until the page is there. */
export async function signInLike(page: Page, token: string, path = '/integrations'): Promise<void> {
  await page.context().addCookies(sessions.get(token) ?? []);
  await page.goto(path);
  const pages = page.getByRole('navigation', { name: 'Pages' });
  await pages.or(page.getByLabel('E-mail')).first().waitFor();
  // There is no session yet, or a test has ended it.
  if (!(await pages.isVisible())) {
    await fillSignIn(page, await personLike(new URL(page.url()).origin, token));
    await pages.waitFor();
  }
  sessions.set(token, await page.context().cookies());
}
