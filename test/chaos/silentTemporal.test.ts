import { createServer } from 'node:http2';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { Gauge, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { registerTemporalMetrics } from '../../api/temporalMetrics.ts';
import { until } from '../../dev/until.ts';
import { createTemporalClient, temporalState } from '../../temporal/client.ts';
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
  await until('the second to be sent', () => asked === 2);
  await close();
  silent.close();
});

test('a scrape does not wait for a Temporal that takes connections and says nothing, and has all other values', async () => {
  const stopped = createTcpServer(() => undefined);
  await new Promise<void>((resolve) => stopped.listen(0, '127.0.0.1', resolve));
  const { client, close } = createTemporalClient(
    { address: `127.0.0.1:${(stopped.address() as AddressInfo).port}` },
    'default',
  );
  const registry = new Registry();
  new Gauge({ name: 'another', help: 'Of our own', registers: [registry] }).set(7);
  registerTemporalMetrics(registry, () => temporalState(client, 90_000));
  // Prometheus gives up after ten seconds, and then has no value at all.
  const text = await Promise.race([
    registry.metrics(),
    new Promise<string>((resolve) => setTimeout(() => resolve('given up'), 9_500)),
  ]);
  expect(text).toContain('another 7');
  expect(text).toContain('countersign_worker_missing{why="away"} 1');
  expect(text).toContain('countersign_worker_missing{why="no worker"} 0');
  await close();
  stopped.close();
});
