/** A hash in place of a version, for a PSA that keeps none: it has to show every change of a row, and nothing else. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { versionOf } from '../../connectors/rows.ts';

const simple = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
const names = fc.string({ minLength: 1, maxLength: 8 });
/** The fields of a row; some hold lists and rows themselves. */
const fields = fc.uniqueArray(
  fc.tuple(names, fc.oneof(simple, fc.array(simple, { maxLength: 3 }), fc.dictionary(names, simple, { maxKeys: 3 }))),
  { selector: ([name]) => name, minLength: 1, maxLength: 8 },
);

test('the order of fields does not count, whatever they hold', () => {
  const shuffled = fields.chain((given) =>
    fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length })),
  );
  fc.assert(
    fc.property(shuffled, ([given, other]) => {
      const one = versionOf({ line: Object.fromEntries(given) });
      expect(versionOf({ line: Object.fromEntries(other) })).toBe(one);
    }),
  );
});

test('a row of which one field is another, is missing or is new has another version', () => {
  fc.assert(
    fc.property(fields, fc.nat(), simple, (given, at, value) => {
      const row = Object.fromEntries(given);
      const [name = '', held] = given[at % given.length] ?? [];
      const { [name]: _, ...without } = row;
      const version = versionOf(row);
      fc.pre(value !== held);
      expect(versionOf({ ...row, [name]: value })).not.toBe(version);
      expect(versionOf(without)).not.toBe(version);
      expect(versionOf({ line: { ...row, [name]: value } })).not.toBe(versionOf({ line: row }));
      expect(versionOf({ ...row, [`${name}2`]: value }) === version).toBe(row[`${name}2`] === value);
    }),
  );
});

test('the order of a list counts, and a number is not its text', () => {
  expect(versionOf({ parts: [1, 2] })).not.toBe(versionOf({ parts: [2, 1] }));
  expect(versionOf({ quantity: 5 })).not.toBe(versionOf({ quantity: '5' }));
});
