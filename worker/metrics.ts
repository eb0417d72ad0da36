/** Prometheus metrics of a worker: Node's own, and Temporal's, which its native part serves on a loopback port. */
import getPort from 'get-port';
import { collectDefaultMetrics, register } from 'prom-client';

let temporalAddress: string | undefined;

collectDefaultMetrics();

/**
 * Returns an address for the SDK's own metrics endpoint, another one at each call: its port was free when checked, and
 * it is on loopback only.
 */
export async function chooseTemporalMetricsAddress(): Promise<string> {
  temporalAddress = `127.0.0.1:${await getPort({ host: '127.0.0.1' })}`;
  return temporalAddress;
}

export async function collectMetrics(): Promise<string> {
  const own = await register.metrics();
  const temporal = await fetch(`http://${temporalAddress}/metrics`).then(
    (response) => response.text(),
    () => '# the SDK serves no metrics\n',
  );
  return `${own}\n${temporal}`;
}
