import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { meantBy, meantIds, possibleIds, readingsOf } from '../../domain/idReadings.ts';

/** Ids as vendors have them, and worse: commas, dots, slashes, plus, percent, what looks encoded. */
const anyId = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
  fc.string({
    minLength: 1,
    maxLength: 6,
    unit: fc.constantFrom('a', ' ', '+', '%', '2', '0', 'B', '/', '.', ',', 'ü', '?', '&'),
  }),
  fc.constantFrom('.', '..', 'SpamTitan Seat', 'a+b', 'a b', 'a%20b', '100%', 'Müller, Söhne & Co', '%', 'a/b'),
);
const encodings: Record<string, (id: string) => string> = {
  percent: encodeURIComponent,
  'every character': (id) => Buffer.from(id).toString('hex').replace(/../g, '%$&'),
  form: (id) => new URLSearchParams([['', id]]).toString().slice(1),
  raw: (id) => id,
};

describe('an id in an address', () => {
  test('is found however it was encoded, or said to be ambiguous; never another one', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anyId, { minLength: 1, maxLength: 6 }),
        fc.nat(),
        fc.constantFrom(...Object.keys(encodings)),
        (ids, n, encoding) => {
          const id = ids[n % ids.length] ?? '';
          const part = encodings[encoding]?.(id) ?? '';
          const { readings } = readingsOf(part);
          const found = meantBy(
            readings,
            ids.map((each) => ({ id: each })),
          );
          expect(readings).toContain(id);
          if (found === 'ambiguous')
            expect(readings.filter((reading) => ids.includes(reading)).length).toBeGreaterThan(1);
          else expect(found?.id).toBe(id);
        },
      ),
    );
  });

  test('whose every character is percent-encoded is ambiguous to nobody', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyId, { minLength: 1 }), (ids) => {
        for (const id of ids) {
          const part = encodings['every character']?.(id) ?? '';
          fc.pre(!ids.includes(part));
          const { readings, proper } = readingsOf(part);
          expect(proper).toBe(true);
          expect(
            meantBy(
              readings,
              ids.map((each) => ({ id: each })),
            ),
          ).toEqual({ id });
        }
      }),
    );
  });

  test.each([
    ['SpamTitan+Seat', 'SpamTitan Seat', true],
    ['SpamTitan%20Seat', 'SpamTitan Seat', true],
    ['a/b', 'a/b', false],
    ['100%', '100%', false],
    ['100%%20Backup', '100% Backup', false],
    ['%FF', '%FF', false],
    ['%AA%3Fa', '%AA?a', false],
    ['%C3%BC%C3', 'ü%C3', false],
    ['%E2%82%AC%F0%9F%98%80%7e', '€😀~', true],
    ['%C0%AF', '%C0%AF', false],
    ['..', '..', true],
  ])('%s may be %s', (part, id, proper) => {
    expect(readingsOf(part).readings).toContain(id);
    expect(readingsOf(part).proper).toBe(proper);
  });

  test('counts before a name, and before the id we gave; two names are ambiguous', () => {
    const rows = [
      { id: 'Seat', givenId: 'svc_1', name: 'One' },
      { id: 'x', givenId: 'svc_2', name: 'Seat' },
      { id: 'y', givenId: 'svc_3', name: 'Same' },
      { id: 'z', givenId: 'svc_4', name: 'Same' },
    ];
    expect(meantBy(['Seat'], rows)).toBe(rows[0]);
    expect(meantBy(['svc_2'], rows)).toBe(rows[1]);
    expect(meantBy(['One'], rows)).toBe(rows[0]);
    expect(meantBy(['Same'], rows)).toBe('ambiguous');
    expect(meantBy(['Seat', 'svc_2'], rows)).toBe('ambiguous');
    expect(meantBy(['nobody'], rows)).toBeUndefined();
  });
});

describe('ids in a query', () => {
  const read = (values: string[], ids: string[]) => {
    const all = possibleIds(values, new Set(ids.filter((id) => id.includes(','))));
    return meantIds(values, new Set(all.filter((id) => ids.includes(id))));
  };

  test.each([
    [['a,b'], ['a', 'b', 'c'], ['a', 'b']],
    [
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b'],
    ],
    [['Smith, Jones'], ['Smith, Jones'], ['Smith, Jones']],
    [['a,Smith, Jones,b'], ['a', 'b', 'Smith, Jones'], ['a', 'Smith, Jones', 'b']],
    [['a,b'], ['a', 'b', 'a,b'], undefined],
    [['a,b,c'], ['a,b', 'b,c'], undefined],
    [['nobody,a'], ['a'], ['a']],
    [[''], ['a'], []],
  ])('%j of %j are %j', (values, ids, meant) => {
    expect(read(values, ids)).toEqual(meant);
  });

  test('one by one are those, whatever they hold, where no other fits', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyId, { minLength: 1, maxLength: 5 }), (ids) => {
        const meant = read(ids, ids);
        if (meant) expect(meant).toEqual(ids);
        else expect(ids.some((id) => id.includes(','))).toBe(true);
      }),
    );
  });
});
