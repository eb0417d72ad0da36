/** What can be connected, from the registry. */
import { z } from '@hono/zod-openapi';
import { fieldsOf } from '../../connectors/fields.ts';
import { isPsa, psas, type PsaName } from '../../connectors/registry.ts';
import { askedForBilling, neededForAlerts, neededForBilling } from '../../domain/permissions.ts';
import { createRouter, listOf, route, send } from '../define.ts';
import { fieldSchema, exampleVendors, vendorSchema, vendorsOf } from '../views/vendor.ts';

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
  example: { items: exampleVendors, nextCursor: null },
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

catalogueRoutes.openapi(listVendors, (c) =>
  send(c, listOf(vendorSchema), { items: vendorsOf(c.get('deps').environment), nextCursor: null }),
);

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
