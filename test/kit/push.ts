/** A vendor that pushes: the simulated console, connected with its key, and single posted counts. */
import {
  createPsaConnection,
  person,
  reach,
  untilConnected,
  type IntegrationView,
  type Module,
} from '../../dev/walkthrough/guide.ts';
import { openVendorConsole, type VendorConsole } from '../../dev/walkthrough/vendorConsole.ts';
import type { System } from './system.ts';
import { tokenOf, vendorKey } from './vendorApi.ts';

/** The vendor key, and short waits for a burst of counts. */
export const pushEnv = {
  VENDOR_API_KEYS: `mailprotector:${vendorKey}`,
  PUSH_IDLE_MS: '500',
  PUSH_LONGEST_MS: '10000',
  PUSH_LEFTOVER_MS: '5000',
};

export interface Pushing {
  id: string;
  key: string;
  psaConnectionId: string;
  console: VendorConsole;
}

/** Creates an integration with its key; nothing is enabled yet. The system must have been started with `pushEnv`. */
export async function createPushing(system: System, modules: readonly Module[] = ['billing']): Promise<Pushing> {
  await system.mailprotector.settings({ vendorApiUrl: `${system.api.url}/api`, vendorKey });
  const console = await openVendorConsole(system.mailprotector.url);
  const psaConnectionId = await createPsaConnection(system);
  const { integration, key } = await system.api.post<{ integration: IntegrationView; key: string }>(
    '/v1/integrations',
    {
      vendor: 'mailprotector',
      psaConnectionId,
      intake: 'push',
      modules,
      viaVirtualAdministrator: false,
    },
  );
  return { id: integration.id, key, psaConnectionId, console };
}

/** Goes through the whole guide: with alerts also to a board, with billing to the first counts of Update Counts. */
export async function connectPush(system: System, modules: readonly Module[] = ['billing']): Promise<Pushing> {
  const pushing = await createPushing(system, modules);
  const { id, key, psaConnectionId, console } = pushing;
  const bills = modules.includes('billing');
  await console.enable(key);
  await reach(system, id, 'linkCustomers');
  await console.link((await console.customers()).map((customer) => customer.id));
  if (modules.includes('alerts')) await person.chooseBoard(system, id, psaConnectionId);
  await person.mapAccounts(system, id);
  if (bills) await person.mapServices(system, id, psaConnectionId);
  await person.finish(system, id);
  if (bills) await console.updateCounts();
  await untilConnected(system, id);
  return pushing;
}

/** Posts one count, as a vendor program does. */
export function postCount(
  system: System,
  key: string,
  count: { accountId: string; service: string; unitCount: number; noBuild?: boolean },
): Promise<Response> {
  const path = `/service/${encodeURIComponent(count.service)}/count${count.noBuild ? '?no_build=true' : ''}`;
  return fetch(`${system.api.url}/api/vendor-api${path}`, {
    method: 'POST',
    headers: {
      'GRADIENT-TOKEN': tokenOf(vendorKey, key),
      'content-type': 'application/json',
    },
    body: JSON.stringify({ accountId: count.accountId, unitCount: count.unitCount }),
  });
}
