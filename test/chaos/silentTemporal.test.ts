import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createTemporalClient } from '../../temporal/client.ts';
import { createWaker } from '../../temporal/wake.ts';

test('a wake that Temporal takes and never answers fails, and the one after it is sent', async () => {
  let asked = 0;
  const silent = createServer().on('stream', () => void asked++);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { client, close } = createTemporalClient(
    { address: `127.0.0.1:${(silent.address() as AddressInfo).port}` },
    'default',
  );
  const wake = createWaker(client);
  const process = { kind: 'sync', id: 'one', organizationId: 'two', integrationId: null } as const;
  const [first, second] = [wake(process), wake(process)];
  second.catch(() => undefined);
  await expect(first).rejects.toThrow(/signalWithStart/);
  expect(asked).toBe(1);
  await expect.poll(() => asked).toBe(2);
  await close();
  silent.close();
});
