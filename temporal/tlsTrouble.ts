/** Why no TLS connection to Temporal comes about, in words: gRPC only says that none did. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { connect, type TLSSocket } from 'node:tls';
import type { TemporalOptions } from './profile.ts';

/** How long one look may take, in milliseconds. */
const limitMs = 5_000;
/** With TLS 1.3 a server refuses the client's certificate only after the handshake: so long it is listened to. */
const listenMs = 500;

/**
 * Looks for what is wrong with the certificates, on this side and on the server's.
 *
 * @returns what is wrong and what to do; undefined when TLS is not it, or is not used
 */
export async function tlsTrouble({
  address,
  tls,
}: Pick<TemporalOptions, 'address' | 'tls'>): Promise<string | undefined> {
  if (!tls) return undefined;
  const { clientCertPair, serverRootCACertificate: ca, serverNameOverride } = tls === true ? {} : tls;
  if (clientCertPair) {
    const trouble = ownTrouble(clientCertPair);
    if (trouble !== undefined) return trouble;
  }
  const [host = '', port = '7233'] = address.split(/:(?=\d+$)/);
  const name = serverNameOverride ?? host.replace(/^\[|\]$/g, '');
  const failed = await shakeHands(
    connect({
      host: host.replace(/^\[|\]$/g, ''),
      port: Number(port),
      servername: /[a-z]/i.test(name) ? name : '',
      ALPNProtocols: ['h2'],
      ...(ca ? { ca: Buffer.from(ca) } : {}),
      ...(clientCertPair ? { cert: Buffer.from(clientCertPair.crt), key: Buffer.from(clientCertPair.key) } : {}),
    }),
  );
  return failed && wordsFor(failed, { address, name, hasOwn: clientCertPair !== undefined });
}

function ownTrouble({ crt, key }: { crt: Uint8Array; key: Uint8Array }): string | undefined {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(crt);
  } catch {
    return 'The client certificate for Temporal is no certificate in PEM. Check TEMPORAL_TLS_CLIENT_CERT_PATH.';
  }
  const now = Date.now();
  if (Date.parse(certificate.validTo) < now)
    return `The client certificate for Temporal has expired on ${certificate.validTo}. Give a new one.`;
  if (Date.parse(certificate.validFrom) > now)
    return `The client certificate for Temporal is not valid before ${certificate.validFrom}. Check the clock of this machine.`;
  try {
    if (certificate.checkPrivateKey(createPrivateKey(Buffer.from(key)))) return undefined;
  } catch {
    return 'The client key for Temporal is no private key in PEM. Check TEMPORAL_TLS_CLIENT_KEY_PATH.';
  }
  return 'The client key for Temporal does not belong to the client certificate. Give the pair that was made together.';
}

/** Codes for a server that closes the connection without a word: before the handshake is over, or right after it. */
const closedBefore = 'closed before';
const closedAfter = 'closed after';

/** @returns the code of the error with which the handshake ended, or one of those above; undefined when it succeeded */
function shakeHands(socket: TLSSocket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let isSecure = false;
    const end = (code?: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(code);
    };
    const timer = setTimeout(() => end(), limitMs);
    const closed = () => end(isSecure ? closedAfter : closedBefore);
    socket.on('error', ({ code }: NodeJS.ErrnoException) => (code === 'ECONNRESET' ? closed() : end(code)));
    socket.on('end', closed);
    socket.on('close', closed);
    socket.once('secureConnect', () => {
      isSecure = true;
      setTimeout(() => end(), listenMs);
    });
    // What the server says is read, or its refusal is never heard.
    socket.resume();
  });
}

/** By the codes of Node and OpenSSL. */
function wordsFor(code: string, { address, name, hasOwn }: { address: string; name: string; hasOwn: boolean }) {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return `The certificate of the Temporal server at ${address} has expired. Its operator has to renew it.`;
    case 'CERT_NOT_YET_VALID':
      return `The certificate of the Temporal server at ${address} is not valid yet. Check the clocks of both machines.`;
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'CERT_SIGNATURE_FAILURE':
      return `The certificate of the Temporal server at ${address} is not signed by a CA that is known here. Give that CA as TEMPORAL_TLS_SERVER_CA_CERT_PATH.`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `The certificate of the Temporal server at ${address} is for another name than ${name}. Give its name as TEMPORAL_TLS_SERVER_NAME.`;
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case closedBefore:
      return `The Temporal server at ${address} does not speak TLS there. Check TEMPORAL_ADDRESS, or set TEMPORAL_TLS=false.`;
  }
  if (code !== closedAfter && !code.startsWith('ERR_SSL_')) return undefined;
  const how = code === closedAfter ? 'it closes the connection' : code;
  return hasOwn
    ? `The Temporal server at ${address} refuses the client certificate (${how}). Give one that is signed by the CA that the server trusts.`
    : `The Temporal server at ${address} wants a client certificate (${how}). Give one as TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH.`;
}
