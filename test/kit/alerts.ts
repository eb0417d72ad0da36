/** A vendor that sends alerts, and the tickets that the PSA simulator really holds. */
import { until } from '../../dev/until.ts';
import type { SimulatedTicket } from '../../simulators/psas.ts';
import { connectPush, type Pushing } from './push.ts';
import type { System } from './system.ts';
import { tokenOf, vendorKey } from './vendorApi.ts';

export type Ticket = SimulatedTicket;

export interface AlertView {
  id: string;
  alertId: string;
  source: string;
  vendorAccountId: string;
  state: string;
  reason: { code: string; detail: string } | null;
  revision: number;
  ticketId: string | null;
  ticketUrl: string | null;
  previousTicketId: string | null;
  gatheredInto: string | null;
  clearedAt: string | null;
  reference: string;
  process: {
    waitsFor: string | null;
    steps: { step: string; state: string; problem: { code: string } | null }[];
  } | null;
}

export interface Alerting extends Pushing {
  /** Vendor accounts that are mapped to a PSA account, and ids of those that are not. */
  mapped: { id: string; psaAccountId: string }[];
  unmapped: string[];
}

/** Connects an integration that carries alerts only. The system must have been started with `pushEnv`. */
export async function connectAlerts(system: System): Promise<Alerting> {
  const pushing = await connectPush(system, ['alerts']);
  const accounts = await system.api.all<{ id: string; psaAccountId: string | null }>(
    `/v1/integrations/${pushing.id}/accounts`,
  );
  return {
    ...pushing,
    mapped: accounts.flatMap(({ id: accountId, psaAccountId }) =>
      psaAccountId === null ? [] : [{ id: accountId, psaAccountId }],
    ),
    unmapped: accounts.filter((account) => account.psaAccountId === null).map((account) => account.id),
  };
}

/** Connects an integration that pushes and carries both modules, to the first counts. The system must have `pushEnv`. */
export const connectBoth = (system: System): Promise<Pushing> => connectPush(system, ['billing', 'alerts']);

export interface AlertBody {
  alertId: string;
  title?: string;
  description?: string;
  priority?: number;
  [more: string]: unknown;
}

/** Posts one alert, as a vendor program does. */
export function postAlert(system: System, key: string, accountId: string, alert: AlertBody): Promise<Response> {
  return fetch(`${system.api.url}/api/vendor-api/alerting/${encodeURIComponent(accountId)}`, {
    method: 'POST',
    headers: {
      'GRADIENT-TOKEN': tokenOf(vendorKey, key),
      'content-type': 'application/json',
    },
    body: JSON.stringify({ title: `Alert ${alert.alertId}`, description: 'Something happened.', ...alert }),
  });
}

/** @returns the message id @throws Error when it is not accepted */
export async function sendAlert(system: System, key: string, accountId: string, alert: AlertBody): Promise<string> {
  const response = await postAlert(system, key, accountId, alert);
  const body = (await response.json()) as { messageId: string };
  if (response.status !== 201) throw new Error(`The alert was answered ${response.status}: ${JSON.stringify(body)}`);
  return body.messageId;
}

export async function ticketsIn(system: System): Promise<Ticket[]> {
  return (await system.connectwise.state<{ tickets: Ticket[] }>()).tickets;
}

/** The tickets of one alert, found by their reference. */
export async function ticketsOf(system: System, alertRowId: string): Promise<Ticket[]> {
  return (await ticketsIn(system)).filter((ticket) => ticket.reference.includes(alertRowId));
}

export function untilAlert(system: System, id: string, state: string, limitMs?: number): Promise<AlertView> {
  return until(
    `the alert to be ${state}`,
    async () => {
      const alert = await system.api.get<AlertView>(`/v1/alerts/${id}`);
      if (alert.state !== state) throw new Error(`It is ${alert.state}: ${JSON.stringify(alert.process?.waitsFor)}`);
      return alert;
    },
    limitMs,
  );
}
