/** The month-end sheet: of a period what was approved, what was left out and why, and what nobody decided. */
import { z } from '@hono/zod-openapi';
import { listSheetCustomers, listSheetLines, sumSheet, type SheetScope } from '../../db/queries/monthEnd.ts';
import { sheetParts } from '../../domain/monthEnd.ts';
import type { ApiEnv } from '../context.ts';
import {
  createRouter,
  decodeCursor,
  jsonPlace,
  listOf,
  ourId,
  outsideId,
  pageOf,
  pageQuery,
  route,
  send,
} from '../define.ts';
import { periodIn, periodQuery } from '../period.ts';
import { sendSheet, sheetRoute } from '../sheet.ts';
import {
  createLineViewer,
  exampleCustomer,
  exampleLine,
  exampleMonthEnd,
  lineSheet,
  monthEndCustomerSchema,
  monthEndLineSchema,
  monthEndSchema,
} from '../views/monthEnd.ts';

const tag = 'Month end';

const scopeQuery = z.object({
  ...periodQuery,
  psaConnectionId: z.uuid().optional(),
  psaAccountId: z.string().max(200).optional(),
});
const lineQuery = scopeQuery.extend({ part: z.enum(sheetParts).optional() });

const totals = route({
  method: 'get',
  path: '/v1/month-end',
  operationId: 'getMonthEnd',
  summary: 'The sums of a month-end sheet: what was approved, skipped, dismissed, and left untouched',
  tag,
  scope: 'read',
  request: { query: scopeQuery },
  ok: 200,
  answer: monthEndSchema,
  example: exampleMonthEnd,
  problems: {},
});

const customers = route({
  method: 'get',
  path: '/v1/month-end/customers',
  operationId: 'listMonthEndCustomers',
  summary: 'The customers of a month-end sheet with their sums, by name',
  tag,
  scope: 'read',
  request: { query: scopeQuery.extend(pageQuery.shape) },
  ok: 200,
  answer: listOf(monthEndCustomerSchema),
  example: { items: [exampleCustomer], nextCursor: null },
  problems: {},
});

const lines = route({
  method: 'get',
  path: '/v1/month-end/lines',
  operationId: 'listMonthEndLines',
  summary: 'The lines of a month-end sheet, customer by customer',
  tag,
  scope: 'read',
  request: { query: lineQuery.extend(pageQuery.shape) },
  ok: 200,
  answer: listOf(monthEndLineSchema),
  example: { items: [exampleLine], nextCursor: null },
  problems: {},
});

const lineFile = sheetRoute({
  path: '/v1/month-end/lines',
  operationId: 'exportMonthEndLines',
  summary: 'A month-end sheet as a CSV file',
  tag,
  request: { query: lineQuery },
  sheet: lineSheet,
  example: exampleLine,
});

export const monthEndRoutes = createRouter();

monthEndRoutes.openapi(totals, async (c) => {
  const scope = scopeOf(c.var, c.req.valid('query'));
  const { from, to, timeZone } = scope.period;
  return send(c, monthEndSchema, { period: { from, to, timeZone }, ...(await sumSheet(c.var.deps.db, scope)) });
});

const customerPlace = { name: outsideId, psaAccountId: outsideId, psaConnectionId: ourId };
const place = jsonPlace(z.strictObject(customerPlace));

monthEndRoutes.openapi(customers, async (c) => {
  const { limit, cursor, ...query } = c.req.valid('query');
  const after = decodeCursor(cursor, place);
  const rows = await listSheetCustomers(c.var.deps.db, scopeOf(c.var, query), { after, limit: limit + 1 });
  const page = pageOf(rows, limit, ({ name, psaAccountId, psaConnectionId }) =>
    JSON.stringify({ name, psaAccountId, psaConnectionId }),
  );
  const items = page.items.map(({ name, ...row }) => ({ ...row, psaAccountName: name }));
  return send(c, listOf(monthEndCustomerSchema), { ...page, items });
});

monthEndRoutes.openapi(lines, async (c) =>
  send(c, listOf(monthEndLineSchema), await pageOfLines(c.var, c.req.valid('query'))),
);

monthEndRoutes.openapi(lineFile, async (c) => {
  const query = c.req.valid('query');
  const { period } = scopeOf(c.var, query);
  return sendSheet(c, `month-end-${period.from}-to-${period.to}`, lineSheet, (page) =>
    // The period of every page is that of the first one, also over the end of a month.
    pageOfLines(c.var, { ...query, from: period.from, to: period.to, ...page }),
  );
});

const linePlace = jsonPlace(
  z.strictObject({
    ...customerPlace,
    part: z.int().min(0).max(3),
    psaProductId: outsideId,
    at: z.string().regex(/^[\d .:-]{0,40}$/),
    id: outsideId,
  }),
);

async function pageOfLines(
  { deps, caller }: ApiEnv['Variables'],
  { limit, cursor, part, ...query }: z.output<typeof lineQuery> & { limit: number; cursor?: string | undefined },
) {
  const scope = { ...scopeOf({ deps, caller }, query), part };
  const after = decodeCursor(cursor, linePlace);
  const rows = await listSheetLines(deps.db, scope, { after, limit: limit + 1 });
  const page = pageOf(rows, limit, ({ name, psaAccountId, psaConnectionId, place: at, psaProductId, placeAt, id }) =>
    JSON.stringify({ name, psaAccountId, psaConnectionId, part: at, psaProductId, at: placeAt, id }),
  );
  return { ...page, items: page.items.map(await createLineViewer(deps.db, page.items)) };
}

function scopeOf(
  { deps, caller }: Pick<ApiEnv['Variables'], 'deps' | 'caller'>,
  { from, to, timeZone, ...of }: z.output<typeof scopeQuery>,
): SheetScope {
  return { organizationId: caller.organizationId, period: periodIn(deps, { from, to, timeZone }), ...of };
}
