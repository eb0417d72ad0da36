/** The simulated PSAs by the `kind` of their connections. A new one is a folder with a `main.ts`, and an entry here. */
import { clientId, company, members } from './connectwise/members.ts';
import { createConnectwise } from './connectwise/simulation.ts';
import type { CreateSimulation } from './kit/simulator.ts';

/** A ticket as a simulated PSA shows it in its state, beside fields of its own. */
export interface SimulatedTicket {
  id: number;
  summary: string;
  /** What holds the reference by which it is found again: a field, or the text. */
  reference: string;
  company: { id: number };
  board: { name: string };
  status: { name: string };
  type: { name: string } | null;
  priority: { name: string };
  closed: boolean;
  notes: { text: string }[];
}

/**
 * What the stack, the walkthrough, the benches and the tests know of a simulated PSA. Its state (`GET /__admin/state`) shows
 * `companies` and `products` as the world has them, and `tickets` (`SimulatedTicket`); its `POST /__admin/change` knows
 * `addLine` {agreementId, line: a `WorldLine`}, `removeLine` {agreementId, lineId}, `setQuantity` (somebody else's change; {agreementId,
 * lineId, quantity}), `deleteAgreement` {agreementId} and `renameCompany` {companyId, name}. Its settings know `searchLagMs`.
 */
export interface SimulatedPsa {
  /** As sentences name it. */
  name: string;
  /** The program that runs it: its path in this repository. */
  main: string;
  /** A module that adds its connector to api and worker before they begin; only a PSA of the tests has one. */
  register?: string;
  /** The port that it takes if that is free. */
  port: number;
  create: CreateSimulation;
  /** What whoever runs Countersign sets to be accepted by it. */
  environment: Readonly<Record<string, string>>;
  /**
   * Credentials that it accepts.
   *
   * @param url where it runs
   * @param member whose rights they carry: `readOnly` = it changes nothing; `full` or absent = all rights
   */
  credentials(url: string, member?: string): Record<string, unknown>;
  /** Which requests do what; `path` is a regular expression. */
  requests: Record<
    'checkRights' | 'readLines' | 'setQuantity' | 'createTicket' | 'addNote',
    { method: string; path: string }
  >;
  /**
   * Settings of the simulation (`POST /__admin/settings`) under which it leaves most accounts out without an error, and those under
   * which it shows all of them again; absent = this PSA answers with an error where rows may not be seen.
   */
  fewerRows?: { some: Record<string, unknown>; all: Record<string, unknown> };
}

export const simulatedPsas: Readonly<Record<string, SimulatedPsa>> = {
  connectwise: {
    name: 'ConnectWise',
    main: 'simulators/connectwise/main.ts',
    port: 8402,
    create: createConnectwise,
    environment: { CONNECTWISE_CLIENT_ID: clientId },
    credentials: (url, member = 'full') => ({
      site: url,
      companyId: company,
      publicKey: members[member]?.publicKey,
      privateKey: members[member]?.privateKey,
    }),
    requests: {
      checkRights: { method: 'GET', path: '/system/info$' },
      readLines: { method: 'GET', path: '/finance/agreements/\\d+/additions$' },
      setQuantity: { method: 'PATCH', path: '/additions/' },
      createTicket: { method: 'POST', path: '/service/tickets$' },
      addNote: { method: 'POST', path: '/service/tickets/\\d+/notes$' },
    },
  },
};

/** Adds a simulated PSA to this process: one that only the tests have. */
export function addSimulatedPsa(kind: string, psa: SimulatedPsa): void {
  Object.assign(simulatedPsas, { [kind]: psa });
}

/** The PSA that is simulated unless another one is asked for. */
export const usualPsa = 'connectwise';

/** @throws Error that names the simulated PSAs there are, when this is none of them */
export function simulatedPsa(kind: string): SimulatedPsa {
  const found = Object.hasOwn(simulatedPsas, kind) ? simulatedPsas[kind] : undefined;
  if (found) return found;
  throw new Error(`No PSA "${kind}" is simulated. There are: ${Object.keys(simulatedPsas).join(', ')}.`);
}
