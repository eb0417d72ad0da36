/** Signing in as a person does: by the one-time link that the start prints, with the cookie that it gives, in a plain HTTP client. */
import type { Stack } from '../stack/stack.ts';
import type { Checks } from './checks.ts';

/** @param link as it was printed; it is used up */
export async function walkSignIn(stack: Stack, checks: Checks, link: string): Promise<void> {
  await checks.run('console.signIn', async () => {
    const [page = '', secret = ''] = link.split('#');
    const opened = await fetch(page, { headers: { accept: 'text/html' } });
    if (!opened.ok) throw new Error(`The page of the link is answered ${opened.status}.`);
    const use = () =>
      fetch(`${stack.api}/auth/link`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ secret }),
      });
    const first = await use();
    if (!first.ok) throw new Error(`The link is answered ${first.status}.`);
    const cookie = first.headers
      .getSetCookie()
      .map((each) => each.split(';')[0])
      .join('; ');
    const me = await fetch(`${stack.api}/v1/me`, { headers: { cookie } });
    const { person, scopes } = (await me.json()) as { person: { name: string } | null; scopes: string[] };
    if (!person || !scopes.includes('admin')) throw new Error(`The session reads /v1/me with ${me.status}.`);
    const second = await use();
    if (second.status !== 404) throw new Error(`The link is answered ${second.status} the second time.`);
    return `the link that is printed signs ${person.name} in, once`;
  });
}
