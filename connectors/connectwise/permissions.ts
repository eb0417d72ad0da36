/** Which rights the API member has, asked with the cheapest reads there are (connectwise.md §6). */
import type { Capability, PermissionReport } from '../psa.ts';
import { ConnectorError } from '../errors.ts';
import type { CallOptions } from '../vendor.ts';
import type { ConnectwiseClient } from './client.ts';
import { anyRowsSchema, systemInfoSchema } from './schemas.ts';

type Finding = PermissionReport['capabilities'][Capability];

/** Where the right is set in ConnectWise: System > Security Roles > the API member's role. */
const settings: Record<Capability, string> = {
  'accounts.read': 'Companies > Company Maintenance: Inquire = All',
  'products.read': 'Procurement > Product Catalog: Inquire = All',
  'agreements.read': 'Finance > Agreements: Inquire = All',
  'lines.read': 'Finance > Agreements: Inquire = All',
  'lines.write': 'Finance > Agreements: Edit = All',
  'boards.read': 'Service Desk > Service Tickets: Inquire = All',
};

const unasked: Finding = { state: 'unknown', evidence: 'Not asked: the connection itself does not work.' };

export async function readPermissions(client: ConnectwiseClient, call?: CallOptions): Promise<PermissionReport> {
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
    const evidence = error instanceof ConnectorError ? error.detail : unasked.evidence;
    return { ok: false, auth, capabilities: mapCapabilities(() => ({ ...unasked, evidence })) };
  }

  const probe = async (capability: Capability, path: string): Promise<{ finding: Finding; firstId: unknown }> => {
    try {
      const { data } = await client.request({
        method: 'GET',
        route: path,
        path,
        query: { pageSize: 1, fields: 'id' },
        schema: anyRowsSchema,
        signal: call?.signal,
      });
      return {
        finding: { state: 'granted', evidence: `GET ${path} answered with ${data.length} row(s).` },
        firstId: data[0]?.['id'],
      };
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.code !== 'forbidden') throw error;
      const evidence = `ConnectWise refuses GET ${path}. In System > Security Roles set ${settings[capability]}.`;
      return { finding: { state: 'denied', evidence }, firstId: undefined };
    }
  };

  const agreements = await probe('agreements.read', '/finance/agreements');
  const lines =
    agreements.firstId === undefined
      ? { state: agreements.finding.state, evidence: `Follows from agreements: ${agreements.finding.evidence}` }
      : (await probe('lines.read', `/finance/agreements/${String(agreements.firstId)}/additions`)).finding;
  const capabilities: Record<Capability, Finding> = {
    'accounts.read': (await probe('accounts.read', '/company/companies')).finding,
    'products.read': (await probe('products.read', '/procurement/catalog')).finding,
    'agreements.read': agreements.finding,
    'lines.read': lines,
    'lines.write': {
      state: 'unknown',
      evidence: `ConnectWise does not show this right to the API; the first approved write tells. It needs ${settings['lines.write']}.`,
    },
    'boards.read': (await probe('boards.read', '/service/info/boards')).finding,
  };
  const needed: Capability[] = ['accounts.read', 'products.read', 'agreements.read', 'lines.read'];
  return {
    ok: needed.every((capability) => capabilities[capability].state !== 'denied'),
    auth: 'ok',
    serverVersion,
    capabilities,
  };
}

function mapCapabilities(finding: () => Finding): Record<Capability, Finding> {
  return {
    'accounts.read': finding(),
    'products.read': finding(),
    'agreements.read': finding(),
    'lines.read': finding(),
    'lines.write': finding(),
    'boards.read': finding(),
  };
}

/** On cloud a 404 may really be wrong credentials or a wrong base URL (§3). */
function authOf(error: unknown): PermissionReport['auth'] | undefined {
  if (!(error instanceof ConnectorError)) return undefined;
  if (error.code === 'bad_credentials' || error.code === 'not_found' || error.code === 'forbidden')
    return 'bad_credentials';
  return error.code === 'bad_host' && error.kind === 'permanent' ? 'bad_host' : undefined;
}
