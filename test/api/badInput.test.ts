import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routesOf, type Route } from '../kit/apiContract.ts';
import { startApi, type ApiHarness, type ProblemBody } from '../kit/apiHarness.ts';
import { addressOf, psaCredentials, sampleOf } from '../kit/apiSamples.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const withBody = (): Route[] => routesOf(harness.contract).filter((route) => route.operation.requestBody);

async function send(
  method: string,
  path: string,
  body: NonNullable<RequestInit['body']>,
  type: string | undefined = 'application/json',
): Promise<{ status: number; body: ProblemBody; headers: Headers }> {
  const response = await fetch(`${harness.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${harness.one.tokens.admin}`,
      ...(type === undefined ? {} : { 'content-type': type }),
    },
    body,
  });
  expect(response.headers.get('content-type')).toContain('json');
  return { status: response.status, body: (await response.json()) as ProblemBody, headers: response.headers };
}

const connection = (name: string) => JSON.stringify({ ...psaCredentials, name });
const raw = (name: string) => connection('NAME').replace('NAME', name);

describe('bad text is refused with a clear error, and nothing changes', () => {
  const cases: [string, () => NonNullable<RequestInit['body']>, number, string][] = [
    ['an escaped NUL', () => raw('a\\u0000b'), 400, 'invalid-text'],
    ['a NUL in a name of a field', () => connection('x').replace('"site"', '"si\\u0000te"'), 400, 'invalid-text'],
    ['a lone high surrogate', () => raw('a\\ud800b'), 400, 'invalid-text'],
    ['a lone low surrogate', () => raw('a\\uDC00b'), 400, 'invalid-text'],
    ['a pair the wrong way round', () => raw('\\udc00\\ud800'), 400, 'invalid-text'],
    ['bytes that are no UTF-8', () => Buffer.from(raw('\u00e9'), 'latin1'), 400, 'invalid-text'],
    ['half a character at the end', () => Buffer.from(raw('é')).subarray(0, -1), 400, 'invalid-json'],
    ['a raw NUL', () => raw('\0'), 400, 'invalid-json'],
    ['no JSON', () => '{"name":', 400, 'invalid-json'],
    ['a trailing comma', () => '{"name":"x",}', 400, 'invalid-json'],
    ['a form', () => new URLSearchParams({ name: 'x' }), 415, 'not-json'],
    ['text', () => connection('x'), 415, 'not-json'],
    ['JSON of another kind of value', () => '[]', 400, 'invalid-request'],
    ['null', () => 'null', 400, 'invalid-request'],
    ['a number', () => '1', 400, 'invalid-request'],
    ['deep nesting', () => `${'['.repeat(200_000)}${']'.repeat(200_000)}`, 400, 'invalid-request'],
    [
      'deep nesting where anything may stand',
      () => connection('x').replace('"acme"', `${'{"a":'.repeat(90)}1${'}'.repeat(90)}`),
      400,
      'invalid-request',
    ],
  ];

  test.each(cases)('%s', async (what, body, status, code) => {
    const before = await harness.dump();
    const type = what === 'text' ? 'text/plain' : what === 'a form' ? 'application/x-www-form-urlencoded' : undefined;
    const answer = await send('POST', '/v1/psa-connections', body(), type);
    expect(answer).toMatchObject({ status, body: { status, code } });
    expect(answer.body.detail.length).toBeGreaterThan(10);
    expect(await harness.dump()).toEqual(before);
  });

  test.each([
    ['ISO-8859-1, declared', 'latin1', '', '; charset=ISO-8859-1', 201],
    ['ISO-8859-1 in quotes', 'latin1', '', '; charset="iso-8859-1"', 201],
    ['UTF-16, declared', 'utf16le', '', '; charset=utf-16le', 201],
    ['UTF-8 with a byte order mark', 'utf8', '\ufeff', '', 201],
    ['ISO-8859-1, said to be UTF-8', 'latin1', '', '; charset=utf-8', 400],
    ['a charset that nobody knows', 'utf8', '', '; charset=klingon', 415],
  ] as const)('%s', async (_what, encoding, mark, charset, status) => {
    const name = `Zoë’s ${_what}`.replace('’', "'");
    const body = Buffer.from(mark + connection(name), encoding);
    const answer = await send('POST', '/v1/psa-connections', body, `application/json${charset}`);
    expect(answer.status).toBe(status);
    if (status === 415) expect(answer.body.code).toBe('unknown-charset');
    const { items } = await harness.admin.good<{ items: { name: string }[] }>('GET', '/v1/psa-connections?limit=200');
    expect(items.some((each) => each.name === name)).toBe(status === 201);
    expect(JSON.stringify(items)).not.toContain('\ufffd');
  });

  test('a mapping file says its names as they were typed, in the charset that is declared', async () => {
    const csv = 'kind,id,name,mappedTo\naccount,Zoë,Zoë,250\n';
    const path = `/v1/integrations/${harness.one.integrationId}/mappings/import`;
    const bytes = (encoding: BufferEncoding) => Buffer.from(JSON.stringify({ csv }), encoding);
    const said = await send('POST', path, bytes('latin1'), 'application/json; charset=iso-8859-1');
    expect(said).toMatchObject({ status: 200 });
    expect(JSON.stringify(said.body)).toContain('Zoë');
    expect(await send('POST', path, bytes('latin1'))).toMatchObject({ status: 400, body: { code: 'invalid-text' } });
  });

  test.each(['%00', 'a%00b', '%ff', '%c3%28', '%ed%a0%80', '%', '%zz'])('in an address: %s', async (text) => {
    const { integrationId, psaConnectionId } = harness.one;
    for (const path of [
      `/v1/integrations/${integrationId}/accounts/${text}/suggestions`,
      `/v1/psa-connections/${psaConnectionId}/accounts?search=ab${text}`,
      `/v1/cards?flag=${text}`,
    ]) {
      const response = await fetch(`${harness.url}${path}`, {
        headers: { authorization: `Bearer ${harness.one.tokens.admin}` },
      });
      expect(await response.json(), path).toMatchObject({ status: 400, code: 'invalid-text' });
    }
  });

  test.each([
    'na\u00efve 👩‍🚀 "quoted" \\ back',
    '\ufffd',
    '\\u0000 written out',
    '%00',
    "'; drop table card; --",
    '𝒳\u202e',
  ])('but text that is merely unusual is kept as it is: %s', async (name) => {
    const { status, body } = await send('POST', '/v1/psa-connections', connection(name));
    expect(status).toBe(201);
    expect(body).toMatchObject({ name });
    const found = await harness.admin.good<{ name: string }>(
      'GET',
      `/v1/psa-connections/${(body as never as { id: string }).id}`,
    );
    expect(found.name).toBe(name);
  });
});

describe('size', () => {
  test('a body of 5 MB is refused on every route that takes one, and nothing changes', async () => {
    const big = JSON.stringify({ name: 'x'.repeat(5_000_000) });
    const before = await harness.dump();
    const path = `/v1/psa-connections`;
    expect(await send('POST', path, big)).toMatchObject({ status: 413, body: { code: 'too-large' } });
    // Sent in chunks, so that no header tells its size.
    const stream = new ReadableStream({
      pull(controller) {
        for (let at = 0; at < big.length; at += 100_000) controller.enqueue(Buffer.from(big.slice(at, at + 100_000)));
        controller.close();
      },
    });
    const response = await fetch(`${harness.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${harness.one.tokens.admin}`, 'content-type': 'application/json' },
      body: stream,
      duplex: 'half',
    });
    expect(await response.json()).toMatchObject({ status: 413, code: 'too-large' });
    expect(await harness.dump()).toEqual(before);
  });

  test('a body that says it is smaller than it is takes nothing down', async () => {
    const { hostname, port } = new URL(harness.url);
    await new Promise<void>((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(
          `POST /v1/psa-connections HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${harness.one.tokens.admin}\r\n` +
            'content-type: application/json\r\ncontent-length: 5\r\n\r\n{"name":"x"}',
        );
      });
      socket.once('data', () => socket.destroy());
      socket.once('close', () => resolve());
      socket.once('error', reject);
    });
    expect((await fetch(`${harness.url}/healthz`)).status).toBe(200);
  });

  test('more ids than a request may name are refused', async () => {
    const card = { cardId: harness.one.integrationId, lineId: '1', from: 1, to: 2 };
    const cards = Array.from({ length: 5_001 }, () => card);
    await harness.admin.problem(400, 'invalid-request', 'POST', '/v1/approvals', { cards });
  });
});

describe('whatever is sent, it is never our error', () => {
  const nasty = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom(null, '', ' ', '\0', '\ud800', -1, 1e308, 2 ** 53, 0.1, true, [], {}, 'x'.repeat(100_000)),
    fc.constantFrom("'", '%', '\\', '__proto__', 'constructor', '00000000-0000-0000-0000-000000000000', '9999-12-31'),
  );

  /** The sample with one of its values, at any depth, replaced or left out. */
  function mutate(value: unknown, path: number[], by: unknown): unknown {
    if (typeof value !== 'object' || value === null) return by;
    const [first = 0, ...rest] = path;
    const names = Object.keys(value);
    const name = names[first % (names.length + 1)];
    if (name === undefined) return by;
    const inner = mutate((value as Record<string, unknown>)[name], rest, by);
    return Array.isArray(value) ? value.with(Number(name), inner) : { ...value, [name]: inner };
  }

  test('in a body: something else in the place of any value, or of all', async () => {
    for (const route of withBody()) {
      const sample = await sampleOf(route, harness.one);
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(6), { maxLength: 3 }), nasty, async (path, by) => {
          const text = JSON.stringify(mutate(sample.body, path, by)) ?? 'null';
          const answer = await send(route.method, addressOf(route, sample), text);
          expect(answer.status, `${route.method} ${route.path} ${text.slice(0, 300)}`).toBeLessThan(500);
        }),
        { numRuns: 40 },
      );
    }
  });

  test('in a body: any bytes', async () => {
    for (const route of withBody()) {
      const sample = await sampleOf(route, harness.one);
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (bytes) => {
          const answer = await send(route.method, addressOf(route, sample), Buffer.from(bytes));
          expect(answer.status, `${route.method} ${route.path}`).toBeLessThan(500);
        }),
        { numRuns: 10 },
      );
    }
  });

  test('in an address: ids and filters', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((value) => !/\p{Surrogate}/u.test(value)),
      fc.constantFrom("'", '"', '%', '../..', '..', 'null', '0', '\0', 'x'.repeat(3_000), '👩‍🚀'),
    );
    for (const route of routesOf(harness.contract)) {
      const sample = await sampleOf(route, harness.one);
      const names = Object.keys(sample.params ?? {});
      const filters = (route.operation.parameters ?? []).filter((parameter) => parameter.in === 'query');
      if (names.length + filters.length === 0) continue;
      await fc.assert(
        fc.asyncProperty(fc.nat(10), text, async (at, value) => {
          const name = [...names, ...filters.map((filter) => filter.name)][at % (names.length + filters.length)] ?? '';
          const params = names.includes(name) ? { ...sample.params, [name]: value } : sample.params;
          const query = names.includes(name) ? '' : `${name}=${encodeURIComponent(value)}`;
          const address = addressOf(route, { ...(params ? { params } : {}), query });
          const response = await fetch(`${harness.url}${address}`, {
            method: route.method,
            headers: { authorization: `Bearer ${harness.one.tokens.admin}`, 'content-type': 'application/json' },
            body: sample.body === undefined ? null : JSON.stringify(sample.body),
          });
          await response.body?.cancel();
          expect(response.status, `${route.method} ${address.slice(0, 300)}`).toBeLessThan(500);
        }),
        { numRuns: 12 },
      );
    }
  });
});
