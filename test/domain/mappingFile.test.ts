import fc from 'fast-check';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { describe, expect, test } from 'vitest';
import { createDescriber, planMappings, writeMappings, type Mappings } from '../../domain/mappingFile.ts';

const psaAccounts = [
  { id: '250', name: 'Acme Dental' },
  { id: '251', name: '=HYPERLINK("http://evil.example","Acme")' },
];
const products = [
  { id: '77', productId: 'MP-CLOUDFILTER', active: true, usableOnContract: true },
  { id: '78', productId: 'MP-SAFESEND', active: true, usableOnContract: true },
  { id: '79', productId: 'MP-OLD', active: false, usableOnContract: true },
  { id: '80', productId: 'MP-BUNDLE', active: true, usableOnContract: false },
];
const now: Mappings = {
  accounts: [
    { id: '1001', name: 'Acme Dental', excluded: false, psaAccountId: '250', how: 'exact' },
    { id: '1002', name: '@SUM(1+1)*cmd|calc', excluded: false, psaAccountId: null, how: null },
    { id: '1003', name: 'Internal', excluded: true, psaAccountId: null, how: null },
  ],
  services: [
    { id: 'CloudFilter', name: 'CloudFilter', productIds: ['77', '78'], fanOut: 'parts', rounding: 'up' },
    { id: 'SafeSend', name: 'SafeSend', productIds: null, fanOut: null, rounding: null },
  ],
  psaAccounts,
  products,
};
const header = 'kind,id,name,mappedTo,mappedToName,excluded,fanOut,rounding';
const errorsOf = (...lines: string[]) => planMappings([header, ...lines].join('\n'), now).errors;

const id = fc.string({
  minLength: 1,
  maxLength: 8,
  unit: fc.constantFrom('a', '1', '=', '+', '-', '@', "'", '"', ',', ';'),
});
const someState = fc
  .uniqueArray(id, { maxLength: 8 })
  .chain((ids) =>
    fc.record({
      accounts: fc.tuple(
        ...ids.map((each) =>
          fc
            .record({
              name: fc.string({ unit: 'binary' }),
              kind: fc.constantFrom('excluded', 'open', '250', '251'),
            })
            .map(({ name, kind }) => ({
              id: each,
              name,
              excluded: kind === 'excluded',
              psaAccountId: /^\d+$/.test(kind) ? kind : null,
              how: null,
            })),
        ),
      ),
      services: fc.tuple(
        ...ids.map((each) =>
          fc
            .record({
              productIds: fc.uniqueArray(fc.constantFrom('77', '78'), { minLength: 1 }),
              fanOut: fc.constantFrom('parts' as const, 'alternatives' as const),
              rounding: fc.constantFrom('none' as const, 'up' as const, 'down' as const, 'nearest' as const),
              mapped: fc.boolean(),
            })
            .map(({ mapped, ...rest }) => ({
              id: each,
              name: each,
              ...(mapped ? rest : { productIds: null, fanOut: null, rounding: null }),
            })),
        ),
      ),
    }),
  )
  .map((state): Mappings => ({ ...state, psaAccounts, products }));

/** What a plan makes of a state, in the test's own words. */
function applied(state: Mappings, text: string) {
  const plan = planMappings(text, state);
  expect(plan.errors).toEqual([]);
  const accounts = state.accounts.map((account) => {
    const change = plan.changes.find((each) => each.kind === 'account' && each.id === account.id);
    return change?.kind === 'account'
      ? { ...account, excluded: change.excluded, psaAccountId: change.psaAccountId }
      : account;
  });
  const services = state.services.map((service) => {
    const change = plan.changes.find((each) => each.kind === 'service' && each.id === service.id);
    if (change?.kind !== 'service') return service;
    return { ...service, ...(change.mapping ?? { productIds: null, fanOut: null, rounding: null }) };
  });
  return { plan, accounts, services };
}

test('what was written changes nothing, whatever the names and ids are', () => {
  fc.assert(
    fc.property(someState, (state) => {
      const { plan } = applied(state, writeMappings(state));
      expect(plan.changes).toEqual([]);
      expect(plan.unchanged).toBe(state.accounts.length + state.services.length);
    }),
  );
});

test('a file of one state makes another state the same', () => {
  fc.assert(
    fc.property(someState, fc.infiniteStream(fc.nat(3)), (state, picks) => {
      const other: Mappings = {
        ...state,
        accounts: state.accounts.map((account) => {
          const pick = picks.next().value;
          return { ...account, excluded: pick === 0, psaAccountId: pick === 2 ? '250' : pick === 3 ? '251' : null };
        }),
        services: state.services.map((service) =>
          picks.next().value === 0 ? { ...service, productIds: null, fanOut: null, rounding: null } : service,
        ),
      };
      const { accounts, services } = applied(other, writeMappings(state));
      expect(accounts).toEqual(state.accounts);
      expect(services).toEqual(state.services);
    }),
  );
});

test('no cell of a file begins as a formula, in either width', () => {
  const formula = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/;
  const cells = (state: Mappings) => parse(writeMappings(state)).flat();
  expect(cells(now).filter((cell) => formula.test(cell))).toEqual([]);
  expect(cells(now)).toContain("'@SUM(1+1)*cmd|calc");
  fc.assert(fc.property(someState, (state) => cells(state).every((cell) => !formula.test(cell))));
});

/** Ids and names as no system has them, and some may. */
const anyText = fc.oneof(
  fc.string({ minLength: 1, unit: 'binary' }),
  fc.string({
    minLength: 1,
    maxLength: 6,
    unit: fc.constantFrom(
      '0',
      '7',
      'E',
      ' ',
      '"',
      "'",
      '=',
      '+',
      '-',
      '@',
      ',',
      ';',
      '\t',
      '\n',
      '\r',
      '\\',
      '\uFEFF',
      '\uFF1D',
      'é',
    ),
  }),
);
const anyThings = (maxLength: number) =>
  fc.uniqueArray(fc.record({ id: anyText, name: anyText }), { maxLength, selector: ({ id }) => id });
const anyState = fc
  .record({
    accounts: anyThings(6),
    services: anyThings(4),
    psaAccounts: anyThings(4),
    products: anyThings(4),
    picks: fc.infiniteStream(fc.nat()),
  })
  .map(({ picks, ...things }): Mappings => {
    const pick = <T>(from: readonly T[]) => from[picks.next().value % (from.length + 1)];
    return {
      accounts: things.accounts.map((account) => {
        const excluded = picks.next().value % 4 === 0;
        // Some are mapped to an account that the PSA has no more.
        const psaAccountId = excluded ? null : (pick([...things.psaAccounts, { id: 'gone' }])?.id ?? null);
        return { ...account, excluded, psaAccountId, how: psaAccountId === null ? null : ('person' as const) };
      }),
      services: things.services.map((service) => {
        const productIds = [...new Set([pick(things.products)?.id, pick(things.products)?.id, pick(['gone'])])];
        const ids = productIds.filter((id) => id !== undefined);
        return ids.length > 0
          ? { ...service, productIds: ids, fanOut: 'parts' as const, rounding: 'up' as const }
          : { ...service, productIds: null, fanOut: null, rounding: null };
      }),
      psaAccounts: things.psaAccounts,
      products: things.products.map(({ id, name }, at) => ({
        id,
        productId: name,
        // What is mapped already stays, whatever became of the product.
        active: at !== 1,
        usableOnContract: at !== 2,
      })),
    };
  });
const nothing = (state: Mappings) => ({
  changes: [],
  errors: [],
  unchanged: state.accounts.length + state.services.length,
});

test('every export imports unchanged, whatever ids and names hold, and whatever became of what is mapped', () => {
  fc.assert(
    fc.property(anyState, (state) => {
      expect(planMappings(writeMappings(state), state)).toEqual(nothing(state));
    }),
    { numRuns: 500 },
  );
});

describe('every export imports unchanged as a spreadsheet saves it', () => {
  const cells = (text: string) => parse(text);
  test.each<[string, (text: string) => string]>([
    ['with a byte order mark', (text) => `\uFEFF${text}`],
    ['with semicolons', (text) => stringify(cells(text), { delimiter: ';', quoted: true })],
    [
      'with the line sep=; and ends of lines of Windows',
      (text) => `\uFEFFsep=;\r\n${stringify(cells(text), { delimiter: ';', quoted: true, record_delimiter: '\r\n' })}`,
    ],
    ['with the line "sep=|"', (text) => `"sep=|"\n${stringify(cells(text), { delimiter: '|', quoted: true })}`],
    ['with tabs', (text) => stringify(cells(text), { delimiter: '\t', quoted: true })],
    [
      'with empty columns and rows behind',
      (text) =>
        `${stringify(
          cells(text).map((row) => [...row, '', '']),
          { quoted: true },
        )},,,,,,,,,\n\n ,\n`,
    ],
    [
      'with other columns between and its own in another order',
      (text) =>
        stringify(
          cells(text).map((row, at) => [at === 0 ? 'Note' : 'mine', ...row.toReversed()]),
          { quoted: true },
        ),
    ],
  ])('%s', (_, save) => {
    fc.assert(
      fc.property(anyState, (state) => {
        expect(planMappings(save(writeMappings(state)), state)).toEqual(nothing(state));
      }),
    );
  });
});

describe('ids and names of a line must agree', () => {
  const psa = [
    { id: '007', name: 'Bond Ltd' },
    { id: '7', name: 'Seven Dwarfs' },
    { id: '100000', name: 'Exponent' },
    { id: 'a b', name: 'Spaced' },
  ];
  const state: Mappings = {
    accounts: [
      { id: '001', name: 'Acme', excluded: false, psaAccountId: '007', how: 'exact' },
      { id: '1', name: 'Beta', excluded: false, psaAccountId: '7', how: 'person' },
      { id: '002', name: 'Gamma  Ray', excluded: false, psaAccountId: null, how: null },
    ],
    services: [
      { id: 'SpamTitan Seat', name: 'SpamTitan Seat', productIds: ['77', 'SKU 1'], fanOut: 'parts', rounding: 'none' },
    ],
    psaAccounts: psa,
    products: [
      { id: '77', productId: 'MP-A', active: true, usableOnContract: true },
      { id: 'SKU 1', productId: 'MP B', active: true, usableOnContract: true },
    ],
  };
  const lines = (...rows: string[]) => planMappings(`${header}\n${rows.join('\n')}\n`, state);
  const told = (...rows: string[]) => lines(...rows).errors.map(({ line, message }) => `${line}: ${message}`);

  test('007 that became 7 is refused by its line, with both, where there is a 7 and where there is none', () => {
    expect(told('account,001,Acme,7,Bond Ltd,no,,')).toEqual([
      '2: The id "7" is that of "Seven Dwarfs", and the line says "Bond Ltd", and "Bond Ltd" has the id "007". Correct the one that is wrong, or empty the name if it was changed since the export.',
    ]);
    expect(told('account,1,Acme,007,Bond Ltd,no,,')[0]).toMatch(
      /^2: The id "1" is that of "Beta", and the line says "Acme", and "Acme" has the id "001"/,
    );
    expect(told('account,2,Gamma Ray,,,no,,')[0]).toMatch(
      /^2: There is no linked customer with the id "2", and "Gamma Ray" has the id "002"/,
    );
    expect(told('account,001,Acme,1E+05,Exponent,no,,')[0]).toMatch(
      /^2: The PSA has no account with the id "1E\+05", and "Exponent" has the id "100000"/,
    );
  });
  test('a file in which a column was sorted without the others has errors, so nothing of it is applied', () => {
    const text = writeMappings(state);
    for (const column of ['id', 'name', 'mappedTo', 'mappedToName']) {
      const [first = [], ...rows] = parse(text);
      const at = first.indexOf(column);
      const sorted = rows.map((row) => row[at] ?? '').toReversed();
      rows.forEach((row, line) => (row[at] = sorted[line] ?? ''));
      const { errors } = planMappings(stringify([first, ...rows]), state);
      // Whence a cell was taken that had a name: at the least there.
      expect(errors.length, column).toBeGreaterThanOrEqual(3);
    }
  });
  test('a mapping that is moved says the new name too, or none', () => {
    expect(told('account,001,Acme,100000,Bond Ltd,no,,')).toHaveLength(1);
    expect(lines('account,001,Acme,100000,Exponent,no,,').changes).toMatchObject([{ psaAccountId: '100000' }]);
    expect(lines('account,001,Acme,100000,,no,,').changes).toMatchObject([{ psaAccountId: '100000' }]);
    expect(told('account,001,Acme,,Bond Ltd,no,,')[0]).toMatch(
      /mappedTo is empty, and mappedToName is "Bond Ltd": empty both/,
    );
    expect(lines('account,001,Acme,,,no,,').changes).toMatchObject([{ psaAccountId: null }]);
  });
  test('space and the apostrophe of a spreadsheet make no other name; lost letters do, and are said', () => {
    expect(told("account,002,'Gamma Ray ,a b,Spaced,no,,")).toEqual([]);
    expect(told('account,002,Gamma R\uFFFDy,,,no,,')[0]).toMatch(/letters were lost: save the file as "CSV UTF-8"/);
  });
  test('="007" is the text 007', () => {
    expect(lines('account,="002",Gamma Ray,="007",Bond Ltd,no,,').changes).toMatchObject([
      { id: '002', psaAccountId: '007' },
    ]);
    expect(lines('account,"=""002""",Gamma Ray,"=""007""",Bond Ltd,no,,').changes).toMatchObject([
      { psaAccountId: '007' },
    ]);
  });
  test('of several products the ids are told apart, and their names agree', () => {
    expect(told('service,SpamTitan Seat,SpamTitan Seat,"77 ""SKU 1""",MP-A MP B,,parts,none')).toEqual([]);
    expect(lines('service,SpamTitan Seat,,"""SKU 1"" 77",MP B MP-A,,,').changes).toMatchObject([
      { mapping: { productIds: ['SKU 1', '77'] } },
    ]);
    expect(told('service,SpamTitan Seat,,77,MP-A MP B,,,')).toHaveLength(1);
    expect(told('service,SpamTitan Seat,,77 SKU 1,,,,')[0]).toMatch(/no product with the id SKU/);
    expect(told('service,SpamTitan Seat,,"77 ""SKU 1",,,,')[0]).toMatch(/quotes .* are not closed/);
  });
  test('cells of another kind of line are those of another line', () => {
    expect(told('account,001,Acme,007,Bond Ltd,no,parts,')[0]).toMatch(/no fanOut and no rounding/);
    expect(told('service,SpamTitan Seat,,77,MP-A,yes,,')[0]).toMatch(/cannot be excluded/);
  });
  test('a comma that is not in quotes moves no cell unseen', () => {
    expect(told('account,002,Gamma,Ray,007,Bond Ltd,no,,,x')[0]).toMatch(/more cells than the header: "x"/);
    expect(told('account,002,Gamma, Ray,007,Bond Ltd,no,')).toHaveLength(1);
  });
  test('a line after sep= has the number that it has in the file', () => {
    expect(planMappings(`sep=;\n${header.replaceAll(',', ';')}\naccount;9;;;;;;\n`, state).errors).toMatchObject([
      { line: 3 },
    ]);
  });
});

test('a file of a hundred thousand lines is planned in seconds, its errors too', () => {
  const many = Array.from({ length: 100_000 }, (_, at) => ({ id: `${at}`, name: `Customer ${at}` }));
  const state: Mappings = {
    accounts: many.map((each) => ({ ...each, excluded: false, psaAccountId: each.id, how: 'exact' as const })),
    services: [],
    psaAccounts: many,
    products: [],
  };
  const text = writeMappings(state);
  const began = performance.now();
  expect(planMappings(text, state)).toEqual(nothing(state));
  const wrong = text.replaceAll(/^account,/gm, 'account,0');
  expect(planMappings(wrong, state).errors.length).toBeGreaterThan(99_000);
  const moved = planMappings(text.replaceAll(/,Customer \d+,no/g, ',,no').replaceAll(/,(\d+),,no/g, ',,,no'), state);
  expect(moved.changes.map(createDescriber(state))).toHaveLength(100_000);
  // Quadratic in any of them would be hours.
  expect(performance.now() - began).toBeLessThan(60_000);
});

test('the file as a spreadsheet of another country saves it is read, and columns may be missing or in another order', () => {
  const text = '\uFEFFid;mappedTo;kind\r\n1002;250;account\r\n;;\r\nSafeSend;78;service\r\n';
  const { plan } = applied(now, text);
  expect(plan.changes).toMatchObject([
    { line: 2, kind: 'account', id: '1002', psaAccountId: '250', excluded: false },
    { line: 4, kind: 'service', id: 'SafeSend', mapping: { productIds: ['78'], fanOut: 'parts', rounding: 'none' } },
  ]);
});

test('a change is told in words', () => {
  const { changes } = planMappings(
    [header, 'account,1001,,,,yes,,', 'account,1002,,251,,,,', 'service,CloudFilter,,78,,,,'].join('\n'),
    now,
  );
  expect(changes.map(createDescriber(now))).toEqual([
    { before: 'mapped to Acme Dental (250)', after: 'excluded' },
    { before: 'not mapped', after: 'mapped to =HYPERLINK("http://evil.example","Acme") (251)' },
    {
      before: 'mapped to MP-CLOUDFILTER, MP-SAFESEND (parts, rounding up)',
      after: 'mapped to MP-SAFESEND (parts, rounding up)',
    },
  ]);
});

describe('what cannot be done is said with its line', () => {
  test.each([
    ['an unknown customer', 'account,9,,250,,,,', /no linked customer with the id "9"/],
    ['an unknown PSA account', 'account,1001,,999,,,,', /PSA has no account with the id "999"/],
    ['excluded and mapped', 'account,1001,,250,,yes,,', /excluded and mapped at once/],
    ['excluded before, and mapped without a word of it', 'account,1003,,250,,,,', /excluded and mapped at once/],
    ['neither yes nor no', 'account,1001,,250,,maybe,,', /"maybe" under excluded/],
    ['an unknown service', 'service,Fax,,77,,,,', /no service with the id "Fax"/],
    ['an unknown product', 'service,SafeSend,,7,,,,', /no product with the id 7/],
    ['an inactive product', 'service,SafeSend,,79,,,,', /MP-OLD is inactive/],
    ['a bundle', 'service,SafeSend,,80,,,,', /MP-BUNDLE is a bundle/],
    ['an unknown rounding', 'service,SafeSend,,77,,,,half', /"half" under rounding/],
    ['an unknown fan-out', 'service,SafeSend,,77,,,all,', /"all" under fanOut/],
    ['an unknown kind', 'customer,1001,,250,,,,', /"customer" is no kind/],
    ['a line that was cut off', 'account,1001', /ends before mappedTo/],
    ['a line of a service that was cut off', 'service,CloudFilter,CloudFilter', /ends before mappedTo/],
    ['a quote that is not closed', 'account,"1001,,250,,,,', /cannot be read as CSV/],
  ])('%s', (_, line, message) => {
    expect(errorsOf('account,1002,,250,,,,', line)).toMatchObject([
      { line: expect.any(Number) as number, message: expect.stringMatching(message) as string },
    ]);
  });
  test('a first line that was cut off is no fault of the header', () => {
    expect(errorsOf('account,1001')).toEqual([
      { line: 2, message: expect.stringMatching(/ends before mappedTo/) as string },
    ]);
  });
  test('a header that lacks a column, whatever follows it', () => {
    expect(planMappings('kind,id,name\naccount,1001,Acme\n', now).errors).toEqual([
      { line: 1, message: 'The header lacks mappedTo.' },
    ]);
  });
  test('the same customer twice', () => {
    expect(errorsOf('account,1002,,250,,,,', 'account,1002,,251,,,,')).toEqual([
      { line: 3, message: 'Line 2 is about the same account 1002.' },
    ]);
  });
  test.each([
    ['nothing', ''],
    ['no header', '<html></html>'],
    ['a header of something else', 'name,price\nx,1\n'],
  ])('%s', (_, text) => {
    expect(planMappings(text, now)).toMatchObject({ changes: [], errors: [{ line: 1 }] });
  });
});
