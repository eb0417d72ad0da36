/** The console's built files, for anybody: they hold no secret, and what they show is asked of /v1. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { ApiEnv } from '../context.ts';
import { ApiProblem } from '../problem.ts';

/** Beside api/ in the sources, and in what `npm run build` makes. */
const built = fileURLToPath(new URL('../../console/dist', import.meta.url));

// Nothing inline, nothing evaluated, no other host: what gets into a page as text stays text.
const policy = [
  "default-src 'none'",
  ...['script', 'style', 'font', 'img', 'connect'].map((kind) => `${kind}-src 'self'`),
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const types: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
};

export const consoleRoutes = new OpenAPIHono<ApiEnv>();

/** What the pages must know before anybody has signed in. */
consoleRoutes.get('/config.json', (c) =>
  c.json({ signIn: ['password', 'link'] }, 200, { 'cache-control': 'no-store' }),
);

// A name holds a hash of what is in it, so it never means anything else.
consoleRoutes.get('/assets/:name{[\\w-]+(\\.[\\w-]+)+}', (c) =>
  sendBuilt(c, `assets/${c.req.param('name')}`, 'public, max-age=31536000, immutable'),
);

consoleRoutes.get('/:name{[\\w-]+\\.(svg|css)}', (c) => sendBuilt(c, c.req.param('name'), 'no-cache'));

// A page has an address of its own, which the script knows and we do not; a program that mistypes one is told so.
consoleRoutes.get('*', (c, next) => {
  const { path } = c.req;
  if (/^\/(v1|api|auth|assets)(\/|$)/.test(path) || (path !== '/' && !c.req.header('accept')?.includes('text/html')))
    return next();
  return sendBuilt(c, 'index.html', 'no-store');
});

/** @param name of a file in the folder; checked by its route to be no way out of it */
async function sendBuilt(c: Context<ApiEnv>, name: string, caching: string): Promise<Response> {
  const accepted = c.req.header('accept-encoding') ?? '';
  const encodings = [/\bbr\b/.test(accepted) ? 'br' : [], /\bgzip\b/.test(accepted) ? 'gzip' : [], ''].flat();
  for (const encoding of encodings) {
    const file = join(built, `${name}${encoding && `.${encoding === 'br' ? 'br' : 'gz'}`}`);
    const bytes = await readFile(file).catch(() => undefined);
    if (!bytes) continue;
    return c.body(bytes, 200, {
      'content-type': types[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
      'content-security-policy': policy,
      'cache-control': caching,
      vary: 'accept-encoding',
      ...(encoding === '' ? {} : { 'content-encoding': encoding }),
    });
  }
  if (name === 'index.html')
    throw new ApiProblem(
      404,
      'console-not-built',
      'The console is not built here: run npm run build. The API is at /docs.',
    );
  throw new ApiProblem(404, 'no-route', `There is no ${c.req.method} ${c.req.path}. See /docs.`);
}
