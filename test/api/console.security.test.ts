import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test('the page runs nothing but its own scripts, calls nobody, and is shown in no frame', async () => {
  const { headers } = await fetch(`${harness.url}/`);
  const policy = new Map(
    (headers.get('content-security-policy') ?? '').split('; ').map((part) => {
      const [kind = '', ...sources] = part.split(' ');
      return [kind, sources.join(' ')] as const;
    }),
  );
  expect(policy.get('default-src')).toBe("'none'");
  for (const kind of ['script', 'style', 'font', 'img', 'connect']) expect(policy.get(`${kind}-src`)).toBe("'self'");
  expect(policy.get('frame-ancestors')).toBe("'none'");
  expect(policy.get('base-uri')).toBe("'none'");
  expect(headers.get('x-content-type-options')).toBe('nosniff');
});

test('the page has no script and no style of its own between its tags, and names no other host', async () => {
  const page = await (await fetch(`${harness.url}/`)).text();
  expect(page).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|https?:/);
});

test.each(['/assets/../../../package.json', '/assets/..%2f..%2fpackage.json', '/..%2fpackage.json', '/%2e%2e/x.css'])(
  '%s leads to no file outside the console',
  async (path) => {
    expect(await raw(path)).not.toMatch(/"name":|"version":/);
  },
);

/** As it stands: `fetch` would make the address tidy first. */
function raw(path: string): Promise<string> {
  const { hostname, port } = new URL(harness.url);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path }, (response) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.on('end', () => resolve(text));
    })
      .on('error', reject)
      .end();
  });
}
