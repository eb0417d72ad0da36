/** The whole system for a bench: each part is a process of its own, in a folder that is removed afterwards. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiClient, type ApiClient } from '../dev/walkthrough/apiClient.ts';
import {
  psaOfStack,
  simulatorAdmin,
  type PsaSimulator,
  type SimulatorAdmin,
} from '../dev/walkthrough/simulatorAdmin.ts';
import { startStack, type Stack } from '../dev/stack/stack.ts';

export interface BenchSystem {
  stack: Stack;
  /** The folder of the logs and of anything else that the bench keeps until its end. */
  state: string;
  api: ApiClient;
  mailprotector: SimulatorAdmin;
  psa: PsaSimulator;
  close(): Promise<void>;
}

/**
 * Starts PostgreSQL, Temporal, the simulators, api and worker.
 *
 * @param options.customers the number of customers of the simulated MSP
 * @param options.env further environment variables for api and worker
 */
export async function startBenchSystem(options: {
  customers: number;
  env: Record<string, string>;
}): Promise<BenchSystem> {
  const state = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  // Started by root, PostgreSQL runs as another user. Its data is in this folder, so that user must be able to enter it.
  chmodSync(state, 0o755);
  const stack = await startStack({
    state,
    demo: true,
    customers: options.customers,
    seed: 7,
    reset: false,
    say: () => undefined,
    // Ctrl-C must leave no process behind.
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
    psa: psaOfStack(stack),
    async close() {
      await stack.stop();
      rmSync(state, { recursive: true, force: true });
    },
  };
}
