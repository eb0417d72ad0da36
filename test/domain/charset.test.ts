import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { declaredCharset, latin, textOf } from '../../domain/charset.ts';

describe('bytes from outside', () => {
  test('any text survives UTF-8, with a byte order mark and without, and UTF-16 with one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!text.startsWith('\ufeff'));
        expect(textOf(Buffer.from(text), null)).toBe(text);
        expect(textOf(Buffer.from(`\ufeff${text}`), 'text/plain; charset=iso-8859-1')).toBe(text);
        expect(textOf(Buffer.from(`\ufeff${text}`, 'utf16le'), null)).toBe(text);
      }),
    );
  });

  test('any bytes are a text without U+FFFD, or none; and are none only where UTF-8 cannot hold them', () => {
    const charsets = fc.constantFrom('', '; charset=utf-8', '; charset=iso-8859-1', '; charset=nobody-knows');
    fc.assert(
      fc.property(fc.uint8Array(), charsets, (bytes, charset) => {
        const replaced = Buffer.from(bytes).toString('utf8').includes('\ufffd');
        fc.pre(!Buffer.from(bytes).includes('\ufffd'));
        const text = textOf(bytes, `application/json${charset}`);
        expect(text ?? '').not.toContain('\ufffd');
        if (text === undefined) expect(replaced).toBe(true);
      }),
    );
  });

  test('windows-1252 has its own characters where ISO-8859-1 has none that anybody writes', () => {
    const bytes = Buffer.from([0x4f, 0x92, 0x42, 0x72, 0x69, 0x80, 0x9f, 0xff]);
    expect(textOf(bytes, 'text/plain; charset=windows-1252')).toBe('O\u2019Bri\u20ac\u0178\u00ff');
    expect(latin(bytes)).toBe('O\u2019Bri\u20ac\u0178\u00ff');
  });

  test.each([
    ['application/json', undefined],
    ['application/json; charset=UTF-8', 'UTF-8'],
    ['application/json;charset="iso-8859-1"', 'iso-8859-1'],
    ["text/plain; format=flowed; Charset='x'", 'x'],
    [null, undefined],
  ])('%s declares %s', (contentType, charset) => {
    expect(declaredCharset(contentType)).toBe(charset);
  });
});
