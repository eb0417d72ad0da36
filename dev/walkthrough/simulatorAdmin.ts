/** A client of a simulator's admin endpoint, which shows the simulator's state and log, and makes it answer with faults. */
import { simulatedPsa, type SimulatedPsa } from '../../simulators/psas.ts';

export interface LogEntry {
  n: number;
  method: string;
  path: string;
  body?: unknown;
  status?: number;
  faults?: string[];
}

export interface SimulatorAdmin {
  url: string;
  state<T>(): Promise<T>;
  log(method: string, path?: string): Promise<LogEntry[]>;
  clearLog(): Promise<void>;
  fault(fault: Record<string, unknown>): Promise<void>;
  clearFaults(): Promise<void>;
  change(change: Record<string, unknown>): Promise<void>;
  settings(settings: Record<string, unknown>): Promise<void>;
}

/** The admin endpoint of a simulated PSA, with what the table of them (simulators/psas.ts) says of it. */
export interface PsaSimulator extends SimulatorAdmin, Pick<SimulatedPsa, 'name' | 'requests'> {
  kind: string;
}

export function psaSimulator(kind: string, url: string): PsaSimulator {
  const { name, requests } = simulatedPsa(kind);
  return { ...simulatorAdmin(url), kind, name, requests };
}

/** The PSA that a stack simulates. */
export function psaOfStack({
  simulators,
  world,
}: {
  simulators: Record<string, string>;
  world: { psa: string };
}): PsaSimulator {
  return psaSimulator(world.psa, simulators[world.psa] ?? '');
}

export function simulatorAdmin(url: string): SimulatorAdmin {
  const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${url}/__admin/${path}`, {
      method,
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`The simulator answered ${response.status}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  return {
    url,
    state: async <T>() => (await ask('GET', 'state')) as T,
    log: async (method, path) =>
      (await ask('GET', `log?method=${method}${path ? `&path=${encodeURIComponent(path)}` : ''}`)) as LogEntry[],
    clearLog: async () => void (await ask('DELETE', 'log')),
    fault: async (fault) => void (await ask('POST', 'faults', fault)),
    clearFaults: async () => void (await ask('DELETE', 'faults')),
    change: async (change) => void (await ask('POST', 'change', change)),
    settings: async (settings) => void (await ask('POST', 'settings', settings)),
  };
}
