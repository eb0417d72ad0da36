import { z } from '@hono/zod-openapi';
import { vendors } from '../../connectors/registry.ts';
import { listAudit } from '../../db/queries/audit.ts';
import {
  createRouter,
  decodeCursor,
  exampleIds,
  isoDate,
  listOf,
  ordinal,
  pageOf,
  pageQuery,
  route,
  send,
} from '../define.ts';

const virtualAdministrator =
  'If you receive Mailprotector through Virtual Administrator, you cannot utilize the integration at this time.';

const vendorSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    intakes: z.array(z.string()),
    services: z.array(z.object({ id: z.string(), name: z.string() })),
    note: z.string(),
  })
  .openapi('Vendor');
const list = route({
  method: 'get',
  path: '/v1/vendors',
  operationId: 'listVendors',
  summary: 'Vendors that can be connected',
  tag: 'Vendors',
  scope: 'read',
  request: {},
  ok: 200,
  answer: listOf(vendorSchema),
  example: {
    items: [
      {
        id: 'mailprotector',
        name: 'Mailprotector',
        intakes: ['pull'],
        services: [{ id: 'CloudFilter', name: 'CloudFilter' }],
        note: virtualAdministrator,
      },
    ],
    nextCursor: null,
  },
  problems: {},
});
const auditSchema = z
  .object({
    id: z.int(),
    at: isoDate,
    actor: z.string(),
    action: z.string(),
    subjectKind: z.string(),
    subjectId: z.string(),
    before: z.unknown(),
    after: z.unknown(),
  })
  .openapi('AuditEntry');
const audit = route({
  method: 'get',
  path: '/v1/audit',
  operationId: 'listAudit',
  summary: 'Who changed what, newest first',
  tag: 'Audit',
  scope: 'read',
  request: { query: pageQuery },
  ok: 200,
  answer: listOf(auditSchema),
  example: {
    items: [
      {
        id: 41,
        at: '2026-11-23T09:00:00.000Z',
        actor: `token:${exampleIds.line}`,
        action: 'psaConnection.writes',
        subjectKind: 'psa_connection',
        subjectId: exampleIds.psaConnection,
        before: { writesEnabled: false },
        after: { writesEnabled: true },
      },
    ],
    nextCursor: null,
  },
  problems: {},
});

export const catalogueRoutes = createRouter();

catalogueRoutes.openapi(list, (c) => {
  const items = Object.entries(vendors).map(([id, vendor]) => ({
    id,
    name: vendor.name,
    intakes: [...vendor.intakes],
    services: vendor.services,
    note: virtualAdministrator,
  }));
  return send(c, listOf(vendorSchema), { items, nextCursor: null });
});

catalogueRoutes.openapi(audit, async (c) => {
  const { limit, cursor } = c.req.valid('query');
  const rows = await listAudit(c.get('deps').db, c.get('caller').organizationId, {
    before: decodeCursor(cursor, ordinal),
    limit: limit + 1,
  });
  const page = pageOf(rows, limit, (row) => String(row.id));
  return send(c, listOf(auditSchema), page);
});
