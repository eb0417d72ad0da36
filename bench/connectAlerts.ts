import { createPsaConnection, person, reach, untilConnected, type IntegrationView } from '../dev/walkthrough/guide.ts';
import { demoVendorKey } from '../dev/stack/stack.ts';
import { openVendorConsole } from '../dev/walkthrough/vendorConsole.ts';
import type { BenchSystem } from './system.ts';

export interface AlertConnection {
  /** The `GRADIENT-TOKEN` header. */
  token: string;
  /** Ids of the mapped vendor accounts. */
  accounts: string[];
}

/** Connects an integration that carries alerts only, on a PSA connection of its own, with storms turned off. */
export async function connectAlerts(system: BenchSystem, name: string): Promise<AlertConnection> {
  const { api, mailprotector } = system;
  await mailprotector.settings({ vendorApiUrl: `${api.url}/api`, vendorKey: demoVendorKey });
  const vendor = await openVendorConsole(mailprotector.url);
  const psaConnectionId = await createPsaConnection(system, undefined, name);
  const { integration, key } = await api.post<{ integration: IntegrationView; key: string }>('/v1/integrations', {
    vendor: 'mailprotector',
    psaConnectionId,
    intake: 'push',
    modules: ['alerts'],
    viaVirtualAdministrator: false,
  });
  const { id } = integration;
  await vendor.enable(key);
  await reach(system, id, 'linkCustomers');
  await vendor.link((await vendor.customers()).map((customer) => customer.id));
  await person.chooseBoard(system, id, psaConnectionId);
  await person.mapAccounts(system, id);
  await person.finish(system, id);
  await untilConnected(system, id);
  await api.put(`/v1/integrations/${id}/alert-settings`, { storm: { most: 0 } });
  const accounts = await api.all<{ id: string }>(`/v1/integrations/${id}/accounts?mapped=true`);
  return {
    token: Buffer.from(`${demoVendorKey}:${key}`).toString('base64'),
    accounts: accounts.map((account) => account.id),
  };
}
