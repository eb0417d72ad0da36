/** All vendors and PSAs. A new one is a folder that implements a port, and an entry here. */
import { skuOf, skus } from '../domain/skuCatalogue.ts';
import { connectwise } from './connectwise/entry.ts';
import {
  createMailprotectorAdapter,
  mailprotectorCredentials,
  mailprotectorSettings,
} from './mailprotector/adapter.ts';
import { mailprotectorWords } from './mailprotector/words.ts';
import type { PsaEntry, PsaModule, PsaOptions, PsaRight } from './psaEntry.ts';
import type { VendorAdapter } from './vendor.ts';

/** Options that the deployment decides, not the customer. */
export interface VendorOptions extends PsaOptions {
  mailprotectorUrl: string;
  concurrency: number;
}

export const vendors = {
  mailprotector: {
    name: 'Mailprotector',
    words: mailprotectorWords,
    /** The address of the vendor's own pages. */
    portalUrl: (options: Pick<VendorOptions, 'mailprotectorUrl'>) => options.mailprotectorUrl,
    credentials: mailprotectorCredentials,
    settings: mailprotectorSettings,
    /** The catalogue's id of a service that is pushed under this name. */
    serviceIdOf: skuOf,
    services: skus.map(({ sku, name, description }) => ({ id: sku, name, description })),
    create(credentials: unknown, settings: unknown, options: VendorOptions): VendorAdapter {
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

const known = { connectwise } satisfies Record<string, PsaEntry>;

/** The `kind` of a PSA connection. */
export type PsaKind = keyof typeof known;

/** The PSAs by the `kind` of their connections. */
export const psas: Readonly<Record<string, PsaEntry>> = known;

/** Adds a PSA to this process. Only the tests have PSAs of their own (test/psas), which no build for production contains. */
export function addPsa(kind: string, entry: PsaEntry): void {
  Object.assign(psas, { [kind]: entry });
}

export type VendorName = keyof typeof vendors;

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

/** The PSA of this kind; undefined = Countersign knows none. */
export function psaOf(kind: string): PsaEntry | undefined {
  return Object.hasOwn(psas, kind) ? psas[kind] : undefined;
}

/** What holds for the calls to a PSA of this kind: its own limits, within those of the deployment. */
export function callLimits(
  kind: string,
  environment: { CALL_CONCURRENCY: number; PSA_SEARCH_LAG_MS: number },
): { concurrency: number; searchLagMs: number } {
  const { concurrency = Infinity, searchLagMs = 0 } = psaOf(kind)?.limits ?? {};
  return {
    concurrency: Math.min(environment.CALL_CONCURRENCY, concurrency),
    searchLagMs: Math.max(environment.PSA_SEARCH_LAG_MS, searchLagMs),
  };
}

/** The rights of a PSA without which a module does not work. */
export function neededRights({ rights }: Pick<PsaEntry, 'rights'>, module: PsaModule): string[] {
  return Object.entries(rights).flatMap(([right, { blocks }]) => (blocks.includes(module) ? [right] : []));
}

/** Where each of these rights is set in a PSA; a right that the PSA does not have is left out. */
export function settingsOf(kind: string | undefined, rights: readonly string[]): string[] {
  const psa = kind === undefined ? undefined : psaOf(kind);
  if (!psa) return [...rights];
  const known: Readonly<Record<string, PsaRight>> = psa.rights;
  const settings = rights.flatMap((right) => {
    const found = known[right];
    if (!found) return [right];
    return found.blocks.length > 0 ? [found.setting] : [];
  });
  return [...new Set(settings)];
}

/** Environment variables that single PSAs need, by name. */
export function psaVariables() {
  return Object.assign(
    {},
    ...Object.values(psas).map(({ deployment }) => deployment.shape),
  ) as PsaEntry['deployment']['shape'];
}

const exampleKind: PsaKind = 'connectwise';

/** The PSA that the contract shows as an example, and its kind. */
export const examplePsa = { kind: exampleKind, ...known[exampleKind].example };
