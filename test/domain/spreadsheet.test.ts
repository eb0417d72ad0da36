import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readSheet, writeLines, type Cell } from '../../domain/spreadsheet.ts';

test('a text that a spreadsheet would run is no formula, and a number below 0 stays a number', () => {
  expect(writeLines([['=1+1', '-2', '@a', '\tb', 'Acme, "GmbH"', -2.5, 0, null, '']])).toBe(
    '\'=1+1,\'-2,\'@a,"\'\tb","Acme, ""GmbH""",-2.5,0,,\r\n'.replace('"\'\tb"', "'\tb"),
  );
});

const cell: fc.Arbitrary<Cell> = fc.oneof(
  fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
  fc.constantFrom('=cmd|x', '+1', '-1', '@x', "'=", ' a ', 'a\r\nb', 'a"b', 'ü,ö', '＝1'),
  fc.integer(),
  fc.constant(null),
);

test('whatever stands in the cells, a reader of RFC 4180 finds as many lines and cells, and none begins like a formula', () => {
  fc.assert(
    fc.property(fc.array(fc.array(cell, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 8 }), (rows) => {
      const text = writeLines(rows);
      const read: string[][] = parse(text, { record_delimiter: '\r\n' });
      expect(read.map((cells) => cells.length)).toEqual(rows.map(() => 3));
      for (const [line, cells] of rows.entries())
        for (const [at, value] of cells.entries()) {
          const found = read[line]?.[at] ?? '?';
          if (typeof value !== 'string') expect(found).toBe(value === null ? '' : String(value));
          else {
            expect(found.replace(/^'(?='*[=+\-@\t\r\n＝＋－＠])/, '')).toBe(value);
            expect(found).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/);
          }
        }
    }),
  );
});

test('the mapping file reads back what it gets from such a file', () => {
  const { rows } = readSheet(
    writeLines([
      ['a', 'b'],
      ['=1+1', "it's"],
    ]),
  );
  expect(rows[0]?.cells).toEqual(['=1+1', "it's"]);
});
