import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createIntegration, createPsaConnection, person, reach, stepOf } from '../../dev/walkthrough/guide.ts';
import { companiesOf, customersOf } from '../kit/simulatorState.ts';
import { startSystem, type System } from '../kit/system.ts';
import { until } from '../../dev/until.ts';
import { visibleIn } from '../kit/visible.ts';

let system: System;

beforeAll(async () => {
  system = await startSystem({ customers: 60 });
});
afterAll(() => system?.close());
beforeEach(() => system.connectwise.clearFaults());

/** Vendor's name → the PSA's name: each pair looks equal to somebody, and none is equal character for character. */
const nearlyEqual: [string, string, string][] = [
  ['another case', 'Acorn Works', 'ACORN Works'],
  ['a space at the end', 'Birch Works', 'Birch Works '],
  ['a space at the beginning', 'Cypress Works', ' Cypress Works'],
  ['two spaces for one', 'Dogwood Works', 'Dogwood  Works'],
  ['a no-break space', 'Elder Works', 'Elder\u00a0Works'],
  ['a zero-width space', 'Fir Works', 'Fir\u200b Works'],
  ['the same letters composed differently', 'Caf\u00e9 Works', 'Cafe\u0301 Works'],
  ['a ligature', '\ufb01g Works', 'fig Works'],
  ['a sharp s', 'Stra\u00dfe Works', 'Strasse Works'],
  ['a Cyrillic letter that looks Latin', 'Hazel Works', 'H\u0430zel Works'],
  ['a curly apostrophe', "Ivy's Works", 'Ivy\u2019s Works'],
  ['a full stop', 'Juniper Works Ltd', 'Juniper Works Ltd.'],
  ['one name inside the other', 'Larch', 'Larch Works'],
  ['full-width letters', 'Oak Works', '\uff2f\uff41\uff4b Works'],
];
/** Names that are strange and equal: these are matched. */
const equal = [
  'Caf\u00e9 NFC Works',
  'Cafe\u0301 NFD Works',
  ' Spaces  everywhere ',
  'Quote "and" \\ backslash',
  '\u{1f333} Tree Works',
  '__proto__',
  'constructor',
];

/** Companies and customers that are each other's only exact match: material to make the cases of. */
async function ordinaryPairs() {
  const companies = await companiesOf(system);
  return (await customersOf(system)).flatMap((customer) => {
    const same = companies.filter((company) => company.name === customer.name && company.status === 'Active');
    return customer.story === 'exact' && same[0] && same.length === 1 ? [{ customer, company: same[0] }] : [];
  });
}

async function rename(pair: { customer: { id: number }; company: { id: number } }, names: [string, string]) {
  await system.mailprotector.change({ change: 'renameCustomer', id: pair.customer.id, name: names[0] });
  await system.connectwise.change({ change: 'renameCompany', companyId: pair.company.id, name: names[1] });
}

/** The rule again, slow and obvious, from what the simulators hold. */
async function expectedMappings(options: { excluded?: readonly number[]; byHand?: readonly number[] } = {}) {
  const customers = (await customersOf(system)).filter((customer) => !options.excluded?.includes(customer.id));
  const companies = (await companiesOf(system)).filter((company) => company.status === 'Active');
  return customers
    .flatMap((customer) => {
      const twins = customers.filter((other) => other.name === customer.name);
      const same = companies.filter((company) => company.name === customer.name);
      return twins.length === 1 && same.length === 1 && !options.byHand?.includes(customer.id)
        ? [{ account: String(customer.id), psaAccount: String(same[0]?.id), how: 'exact' }]
        : [];
    })
    .toSorted((a, b) => (a.account < b.account ? -1 : 1));
}

test('only names that are equal character for character, unique on both sides and active are mapped', async () => {
  const pairs = await ordinaryPairs();
  expect(pairs.length).toBeGreaterThan(nearlyEqual.length + equal.length + 6);
  const take = () => {
    const pair = pairs.pop();
    if (!pair) throw new Error('There are too few ordinary customers.');
    return pair;
  };
  const near = nearlyEqual.map(([, vendorName, psaName]) => ({ pair: take(), names: [vendorName, psaName] as const }));
  for (const { pair, names } of near) await rename(pair, [...names]);
  const same = equal.map((name) => ({ pair: take(), name }));
  for (const { pair, name } of same) await rename(pair, [name, name]);
  // One name twice in the PSA; and twice in Mailprotector, where the twins differ in nothing.
  const [twinA, twinB, vendorTwinA, vendorTwinB] = [take(), take(), take(), take()];
  await rename(twinA, ['Twice In The PSA', 'Twice In The PSA']);
  await rename(twinB, ['Once Here', 'Twice In The PSA']);
  await rename(vendorTwinA, ['Twice In Mailprotector', 'Twice In Mailprotector']);
  await rename(vendorTwinB, ['Twice In Mailprotector', 'Somebody Else']);
  // An inactive company of the same name neither matches nor makes the active one ambiguous.
  const beside = take();
  const inactive = (await companiesOf(system)).find((company) => company.status === 'Inactive');
  await rename(beside, ['Active And Closed', 'Active And Closed']);
  await system.connectwise.change({ change: 'renameCompany', companyId: inactive?.id, name: 'Active And Closed' });

  const psaConnectionId = await createPsaConnection(system);
  const integrationId = await createIntegration(system, psaConnectionId);
  await person.credentials(system, integrationId);
  await person.linkAll(system, integrationId);
  await reach(system, integrationId, 'mapAccounts');

  const { mappings } = await visibleIn(system);
  const mapped = new Map(mappings.map((mapping) => [mapping.account, mapping.psaAccount]));
  const wronglyMapped = near.filter(({ pair }) => mapped.has(String(pair.customer.id))).map(({ names }) => names);
  expect(wronglyMapped).toEqual([]);
  const missed = same.filter(({ pair }) => mapped.get(String(pair.customer.id)) !== String(pair.company.id));
  expect(missed.map(({ name }) => name)).toEqual([]);
  for (const twin of [twinA, twinB, vendorTwinA, vendorTwinB])
    expect(mapped.get(String(twin.customer.id))).toBeUndefined();
  expect(mapped.get(String(beside.customer.id))).toBe(String(beside.company.id));
  expect(mappings).toEqual(await expectedMappings());
  // What is only near is suggested, so that a person finds it, and stays unmapped.
  const { items } = await system.api.get<{ items: { name: string; score: number }[] }>(
    `/v1/integrations/${integrationId}/accounts/${near[0]?.pair.customer.id}/suggestions`,
  );
  expect(items[0]?.name).toBe('ACORN Works');
});

test('an excluded customer is not mapped, and what a person has mapped by hand makes no other name unique', async () => {
  const pairs = await ordinaryPairs();
  const take = () => {
    const pair = pairs.pop();
    if (!pair) throw new Error('There are too few ordinary customers.');
    return pair;
  };
  const [excluded, excludedTwin, keptTwin, byHand, leftTwin, vendorTwinA, vendorTwinB] = [
    take(),
    take(),
    take(),
    take(),
    take(),
    take(),
    take(),
  ];
  await rename(excludedTwin, ['One Of Two', 'Nobody Here']);
  await rename(keptTwin, ['One Of Two', 'One Of Two']);
  // Two companies of one name; somebody else is mapped to one of them by hand, before names are matched.
  await rename(byHand, ['By Hand', 'Same In The PSA']);
  await rename(leftTwin, ['Same In The PSA', 'Same In The PSA']);
  // Two customers of one name; one of them is mapped by hand.
  await rename(vendorTwinA, ['Same In Mailprotector', 'Same In Mailprotector']);
  await rename(vendorTwinB, ['Same In Mailprotector', 'Elsewhere']);

  const psaConnectionId = await createPsaConnection(system);
  await until('the PSA to be read', async () => {
    const connection = await system.api.get<{ refreshedAt: string | null }>(`/v1/psa-connections/${psaConnectionId}`);
    return connection.refreshedAt !== null;
  });
  // The read that connect needs waits, so that a person is faster than the match.
  await system.connectwise.fault({ kind: 'status', status: 503, path: '/company/companies$', times: null });
  const integrationId = await createIntegration(system, psaConnectionId);
  const at = `/v1/integrations/${integrationId}/accounts`;
  await person.credentials(system, integrationId);
  await person.linkAll(system, integrationId);
  for (const pair of [excluded, excludedTwin]) await system.api.decide('PUT', `${at}/${pair.customer.id}`, 'exclusion');
  for (const [vendor, psa] of [
    [byHand, byHand],
    [vendorTwinA, vendorTwinB],
  ] as const)
    await system.api.decide('PUT', `${at}/${vendor.customer.id}`, 'mapping', { psaAccountId: String(psa.company.id) });
  expect((await stepOf(system, integrationId, 'matchExactly')).state).toBe('waiting');
  await system.connectwise.clearFaults();
  await reach(system, integrationId, 'mapAccounts');

  const { items } = await system.api.get<{ items: { id: string; psaAccountId: string | null; how: string | null }[] }>(
    `${at}?limit=200`,
  );
  const of = (pair: { customer: { id: number } }) => items.find((item) => item.id === String(pair.customer.id));
  expect(of(excluded)).toMatchObject({ psaAccountId: null });
  expect(of(excludedTwin)).toMatchObject({ psaAccountId: null });
  // Among those that are not excluded the name is unique.
  expect(of(keptTwin)).toMatchObject({ psaAccountId: String(keptTwin.company.id), how: 'exact' });
  expect(of(byHand)).toMatchObject({ psaAccountId: String(byHand.company.id), how: 'person' });
  expect(of(leftTwin)).toMatchObject({ psaAccountId: null });
  expect(of(vendorTwinA)).toMatchObject({ psaAccountId: String(vendorTwinB.company.id), how: 'person' });
  expect(of(vendorTwinB)).toMatchObject({ psaAccountId: null });
  const exact = items
    .filter((item) => item.how === 'exact')
    .map((item) => ({ account: item.id, psaAccount: item.psaAccountId, how: item.how }))
    .toSorted((a, b) => (a.account < b.account ? -1 : 1));
  const hands = [byHand.customer.id, vendorTwinA.customer.id];
  expect(exact).toEqual(
    await expectedMappings({ excluded: [excluded.customer.id, excludedTwin.customer.id], byHand: hands }),
  );
});
