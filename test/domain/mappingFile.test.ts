import fc from 'fast-check';
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { planMappings, wordsOf, writeMappings, type Mappings } from '../../domain/mappingFile.ts';

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
  expect(changes.map((change) => wordsOf(change, now))).toEqual([
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
