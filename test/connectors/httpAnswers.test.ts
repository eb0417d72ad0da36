import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { client, failure, schema, serve } from './httpCall.ts';
import { json } from './httpServer.ts';

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
