import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${harness.url}${path}`, { headers });
const asBrowser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

test.each(['/', '/integrations', '/runs?integration=x', '/a/page/that/comes/later', '/v1x'])(
  'a browser that opens %s gets the console, which it may not keep',
  async (path) => {
    const response = await get(path, asBrowser);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.text()).toContain('<div id="root">');
  },
);

test('what the page names is there, for ever, and in the form that the browser takes', async () => {
  const page = await (await get('/')).text();
  const names = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, name = '']) => name);
  expect(names.map((name) => name.split('.').at(-1)).toSorted()).toEqual(expect.arrayContaining(['css', 'js']));
  for (const name of names) {
    for (const encoding of ['br', 'gzip', 'identity']) {
      const response = await get(name, { 'accept-encoding': encoding });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-encoding')).toBe(encoding === 'identity' ? null : encoding);
      expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      expect(response.headers.get('content-type')).toMatch(/^text\/(javascript|css)/);
      expect((await response.text()).length).toBeGreaterThan(100);
    }
  }
});

test('a browser that opens an address of the API gets what the API answers', async () => {
  for (const path of ['/healthz', '/openapi.json', '/config.json'])
    expect((await get(path, asBrowser)).headers.get('content-type')).toContain('application/json');
  expect(await (await get('/docs', asBrowser)).text()).toContain('/docs/scalar.js');
  expect((await get('/v1/nothing', asBrowser)).status).toBe(401);
  expect((await get('/api/vendor-api/nothing', asBrowser)).headers.get('content-type')).not.toContain('text/html');
});
