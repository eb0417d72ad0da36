import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSuggester, differenceOf, exactMatches, type Named } from '../../domain/matching.ts';

// Few letters, so that equal, nearly equal and repeated names are common; a composed and a decomposed é look alike.
const name = fc
  .array(fc.constantFrom('a', 'A', ' ', 'é', 'e', '\u0301'), { maxLength: 4 })
  .map((letters) => letters.join(''));
const named = fc.uniqueArray(fc.record({ id: fc.string({ minLength: 1, maxLength: 3 }), name }), {
  selector: (account) => account.id,
  maxLength: 12,
});

/** Slow and obvious: every pair, and nobody else of that name on either side. */
function oracle(vendor: readonly Named[], psa: readonly Named[]) {
  const pairs = [];
  for (const v of vendor) {
    for (const p of psa) {
      if (v.name !== p.name) continue;
      const twin = vendor.some((x) => x !== v && x.name === v.name) || psa.some((x) => x !== p && x.name === p.name);
      if (!twin) pairs.push(`${v.id}=${p.id}`);
    }
  }
  return pairs.sort();
}

test('G15 exact matches are those equal character for character and unique on both sides', () => {
  fc.assert(
    fc.property(named, named, (vendor, psa) => {
      const found = exactMatches(vendor, psa).map((match) => `${match.vendorAccountId}=${match.psaAccountId}`);
      expect(found.sort()).toEqual(oracle(vendor, psa));
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ['Café', 'Cafe\u0301'],
  ['Acme', 'acme'],
  ['Acme', 'Acme '],
  ['Acme Inc', 'Acme Inc.'],
])('%j and %j are not an exact match', (a, b) => {
  expect(exactMatches([{ id: 'v', name: a }], [{ id: 'p', name: b }])).toEqual([]);
});

test('suggestions rank the same words first, then all but the legal form, then similar spelling', () => {
  const psa = ['Northwind Dentistry', 'Northwind Dental, LLC', 'northwind  dental', 'Zebra Co'].map((n) => ({
    id: n,
    name: n,
  }));
  const found = createSuggester(psa)('Northwind Dental', 5);
  expect(found.map((suggestion) => suggestion.name)).toEqual([
    'northwind  dental',
    'Northwind Dental, LLC',
    'Northwind Dentistry',
  ]);
});

test.each([
  ['Fabrikam Foods', 'Fabrikam Foods', 'the same name'],
  ['Fabrikam Foods', 'Fabrikam  Foods', 'the same but for spaces'],
  ['Fabrikam Foods', ' Fabrikam\u00a0Foods', 'the same but for spaces'],
  ['Zo\u00eb', 'Zoe\u0308', 'the same but for how an accent is stored'],
  ['FABRIKAM Foods', 'Fabrikam Foods', 'the same but for capital letters'],
  ['Fabrikam, Foods.', 'Fabrikam Foods', 'the same but for spaces or signs'],
  ['Fabrikam-Foods', 'FABRIKAM foods', 'the same but for signs and capital letters'],
  ['Zoe Foods', 'Zo\u00eb Foods', 'the same words'],
])('%j and %j are %s', (a, b, words) => {
  expect(differenceOf(a, b)).toBe(words);
  expect(differenceOf(b, a)).toBe(words);
});
