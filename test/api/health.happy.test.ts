import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const get = (path: string) => fetch(`${harness.url}${path}`);

test('/healthz says that the process lives', async () => {
  const response = await get('/healthz');
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ ok: true });
});

test('/readyz says that everything works', async () => {
  harness.temporal.state = 'ready';
  const response = await get('/readyz');
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ ready: true, database: 'ready', temporal: 'ready' });
});

test('/readyz with Temporal away is ready, and says in words what waits', async () => {
  harness.temporal.state = 'away';
  const response = await get('/readyz');
  expect(response.status).toBe(200);
  const body = (await response.json()) as { words: string };
  expect(body).toMatchObject({ ready: true, temporal: 'away' });
  expect(body.words).toMatch(/accepted and kept.*when Temporal is back/);
});

test('/readyz without a worker is ready, and says what to start', async () => {
  harness.temporal.state = 'no worker';
  const body = (await (await get('/readyz')).json()) as { words: string };
  expect(body).toMatchObject({ ready: true, temporal: 'no worker' });
  expect(body.words).toMatch(/accepted and kept.*npm run worker/);
});

test('/metrics counts answers by route, not by address', async () => {
  await harness.admin.good('GET', `/v1/psa-connections/${harness.one.psaConnectionId}`);
  const text = await (await get('/metrics')).text();
  expect(text).toContain('countersign_api_seconds_count');
  expect(text).toContain('route="/v1/psa-connections/:id"');
  expect(text).not.toContain(harness.one.psaConnectionId);
});

test('the page of /docs names no other host, and its script comes from here', async () => {
  const page = await (await get('/docs')).text();
  const addresses = [...page.matchAll(/(?:https?:)?\/\/[\w.-]+\.\w+/g)].map(([address]) => address);
  expect(addresses).toEqual([]);
  expect(page).toContain('/docs/scalar.js');
  expect(page).toContain('/openapi.json');
  for (const setting of ['"telemetry": false', '"withDefaultFonts": false', '"proxyUrl": ""'])
    expect(page).toContain(setting);
  const script = await get('/docs/scalar.js');
  expect(script.status).toBe(200);
  expect(script.headers.get('content-type')).toContain('text/javascript');
});
