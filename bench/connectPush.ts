import { skuOf } from '../domain/skuCatalogue.ts';
import { createPsaConnection, person, reach, type IntegrationView } from '../dev/walkthrough/guide.ts';
import { demoVendorKey } from '../dev/stack/stack.ts';
import { until } from '../dev/until.ts';
import { openVendorConsole } from '../dev/walkthrough/vendorConsole.ts';
import { serviceProducts } from '../simulators/world.ts';
import type { Pair } from './counts.ts';
import type { BenchSystem } from './system.ts';

export interface PushConnection {
  integrationId: string;
  /** The `GRADIENT-TOKEN` header. */
  token: string;
  /** Every mapped account × service. */
  pairs: Pair[];
}

/** Goes through the guide's steps with intake push, until the first sync waits for counts. */
export async function connectPush(system: BenchSystem, services: number): Promise<PushConnection> {
  const { api, mailprotector } = system;
  await mailprotector.settings({ vendorApiUrl: `${api.url}/api`, vendorKey: demoVendorKey });
  const vendor = await openVendorConsole(mailprotector.url);
  const psaConnectionId = await createPsaConnection(system);
  const { integration, key } = await api.post<{ integration: IntegrationView; key: string }>('/v1/integrations', {
    vendor: 'mailprotector',
    psaConnectionId,
    intake: 'push',
    modules: ['billing'],
    viaVirtualAdministrator: false,
  });
  const { id } = integration;
  await vendor.enable(key);
  await reach(system, id, 'linkCustomers');
  await vendor.link((await vendor.customers()).map((customer) => customer.id));
  await person.mapAccounts(system, id);
  await person.mapServices(system, id, psaConnectionId);
  await person.finish(system, id);
  await until('the first sync to wait for counts', async () => {
    const { sync } = await api.get<{ sync: IntegrationView['process'] }>(`/v1/integrations/${id}`);
    return sync.steps.some((step) => step.step === 'counts' && step.state === 'waiting');
  });
  const accounts = await api.all<{ id: string }>(`/v1/integrations/${id}/accounts?mapped=true`);
  const serviceIds = serviceProducts.slice(0, services).map(({ display }) => skuOf(display));
  return {
    integrationId: id,
    token: Buffer.from(`${demoVendorKey}:${key}`).toString('base64'),
    pairs: accounts.flatMap((account) => serviceIds.map((serviceId) => ({ accountId: account.id, serviceId }))),
  };
}
