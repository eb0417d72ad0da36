/** Signing in, joining and the members' page in a real Chromium, served by a real api. SCREENSHOTS keeps pictures. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { sql } from 'drizzle-orm';
import type { Role } from '../../domain/roles.ts';
import { findChromium, launchChromium, leaveChromium } from '../kit/chromium.ts';
import { inspect as inspectPage, openPage } from '../kit/consolePages.ts';
import { sayWhatFailedPagesShow } from '../kit/failedPages.ts';
import { fillSignIn, signInLike } from '../kit/consoleSignIn.ts';
import { linkFor, seedPerson, type Person } from '../kit/people.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  const [path, started] = await Promise.all([findChromium(), startSystem({ customers: 3 })]);
  system = started;
  browser = await launchChromium(path);
}, 480_000);
afterAll(async () => {
  await leaveChromium(browser);
  await system?.close();
});

beforeEach(async () => {
  ({ context, page, complaints } = await openPage(browser, system));
});
afterEach(async () => {
  await context.close();
  expect(complaints).toEqual([]);
});
afterEach(sayWhatFailedPagesShow);

const inspect = (name: string) => inspectPage(page, name);
const seed = (role: Role, name: string) => seedPerson(system.database.db, system.organizationId, role, name);
async function enterAs(person: Person, path = '/settings'): Promise<void> {
  await page.goto(path);
  await fillSignIn(page, person);
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
}
const openMenu = () => page.getByRole('button', { name: /^You, at/ }).click();
const member = (name: string) =>
  page.getByRole('list', { name: 'Members' }).getByRole('listitem').filter({ hasText: name });

test('a one-time link signs in at once, leaves no trace in the address, and is refused in words the second time', async () => {
  const person = await seed('operator', 'Linus Link');
  const secret = await linkFor(system.database.db, system.organizationId, person);
  await page.goto(`/link#${secret}`);
  await page.getByRole('button', { name: 'You, at Test MSP' }).waitFor();
  expect(page.url()).not.toContain(secret);
  await page.goBack();
  expect(page.url()).not.toContain(secret);

  const other = await openPage(browser, system);
  await other.page.goto(`/link#${secret}`);
  await other.page.getByText('This link is not known, was used already, or has expired.').waitFor();
  await other.context.close();
  // Opened again where it has signed in, it says so, and leads on.
  await page.goto('/link');
  await page.goto(`/link#${secret}`);
  await page.getByText('This browser was signed in before, as Linus Link, and still is.').waitFor();
  await inspect('link-again');
  await page.getByRole('button', { name: 'Go to Countersign' }).click();
  await page.getByRole('button', { name: 'You, at Test MSP' }).waitFor();
  await context.clearCookies();
  await page.goto(`/link#${secret}`);
  await page.getByRole('alert').waitFor();
  await inspect('link-refused');
  await page.getByRole('button', { name: 'Sign in by e-mail and password' }).click();
  await page.getByLabel('E-mail').waitFor();
});

test('an admin invites somebody by a link that is shown once; that person joins, and stands among the members', async () => {
  await enterAs(await seed('admin', 'Grace Hopper'));
  await page.getByRole('button', { name: 'Invite somebody' }).click();
  await page.getByLabel('E-mail').fill('not an address');
  await page.getByRole('button', { name: 'Make a link' }).click();
  await page.getByText('This is no e-mail address.').waitFor();
  await page.getByLabel('E-mail').fill('ada@example.com');
  await inspect('invite');
  await page.getByRole('button', { name: 'Make a link' }).click();
  const dialog = page.getByRole('dialog', { name: 'Give this link to ada@example.com' });
  const link = await dialog.getByLabel('Link').innerText();
  expect(link).toMatch(new RegExp(`^${system.api.url}/join#csi_`));
  await dialog.getByRole('button', { name: 'Copy the link' }).click();
  await page.getByText('The link was copied').waitFor();
  expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe(link);
  await inspect('invited');
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('list', { name: 'Invited' }).getByText('ada@example.com').waitFor();
  expect(await page.content()).not.toContain(link.split('#')[1]);
  await inspect('settings');

  await context.clearCookies();
  await page.goto(link);
  await page.getByText('You are invited to Test MSP, as operator.').waitFor();
  await inspect('join');
  await page.getByLabel('Your name').fill('Ada Lovelace');
  await page.getByLabel('Password').fill('short');
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByText('Choose one of at least 12 characters.').waitFor();
  await page.getByLabel('Password').fill('a-password-of-hers');
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByRole('link', { name: 'Settings' }).click();
  await member('Ada Lovelace').getByText('(you)').waitFor();
  await member('Ada Lovelace').getByText('Operator').waitFor();

  // Used, it says to her that she is signed in already, and to others that it is of no use.
  await page.goto(link);
  await page.getByText('This browser was signed in before, as Ada Lovelace, and still is.').waitFor();
  await inspect('join-again');
  await page.getByRole('button', { name: 'Go to Countersign' }).click();
  await page.getByRole('button', { name: 'You, at Test MSP' }).waitFor();
  await context.clearCookies();
  await page.goto(link);
  await page.getByText('This link is not known, was used already, or has expired.').waitFor();
});

test('an admin changes a role and removes a member, but not the last admin', async () => {
  await system.database.db.execute(
    sql`update member set role = 'viewer' where organization_id = ${system.organizationId} and role = 'admin'`,
  );
  const admin = await seed('admin', 'Only Admin');
  await seed('viewer', 'Victor Viewer');
  await enterAs(admin);
  await member('Victor Viewer').getByRole('button', { name: 'Role of Victor Viewer' }).click();
  await page.getByRole('option', { name: 'Operator' }).click();
  await page.getByText('Victor Viewer is operator now').waitFor();
  await member('Only Admin').getByRole('button', { name: 'Remove' }).click();
  const dialog = page.getByRole('dialog', { name: 'Remove Only Admin?' });
  await inspect('remove-member');
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await page.getByText('Only Admin is the last admin.').waitFor();
  await member('Victor Viewer').getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('dialog', { name: 'Remove Victor Viewer?' }).getByRole('button', { name: 'Remove' }).click();
  await member('Victor Viewer').waitFor({ state: 'detached' });
  expect(await member('Only Admin').count()).toBe(1);
});

test('a viewer sees the members and is offered no change of them', async () => {
  await enterAs(await seed('viewer', 'Vera Viewer'));
  await member('Vera Viewer').getByText('Viewer', { exact: true }).waitFor();
  for (const name of [/^Invite/, /^Remove/, /^Role of/])
    expect(await page.getByRole('button', { name }).count()).toBe(0);
  await inspect('settings-viewer');
});

test('signing out everywhere ends the session of another browser too, which keeps what is open there', async () => {
  const person = await seed('viewer', 'Eve Everywhere');
  await enterAs(person, '/runs');
  const other = await openPage(browser, system);
  await other.page.goto('/runs');
  await fillSignIn(other.page, person);
  await other.page.getByRole('navigation', { name: 'Pages' }).waitFor();
  await openMenu();
  await page.getByText(`Eve Everywhere, ${person.email}`).waitFor();
  await page.getByRole('menuitem', { name: 'Sign out everywhere' }).click();
  await page.getByLabel('E-mail').waitFor();
  await other.page.getByRole('dialog', { name: 'Sign in again' }).waitFor();
  await other.context.close();
  // The button of the browser leads to no page of the one who was here.
  await page.goBack();
  await page.getByLabel('E-mail').waitFor();
  expect(await page.getByRole('navigation', { name: 'Pages' }).count()).toBe(0);
});

test('a new password is set, and the next sign-in asks for it', async () => {
  const person = await seed('operator', 'Pat Password');
  await enterAs(person);
  await page.getByLabel('Present password').fill('not-the-password');
  await page.getByLabel('New password').fill('quite-another-password');
  await page.getByRole('button', { name: 'Set password' }).click();
  await page.getByText('This is not your password.').waitFor();
  await page.getByLabel('Present password').fill(person.password);
  await page.getByRole('button', { name: 'Set password' }).click();
  await page.getByText('Your password was set').waitFor();
  await openMenu();
  await page.getByRole('menuitem', { name: 'Sign out', exact: true }).click();
  await fillSignIn(page, { ...person, password: 'quite-another-password' });
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  expect(new URL(page.url()).pathname).not.toBe('/sign-in');
});

test('whoever has a token in a test is a person of the same rights', async () => {
  await signInLike(page, system.secrets[0] ?? '', '/settings');
  await page.getByRole('button', { name: 'Invite somebody' }).waitFor();
  const you = member('test').getByText('(you)');
  await you.waitFor();
  expect(await you.count()).toBe(1);
});
