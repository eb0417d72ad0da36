import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test.each(['/assets/gone-12345678.js', '/assets/', '/nothing.css', '/nothing', '/auth/nothing', '/api/nothing'])(
  'a program that asks for %s is told that there is nothing',
  async (path) => {
    const response = await fetch(`${harness.url}${path}`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: 'no-route' });
  },
);

test('a script that is gone is never answered with the page', async () => {
  const response = await fetch(`${harness.url}/assets/gone-12345678.js`, { headers: { accept: 'text/html,*/*' } });
  expect(response.status).toBe(404);
});

test('only a browser that looks gets the page: one that sends something is told that there is no route', async () => {
  const response = await fetch(`${harness.url}/integrations`, { method: 'POST', headers: { accept: 'text/html' } });
  expect(response.status).toBe(404);
});
