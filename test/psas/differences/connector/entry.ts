/** Deltadesk, a made-up PSA, as an entry of the tests' registry. */
import { z } from 'zod';
import { definePsa } from '../../../../connectors/psaEntry.ts';
import { createDifferencesAdapter, differencesSettings } from './adapter.ts';
import { checkZone, createDifferencesClient, differencesCredentials } from './client.ts';
import { rights, rightsAt } from './rights.ts';

export const differences = definePsa({
  name: 'Deltadesk',
  credentials: differencesCredentials,
  settings: differencesSettings,
  deployment: z.object({}),
  limits: { callsPerSecond: 5, perRoute: { '/changes': 20 }, concurrency: 3 },
  words: {
    account: { one: 'client', many: 'clients' },
    product: { one: 'item', many: 'items' },
    productId: 'code',
    agreement: { one: 'contract', many: 'contracts' },
    line: { one: 'position', many: 'positions' },
    board: { one: 'queue', many: 'queues' },
    ticket: { one: 'case', many: 'cases' },
  },
  rightsAt,
  rights,
  example: {
    connectionName: 'Our Deltadesk',
    credentials: { site: 'acme.deltadesk.com', key: 'a-key', secret: 'a-secret' },
    settings: {},
    serverVersion: '4.2',
    evidence: 'Deltadesk says that the program has positions.see.',
    unread: 'GET /positions answered 500: You may not see positions.',
    ticketUrl: 'https://acme.deltadesk.com/case/70001',
  },
  missing: () => null,
  check: (credentials, { allowPrivateHosts }) => checkZone(credentials, allowPrivateHosts),
  create: ({ credentials, settings }, options) =>
    createDifferencesAdapter(createDifferencesClient(credentials, options), settings),
});
