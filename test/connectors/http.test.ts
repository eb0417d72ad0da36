import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { RateLimiter } from '../../connectors/rateLimiter.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import { createHttpClient, type HttpClientOptions, type HttpRequest } from '../../connectors/http.ts';
import { retryAfter } from '../../connectors/retryAfter.ts';
import { json, recordingLogger, startHttpServer, type Asked, type HttpServer } from './httpServer.ts';

const secret = 'sk-very-secret-key';
const schema = z.looseObject({ ok: z.boolean() });
const servers: HttpServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(answer: (asked: Asked, response: ServerResponse) => void): Promise<HttpServer> {
  const server = await startHttpServer(answer);
  servers.push(server);
  return server;
}

function recordingRateLimiter(): RateLimiter & { taken: number; waits: number[] } {
  const rateLimiter = {
    taken: 0,
    waits: [] as number[],
    take: async () => void rateLimiter.taken++,
    throttled: async (ms: number) => void rateLimiter.waits.push(ms),
  };
  return rateLimiter;
}

function client(baseUrl: string, over: Partial<HttpClientOptions> = {}) {
  return createHttpClient({
    baseUrl,
    headers: { authorization: `Bearer ${secret}` },
    secrets: [secret],
    rateLimiter: recordingRateLimiter(),
    ...over,
  });
}

/** One request, and the error it ends with. */
async function failure(
  baseUrl: string,
  over: Partial<HttpClientOptions> = {},
  wanted: Partial<HttpRequest<unknown>> = {},
): Promise<ConnectorError> {
  const outcome = await client(baseUrl, over)
    .request({ method: 'GET', path: '/customers/7', route: '/customers/{id}', schema, ...wanted })
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  expect(outcome).toBeInstanceOf(ConnectorError);
  return outcome as ConnectorError;
}

describe('a good answer', () => {
  test('comes back parsed, with its headers; extra fields are let through', async () => {
    const server = await serve((_asked, response) => json(response, 200, { ok: true, more: 1 }, { 'x-total': '3' }));
    const answer = await client(server.url).request({ method: 'GET', path: '/a', route: '/a', schema });
    expect(answer.data).toEqual({ ok: true, more: 1 });
    expect(answer.headers.get('x-total')).toBe('3');
  });

  test('the query is percent-encoded to the last character, spaces and pluses too', async () => {
    const server = await serve((_asked, response) => json(response, 200, { ok: true }));
    await fc.assert(
      fc.asyncProperty(
        fc.string({
          unit: fc.constantFrom(' ', '+', '%', '&', '=', '#', '"', '\\', 'a', '\u00e9', '\u{1f642}'),
          maxLength: 12,
        }),
        async (wanted) => {
          await client(server.url).request({ method: 'GET', path: '/a', route: '/a', query: { q: wanted }, schema });
          const raw = server.asked.at(-1)?.url ?? '';
          expect(raw).not.toContain('+');
          expect(decodeURIComponent(raw.slice('/a?q='.length))).toBe(wanted);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('each call takes one permit of the rate limiter, before it is sent', async () => {
    const server = await serve((_asked, response) => json(response, 200, { ok: true }));
    const rateLimiter = recordingRateLimiter();
    const asked: number[] = [];
    const counting = { ...rateLimiter, take: async () => void asked.push(server.asked.length) };
    const http = client(server.url, { rateLimiter: counting });
    for (let at = 0; at < 3; at++) await http.request({ method: 'GET', path: '/a', route: '/a', schema });
    expect(asked).toEqual([0, 1, 2]);
  });
});

describe('credentials and redirects', () => {
  test.each([301, 302, 307, 308])('a %d is not followed: the other server sees nothing', async (status) => {
    const other = await serve((_asked, response) => json(response, 200, { ok: true }));
    const server = await serve((_asked, response) => {
      response.writeHead(status, { location: `${other.url}/stolen` });
      response.end();
    });
    const error = await failure(server.url);
    expect(error).toMatchObject({ kind: 'permanent', code: 'redirected', status });
    expect(server.asked).toHaveLength(1);
    expect(other.asked).toEqual([]);
  });
});

describe('refusals', () => {
  test.each([
    [400, 'permanent', 'invalid_request'],
    [401, 'permanent', 'bad_credentials'],
    [403, 'permanent', 'forbidden'],
    [404, 'permanent', 'not_found'],
    [409, 'transient', 'locked'],
    [423, 'transient', 'locked'],
    [425, 'transient', 'locked'],
    [422, 'permanent', 'invalid_request'],
    [408, 'transient', 'upstream'],
    [500, 'transient', 'upstream'],
    [502, 'transient', 'upstream'],
    [503, 'transient', 'upstream'],
  ])('%d is %s, %s', async (status, kind, code) => {
    const server = await serve((_asked, response) => json(response, status, { message: 'No.' }));
    const error = await failure(server.url);
    expect(error).toMatchObject({ kind, code, status });
    expect(error.detail).toBe(`GET /customers/{id} answered ${status}: No.`);
  });

  test.each([
    ['message', { message: 'Said so.' }, 'Said so.'],
    ['error', { error: 'Said so.' }, 'Said so.'],
    [
      'a list of errors',
      { message: 'invalid', errors: [{ message: 'Name is required.' }] },
      'invalid; Name is required.',
    ],
  ])('the other side is quoted from %s', async (_name, body, said) => {
    const server = await serve((_asked, response) => json(response, 422, body));
    expect((await failure(server.url)).detail).toContain(`: ${said}`);
  });

  test('an answer in HTML is quoted without its tags, and never at length', async () => {
    const server = await serve((_asked, response) => {
      response.writeHead(502, { 'content-type': 'text/html' });
      response.end(`<html><body><h1>Bad   gateway</h1>${'x'.repeat(5_000)}</body></html>`);
    });
    const error = await failure(server.url);
    expect(error.detail).toContain('Bad gateway');
    expect(error.detail.length).toBeLessThan(400);
  });
});

describe('throttling', () => {
  test.each([
    ['without Retry-After, five seconds', {}, 5_000],
    ['with seconds', { 'retry-after': '7' }, 7_000],
    ['with nonsense, five seconds', { 'retry-after': 'soon' }, 5_000],
  ])('429 %s', async (_how, headers, ms) => {
    const server = await serve((_asked, response) => json(response, 429, { message: 'Slow down.' }, headers));
    const rateLimiter = recordingRateLimiter();
    const error = await failure(server.url, { rateLimiter: rateLimiter });
    expect(error).toMatchObject({ kind: 'throttled', code: 'throttled', retryAfterMs: ms, mayHaveActed: false });
    expect(rateLimiter.waits).toEqual([ms]);
    expect(server.asked).toHaveLength(1);
  });

  test('429 with a date waits until that date', async () => {
    const server = await serve((_asked, response) =>
      json(response, 429, {}, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }),
    );
    const { retryAfterMs = 0 } = await failure(server.url);
    expect(retryAfterMs).toBeGreaterThan(30_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  test('503 with Retry-After carries it', async () => {
    const server = await serve((_asked, response) => json(response, 503, {}, { 'retry-after': '3' }));
    expect(await failure(server.url)).toMatchObject({ kind: 'transient', retryAfterMs: 3_000 });
  });

  test('a 429 whose Retry-After nobody can mean is waited for as if there were none', async () => {
    const server = await serve((_asked, response) => json(response, 429, {}, { 'retry-after': '86400' }));
    const rateLimiter = recordingRateLimiter();
    expect(await failure(server.url, { rateLimiter: rateLimiter })).toMatchObject({
      kind: 'throttled',
      retryAfterMs: 5_000,
    });
    expect(rateLimiter.waits).toEqual([5_000]);
  });

  test('a 503 whose Retry-After nobody can mean is left to the backoff', async () => {
    const server = await serve((_asked, response) => json(response, 503, {}, { 'retry-after': '86400' }));
    expect(await failure(server.url)).toMatchObject({ kind: 'transient', retryAfterMs: undefined });
  });

  describe('Retry-After', () => {
    const now = Date.parse('2026-11-24T12:00:00Z');
    const seconds = now / 1000;

    test.each([
      ['0', 0],
      ['1.5', 1_500],
      [' 7 ', 7_000],
      ['3600', 3_600_000],
      ['Tue, 24 Nov 2026 12:00:30 GMT', 30_000],
      ['Tuesday, 24-Nov-26 12:00:30 GMT', 30_000],
      ['Tue Nov 24 12:00:30 2026', 30_000],
      ['Tue, 24 Nov 2026 13:00:00 GMT', 3_600_000],
      [String(seconds + 90), 90_000],
      [String(seconds), 0],
      [String(seconds + 3_600), 3_600_000],
    ])('%j is believed', (header, ms) => {
      expect(retryAfter(header, now)).toBe(ms);
    });

    test.each([
      [null],
      [''],
      ['-5'],
      ['3601'],
      ['86400'],
      // Milliseconds, days, and a time of the past.
      ['60000'],
      [String(now + 30_000)],
      [String(seconds - 1)],
      [String(seconds + 3_601)],
      ['99999999999999'],
      ['Tue, 24 Nov 2026 11:59:59 GMT'],
      ['Tue, 24 Nov 2026 13:00:01 GMT'],
      ['Tue, 24 Nov 2099 11:00:00 GMT'],
      ['Tue, 99 Nov 2026 12:00:30 GMT'],
      ['2026-11-24T12:00:30Z'],
      ['soon'],
      ['soon 5'],
      ['5 s'],
      ['PT5S'],
      ['+5'],
      ['1e3'],
      ['0x10'],
      ['Infinity'],
      ['NaN'],
      ['7, 7'],
    ])('%j is not', (header) => {
      expect(retryAfter(header, now)).toBeUndefined();
    });

    test('whatever it says, nobody is stopped for more than an hour, nor sent back in time', () => {
      const numbers = fc.oneof(
        fc.integer(),
        fc.double(),
        fc.bigInt(),
        fc.integer({ min: seconds - 9_000, max: seconds + 9_000 }),
      );
      const dates = fc.date({ noInvalidDate: true }).map((date) => date.toUTCString());
      fc.assert(
        fc.property(fc.oneof(numbers.map(String), dates, fc.string()), (header) => {
          const ms = retryAfter(header, now);
          if (ms === undefined) return;
          expect(ms).toBeGreaterThanOrEqual(0);
          expect(ms).toBeLessThanOrEqual(3_600_000);
        }),
      );
    });

    test('a whole number of seconds up to an hour is that number, and a time up to an hour ahead is the time until then', () => {
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 3_600 }), (ahead) => {
          expect(retryAfter(String(ahead), now)).toBe(ahead * 1000);
          expect(retryAfter(String(seconds + ahead), now)).toBe(ahead * 1000);
          expect(retryAfter(new Date(now + ahead * 1000).toUTCString(), now)).toBe(ahead * 1000);
        }),
      );
    });
  });
});

describe('answers that do not arrive whole', () => {
  test('a server that never answers is a timeout, which may have acted', async () => {
    const server = await serve(() => undefined);
    const error = await failure(server.url, { timeoutMs: 100 });
    expect(error).toMatchObject({ kind: 'transient', code: 'timeout', mayHaveActed: true });
    expect(error.detail).toContain('100 ms');
  });

  test('the limit holds to the last byte: a body that stalls is a timeout too', async () => {
    const server = await serve((_asked, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"ok":');
    });
    expect(await failure(server.url, { timeoutMs: 150 })).toMatchObject({ code: 'timeout', mayHaveActed: true });
  });

  test('a body that is cut is a broken connection, which may have acted', async () => {
    const server = await serve((_asked, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"ok":', () => response.destroy());
    });
    expect(await failure(server.url)).toMatchObject({ kind: 'transient', code: 'network', mayHaveActed: true });
  });

  test('a connection dropped before any answer may have acted', async () => {
    const server = await serve((_asked, response) => void response.socket?.destroy());
    expect(await failure(server.url)).toMatchObject({ kind: 'transient', code: 'network', mayHaveActed: true });
  });

  test('a refused connection has certainly not acted', async () => {
    const server = await startHttpServer(() => undefined);
    await server.close();
    expect(await failure(server.url)).toMatchObject({ kind: 'transient', code: 'network', mayHaveActed: false });
  });

  test('a host name that does not exist has not acted either', async () => {
    const error = await failure('http://nowhere.invalid');
    expect(error.mayHaveActed).toBe(false);
    expect(error.kind).toBe('transient');
  });

  test('a caller who gives up gets his own reason, not an error of the other side', async () => {
    const server = await serve(() => undefined);
    const controller = new AbortController();
    const asking = client(server.url).request({
      method: 'GET',
      path: '/a',
      route: '/a',
      schema,
      signal: controller.signal,
    });
    controller.abort(new Error('no longer needed'));
    await expect(asking).rejects.toThrow('no longer needed');
  });

  test('who has given up before it began takes no permit and sends nothing', async () => {
    const server = await serve((_asked, response) => json(response, 200, { ok: true }));
    const rateLimiter = recordingRateLimiter();
    const signal = AbortSignal.abort(new Error('no longer needed'));
    const asking = client(server.url, { rateLimiter: rateLimiter }).request({
      method: 'GET',
      path: '/a',
      route: '/a',
      schema,
      signal,
    });
    await expect(asking).rejects.toThrow('no longer needed');
    expect([rateLimiter.taken, server.asked.length]).toEqual([0, 0]);
  });
});

describe('answers that are too large or of the wrong form', () => {
  const large = (response: ServerResponse, megabytes: number) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ok: true, fill: 'x'.repeat(megabytes * 1024 * 1024) }));
  };

  test('over the limit it is refused, within the limit 5 MB are fine', async () => {
    const server = await serve((_asked, response) => large(response, 5));
    expect(await failure(server.url, { maxBytes: 1024 * 1024 })).toMatchObject({
      kind: 'permanent',
      code: 'too_large',
    });
    const answer = await client(server.url).request({ method: 'GET', path: '/a', route: '/a', schema });
    expect(answer.data.ok).toBe(true);
  });

  test('what counts is the size unpacked: a small body that unpacks to a large one is refused', async () => {
    const packed = gzipSync(Buffer.alloc(8 * 1024 * 1024, ' '));
    const server = await serve((_asked, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(packed);
    });
    expect(packed.byteLength).toBeLessThan(100_000);
    expect(await failure(server.url, { maxBytes: 1024 * 1024 })).toMatchObject({ code: 'too_large' });
  });

  test('a write whose answer was too large was a write', async () => {
    const server = await serve((_asked, response) => large(response, 2));
    const error = await failure(server.url, { maxBytes: 1024 * 1024 }, { method: 'PATCH', body: [] });
    expect(error.mayHaveActed).toBe(true);
  });

  test('text that PostgreSQL cannot hold is shown with U+FFFD in its place, in values and in keys', async () => {
    const server = await serve((_asked, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        '{"ok": true, "na\\u0000me": ["Acme\\u0000 Ltd", {"half": "a\\ud83d", "other": "\\udE00z", "whole": "\\ud83d\\ude00"}]}',
      );
    });
    const loose = z.looseObject({ ok: z.boolean() });
    const { data } = await client(server.url).request({ method: 'GET', path: '/a', route: '/a', schema: loose });
    expect(data).toEqual({
      ok: true,
      'na\uFFFDme': ['Acme\uFFFD Ltd', { half: 'a\uFFFD', other: '\uFFFDz', whole: '\u{1F600}' }],
    });
  });

  test.each([
    ['in an error\u2019s words', '{"message": "no \\u0000 \\ud83d"}', 'no \uFFFD \uFFFD'],
    ['in an error that is no JSON', 'no \0', 'no \uFFFD'],
    ['in words cut in the middle of a character', `${'x'.repeat(299)}\u{1F600}`, '\uFFFD'],
  ])('so is what stands %s', async (_where, body, words) => {
    const server = await serve((_asked, response) => {
      response.writeHead(400, { 'content-type': 'text/plain' });
      response.end(body);
    });
    const { detail } = await failure(server.url);
    expect(detail.endsWith(words)).toBe(true);
    expect(detail).not.toMatch(/[\0\p{Surrogate}]/u);
  });

  test('what is not JSON passes, and is named by its endpoint, without a word of it', async () => {
    const server = await serve((_asked, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{"ok": tru, "name": "Northwind Dental"}');
    });
    const error = await failure(server.url);
    expect(error).toMatchObject({ kind: 'transient', code: 'not_json', mayHaveActed: true });
    expect(error.detail).toContain('GET /customers/{id}');
    expect(error.message).not.toContain('Northwind');
  });

  test('a wrong field is named with its place, never with its value', async () => {
    const rows = z.array(z.looseObject({ user: z.looseObject({ count: z.int() }) }));
    const server = await serve((_asked, response) =>
      json(response, 200, [{ user: { count: 1 } }, { user: { count: 'Northwind Dental' } }]),
    );
    const error = await failure(server.url, {}, { schema: rows });
    expect(error.detail).toContain('GET /customers/{id}: 1.user.count');
    expect(error.message).not.toContain('Northwind');
  });

  test('a row that lacks its id, and an object for a list, are about something else, and pass', async () => {
    const server = await serve((_asked, response) => json(response, 200, { message: 'Down for maintenance.' }));
    const row = z.looseObject({ id: z.int(), quantity: z.number() });
    for (const wanted of [row, z.array(row)]) {
      const error = await failure(server.url, {}, { schema: wanted });
      expect(error).toMatchObject({ kind: 'transient', code: 'bad_shape', mayHaveActed: true });
    }
  });

  test('a row with its id that does not fit does not pass by itself', async () => {
    const server = await serve((_asked, response) => json(response, 200, { id: 7, quantity: 'seven' }));
    const row = z.looseObject({ id: z.int(), quantity: z.number() });
    expect(await failure(server.url, {}, { schema: row })).toMatchObject({ kind: 'permanent', code: 'bad_shape' });
  });
});

describe('answers that are not of the API', () => {
  const page = '<!DOCTYPE html><html><head><title>Back soon</title></head><body>Maintenance</body></html>';
  const answering = (status: number, text: string, headers: Record<string, string> = { 'content-type': 'text/html' }) =>
    serve((_asked, response) => response.writeHead(status, headers).end(text));

  test.each([
    ['a maintenance page', page, { 'content-type': 'text/html; charset=utf-8' }],
    ['a page that says it is JSON', page, { 'content-type': 'application/json' }],
    ['nothing', '', { 'content-type': 'application/json' }],
    ['a line break', '\r\n', {}],
    ['a word', 'OK', { 'content-type': 'text/plain' }],
  ])('200 with %s is passing; it answered, so a write may have been one', async (_what, text, headers) => {
    const server = await answering(200, text, headers);
    const error = await failure(server.url);
    expect(error).toMatchObject({ kind: 'transient', code: 'not_json', mayHaveActed: true });
    if (text === page) expect(error.detail).toContain('"Back soon"');
  });

  test('JSON that calls itself HTML is JSON', async () => {
    const server = await answering(200, '{"ok":true}');
    const answer = await client(server.url).request({ method: 'GET', path: '/a', route: '/a', schema });
    expect(answer.data.ok).toBe(true);
  });

  test.each([
    [403, 'a challenge page', page, { 'content-type': 'text/html' }],
    [403, 'a page without a type', page, {}],
    [403, "Cloudflare's text", 'error code: 1020', { 'content-type': 'text/plain' }],
    [403, 'cf-mitigated', '{"message":"No."}', { 'content-type': 'application/json', 'cf-mitigated': 'challenge' }],
    [401, 'cf-mitigated', page, { 'content-type': 'text/html', 'cf-mitigated': 'challenge' }],
    [400, 'a page', page, { 'content-type': 'text/html' }],
    [409, 'a page', page, { 'content-type': 'text/html' }],
  ])('%d with %s is passing, and says nothing of rights or credentials', async (status, _what, text, headers) => {
    const server = await answering(status, text, headers);
    const error = await failure(server.url);
    expect(error).toMatchObject({ kind: 'transient', code: 'not_json', status, mayHaveActed: false });
  });

  test.each([429, 503])('%d with a page stays what it is', async (status) => {
    const server = await answering(status, page, { 'content-type': 'text/html', 'cf-mitigated': 'challenge' });
    const kind = status === 429 ? 'throttled' : 'transient';
    expect(await failure(server.url)).toMatchObject({ kind, status });
  });

  test.each([
    [403, 'JSON', '{"message":"No."}', { 'content-type': 'application/json' }, 'forbidden', false],
    [403, 'JSON that calls itself HTML', '{"message":"No."}', { 'content-type': 'text/html' }, 'forbidden', false],
    [403, 'nothing', '', { 'content-type': 'text/html' }, 'forbidden', false],
    [401, 'a page', page, { 'content-type': 'text/html' }, 'bad_credentials', true],
    [404, 'a page', page, { 'content-type': 'text/html' }, 'not_found', true],
  ])('%d with %s is a word of the other side', async (status, _what, text, headers, code, isPage) => {
    const server = await answering(status, text, headers);
    expect(await failure(server.url)).toMatchObject({ kind: 'permanent', code, status, page: isPage });
  });
});

describe('answers in other bytes', () => {
  const named = z.looseObject({ name: z.string() });
  const sent = async (bytes: Buffer, contentType: string) => {
    const server = await serve((_asked, response) =>
      response.writeHead(200, { 'content-type': contentType }).end(bytes),
    );
    return server.url;
  };
  const nameOf = async (bytes: Buffer, contentType: string) =>
    (await client(await sent(bytes, contentType)).request({ method: 'GET', path: '/a', route: '/a', schema: named }))
      .data.name;
  const text = '{"name":"M\u00fcller & Fils S\u00e0rl"}';
  const name = 'M\u00fcller & Fils S\u00e0rl';

  test.each([
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${text}`), 'application/json'],
    ['UTF-8 with a mark, declared as something else', Buffer.from(`\ufeff${text}`), 'application/json; charset=latin1'],
    ['UTF-16 with a mark', Buffer.from(`\ufeff${text}`, 'utf16le'), 'application/json'],
    ['ISO-8859-1, declared', Buffer.from(text, 'latin1'), 'application/json; charset=ISO-8859-1'],
    ['ISO-8859-1, declared in quotes', Buffer.from(text, 'latin1'), 'application/json;charset="iso-8859-1"'],
    ['UTF-8, declared as a charset that nobody knows', Buffer.from(text), 'application/json; charset=unicode-1'],
  ])('%s is read', async (_what, bytes, contentType) => {
    expect(await nameOf(bytes, contentType)).toBe(name);
  });

  test.each(['application/json', 'application/json; charset=utf-8'])(
    'bytes that are no UTF-8 under %s are an error, never a replacement character',
    async (contentType) => {
      const error = await failure(await sent(Buffer.from(text, 'latin1'), contentType), {}, { schema: named });
      expect(error).toMatchObject({ kind: 'permanent', code: 'bad_shape', mayHaveActed: true });
      expect(error.detail).toContain('encoding');
    },
  );

  test('a refusal in such bytes is quoted readably', async () => {
    const server = await serve((_asked, response) =>
      response
        .writeHead(422, { 'content-type': 'application/json' })
        .end(Buffer.from('{"message":"Ung\u00fcltig"}', 'latin1')),
    );
    expect((await failure(server.url)).detail).toContain('Ung\u00fcltig');
  });
});

describe('what is kept out of logs and errors', () => {
  test('a secret that the other side repeats is redacted, wherever it comes', async () => {
    const server = await serve((asked, response) =>
      json(response, 401, { message: `Key ${asked.headers.authorization ?? ''} is wrong: ${secret}` }),
    );
    const logger = recordingLogger();
    const error = await failure(server.url, { logger });
    expect(error.detail).toContain('[redacted]');
    const all = JSON.stringify([error, error.message, error.stack, logger.lines]);
    expect(all).not.toContain(secret);
    expect(all).not.toContain('customers/7');
  });

  test('a call that breaks leaves no secret either', async () => {
    const server = await serve((_asked, response) => void response.socket?.destroy());
    const logger = recordingLogger();
    const error = await failure(server.url, { logger }, { method: 'POST', body: { password: secret } });
    expect(JSON.stringify([error, error.message, String(error.cause), logger.lines])).not.toContain(secret);
    expect(logger.lines).not.toEqual([]);
  });

  test('each call is logged with method, route, status, duration and the other side\u2019s request id', async () => {
    const server = await serve((_asked, response) => json(response, 200, { ok: true }, { 'x-cw-request-id': 'req-1' }));
    const logger = recordingLogger();
    await client(server.url, { logger, requestIdHeader: 'x-cw-request-id' }).request({
      method: 'GET',
      path: '/customers/7',
      route: '/customers/{id}',
      schema,
    });
    expect(logger.lines).toEqual([
      {
        message: 'call',
        fields: { method: 'GET', route: '/customers/{id}', ms: expect.any(Number), status: 200, requestId: 'req-1' },
      },
    ]);
  });

  test('an error carries the request id, for the other side\u2019s support desk', async () => {
    const server = await serve((_asked, response) => json(response, 500, {}, { 'x-request-id': 'req-2' }));
    expect(await failure(server.url)).toMatchObject({ requestId: 'req-2' });
  });
});

describe('whether a failed write may have acted', () => {
  test.each([
    [400, false],
    [401, false],
    [403, false],
    [404, false],
    [409, false],
    [429, false],
    [408, true],
    [500, true],
    [504, true],
  ])('%d: %s', async (status, mayHaveActed) => {
    const server = await serve((_asked, response) => json(response, status, { message: 'timeout' }));
    expect(await failure(server.url, {}, { method: 'PATCH', body: [] })).toMatchObject({ mayHaveActed });
    expect(server.asked).toHaveLength(1);
  });
});
