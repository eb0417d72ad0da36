/** Checks host names that a customer typed, and refuses those whose address is in a private network, whatever the name looks like. */
import { lookup } from 'node:dns';
import { BlockList, isIPv6, type LookupFunction } from 'node:net';
import { ConnectorError } from './errors.ts';

/** The code of the error with which `lookupPublic` refuses. */
export const privateAddress = 'PRIVATE_ADDRESS';

// RFC 6890: addresses that no server on the Internet has.
const own = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12],
  ['192.0.0.0', 24], ['192.168.0.0', 16], ['198.18.0.0', 15], ['224.0.0.0', 3],
] as const) {
  own.addSubnet(network, bits, 'ipv4');
  // An address that embeds an IPv4 address leads to that one: through NAT64, as IPv4-compatible, through 6to4.
  const [high, low] = groupsOf(network);
  own.addSubnet(`64:ff9b::${high}:${low}`, 96 + bits, 'ipv6');
  own.addSubnet(`::${high}:${low}`, 96 + bits, 'ipv6');
  own.addSubnet(`2002:${high}:${low}::`, 16 + bits, 'ipv6');
} // prettier-ignore
// Teredo (2001::/32) embeds an IPv4 address in disguise, and only clients have one. fec0::/10 is the older fc00::/7.
for (const [network, bits] of [
  ['64:ff9b:1::', 48], ['2001::', 32], ['fc00::', 7], ['fe80::', 10], ['fec0::', 10], ['ff00::', 8],
] as const) own.addSubnet(network, bits, 'ipv6'); // prettier-ignore

/** The two groups of four hexadecimal digits by which an IPv6 address embeds an IPv4 address. */
function groupsOf(ipv4: string): [string, string] {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number);
  return [(a * 256 + b).toString(16), (c * 256 + d).toString(16)];
}

/** @param address IPv4 or IPv6, without brackets; an IPv4 address within an IPv6 address counts as that address */
export function isPrivateAddress(address: string): boolean {
  return own.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** For `connect({ lookup })`: it checks the very address that is then used, so a name cannot point elsewhere a moment later. */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const refused = addresses?.find(({ address }) => isPrivateAddress(address));
    if (error) callback(error, []);
    else if (refused) {
      callback(Object.assign(new Error('The name leads into a private network.'), { code: privateAddress }), []);
    } else if (options.all) callback(null, addresses);
    else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
  });
};

/**
 * The address of a site that a customer typed, with or without https://.
 *
 * @param of.allowPrivate also accepts http://, private hosts and ports: for simulators and on-premises networks
 * @param of.psa who answers there, and `of.sample` a site of theirs, for the error's text
 * @throws ConnectorError `bad_host` for a site that is not a public host name
 */
export function publicUrlOf(site: string, of: { allowPrivate: boolean; psa: string; sample: string }): URL {
  // Somebody may have typed a password in front of the host, so such a site is not quoted.
  const named = site.includes('@') ? 'The site' : `"${site}"`;
  const refuse = (why: string) =>
    new ConnectorError({ kind: 'permanent', code: 'bad_host', detail: `${named} ${why}` });
  let url: URL;
  try {
    url = new URL(/^https?:\/\//i.test(site) ? site : `https://${site}`);
  } catch {
    throw refuse(`is not a host name. Give the site you log in to, for example ${of.sample}.`);
  }
  if (url.username || url.password || url.pathname !== '/' || url.search || url.hash)
    throw refuse('is more than a host name.');
  if (of.allowPrivate) return url;
  if (url.protocol !== 'https:') throw refuse('is not an https address.');
  if (url.port !== '') throw refuse(`names a port. ${of.psa} answers on the usual one.`);
  if (!isPublicName(url.hostname))
    throw refuse('is not a public host name. Set ALLOW_PRIVATE_HOSTS for a server in your own network.');
  return url;
}

/** Top-level names that no public server has: those of RFC 6761 and RFC 8375, and common names of private networks. */
const privateNames = new Set([
  'local', 'localhost', 'localdomain', 'internal', 'intranet', 'private', 'corp', 'home', 'lan', 'arpa', 'test', 'example', 'invalid', 'onion',
]); // prettier-ignore

/** Whether a host is a dotted name with a public top-level name: not an IP address, and not a name of a private network. */
function isPublicName(hostname: string): boolean {
  const top = /^(?:[a-z0-9_-]+\.)+(xn--[a-z0-9-]+|[a-z]{2,})$/.exec(hostname)?.[1];
  return top !== undefined && !privateNames.has(top);
}
