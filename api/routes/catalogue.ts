/** What can be connected, from the registry. */
import { z } from '@hono/zod-openapi';
import { fieldsOf } from '../../connectors/fields.ts';
import { psaModules, type PsaEntry } from '../../connectors/psaEntry.ts';
import { examplePsa, psas } from '../../connectors/registry.ts';
import { askedForBilling, neededForAlerts } from '../../domain/permissions.ts';
import { createRouter, listOf, route, send } from '../define.ts';
import { fieldSchema, exampleVendors, vendorSchema, vendorsOf } from '../views/vendor.ts';

const nounSchema = z.object({ one: z.string(), many: z.string() }).openapi('Noun');
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
        modules: z.array(z.enum(psaModules)),
        /** The modules that do not work without it. */
        blocks: z.array(z.enum(psaModules)),
      }),
    ),
    /** What holds unless whoever runs Countersign has set others for the whole deployment. */
    limits: z.object({
      callsPerSecond: z.number(),
      /** By route, such as `/tickets/{id}`. */
      perRoute: z.record(z.string(), z.number()).optional(),
      concurrency: z.int().optional(),
      searchLagMs: z.int().optional(),
    }),
    /** What whoever runs Countersign has to set before this PSA can be connected; null = nothing. */
    missing: z.string().nullable(),
  })
  .openapi('Psa');
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
  example: { items: psasOf(null), nextCursor: null },
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
  return send(c, listOf(psaSchema), { items: psasOf(c.get('deps').environment), nextCursor: null });
});

catalogueRoutes.openapi(listVendors, (c) =>
  send(c, listOf(vendorSchema), { items: vendorsOf(c.get('deps').environment), nextCursor: null }),
);

/** @param environment null = the PSA of the contract's example, with nothing missing */
function psasOf(environment: object | null) {
  return environment === null
    ? Object.entries(psas).flatMap(([id, psa]) => (id === examplePsa.kind ? [psaView(id, psa, null)] : []))
    : Object.entries(psas).map(([id, psa]) => psaView(id, psa, psa.missing(environment)));
}

function psaView(id: string, psa: PsaEntry, missing: string | null) {
  const { name, credentials, settings, words, rightsAt, rights, limits } = psa;
  const asked: Record<(typeof psaModules)[number], readonly string[]> = {
    billing: askedForBilling,
    alerts: neededForAlerts,
  };
  return {
    id,
    name,
    credentials: fieldsOf(credentials),
    settings: fieldsOf(settings),
    words,
    rightsAt,
    rights: Object.entries(rights).map(([right, { purpose, setting, blocks }]) => ({
      id: right,
      purpose,
      setting,
      modules: psaModules.filter((module) => asked[module].includes(right)),
      blocks: [...blocks],
    })),
    limits,
    missing,
  };
}
