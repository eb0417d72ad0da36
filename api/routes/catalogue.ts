/** What can be connected, from the registry. */
import { z } from '@hono/zod-openapi';
import { fieldsOf } from '../../connectors/fields.ts';
import { isPsa, isVendor, psas, vendors, type PsaName, type VendorName } from '../../connectors/registry.ts';
import { askedForBilling, neededForAlerts, neededForBilling } from '../../domain/permissions.ts';
import { createRouter, listOf, route, send } from '../define.ts';

const fieldSchema = z
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
    /** The value that holds when none is given; null = none. */
    default: z.union([z.string(), z.number()]).nullable(),
    minimum: z.number().nullable(),
    maximum: z.number().nullable(),
  })
  .openapi('Field');
const nounSchema = z.object({ one: z.string(), many: z.string() }).openapi('Noun');
const modules = ['billing', 'alerts'] as const;
const psaSchema = z
  .object({
    /** The `kind` of its connections. */
    id: z.string(),
    name: z.string(),
    credentials: z.array(fieldSchema),
    settings: z.array(fieldSchema),
    /** What this PSA calls things, in lower case as within a sentence. */
    words: z.object({
      account: nounSchema,
      product: nounSchema,
      /** The field by which products are searched. */
      productId: z.string(),
      agreement: nounSchema,
      line: nounSchema,
      board: nounSchema,
      ticket: nounSchema,
    }),
    /** Where all of the rights are set. */
    rightsAt: z.string(),
    rights: z.array(
      z.object({
        /** Its name in `permissions` and `alertPermissions` of a PSA connection. */
        id: z.string(),
        purpose: z.string(),
        /** The exact setting that grants it. */
        setting: z.string(),
        /** The modules whose check asks after it. */
        modules: z.array(z.enum(modules)),
        /** The modules that do not work without it. */
        blocks: z.array(z.enum(modules)),
      }),
    ),
    /** What whoever runs Countersign has to set before this PSA can be connected; null = nothing. */
    missing: z.string().nullable(),
  })
  .openapi('Psa');
const connectwise = psaView('connectwise', { connectwiseClientId: 'a-client-id' });
const listPsas = route({
  method: 'get',
  path: '/v1/psas',
  operationId: 'listPsas',
  summary: 'PSAs that can be connected: credentials, settings, words and rights',
  tag: 'PSA connections',
  scope: 'read',
  request: {},
  ok: 200,
  answer: listOf(psaSchema),
  example: { items: [connectwise], nextCursor: null },
  problems: {},
});

const textSchema = z.object({ title: z.string(), text: z.string() });
const vendorSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    /** Who supports the integration, and where. */
    support: z.object({ by: z.string(), url: z.string(), text: z.string() }),
    /** What is asked before anything is made, and what those are told who answer yes. */
    eligibility: z.object({ question: z.string(), refusal: z.string() }),
    modules: z.array(textSchema.extend({ module: z.enum(modules) })),
    /** How counts arrive. */
    intakes: z.array(textSchema.extend({ intake: z.enum(['push', 'pull']) })),
    /** The fields of `vendor-credentials`, which the intake `pull` needs. */
    credentials: z.array(fieldSchema),
    /** The vendor's own pages, and what to do there, in order. */
    portal: z.object({
      name: z.string(),
      url: z.string(),
      enable: z.array(z.string()),
      link: z.array(z.string()),
      updateCounts: z.string(),
    }),
    services: z.array(z.object({ id: z.string(), name: z.string() })),
  })
  .openapi('Vendor');
const mailprotector = vendorView('mailprotector', { mailprotectorUrl: 'https://emailservice.io' });
const listVendors = route({
  method: 'get',
  path: '/v1/vendors',
  operationId: 'listVendors',
  summary: 'Vendors that can be connected: who supports them, modules, intakes, credentials and portal',
  tag: 'Vendors',
  scope: 'read',
  request: {},
  ok: 200,
  answer: listOf(vendorSchema),
  example: { items: [mailprotector], nextCursor: null },
  problems: {},
});
export const catalogueRoutes = createRouter();

catalogueRoutes.openapi(listPsas, (c) => {
  const { CONNECTWISE_CLIENT_ID: connectwiseClientId = '' } = c.get('deps').environment;
  const items = Object.keys(psas)
    .filter(isPsa)
    .map((id) => psaView(id, { connectwiseClientId }));
  return send(c, listOf(psaSchema), { items, nextCursor: null });
});

catalogueRoutes.openapi(listVendors, (c) => {
  const { MAILPROTECTOR_URL: mailprotectorUrl } = c.get('deps').environment;
  const items = Object.keys(vendors)
    .filter(isVendor)
    .map((id) => vendorView(id, { mailprotectorUrl }));
  return send(c, listOf(vendorSchema), { items, nextCursor: null });
});

function psaView(id: PsaName, options: Parameters<(typeof psas)[PsaName]['missing']>[0]) {
  const { name, credentials, settings, words, rightsAt, rights, missing } = psas[id];
  const asked = { billing: askedForBilling, alerts: neededForAlerts };
  const needed = { billing: neededForBilling, alerts: neededForAlerts };
  const among = (lists: Record<(typeof modules)[number], readonly string[]>, right: string) =>
    modules.filter((module) => lists[module].includes(right));
  return {
    id,
    name,
    credentials: fieldsOf(credentials),
    settings: fieldsOf(settings),
    words,
    rightsAt,
    rights: Object.entries(rights).map(([right, said]) => ({
      id: right,
      ...said,
      modules: among(asked, right),
      blocks: among(needed, right),
    })),
    missing: missing(options),
  };
}

function vendorView(id: VendorName, options: Parameters<(typeof vendors)[VendorName]['portalUrl']>[0]) {
  const { name, words, credentials, services, portalUrl } = vendors[id];
  return {
    id,
    name,
    support: words.support,
    eligibility: words.eligibility,
    modules: modules.map((module) => ({ module, ...words.modules[module] })),
    intakes: (['push', 'pull'] as const).map((intake) => ({ intake, ...words.intakes[intake] })),
    credentials: fieldsOf(credentials),
    portal: { ...words.portal, url: portalUrl(options) },
    services,
  };
}
