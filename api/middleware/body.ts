/** Decodes request bodies, in one place: by the encoding that they declare, and never with U+FFFD in place of a character. */
import type { Context } from 'hono';
import { declaredCharset, isKnownCharset, textOf } from '../../domain/charset.ts';

/** Why a body cannot be decoded, and the status to answer. */
export interface UnreadableBody {
  status: 400 | 415;
  detail: string;
}

/**
 * Decodes the body. A later `c.req.json()` or `c.req.text()` gets the same text.
 *
 * @param refuse makes the error to throw when the bytes cannot be decoded
 */
export async function bodyText(c: Context, refuse: (why: UnreadableBody) => Error): Promise<string> {
  const type = c.req.header('content-type');
  const charset = declaredCharset(type);
  if (charset !== undefined && !isKnownCharset(charset))
    throw refuse({ status: 415, detail: `The charset "${charset}" is not known here. Send the body as UTF-8.` });
  const text = textOf(new Uint8Array(await c.req.arrayBuffer()), type);
  if (text === undefined) {
    const encoding = charset === undefined ? 'UTF-8, and its Content-Type declares no other charset' : charset;
    throw refuse({ status: 400, detail: `The body is not valid ${encoding}.` });
  }
  // Hono caches promises there, but types them as their values.
  c.req.bodyCache = { text: Promise.resolve(text) as never };
  return text;
}
