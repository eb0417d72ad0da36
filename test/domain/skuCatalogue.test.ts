import { expect, test } from 'vitest';
import { skuOf, skus } from '../../domain/skuCatalogue.ts';

test('the catalogue holds the eight services the guide\u2019s integration shows, spelled as there', () => {
  expect(skus.map(({ sku }) => sku).sort()).toEqual([
    'Bracket',
    'BracketBundle',
    'CloudFilter',
    'CloudMail',
    'ContinuityBundle',
    'SafeSend',
    'SecureStore',
    'XtraMail',
  ]);
});

test.each([
  ['CloudFilter Email Security', 'CloudFilter'],
  ['cloudfilter email security', 'CloudFilter'],
  [' SafeSend Outbound ', 'SafeSend'],
  ['XtraMail Email Continuity', 'XtraMail'],
  ['Continuity', 'XtraMail'],
  ['bracket', 'Bracket'],
  ['Bracket Bundle', 'BracketBundle'],
  ['SECURESTORE', 'SecureStore'],
])('%j is %s', (displayName, sku) => {
  expect(skuOf(displayName)).toBe(sku);
});

test('a name nobody knows comes back as it is, so that its numbers are not lost', () => {
  expect(skuOf(' Shield 2 ')).toBe(' Shield 2 ');
});

test('no name stands for two services', () => {
  const names = skus.flatMap(({ sku, alsoCalled }) => [
    ...new Set([sku, ...alsoCalled].map((name) => name.toLowerCase())),
  ]);
  expect(new Set(names).size).toBe(names.length);
});
