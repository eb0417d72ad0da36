/** Certificates for tests of TLS, made here: X.509 of version 3 in DER, signed with ECDSA (RFC 5280). */
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';

export interface Certificate {
  /** PEM. */
  cert: string;
  key: string;
}

export interface Authority extends Certificate {
  /** Makes a certificate for names or IPv4 addresses. @param days until it expires; negative = it has expired */
  issue(names: readonly string[], days?: number): Certificate;
}

const dayMs = 86_400_000;

const tlv = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
};
const sequence = (...parts: Uint8Array[]) => tlv(0x30, ...parts);
const bytes = (hex: string) => Buffer.from(hex, 'hex');
const bits = (body: Uint8Array) => tlv(0x03, Buffer.from([0]), body);
const time = (at: Date) => tlv(0x18, Buffer.from(`${at.toISOString().replaceAll(/[-:T]|\..*/g, '')}Z`));
/** A name that has a common name only. */
const named = (name: string) => sequence(tlv(0x31, sequence(bytes('0603550403'), tlv(0x0c, Buffer.from(name)))));
const ecdsaWithSha256 = sequence(bytes('06082a8648ce3d040302'));
/** The extension of a CA, critical. */
const isAuthority = sequence(bytes('0603551d13'), bytes('0101ff'), tlv(0x04, sequence(bytes('0101ff'))));
const isFor = (names: readonly string[]) =>
  sequence(
    bytes('0603551d11'),
    tlv(
      0x04,
      sequence(
        ...names.map((name) =>
          isIP(name) ? tlv(0x87, Buffer.from(name.split('.').map(Number))) : tlv(0x82, Buffer.from(name)),
        ),
      ),
    ),
  );

interface Wanted {
  subject: string;
  issuer: string;
  publicKey: KeyObject;
  signedWith: KeyObject;
  extension: Uint8Array;
  days: number;
}

function certificate({ subject, issuer, publicKey, signedWith, extension, days }: Wanted): string {
  const now = Date.now();
  const [from, to] = [new Date(now - 365 * dayMs), new Date(now + days * dayMs)];
  const signed = sequence(
    tlv(0xa0, bytes('020102')),
    tlv(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    named(issuer),
    sequence(time(from), time(to)),
    named(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(extension)),
  );
  const der = sequence(signed, ecdsaWithSha256, bits(sign('sha256', signed, signedWith)));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const pemOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** Makes a certificate authority of one's own. */
export function createAuthority(name: string): Authority {
  const own = newKeys();
  const of = { issuer: name, signedWith: own.privateKey };
  return {
    cert: certificate({ ...of, subject: name, publicKey: own.publicKey, extension: isAuthority, days: 30 }),
    key: pemOf(own.privateKey),
    issue(names, days = 30) {
      const keys = newKeys();
      const subject = names[0] ?? 'client';
      return {
        cert: certificate({ ...of, subject, publicKey: keys.publicKey, extension: isFor(names), days }),
        key: pemOf(keys.privateKey),
      };
    },
  };
}
