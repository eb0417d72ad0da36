/** A vendor as the API shows it: one that Countersign knows, or one that only pushes, which the configuration names. */
import { z } from '@hono/zod-openapi';
import { fieldsOf } from '../../connectors/fields.ts';
import { isVendor, nameOfVendor, vendors, type VendorName } from '../../connectors/registry.ts';
import { unprocessable } from '../problem.ts';
import { valuesByName, type Environment } from '../../environment.ts';

export const fieldSchema = z
  .object({
    /** Its name in the body of the request. */
    name: z.string(),
    label: z.string(),
    /** Where a person finds the value, or what it means. */
    where: z.string(),
    /** It is never shown again. */
    secret: z.boolean(),
    type: z.enum(['text', 'number']),
    required: z.boolean(),
    /** What a value looks like. */
    sample: z.string().nullable(),
    /** The values that it may have; null = any of its type. */
    choices: z.array(z.object({ id: z.string(), name: z.string() })).nullable(),
    /** The value that holds when none is given; null = none. */
    default: z.union([z.string(), z.number()]).nullable(),
    minimum: z.number().nullable(),
    maximum: z.number().nullable(),
    ofTickets: z.enum(['fixed', 'listed']).nullable().openapi({
      description:
        'A field of tickets. listed = which values it may have is read from the PSA (`GET /v1/psa-connections/{id}/ticket-fields`), and an empty one leaves it to the PSA',
    }),
  })
  .openapi('Field');
const modules = ['billing', 'alerts'] as const;

const textSchema = z.object({ title: z.string(), text: z.string() });
export const vendorSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    /** Who supports the integration, and where. */
    support: z.object({ by: z.string(), url: z.string().nullable(), text: z.string() }),
    /** What is asked before anything is made, and what those are told who answer yes; null = nothing. */
    eligibility: z.union([z.object({ question: z.string(), refusal: z.string() }), z.null()]),
    modules: z.array(textSchema.extend({ module: z.enum(modules) })),
    /** How counts may arrive: a vendor that Countersign cannot read has `push` alone. */
    intakes: z.array(
      textSchema.extend({
        intake: z.enum(['push', 'pull']),
        /** Whether a person has to do something at the vendor each month, as an answer to that question. */
        everyMonth: z.string(),
      }),
    ),
    /** The fields of `vendor-credentials`, which the intake `pull` needs. */
    credentials: z.array(fieldSchema),
    /** The vendor's own pages, and what to do there, in order. */
    portal: z.object({
      name: z.string(),
      url: z.string().nullable(),
      /** What is called otherwise there than here, and why; null = nothing. */
      note: z.string().nullable(),
      enable: z.array(z.string()),
      link: z.array(z.string()),
      /** What makes the vendor send its counts. */
      updateCounts: z.string(),
      /** How it is moved there from billing to billing and alerts. */
      migrate: z.string(),
    }),
    /** The services that are known before anything is read; with `push` the vendor creates its own. */
    services: z.array(z.object({ id: z.string(), name: z.string() })),
  })
  .openapi('Vendor');

type Vendor = z.output<typeof vendorSchema>;
type VendorSettings = Pick<Environment, 'MAILPROTECTOR_URL' | 'VENDOR_API_KEYS' | 'VENDOR_NAMES' | 'VENDOR_PORTALS'>;

/** All vendors that can be connected here. */
export function vendorsOf(settings: VendorSettings): Vendor[] {
  const known = Object.keys(vendors).filter(isVendor);
  const pushing = [...valuesByName(settings.VENDOR_API_KEYS, ':').keys()].filter((id) => !isVendor(id));
  return [...known.map((id) => knownVendor(id, settings)), ...pushing.map((id) => pushingVendor(id, settings))];
}

export const onlyPushes = (name: string) =>
  unprocessable(
    'only-pushes',
    `Countersign cannot read from ${name}: ${name} sends its counts. Choose the intake push.`,
  );

/** How a vendor is called, also one that is no longer in the configuration. */
export function vendorName(id: string, settings: VendorSettings): string {
  return nameOfVendor(id, valuesByName(settings.VENDOR_NAMES));
}

function knownVendor(id: VendorName, { MAILPROTECTOR_URL: mailprotectorUrl }: VendorSettings): Vendor {
  const { name, words, credentials, services, portalUrl } = vendors[id];
  return {
    id,
    name,
    support: words.support,
    eligibility: words.eligibility,
    modules: modules.map((module) => ({ module, ...words.modules[module] })),
    intakes: (['push', 'pull'] as const).map((intake) => ({ intake, ...words.intakes[intake] })),
    credentials: fieldsOf(credentials),
    portal: { ...words.portal, note: words.portal.note ?? null, url: portalUrl({ mailprotectorUrl }) },
    services,
  };
}

/** Nothing is known of such a vendor but what the configuration says, so its words say what any vendor does. */
function pushingVendor(id: string, settings: VendorSettings): Vendor {
  const name = vendorName(id, settings);
  const url = valuesByName(settings.VENDOR_PORTALS).get(id) ?? null;
  const pages = `pages of ${name}`;
  return {
    id,
    name,
    support: {
      by: name,
      url,
      text: `${name} sends what it counts by itself, and supports that: for help, contact ${name}.`,
    },
    eligibility: null,
    modules: [
      {
        module: 'billing',
        title: 'Billing',
        text: 'How much each customer uses is compared with what you bill, and you approve the differences.',
      },
      {
        module: 'alerts',
        title: 'Alerts',
        text: `Alerts from ${name} become tickets in your PSA, on a board that you choose.`,
      },
    ],
    intakes: [
      {
        intake: 'push',
        title: `${name} sends the counts`,
        text: `You give ${name} a key. Nothing arrives until ${name} sends it.`,
        everyMonth: `That is for ${name} to say: Countersign knows only what ${name} sends, and until it sends again every number stays as it was.`,
      },
    ],
    credentials: [],
    portal: {
      name: pages,
      url,
      note: null,
      enable: [`Open the ${pages}, and give them this key where they ask for the key of the integration.`],
      link: [`Choose in the ${pages} which customers are sent.`, 'Return to this page.'],
      updateCounts: `Have ${name} send its counts.`,
      migrate: `Have ${name} migrate the integration to alerts.`,
    },
    services: [],
  };
}

export const exampleVendors = vendorsOf({
  MAILPROTECTOR_URL: 'https://emailservice.io',
  VENDOR_API_KEYS: 'acme:a-key-of-the-vendor',
  VENDOR_NAMES: 'acme=Acme Backup',
  VENDOR_PORTALS: 'acme=https://portal.acme.example.com',
});
