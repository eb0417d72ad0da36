/** Servers in front of Temporal's: one that wants TLS with client certificates, one that does not let attributes be registered. */
import { connect as connectHttp2, constants, createServer as createHttp2Server } from 'node:http2';
import { connect, type AddressInfo, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Certificate } from './certificates.ts';

export interface Proxy {
  address: string;
  close(): Promise<void>;
}

/**
 * @param own the server's certificate
 * @param trusted the CA, in PEM, that has signed the client certificates that it takes
 */
export function startMutualTls(temporal: string, own: Certificate, trusted: string): Promise<Proxy> {
  const server = createTlsServer(
    { ...own, ca: trusted, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2'] },
    (socket) => {
      const [host = '', port = ''] = temporal.split(':');
      const behind = connect(Number(port), host);
      for (const each of [socket, behind])
        each.on('error', () => {
          socket.destroy();
          behind.destroy();
        });
      socket.pipe(behind).pipe(socket);
    },
  );
  return listen(server);
}

/** Answers calls whose path matches with PERMISSION_DENIED (7), and hands all others on. */
export function startRefusing(temporal: string, path: RegExp): Promise<Proxy> {
  const behind = connectHttp2(`http://${temporal}`);
  const server = createHttp2Server();
  server.on('stream', (stream, headers) => {
    if (path.test(headers[':path'] ?? '')) {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '7', 'grpc-message': 'Not for you.' },
        { endStream: true },
      );
      return;
    }
    const call = behind.request({ ...headers, ':authority': temporal });
    let trailers = {};
    call.on('response', (answer, flags) => {
      const isAll = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      stream.respond(answer, isAll ? { endStream: true } : { waitForTrailers: true });
      if (!isAll) call.pipe(stream);
    });
    call.on('trailers', (said) => {
      trailers = said;
    });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    for (const each of [stream, call]) each.on('error', () => undefined);
    stream.pipe(call);
  });
  return listen(server, () => behind.destroy());
}

async function listen(server: Server, alsoClose: () => void = () => undefined): Promise<Proxy> {
  const open = new Set<{ destroy(): unknown }>();
  server.on('connection', (socket) => open.add(socket));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      alsoClose();
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
