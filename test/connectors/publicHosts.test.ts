import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { unlimited } from '../../connectors/rateLimiter.ts';
import { createHttpClient } from '../../connectors/http.ts';
import { isPrivateAddress } from '../../connectors/publicHosts.ts';
import { json, startHttpServer } from './httpServer.ts';

test('a name that leads to this machine is not called: the server sees nothing', async () => {
  const server = await startHttpServer((_asked, response) => json(response, 200, { ok: true }));
  const ask = (publicOnly: boolean) =>
    createHttpClient({
      baseUrl: server.url.replace('127.0.0.1', 'localhost'),
      headers: {},
      secrets: [],
      rateLimiter: unlimited,
      publicOnly,
    }).request({ method: 'GET', path: '/', route: '/', schema: z.unknown() });
  try {
    await expect(ask(true)).rejects.toMatchObject({ kind: 'permanent', code: 'bad_host', mayHaveActed: false });
    expect(server.asked).toEqual([]);
    await expect(ask(false)).resolves.toMatchObject({ data: { ok: true } });
  } finally {
    await server.close();
  }
});

test.each([
  '0.0.0.0', '10.255.0.1', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1',
  '172.31.255.255', '192.168.1.1', '198.18.0.1', '224.0.0.1', '255.255.255.255', '::', '::1', 'fc00::1', 'fd12::1', 'fe80::1',
  'ff02::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '64:ff9b::a00:1', '64:ff9b:1::1', '2002:a00:1::', '2002:a9fe:a9fe::1', '::127.0.0.1',
  '::a00:1', 'fec0::1', 'feff::1', '2001:0:4136:e378:8000:63bf:3fff:fdd2',
])('%s is private', (address) => {
  expect(isPrivateAddress(address)).toBe(true);
}); // prettier-ignore

test.each([
  '8.8.8.8', '9.255.255.255', '11.0.0.1', '100.63.255.255', '100.128.0.1', '126.1.1.1', '128.0.0.1', '172.15.0.1',
  '172.32.0.1', '192.167.1.1', '192.169.1.1', '223.255.255.255', '2600::1', '::ffff:8.8.8.8',
  '64:ff9b::808:808', '2002:808:808::1', '::8.8.8.8', '2001:4860:4860::8888',
])('%s is public', (address) => {
  expect(isPrivateAddress(address)).toBe(false);
}); // prettier-ignore

test('an address is judged the same in whatever form an IPv6 address embeds it', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.constantFrom('', 'near an edge'), (any, edge) => {
      const address = edge === '' ? any : any.replace(/^\d+/, '10');
      const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
      const sixToFour = `2002:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}::7`;
      for (const written of [`::ffff:${address}`, `64:ff9b::${address}`, `::${address}`, sixToFour])
        expect(isPrivateAddress(written), written).toBe(isPrivateAddress(address));
    }),
  );
});
