import { z } from '@hono/zod-openapi';
import { previewApproval } from '../../commands/approval.ts';
import { listPreviewLines, readPreviewStanding, type PreviewRow } from '../../db/queries/approvalPreviews.ts';
import { readPsaConnection } from '../../db/queries/psaConnection.ts';
import { describeLeftOutCards } from '../../domain/approval.ts';
import { describeProration } from '../../domain/psaCaps.ts';
import { runCommand, type ApiDependencies } from '../context.ts';
import {
  createRouter,
  decodeCursor,
  exampleIds,
  idParam,
  isoDate,
  jsonBody,
  listOf,
  pageOf,
  pageQuery,
  position,
  route,
  searchSchema,
  send,
} from '../define.ts';
import { pendingSchema } from '../views/card.ts';
import { ownedPreview } from '../owned.ts';
import { sendSheet, sheetRoute, type Sheet } from '../sheet.ts';

const tag = 'Approval previews';

const filterSchema = z.strictObject({
  psaAccountId: z.string().max(500).optional(),
  psaProductId: z.string().max(500).optional(),
  integrationId: z.uuid().optional(),
  direction: z.enum(['under', 'over']).optional(),
  search: searchSchema,
  pending: pendingSchema,
  cardIds: z.array(z.uuid()).min(1).max(5_000).optional().openapi({ description: 'Only these cards' }),
});
const previewSchema = z
  .object({
    id: z.uuid(),
    psaConnectionId: z.uuid(),
    filter: filterSchema,
    /** How many cards would be signed off. */
    cards: z.int(),
    /** The change on the next invoice, per currency. */
    money: z.array(
      z.object({ currency: z.string().nullable(), amount: z.number(), notBilled: z.boolean(), cards: z.int() }),
    ),
    /** How many cards with a change are not signed off in bulk, by reason. */
    leftOut: z.array(z.object({ reason: z.string(), words: z.string(), cards: z.int() })),
    /** What the PSA bills for the days before the changes, in sentences; empty where there is nothing to say. */
    proration: z.array(z.string()),
    /** Of how many customers the changes are. */
    customers: z.int(),
    /** The approval that the preview became. */
    approvalId: z.uuid().nullable(),
    approvedSince: z.array(z.object({ approvalId: z.uuid(), cards: z.int() })).openapi({
      description:
        'Other approvals given since the preview was made that have some of its cards, the newest 20: those cards are approved already',
    }),
    createdAt: isoDate,
    expiresAt: isoDate,
  })
  .openapi('ApprovalPreview');
const lineSchema = z
  .object({
    cardId: z.uuid(),
    psaAccountId: z.string(),
    psaAccountName: z.string().nullable(),
    psaProductId: z.string(),
    productId: z.string().nullable(),
    productName: z.string().nullable(),
    agreementId: z.string(),
    agreementName: z.string().nullable(),
    lineId: z.string(),
    from: z.number(),
    to: z.number(),
    /** The agreement's next invoice date; null when it has none. */
    effectiveDate: z.string().nullable(),
    money: z.object({ currency: z.string().nullable(), amount: z.number(), notBilled: z.boolean() }),
  })
  .openapi('ApprovalPreviewLine');

const examplePreview = {
  id: exampleIds.run,
  psaConnectionId: exampleIds.psaConnection,
  filter: {},
  cards: 5_021,
  money: [{ currency: 'USD', amount: 1_204.5, notBilled: false, cards: 5_021 }],
  leftOut: [{ reason: 'needs_choice', words: describeLeftOutCards('needs_choice'), cards: 12 }],
  proration: describeProration({ takesEffect: 'dated', proration: 'always' }),
  customers: 310,
  approvalId: null,
  approvedSince: [],
  createdAt: '2026-11-23T09:04:00.000Z',
  expiresAt: '2026-11-24T09:04:00.000Z',
};
const exampleLine = {
  cardId: exampleIds.card,
  psaAccountId: '250',
  psaAccountName: 'Acme Dental',
  psaProductId: '77',
  productId: 'MP-CLOUDFILTER',
  productName: 'CloudFilter',
  agreementId: '31',
  agreementName: 'Managed email',
  lineId: '9001',
  from: 40,
  to: 43,
  effectiveDate: '2026-12-01',
  money: { currency: 'USD', amount: 7.5, notBilled: false },
};

const create = route({
  method: 'post',
  path: '/v1/approvals/previews',
  operationId: 'createApprovalPreview',
  summary: 'Preview the exact writes of all cards that can be approved in bulk; sign the preview off by its id',
  tag,
  scope: 'operate',
  request: {
    body: jsonBody(z.strictObject({ psaConnectionId: z.uuid(), filter: filterSchema.optional() }), {
      psaConnectionId: exampleIds.psaConnection,
    }),
  },
  ok: 201,
  answer: previewSchema,
  example: examplePreview,
  problems: { 404: ['not-found'] },
});
const get = route({
  method: 'get',
  path: '/v1/approvals/previews/{id}',
  operationId: 'getApprovalPreview',
  summary: 'One preview with its totals and what is left out',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: previewSchema,
  example: examplePreview,
  problems: {},
});
const lines = route({
  method: 'get',
  path: '/v1/approvals/previews/{id}/lines',
  operationId: 'listApprovalPreviewLines',
  summary: 'The exact writes of a preview',
  tag,
  scope: 'read',
  request: { params: idParam, query: pageQuery },
  ok: 200,
  answer: listOf(lineSchema),
  example: { items: [exampleLine], nextCursor: null },
  problems: {},
});

const lineSheet: Sheet<typeof lineSchema> = {
  item: lineSchema,
  columns: [
    ['card', ({ cardId }) => cardId],
    ['account', ({ psaAccountName }) => psaAccountName],
    ['account id', ({ psaAccountId }) => psaAccountId],
    ['product', ({ productId }) => productId],
    ['product name', ({ productName }) => productName],
    ['agreement', ({ agreementName, agreementId }) => agreementName ?? agreementId],
    ['line', ({ lineId }) => lineId],
    ['from', ({ from }) => from],
    ['to', ({ to }) => to],
    ['effective date', ({ effectiveDate }) => effectiveDate],
    ['currency', ({ money }) => money.currency],
    ['money', ({ money }) => (money.notBilled ? null : money.amount)],
  ],
};
const lineFile = sheetRoute({
  path: '/v1/approvals/previews/{id}/lines',
  operationId: 'exportApprovalPreviewLines',
  summary: 'The exact writes of a preview as a CSV file',
  tag,
  request: { params: idParam },
  sheet: lineSheet,
  example: exampleLine,
});

export const approvalPreviewRoutes = createRouter();

approvalPreviewRoutes.openapi(create, async (c) => {
  const { psaConnectionId, filter = {} } = c.req.valid('json');
  const { preview } = await runCommand(c, previewApproval, { psaConnectionId, filter });
  return send(c, previewSchema, await previewView(c.get('deps'), preview), 201);
});

approvalPreviewRoutes.openapi(get, async (c) => {
  const deps = c.get('deps');
  const preview = await ownedPreview(deps, c.get('caller'), c.req.valid('param').id);
  return send(c, previewSchema, await previewView(deps, preview));
});

approvalPreviewRoutes.openapi(lines, async (c) => {
  const deps = c.get('deps');
  const preview = await ownedPreview(deps, c.get('caller'), c.req.valid('param').id);
  return send(c, listOf(lineSchema), await pageOfLines(deps, preview, c.req.valid('query')));
});

approvalPreviewRoutes.openapi(lineFile, async (c) => {
  const { deps, caller } = c.var;
  const preview = await ownedPreview(deps, caller, c.req.valid('param').id);
  return sendSheet(c, `preview-${preview.id}`, lineSheet, (page) => pageOfLines(deps, preview, page));
});

async function pageOfLines(
  { db }: ApiDependencies,
  preview: PreviewRow,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
) {
  const rows = await listPreviewLines(db, preview, { after: decodeCursor(cursor, position), limit: limit + 1 });
  const page = pageOf(rows, limit, ({ line }) => String(line.position));
  const items = page.items.map(({ line: { currency, amount, notBilled, ...line }, ...names }) => ({
    ...line,
    ...names,
    money: { currency, amount, notBilled },
  }));
  return { ...page, items };
}

async function previewView({ db }: ApiDependencies, row: PreviewRow) {
  const { caps } = await readPsaConnection(db, row.psaConnectionId);
  return {
    ...row,
    ...(await readPreviewStanding(db, row)),
    leftOut: row.leftOut.map((left) => ({ ...left, words: describeLeftOutCards(left.reason) })),
    proration: caps ? describeProration(caps) : [],
  };
}
