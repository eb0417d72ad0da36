/** All vendors and PSAs. A new one is a folder that implements a port, and an entry here. */
import { skuOf, skus } from '../domain/skuCatalogue.ts';
import type { RateLimiter } from './rateLimiter.ts';
import { connectwiseSettings, createConnectwiseAdapter } from './connectwise/adapter.ts';
import { connectwiseCredentials, createConnectwiseClient, originOf } from './connectwise/client.ts';
import { connectwiseRights, connectwiseRightsAt } from './connectwise/permissions.ts';
import { connectwiseWords } from './connectwise/words.ts';
import type { HttpLogger } from './http.ts';
import {
  createMailprotectorAdapter,
  mailprotectorCredentials,
  mailprotectorSettings,
} from './mailprotector/adapter.ts';
import { mailprotectorWords } from './mailprotector/words.ts';
import type { PsaAdapter } from './psa.ts';
import type { VendorAdapter } from './vendor.ts';

/** Options that the deployment decides, not the customer. */
export interface ConnectorOptions {
  mailprotectorUrl: string;
  connectwiseClientId: string;
  allowPrivateHosts: boolean;
  concurrency: number;
  timeoutMs: number;
  rateLimiter: RateLimiter;
  logger?: HttpLogger | undefined;
}

export const vendors = {
  mailprotector: {
    name: 'Mailprotector',
    words: mailprotectorWords,
    /** The address of the vendor's own pages. */
    portalUrl: (options: Pick<ConnectorOptions, 'mailprotectorUrl'>) => options.mailprotectorUrl,
    credentials: mailprotectorCredentials,
    settings: mailprotectorSettings,
    /** The catalogue's id of a service that is pushed under this name. */
    serviceIdOf: skuOf,
    services: skus.map(({ sku, name, description }) => ({ id: sku, name, description })),
    create(credentials: unknown, settings: unknown, options: ConnectorOptions): VendorAdapter {
      return createMailprotectorAdapter(
        mailprotectorCredentials.parse(credentials),
        mailprotectorSettings.parse(settings),
        {
          ...options,
          baseUrl: options.mailprotectorUrl,
        },
      );
    },
  },
};

export const psas = {
  connectwise: {
    name: 'ConnectWise PSA',
    credentials: connectwiseCredentials,
    settings: connectwiseSettings,
    words: connectwiseWords,
    rights: connectwiseRights,
    rightsAt: connectwiseRightsAt,
    /** What whoever runs Countersign has to set before this PSA can be connected; null = nothing. */
    missing: (options: Pick<ConnectorOptions, 'connectwiseClientId'>): string | null =>
      options.connectwiseClientId === ''
        ? 'CONNECTWISE_CLIENT_ID is not set. Whoever runs Countersign registers one with ConnectWise and sets it.'
        : null,
    /** @throws ConnectorError when the site is not an address that may be called */
    check(credentials: unknown, options: Pick<ConnectorOptions, 'allowPrivateHosts'>): void {
      originOf(connectwiseCredentials.parse(credentials).site, options.allowPrivateHosts);
    },
    create(credentials: unknown, options: ConnectorOptions): PsaAdapter {
      return createConnectwiseAdapter(
        createConnectwiseClient(connectwiseCredentials.parse(credentials), {
          ...options,
          clientId: options.connectwiseClientId,
        }),
      );
    },
  },
};

export type VendorName = keyof typeof vendors;
export type PsaName = keyof typeof psas;

/**
 * How a vendor is called.
 *
 * @param configured names of vendors that only push, by id (VENDOR_NAMES)
 */
export function nameOfVendor(id: string, configured: ReadonlyMap<string, string>): string {
  return isVendor(id) ? vendors[id].name : (configured.get(id) ?? id);
}

export function isVendor(name: string): name is VendorName {
  return Object.hasOwn(vendors, name);
}

export function isPsa(name: string): name is PsaName {
  return Object.hasOwn(psas, name);
}
