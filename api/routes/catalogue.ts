import { z } from '@hono/zod-openapi';
import { vendors } from '../../connectors/registry.ts';
import { listAudit } from '../../db/queries/audit.ts';
import { createRouter, decodeCursor, isoDate, listOf, pageOf, pageQuery, route, send } from '../define.ts';
import { ApiProblem } from '../problem.ts';

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
});

export const catalogueRoutes = createRouter();

catalogueRoutes.openapi(list, (c) => {
  const items = Object.entries(vendors).map(([id, vendor]) => ({
    id,
    name: vendor.name,
    intakes: [...vendor.intakes],
    services: vendor.services,
    note: 'If you receive Mailprotector through Virtual Administrator, you cannot utilize the integration at this time.',
  }));
  return send(c, listOf(vendorSchema), { items, nextCursor: null });
});

catalogueRoutes.openapi(audit, async (c) => {
  const { limit, cursor } = c.req.valid('query');
  const place = decodeCursor(cursor);
  if (place !== undefined && !/^\d{1,15}$/.test(place))
    throw new ApiProblem(400, 'invalid-cursor', 'The cursor is not one that Countersign gave out.');
  const rows = await listAudit(c.get('deps').db, c.get('caller').organizationId, {
    before: place === undefined ? undefined : Number(place),
    limit: limit + 1,
  });
  return send(
    c,
    listOf(auditSchema),
    pageOf(rows, limit, (row) => String(row.id)),
  );
});
