/** Looks up host names, and refuses those whose address is in a private network, whatever the name looks like. */
import { lookup } from 'node:dns';
import { BlockList, isIPv6, type LookupFunction } from 'node:net';

/** The code of the error with which `lookupPublic` refuses. */
export const privateAddress = 'PRIVATE_ADDRESS';

// RFC 6890: addresses that no server on the Internet has.
const own = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12],
  ['192.0.0.0', 24], ['192.168.0.0', 16], ['198.18.0.0', 15], ['224.0.0.0', 3],
] as const) own.addSubnet(network, bits, 'ipv4'); // prettier-ignore
for (const [network, bits] of [
  ['::', 127], ['64:ff9b::', 96], ['64:ff9b:1::', 48], ['fc00::', 7], ['fe80::', 10], ['ff00::', 8],
] as const) own.addSubnet(network, bits, 'ipv6'); // prettier-ignore

/** @param address IPv4 or IPv6, without brackets; an IPv4 address written in IPv6 counts as that address */
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
