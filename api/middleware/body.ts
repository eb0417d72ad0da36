/** A body as text, in one place: by the encoding it declares, and never with U+FFFD in place of a character. */
import type { Context } from 'hono';
import { declaredCharset, isKnownCharset, textOf } from '../../domain/charset.ts';

/** What is wrong with a body that is no text, and the status that says so. */
export interface UnreadableBody {
  status: 400 | 415;
  detail: string;
}

/**
 * The body, which whoever reads it afterwards (`c.req.json()`, `c.req.text()`) gets as the same text.
 *
 * @param refuse makes what is thrown when nobody can tell what the bytes mean
 */
export async function bodyText(c: Context, refuse: (why: UnreadableBody) => Error): Promise<string> {
  const type = c.req.header('content-type');
  const charset = declaredCharset(type);
  if (charset !== undefined && !isKnownCharset(charset))
    throw refuse({ status: 415, detail: `The charset "${charset}" is not known here. Send the body as UTF-8.` });
  const text = textOf(new Uint8Array(await c.req.arrayBuffer()), type);
  if (text === undefined) {
    const said = charset === undefined ? 'UTF-8, and its Content-Type declares no other charset' : charset;
    throw refuse({ status: 400, detail: `The body is not valid ${said}.` });
  }
  // Hono keeps promises there, and types them as what they bring.
  c.req.bodyCache = { text: Promise.resolve(text) as never };
  return text;
}
