/** The month-end sheet: of a period what was approved, what was left out and why, and what nobody decided. */
import { z } from '@hono/zod-openapi';
import { readPsaMarks } from '../../db/queries/lookalikes.ts';
import { listSheetCustomers, listSheetLines, sumSheet, type SheetScope } from '../../db/queries/monthEnd.ts';
import { listUnbilled, sumUnbilled } from '../../db/queries/unbilledUsage.ts';
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
import { psaApart } from '../views/account.ts';
import {
  createLineViewer,
  customerSheet,
  exampleCustomer,
  exampleCustomerRow,
  exampleLine,
  exampleMonthEnd,
  exampleRow,
  exampleUnbilled,
  lineSheet,
  monthEndCustomerSchema,
  monthEndLineSchema,
  monthEndSchema,
  rowOfLine,
  rowOfUnbilled,
  rowsOfCustomer,
  unbilledSchema,
  unbilledSheet,
  unbilledView,
} from '../views/monthEnd.ts';

const tag = 'Month end';

const scopeQuery = z.object({
  ...periodQuery,
  psaConnectionId: z.uuid().optional(),
  psaAccountId: z.string().max(200).optional(),
});
const lineQuery = scopeQuery.extend({
  part: z.enum(sheetParts).optional(),
  differsAgain: z
    .enum(['true'])
    .optional()
    .openapi({ description: 'Only approved lines whose card differs again now' }),
});

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

const unbilledQuery = z.object({ psaConnectionId: z.uuid().optional() });

const unbilled = route({
  method: 'get',
  path: '/v1/month-end/unbilled',
  operationId: 'listUnbilledUsage',
  summary: 'What is used now and on no card: customers not mapped or excluded, and services not mapped',
  tag,
  scope: 'read',
  request: { query: pageQuery.extend(unbilledQuery.shape) },
  ok: 200,
  answer: listOf(unbilledSchema),
  example: { items: [exampleUnbilled], nextCursor: null },
  problems: {},
});

const unbilledFile = sheetRoute({
  path: '/v1/month-end/unbilled',
  operationId: 'exportUnbilledUsage',
  summary: 'What is used now and on no card as a CSV file',
  tag,
  request: { query: unbilledQuery },
  sheet: unbilledSheet,
  example: exampleUnbilled,
});

const customerFile = sheetRoute({
  path: '/v1/month-end/customers',
  operationId: 'exportMonthEndCustomers',
  summary: 'The customers of a month-end sheet with their sums as a CSV file, a line for each currency',
  tag,
  request: { query: scopeQuery },
  sheet: customerSheet,
  example: exampleCustomerRow,
});

const lineFile = sheetRoute({
  path: '/v1/month-end/lines',
  operationId: 'exportMonthEndLines',
  summary: 'A month-end sheet as a CSV file',
  tag,
  request: { query: lineQuery },
  sheet: lineSheet,
  example: exampleRow,
});

export const monthEndRoutes = createRouter();

monthEndRoutes.openapi(totals, async (c) => {
  const scope = scopeOf(c.var, c.req.valid('query'));
  const { from, to, timeZone } = scope.period;
  const { db } = c.var.deps;
  const sums = await sumSheet(db, scope);
  // Usage that is on no card is of no account of the PSA.
  const outside = scope.psaAccountId === undefined ? await sumUnbilled(db, scope) : [];
  return send(c, monthEndSchema, { period: { from, to, timeZone }, ...sums, unbilled: outside });
});

const customerPlace = { name: outsideId, psaAccountId: outsideId, psaConnectionId: ourId };
const place = jsonPlace(z.strictObject(customerPlace));

monthEndRoutes.openapi(customers, async (c) =>
  send(c, listOf(monthEndCustomerSchema), await pageOfCustomers(c.var, c.req.valid('query'))),
);

monthEndRoutes.openapi(customerFile, async (c) => {
  const query = c.req.valid('query');
  const { period } = scopeOf(c.var, query);
  return sendSheet(c, `month-end-customers-${period.from}-to-${period.to}`, customerSheet, async (page) => {
    const of = await pageOfCustomers(c.var, { ...query, from: period.from, to: period.to, ...page });
    return { ...of, items: of.items.flatMap(rowsOfCustomer) };
  });
});

async function pageOfCustomers(
  { deps, caller }: ApiEnv['Variables'],
  { limit, cursor, ...query }: Paged<typeof scopeQuery>,
) {
  const after = decodeCursor(cursor, place);
  const rows = await listSheetCustomers(deps.db, scopeOf({ deps, caller }, query), { after, limit: limit + 1 });
  const page = pageOf(rows, limit, ({ name, psaAccountId, psaConnectionId }) =>
    JSON.stringify({ name, psaAccountId, psaConnectionId }),
  );
  const marksOf = await readPsaMarks(
    deps.db,
    page.items.map(({ psaConnectionId, psaAccountId: id }) => ({ psaConnectionId, id })),
  );
  const items = page.items.map(({ name, ...row }) => ({
    ...row,
    psaAccountName: name,
    psaAccountApart: psaApart(marksOf(row.psaConnectionId, row.psaAccountId)),
  }));
  return { ...page, items };
}

type Paged<Query extends z.ZodType> = z.output<Query> & { limit: number; cursor?: string | undefined };

const unbilledPlace = jsonPlace(
  z.strictObject({ place: z.int().min(0).max(2), name: outsideId, integrationId: ourId, id: outsideId }),
);

monthEndRoutes.openapi(unbilled, async (c) => {
  const page = await pageOfUnbilled(c.var, c.req.valid('query'));
  return send(c, listOf(unbilledSchema), { ...page, items: page.items.map(unbilledView) });
});

monthEndRoutes.openapi(unbilledFile, async (c) =>
  sendSheet(c, 'used-and-not-billed', unbilledSheet, async (at) => {
    const page = await pageOfUnbilled(c.var, { ...c.req.valid('query'), ...at });
    return { ...page, items: page.items.map(unbilledView) };
  }),
);

async function pageOfUnbilled(
  { deps, caller: { organizationId } }: ApiEnv['Variables'],
  {
    limit,
    cursor,
    psaConnectionId,
  }: { limit: number; cursor?: string | undefined; psaConnectionId?: string | undefined },
) {
  const after = decodeCursor(cursor, unbilledPlace);
  const rows = await listUnbilled(deps.db, { organizationId, psaConnectionId }, { after, limit: limit + 1 });
  return pageOf(rows, limit, ({ place: at, name, integrationId, id }) =>
    JSON.stringify({ place: at, name, integrationId, id }),
  );
}

monthEndRoutes.openapi(lines, async (c) =>
  send(c, listOf(monthEndLineSchema), await pageOfLines(c.var, c.req.valid('query'))),
);

monthEndRoutes.openapi(lineFile, async (c) => {
  const query = c.req.valid('query');
  const { period } = scopeOf(c.var, query);
  // What is on no card is in the sheet of all, after its cards.
  const isWhole = query.part === undefined && query.psaAccountId === undefined;
  return sendSheet(c, `month-end-${period.from}-to-${period.to}`, lineSheet, async ({ cursor, limit }) => {
    if (cursor?.startsWith(outside)) {
      const after = cursor.slice(outside.length) || undefined;
      const page = await pageOfUnbilled(c.var, { ...query, cursor: after, limit });
      const nextCursor = page.nextCursor === null ? null : outside + page.nextCursor;
      return { items: page.items.map(rowOfUnbilled), nextCursor };
    }
    // The period of every page is that of the first one, also over the end of a month.
    const page = await pageOfLines(c.var, { ...query, from: period.from, to: period.to, cursor, limit });
    return { items: page.items.map(rowOfLine), nextCursor: page.nextCursor ?? (isWhole ? outside : null) };
  });
});

/** Begins the cursor of the pages after the cards; no cursor of a list has it. */
const outside = 'outside:';

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
  { limit, cursor, part, differsAgain, ...query }: Paged<typeof lineQuery>,
) {
  const scope = { ...scopeOf({ deps, caller }, query), part, differsAgain: differsAgain === 'true' };
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
