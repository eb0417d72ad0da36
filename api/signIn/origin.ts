import type { Context } from 'hono';
import type { ApiEnv } from '../context.ts';
import { ApiProblem } from '../problem.ts';

/**
 * Refuses a change that another site's page makes a browser ask for with this person's cookie. A browser says in `Origin` from
 * which page a request comes, and a page cannot change that.
 *
 * @param asked `cookie`: the request is answered because of its cookie, so it must say where it comes from. `open`: it carries what
 *   it is answered for (a password, a link), so a program may leave it out
 * @throws ApiProblem 403 `wrong-origin`
 */
export function requireOwnOrigin(c: Context<ApiEnv>, asked: 'cookie' | 'open'): void {
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return;
  const origin = c.req.header('origin');
  if (origin === undefined ? asked === 'open' : isOwn(c, origin)) return;
  throw new ApiProblem(
    403,
    'wrong-origin',
    'This did not come from a page of Countersign, so nothing was done. Open Countersign at its own address (PUBLIC_URL); a program uses a token.',
  );
}

/** Without PUBLIC_URL our own address is the one that was asked. */
function isOwn(c: Context<ApiEnv>, origin: string): boolean {
  const { PUBLIC_URL } = c.get('deps').environment;
  if (PUBLIC_URL !== undefined) return origin === new URL(PUBLIC_URL).origin;
  return URL.canParse(origin) && new URL(origin).host === c.req.header('host');
}
