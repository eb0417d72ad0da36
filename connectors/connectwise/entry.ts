/** ConnectWise PSA in the registry. */
import { z } from 'zod';
import { definePsa } from '../psaEntry.ts';
import { connectwiseSettings, createConnectwiseAdapter } from './adapter.ts';
import { connectwiseCredentials, createConnectwiseClient, originOf } from './client.ts';
import { connectwiseRights, connectwiseRightsAt } from './permissions.ts';
import { connectwiseWords } from './words.ts';

export const connectwise = definePsa({
  name: 'ConnectWise PSA',
  credentials: connectwiseCredentials,
  settings: connectwiseSettings,
  deployment: z.object({
    CONNECTWISE_CLIENT_ID: z
      .string()
      .optional()
      .describe(
        "ConnectWise: this vendor's clientId (a GUID), sent on every call; without it no connection can be made",
      ),
  }),
  // The documentation gives no rate; this one is cautious (connectwise.md §3).
  limits: { callsPerSecond: 5 },
  words: connectwiseWords,
  rightsAt: connectwiseRightsAt,
  rights: connectwiseRights,
  example: {
    connectionName: 'Our ConnectWise',
    credentials: { site: 'na.myconnectwise.net', companyId: 'acme', publicKey: 'AbCdEfGh', privateKey: 'IjKlMnOp' },
    settings: { quantityDecimals: 2 },
    serverVersion: 'v2025.16',
    evidence: 'GET /finance/agreements/77/additions answered with 3 row(s).',
    unread: 'GET /finance/agreements/{id}/additions answered 403: No rights.',
    ticketUrl: 'https://na.myconnectwise.net/v4_6_release/services/system_io/router/openrecord.rails?recid=90210',
  },
  missing: ({ CONNECTWISE_CLIENT_ID }) =>
    CONNECTWISE_CLIENT_ID
      ? null
      : 'CONNECTWISE_CLIENT_ID is not set. Whoever runs Countersign registers one with ConnectWise and sets it.',
  check: ({ site }, { allowPrivateHosts }) => void originOf(site, allowPrivateHosts),
  create: ({ credentials, settings, deployment }, options) =>
    createConnectwiseAdapter(
      createConnectwiseClient(credentials, { ...options, clientId: deployment.CONNECTWISE_CLIENT_ID ?? '' }),
      settings,
    ),
});
