/** Reads request bodies, in one place: within their limit, and by the encoding that they declare, never with U+FFFD in place of a character. */
import type { Context } from 'hono';
import { declaredCharset, isKnownCharset, textOf } from '../../domain/charset.ts';
import type { BodyLimit } from './bodyLimit.ts';

/** Why a body cannot be read, and the status to answer. */
export interface UnreadableBody {
  status: 400 | 415;
  code: 'body-broken-off' | 'invalid-text' | 'unknown-charset';
  detail: string;
}

/**
 * Reads the body as text. A later `c.req.json()` or `c.req.text()` gets the same text.
 *
 * @param refuse makes the error to throw when the body cannot be read
 */
export async function bodyText(c: Context, refuse: (why: UnreadableBody) => Error): Promise<string> {
  if (c.req.bodyCache.text !== undefined) return c.req.bodyCache.text;
  const type = c.req.header('content-type');
  const charset = declaredCharset(type);
  if (charset !== undefined && !isKnownCharset(charset))
    throw refuse({
      status: 415,
      code: 'unknown-charset',
      detail: `The charset "${charset}" is not known here. Send the body as UTF-8.`,
    });
  const text = textOf(await bodyBytes(c, refuse), type);
  if (text === undefined) {
    const encoding = charset === undefined ? 'UTF-8, and its Content-Type declares no other charset' : charset;
    throw refuse({ status: 400, code: 'invalid-text', detail: `The body is not valid ${encoding}.` });
  }
  // Hono caches promises there, but types them as their values.
  c.req.bodyCache = { text: Promise.resolve(text) as never };
  return text;
}

async function bodyBytes(c: Context, refuse: (why: UnreadableBody) => Error): Promise<Uint8Array> {
  const limit = c.get('bodyLimit') as BodyLimit | undefined;
  try {
    // What declares its length was measured before. Else it is counted: touching the body as a stream costs a third of a
    // posted count's time (measured: `npm run bench -- push`).
    if (limit === undefined) return new Uint8Array(await c.req.arrayBuffer());
    const bytes = await firstBytes(c.req.raw.body, limit.maxSize + 1);
    if (bytes.length <= limit.maxSize) return bytes;
  } catch {
    // Nothing but the connection fails here: whoever sent the body is gone, and reads no answer.
    throw refuse({ status: 400, code: 'body-broken-off', detail: 'The body ended before all of it had come.' });
  }
  return limit.tooLarge(c);
}

/** @returns the bytes of a stream; once there are `max` of them, no more is read */
async function firstBytes(stream: ReadableStream<Uint8Array> | null, max: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = stream?.getReader();
  while (size < max) {
    const { done = true, value } = (await reader?.read()) ?? {};
    if (done || !value) break;
    parts.push(value);
    size += value.length;
  }
  return Buffer.concat(parts);
}
