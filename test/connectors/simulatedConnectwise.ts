/** The simulated ConnectWise for the tests of its adapter, and the adapter on it, over HTTP. */
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { unlimited } from '../../connectors/rateLimiter.ts';
import { createConnectwiseAdapter } from '../../connectors/connectwise/adapter.ts';
import { createConnectwiseClient } from '../../connectors/connectwise/client.ts';
import type { ConnectorError } from '../../connectors/errors.ts';
import type { HttpLogger } from '../../connectors/http.ts';
import type { PsaAdapter } from '../../connectors/psa.ts';
import { clientId, members } from '../../simulators/connectwise/members.ts';
import { startConnectwise } from '../../simulators/connectwise/start.ts';
import type { RunningSimulator } from '../../simulators/kit/simulator.ts';
import { simulatorAdmin, type SimulatorAdmin } from '../../dev/walkthrough/simulatorAdmin.ts';

export interface State {
  companies: {
    id: number;
    name: string;
    status: string;
    type: string;
    agreements: {
      id: number;
      name: string;
      status: string;
      billingCycle: string;
      nextInvoiceDate: string;
      lines: {
        id: number;
        productId: number;
        quantity: number;
        included: number;
        billing: string;
        until: string | null;
      }[];
    }[];
  }[];
  products: { id: number; identifier: string; kind: string; inactive: boolean }[];
  writes: { method: string; additionId: number; before: { quantity: number }; after: { quantity: number } }[];
}

export let simulator: RunningSimulator;
export let admin: SimulatorAdmin;

/** Starts the simulator for the tests of a file. Each test begins with the same 40 customers. */
export function simulateConnectwise(): void {
  beforeAll(async () => {
    simulator = await startConnectwise({ customers: 40 });
    admin = simulatorAdmin(simulator.url);
  });
  afterAll(() => simulator.close());
  beforeEach(async () => {
    await fetch(`${simulator.url}/__admin/reset`, { method: 'POST', body: JSON.stringify({ customers: 40 }) });
  });
}

export function adapter(
  over: {
    member?: string;
    privateKey?: string;
    companyId?: string;
    url?: string;
    timeoutMs?: number;
    logger?: HttpLogger;
  } = {},
): PsaAdapter {
  const member = members[over.member ?? 'full'];
  return createConnectwiseAdapter(
    createConnectwiseClient(
      {
        site: over.url ?? simulator.url,
        companyId: over.companyId ?? 'acme',
        publicKey: member?.publicKey ?? '',
        privateKey: over.privateKey ?? member?.privateKey ?? '',
      },
      {
        clientId,
        allowPrivateHosts: true,
        rateLimiter: unlimited,
        timeoutMs: over.timeoutMs ?? 10_000,
        logger: over.logger,
      },
    ),
  );
}

export async function all<T>(batches: AsyncIterable<T[]>): Promise<T[]> {
  const rows: T[] = [];
  for await (const batch of batches) rows.push(...batch);
  return rows;
}

export const failureOf = (asking: Promise<unknown>): Promise<ConnectorError> =>
  asking.then(
    () => {
      throw new Error('It did not fail.');
    },
    (error: unknown) => error as ConnectorError,
  );

export const state = () => admin.state<State>();
export const agreementsOf = ({ companies }: State) => companies.flatMap((company) => company.agreements);
