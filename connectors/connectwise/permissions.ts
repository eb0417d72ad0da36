/** Finds out which rights the API member has, with the cheapest reads (connectwise.md §6). */
import { askedForBilling, neededForAlerts, neededForBilling } from '../../domain/permissions.ts';
import type { AlertCapability, Capability, PermissionReport, Tri } from '../psa.ts';
import type { PsaRight } from '../psaEntry.ts';
import { ConnectorError } from '../errors.ts';
import type { CallOptions } from '../vendor.ts';
import type { ConnectwiseClient } from './client.ts';
import { anyRowsSchema, systemInfoSchema } from './schemas.ts';

interface Finding {
  state: Tri;
  evidence: string;
}

/** Where rights are set. */
export const connectwiseRightsAt = "System > Security Roles > the API member's role";

export const connectwiseRights: Record<Capability | AlertCapability, PsaRight> = {
  'accounts.read': {
    purpose: 'Read companies, to map customers to them',
    setting: 'Companies > Company Maintenance: Inquire = All',
    blocks: ['billing'],
  },
  'products.read': {
    purpose: 'Read products, to map services to them by Product ID',
    setting: 'Procurement > Product Catalog: Inquire = All',
    blocks: ['billing'],
  },
  'agreements.read': {
    purpose: 'Read agreements, to find what is billed and when',
    setting: 'Finance > Agreements: Inquire = All',
    blocks: ['billing'],
  },
  'lines.read': {
    purpose: 'Read additions, to compare their quantities with usage',
    setting: 'Finance > Agreements: Inquire = All',
    blocks: ['billing'],
  },
  'lines.write': {
    purpose: 'Write approved quantities to additions; needed only once you turn writing on',
    setting: 'Finance > Agreements: Edit = All',
    blocks: [],
  },
  'boards.read': {
    purpose: 'Read service boards, to choose where tickets go',
    setting: 'Service Desk > Service Tickets: Inquire = All',
    blocks: ['alerts'],
  },
  'boards.details': {
    purpose: 'Read the statuses and types of a service board',
    setting: 'System > Table Setup: Inquire = All (customise: Service Board)',
    blocks: ['alerts'],
  },
  'priorities.read': {
    purpose: 'Read priorities, to give tickets theirs',
    setting: 'Service Desk > Service Tickets: Inquire = All',
    blocks: ['alerts'],
  },
  'tickets.read': {
    purpose: 'Find the ticket of an alert again, so that no alert becomes two tickets',
    setting: 'Service Desk > Service Tickets: Inquire = All',
    blocks: ['alerts'],
  },
  'tickets.create': {
    purpose: 'Create tickets for alerts',
    setting: 'Service Desk > Service Tickets: Add = All',
    blocks: ['alerts'],
  },
  'tickets.edit': {
    purpose: "Add notes to an alert's ticket, and close it",
    setting: 'Service Desk > Service Tickets: Edit = All',
    blocks: ['alerts'],
  },
};

/** A sentence that says what to change in ConnectWise when this right is missing. */
export function grantOf(right: Capability | AlertCapability): string {
  return `In System > Security Roles set ${connectwiseRights[right].setting} for the API member.`;
}

/** Checks the rights that billing needs. */
export async function readPermissions(client: ConnectwiseClient, call?: CallOptions): Promise<PermissionReport> {
  return reportOf(client, call, billing, async (probe) => {
    const agreements = await probe('agreements.read', '/finance/agreements');
    const lines =
      agreements.ids.length === 0
        ? { state: agreements.finding.state, evidence: `Follows from agreements: ${agreements.finding.evidence}` }
        : await probeChildren(probe, 'lines.read', agreements.ids, (id) => `/finance/agreements/${id}/additions`);
    return {
      'accounts.read': (await probe('accounts.read', '/company/companies')).finding,
      'products.read': (await probe('products.read', '/procurement/catalog')).finding,
      'agreements.read': agreements.finding,
      'lines.read': lines,
      'lines.write': unseen('lines.write', 'the first approved write tells'),
      'boards.read': (await probe('boards.read', '/service/info/boards')).finding,
    };
  });
}

/** Checks the rights that tickets for alerts need. */
export async function readAlertPermissions(
  client: ConnectwiseClient,
  call?: CallOptions,
): Promise<PermissionReport<AlertCapability>> {
  return reportOf(client, call, alerts, async (probe) => {
    const boards = await probe('boards.read', '/service/info/boards');
    // Boards, statuses and types are one setup table (§4.5): if no board could be listed, the table itself is asked.
    const details =
      boards.ids.length === 0
        ? (await probe('boards.details', '/service/boards')).finding
        : await probeChildren(probe, 'boards.details', boards.ids, (id) => `/service/boards/${id}/statuses`);
    return {
      'boards.read': boards.finding,
      'boards.details': details,
      'priorities.read': (await probe('priorities.read', '/service/priorities')).finding,
      'tickets.read': (await probe('tickets.read', '/service/tickets')).finding,
      'tickets.create': unseen('tickets.create', 'the first ticket tells'),
      'tickets.edit': unseen('tickets.edit', 'the first note on a ticket tells'),
    };
  });
}

const billing = { asked: askedForBilling, needed: neededForBilling };
const alerts = { asked: neededForAlerts, needed: neededForAlerts };

/** Tries a read and answers whether it is allowed, with the ids of the first rows. */
type Probe<C> = (capability: C, path: string) => Promise<{ finding: Finding; ids: string[] }>;

/** So many rows are tried, because a single agreement or board may be refused, or deleted since it was listed. */
const rowsPerProbe = 5;

/** Whether the children of these rows may be read (an agreement's lines, a board's statuses); one success is enough. */
async function probeChildren<C>(
  probe: Probe<C>,
  capability: C,
  ids: readonly string[],
  pathOf: (id: string) => string,
): Promise<Finding> {
  let best: Finding = { state: 'unknown', evidence: 'None of the first rows is there any more.' };
  for (const id of ids) {
    try {
      const { finding } = await probe(capability, pathOf(id));
      if (finding.state !== 'denied') return finding;
      best = finding;
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.code !== 'not_found') throw error;
    }
  }
  return best;
}

async function reportOf<C extends Capability | AlertCapability>(
  client: ConnectwiseClient,
  call: CallOptions | undefined,
  rights: { asked: readonly C[]; needed: readonly C[] },
  ask: (probe: Probe<C>) => Promise<Record<C, Finding>>,
): Promise<PermissionReport<C>> {
  let serverVersion: string;
  try {
    const { data } = await client.request({
      method: 'GET',
      route: '/system/info',
      path: '/system/info',
      schema: systemInfoSchema,
      signal: call?.signal,
    });
    serverVersion = data.version;
  } catch (error) {
    const auth = authOf(error);
    if (!auth) throw error;
    const evidence = error instanceof ConnectorError ? error.detail : 'Not asked: the connection itself does not work.';
    const unknown = rights.asked.map((name) => [name, { state: 'unknown', evidence }]);
    return { ok: false, auth, capabilities: Object.fromEntries(unknown) as Record<C, Finding> };
  }
  const capabilities = await ask(async (capability, path) => {
    try {
      const { data } = await client.request({
        method: 'GET',
        route: path,
        path,
        query: { pageSize: rowsPerProbe, fields: 'id' },
        schema: anyRowsSchema,
        signal: call?.signal,
      });
      return {
        finding: { state: 'granted', evidence: `GET ${path} answered with ${data.length} row(s).` },
        ids: data
          .map((row) => row['id'])
          .filter((id) => typeof id === 'number')
          .map(String),
      };
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.code !== 'forbidden') throw error;
      const evidence = `ConnectWise refuses GET ${path}. In System > Security Roles set ${connectwiseRights[capability].setting}.`;
      return { finding: { state: 'denied', evidence }, ids: [] };
    }
  });
  const ok = rights.needed.every((name) => capabilities[name].state !== 'denied');
  return { ok, auth: 'ok', serverVersion, capabilities };
}

/** The finding for a right to write, which reads do not reveal. @param when what will reveal it */
function unseen(capability: Capability | AlertCapability, when: string): Finding {
  return {
    state: 'unknown',
    evidence: `ConnectWise does not show this right to the API; ${when}. It needs ${connectwiseRights[capability].setting}.`,
  };
}

/** On cloud a 404 may really mean wrong credentials or a wrong base URL (§3). */
function authOf(error: unknown): PermissionReport['auth'] | undefined {
  if (!(error instanceof ConnectorError)) return undefined;
  if (error.code === 'bad_credentials' || error.code === 'not_found' || error.code === 'forbidden')
    return 'bad_credentials';
  return error.code === 'bad_host' && error.kind === 'permanent' ? 'bad_host' : undefined;
}
