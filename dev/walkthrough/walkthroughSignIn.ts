/** The console as a plain HTTP client sees it: signing in by the one-time link that the start prints, and what the pages then ask for. */
import type { World } from '../../simulators/world.ts';
import type { Stack } from '../stack/stack.ts';
import type { Checks } from './checks.ts';
import type { CardView } from './guide.ts';

/**
 * @param link as it was printed; it is used up
 * @returns the cookie of the session that it began
 */
export async function walkSignIn(stack: Stack, checks: Checks, link: string): Promise<string> {
  let cookie = '';
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
    cookie = first.headers
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
  return cookie;
}

/**
 * Asks for what the page Reconcile asks for, with the session's cookie.
 *
 * @param companies what the PSA holds: the money that the page shows has to be what its prices and quantities make
 * @throws Error when a file of the page is missing, or the money is another one
 */
export async function lookAtReconcile(stack: Stack, cookie: string, companies: World['companies']): Promise<string> {
  const get = async (path: string, headers: Record<string, string>) => {
    const answer = await fetch(`${stack.api}${path}`, { headers });
    if (!answer.ok) throw new Error(`${path} is answered ${answer.status}.`);
    return answer;
  };
  const html = await (await get('/reconcile', { accept: 'text/html' })).text();
  const files = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '');
  if (!files.some((file) => file.endsWith('.js'))) throw new Error('The page names no script.');
  for (const file of files) await get(file, {});

  const ask = async <T>(path: string) => (await get(path, { cookie })).json() as Promise<T>;
  const cards: CardView[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = await ask<{ items: CardView[]; nextCursor: string | null }>(
      `/v1/cards?state=ready&dismissed=false&pending=none&limit=200${after}`,
    );
    cards.push(...page.items);
    cursor = page.nextCursor;
  }
  const agreements = companies.flatMap((company) => company.agreements);
  const monthly = agreements.filter(({ billingCycle }) => billingCycle === 'Monthly');
  const lines = new Map(monthly.flatMap(({ lines }) => lines.map((line) => [String(line.id), line])));
  let [under, over] = [0, 0];
  for (const { write } of cards) {
    const line = lines.get(write?.lineId ?? '');
    if (!write || line?.billing !== 'billed') continue;
    const billed = (quantity: number) => Math.max(0, quantity - line.included);
    const change = (billed(write.to) - billed(write.from)) * line.unitPrice;
    if (change > 0) under += change;
    else over -= change;
  }
  const { found } = await ask<{
    found: { kind: string; under: { amount: number }; over: { amount: number } }[];
  }>('/v1/summary');
  const confirmed = found.filter(({ kind }) => kind === 'confirmed');
  const sum = (of: 'under' | 'over') => confirmed.reduce((all, each) => all + each[of].amount, 0).toFixed(2);
  const [shown, expected] = [
    `${sum('under')} under, ${sum('over')} over`,
    `${under.toFixed(2)} under, ${over.toFixed(2)} over`,
  ];
  if (shown !== expected) throw new Error(`Found money is ${shown}; by the PSA's prices it is ${expected}.`);
  return `the page is served, and shows ${cards.length} cards that are ready, and the money they make: ${shown}`;
}
