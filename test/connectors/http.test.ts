import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { client, failure, recordingRateLimiter, schema, secret, serve } from './httpCall.ts';
import { json, recordingLogger, startHttpServer } from './httpServer.ts';

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
