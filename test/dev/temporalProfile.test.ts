/** How a key for Temporal Cloud is sent. (Certificates: test/integration/tls.test.ts.) */
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createTemporalClient } from '../../temporal/client.ts';
import { temporalOptions } from '../../temporal/profile.ts';

test('an API key goes with each call, and over TLS unless that is turned off', async () => {
  const heard: (string | undefined)[] = [];
  const server = createServer().on('stream', (stream, { authorization }) => {
    heard.push(authorization);
    stream.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const given = { TEMPORAL_ADDRESS: address, TEMPORAL_API_KEY: 'a-key-of-cloud' };
  expect(temporalOptions(given)).toMatchObject({ apiKey: 'a-key-of-cloud', tls: {} });
  const { client, close } = createTemporalClient(temporalOptions({ ...given, TEMPORAL_TLS: false }), 'default');
  const asked = client.connection.withDeadline(Date.now() + 5_000, () =>
    client.connection.workflowService.describeNamespace({ namespace: 'default' }),
  );
  // The server closes each call, so it fails with a status of gRPC.
  await expect(asked).rejects.toMatchObject({ code: expect.any(Number) as number });
  expect(new Set(heard)).toEqual(new Set(['Bearer a-key-of-cloud']));
  await close();
  server.close();
});
