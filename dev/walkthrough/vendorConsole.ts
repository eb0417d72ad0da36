/** What a person does in the simulated Mailprotector's console: log in, paste the key, link customers, Update Counts. */
import { Agent, fetch } from 'undici';
import { consolePassword } from '../../simulators/mailprotector/managers.ts';

/**
 * "Update Counts" answers when all counts are posted. With thousands of customers that takes more than the five minutes after
 * which fetch gives up.
 */
const patient = new Agent({ headersTimeout: 0 });

export interface CountReport {
  posted: number;
  unmapped: number;
  failed: number;
}

export interface VendorAlert {
  alertId: string;
  title: string;
  description: string;
  priority?: number;
}

export interface VendorConsole {
  customers(): Promise<{ id: number; name: string; linked: boolean; clientId: string | null }[]>;
  /** @param key the integration key that Countersign showed once */
  enable(key: string): Promise<{ enabled: boolean; serviceAssignments: Record<string, string> }>;
  /** "Link Selected Customers". */
  link(customerIds: readonly number[]): Promise<{ linked: number; created: number }>;
  updateCounts(): Promise<CountReport>;
  /** The button "Migrate to Alerts" (G30). */
  migrateToAlerts(): Promise<void>;
  /**
   * Lets the console notice something about a customer and send an alert to the platform.
   *
   * @returns the id of the alert's message
   */
  sendAlert(customerId: number, alert: VendorAlert): Promise<string>;
  /** Lists the clients that the text field of a customer's Integrations page finds. */
  clients(search: string): Promise<{ id: string; name: string }[]>;
  /** Picks a client on a customer's Integrations page; null removes the choice. */
  assign(customerId: number, clientId: string | null): Promise<void>;
}

/**
 * Logs in.
 *
 * @param url the simulator's address
 * @throws Error with the console's own words when it refuses the login
 */
export async function openVendorConsole(url: string): Promise<VendorConsole> {
  let session = '';
  async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${url}/console${path}`, {
      method,
      dispatcher: patient,
      headers: { 'content-type': 'application/json', 'x-session': session },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as T & { message?: string };
    if (!response.ok) throw new Error(`The console answered ${response.status}: ${answer.message ?? ''}`);
    return answer;
  }
  ({ session } = await ask<{ session: string }>('POST', '/login', {
    email: 'admin@msp.example',
    password: consolePassword,
  }));
  return {
    customers: () => ask('GET', '/customers'),
    enable: (partnerApiKey) => ask('POST', '/integrations/gradient/enable', { partnerApiKey }),
    link: (customerIds) => ask('POST', '/integrations/gradient/link', { customerIds }),
    updateCounts: () => ask('POST', '/integrations/gradient/update-counts'),
    migrateToAlerts: async () => {
      await ask('POST', '/integrations/gradient/migrate-to-alerts');
    },
    sendAlert: async (customerId, alert) => {
      const sent = await ask<{ messageId: string }>('POST', '/integrations/gradient/alerts', { customerId, alert });
      return sent.messageId;
    },
    clients: async (search) => {
      const path = `/integrations/gradient/clients?search=${encodeURIComponent(search)}`;
      return (await ask<{ clients: { id: string; name: string }[] }>('GET', path)).clients;
    },
    assign: async (customerId, clientId) => {
      await ask('PUT', `/customers/${customerId}/integrations`, { clientId });
    },
  };
}
