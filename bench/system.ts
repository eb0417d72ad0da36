/** The whole system of a bench: each part a process of its own, in a folder that is gone afterwards. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiClient, type ApiClient } from '../dev/walkthrough/apiClient.ts';
import { simulatorAdmin, type SimulatorAdmin } from '../dev/walkthrough/simulatorAdmin.ts';
import { startStack, type Stack } from '../dev/stack/stack.ts';

export interface BenchSystem {
  stack: Stack;
  /** Where logs are, and whatever else the bench keeps until its end. */
  state: string;
  api: ApiClient;
  mailprotector: SimulatorAdmin;
  connectwise: SimulatorAdmin;
  close(): Promise<void>;
}

/**
 * Starts PostgreSQL, Temporal, the simulators, api and worker.
 *
 * @param options.customers of the simulated MSP
 * @param options.env more environment for api and worker
 */
export async function startBenchSystem(options: {
  customers: number;
  env: Record<string, string>;
}): Promise<BenchSystem> {
  const state = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  // PostgreSQL of a root is another user's: its data is in here too, and gone with the rest, only if he may enter.
  chmodSync(state, 0o755);
  const stack = await startStack({
    state,
    demo: true,
    customers: options.customers,
    seed: 7,
    reset: false,
    say: () => undefined,
    // Ctrl-C leaves no process behind.
    starting: (stop) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const)
        process.once(signal, () => void stop().finally(() => process.exit(130)));
    },
    env: options.env,
  });
  return {
    stack,
    state,
    api: createApiClient(stack.api, stack.token),
    mailprotector: simulatorAdmin(stack.simulators['mailprotector'] ?? ''),
    connectwise: simulatorAdmin(stack.simulators['connectwise'] ?? ''),
    async close() {
      await stack.stop();
      rmSync(state, { recursive: true, force: true });
    },
  };
}
