import fc from 'fast-check';
import { expect, test } from 'vitest';
import { originOf } from '../../connectors/connectwise/client.ts';
import { ConnectorError } from '../../connectors/errors.ts';

/** The origin, or the code of the refusal. */
function outcomeOf(site: string, allowPrivate = false): string {
  try {
    return originOf(site, allowPrivate);
  } catch (error) {
    if (error instanceof ConnectorError && error.kind === 'permanent') return error.code;
    throw error;
  }
}

test.each([
  ['na.myconnectwise.net', 'https://api-na.myconnectwise.net'],
  ['eu.myconnectwise.net', 'https://api-eu.myconnectwise.net'],
  ['staging.connectwisedev.com', 'https://api-staging.connectwisedev.com'],
  ['api-au.myconnectwise.net', 'https://api-au.myconnectwise.net'],
  ['https://na.myconnectwise.net', 'https://api-na.myconnectwise.net'],
  ['HTTPS://NA.MyConnectWise.net/', 'https://api-na.myconnectwise.net'],
  ['psa.acme-msp.com', 'https://psa.acme-msp.com'],
])('%s is called at %s', (site, origin) => {
  expect(originOf(site, false)).toBe(origin);
});

test.each([
  ['a name without a dot', 'localhost'],
  ['a name of loopback', 'psa.localhost'],
  ['a trailing dot', 'localhost.'],
  ['a trailing dot behind a public name', 'na.myconnectwise.net.'],
  ['mDNS', 'psa.local'],
  ['cloud metadata', 'metadata.google.internal'],
  ['a network of one\u2019s own', 'psa.lan'],
  ['a home network', 'psa.home.arpa'],
  ['loopback', '127.0.0.1'],
  ['loopback, short', '127.1'],
  ['loopback, in hexadecimal', '0x7f000001'],
  ['loopback, as one number', '2130706433'],
  ['loopback, in octal', '0177.0.0.1'],
  ['loopback, in full-width letters', '\uff11\uff12\uff17.0.0.1'],
  ['an address in a private network', '10.0.0.5'],
  ['link-local metadata', '169.254.169.254'],
  ['IPv6 loopback', '[::1]'],
  ['IPv4 in IPv6', '[::ffff:127.0.0.1]'],
  ['IPv6, unique local', '[fd00::1]'],
  ['a user name', 'someone@na.myconnectwise.net'],
  ['a user name that looks like the host', 'na.myconnectwise.net@evil.test.com'],
  ['a port', 'na.myconnectwise.net:8080'],
  ['a path', 'na.myconnectwise.net/v4_6_release'],
  ['a query', 'na.myconnectwise.net?x=1'],
  ['a fragment', 'na.myconnectwise.net#x'],
  ['plain http', 'http://na.myconnectwise.net'],
  ['another protocol', 'ftp://na.myconnectwise.net'],
  ['a file', 'file:///etc/passwd'],
  ['nothing that is a name', 'not a host'],
])('%s is refused: %s', (_what, site) => {
  expect(outcomeOf(site)).toBe('bad_host');
});

test('no IPv4 address is ever called, however it is written', () => {
  const octet = fc.nat(255);
  const spelled = fc.constantFrom(
    (n: number) => String(n),
    (n: number) => `0x${n.toString(16)}`,
    (n: number) => `0${n.toString(8)}`,
  );
  fc.assert(
    fc.property(
      fc.tuple(octet, octet, octet, octet),
      fc.array(spelled, { minLength: 4, maxLength: 4 }),
      (parts, how) => {
        const written = parts.map((part, at) => (how[at] ?? String)(part));
        const tail = parts.slice(1).reduce((sum, part) => sum * 256 + part, 0);
        const all = [
          written.join('.'),
          `${written.join('.')}.`,
          `${written[0] ?? ''}.${tail}`,
          String((parts[0] ?? 0) * 2 ** 24 + tail),
          `[::ffff:${parts.join('.')}]`,
        ];
        for (const site of all) expect(outcomeOf(site)).toBe('bad_host');
      },
    ),
  );
});

test('whatever is typed, what is called is https on the usual port of a dotted name, without path or user', () => {
  const piece = fc.constantFrom(
    'a',
    'na',
    'myconnectwise',
    'net',
    '.',
    '/',
    ':',
    '@',
    '8080',
    'http://',
    'https://',
    '?',
    '#',
    '[',
    ']',
    '\\',
    ' ',
    '%2e',
    '\t',
    'localhost',
    '1',
  );
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
      const outcome = outcomeOf(pieces.join(''));
      const called = /^https:\/\/[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}$/.test(outcome) && !/\.localhost$/.test(outcome);
      expect(called || outcome === 'bad_host').toBe(true);
    }),
    { numRuns: 3_000 },
  );
});

test('with private hosts allowed, a server in one\u2019s own network is called as given, still without user or path', () => {
  expect(originOf('http://127.0.0.1:4010', true)).toBe('http://127.0.0.1:4010');
  expect(originOf('psa.lan', true)).toBe('https://psa.lan');
  expect(outcomeOf('http://someone:secret@127.0.0.1', true)).toBe('bad_host');
  expect(outcomeOf('http://127.0.0.1/admin', true)).toBe('bad_host');
});
