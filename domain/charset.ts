/** Decodes bytes from outside by the encoding that they declare; no character is ever replaced by U+FFFD. */

/**
 * The characters of windows-1252 at 0x80 to 0x9F, where ISO-8859-1 has control characters that nobody writes. The encoding
 * standard decodes both labels as windows-1252; Node's own decoder leaves the control characters (seen with Node 20).
 */
const windows1252 =
  '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178';

/**
 * Decodes a body. A byte order mark decides the encoding and is left out of the text; without one the charset of the
 * content type decides, if we know it; without that it is UTF-8, as JSON is (RFC 8259 §8.1).
 *
 * @param contentType the `Content-Type` header, if there was one
 * @returns undefined when the bytes are not valid in that encoding, so that nobody can tell what they mean
 */
export function textOf(bytes: Uint8Array, contentType: string | null | undefined): string | undefined {
  const decoder = decoderOf(markedEncoding(bytes) ?? declaredCharset(contentType) ?? 'utf-8');
  if (decoder.encoding === 'windows-1252') return latin(bytes);
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Decodes every byte as one character (windows-1252), for text that is only quoted to a person. */
export function latin(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('latin1')
    .replace(/[\x80-\x9f]/g, (character) => windows1252[character.charCodeAt(0) - 0x80] ?? character);
}

/** The charset that a content type declares, as it spells it. */
export function declaredCharset(contentType: string | null | undefined): string | undefined {
  return /;\s*charset\s*=\s*["']?([^"';\s]+)/i.exec(contentType ?? '')?.[1];
}

/** Whether this platform can decode the charset. */
export function isKnownCharset(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== '';
  } catch {
    return false;
  }
}

function markedEncoding([first, second, third]: Uint8Array): string | undefined {
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : undefined;
}

function decoderOf(label: string) {
  try {
    return new TextDecoder(label, { fatal: true });
  } catch {
    // An unknown label is ignored.
    return new TextDecoder('utf-8', { fatal: true });
  }
}
