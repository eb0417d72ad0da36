/** Whether anybody does the work, as `/readyz` says it, for Prometheus. */
import { Gauge, type Registry } from 'prom-client';
import type { TemporalState } from '../temporal/client.ts';

/** Why processes stand still, though facts are accepted. */
const reasons = ['no worker', 'no build', 'away'] as const satisfies readonly TemporalState[];

/** @param temporalState asked at each request of `/metrics`; it answers within some seconds, whatever Temporal does */
export function registerTemporalMetrics(registry: Registry, temporalState: () => Promise<TemporalState>): void {
  const missing = new Gauge({
    name: 'countersign_worker_missing',
    help: '1 where processes stand still, because no worker runs, none has the current build, or Temporal does not answer',
    labelNames: ['why'],
    registers: [registry],
    async collect() {
      const state = await temporalState();
      for (const why of reasons) missing.set({ why }, why === state ? 1 : 0);
    },
  });
}
