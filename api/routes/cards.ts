import { z } from '@hono/zod-openapi';
import { dismissCard, pickLine, ruleCard } from '../../commands/card.ts';
import { listCards, type CardPlace, type CardSort } from '../../db/queries/cards.ts';
import type { Card } from '../../domain/reconcile.ts';
import { runCommand } from '../context.ts';
import {
  createRouter,
  decodeCursor,
  exampleIds,
  idParam,
  isoDate,
  jsonBody,
  jsonPlace,
  listOf,
  ourId,
  outsideId,
  pageOf,
  pageQuery,
  route,
  send,
} from '../define.ts';
import { ownedCard } from '../owned.ts';

const tag = 'Cards';

const kindSchema = z.enum(['new_revenue', 'reconcile', 'no_change', 'only_credits']).openapi({
  description:
    'only_credits = the PSA gives money back for this product (a quantity or price below 0) and bills no seat of it',
});
const dayOrNull = z.string().nullable().openapi({ description: 'YYYY-MM-DD', example: '2026-12-15' });
const lineDates = {
  effectiveFrom: dayOrNull,
  /** The first day on which the line is no longer billed. */
  effectiveTo: dayOrNull,
};

const cardSchema = z
  .object({
    id: z.uuid(),
    psaConnectionId: z.uuid(),
    psaAccountId: z.string(),
    psaAccountName: z.string(),
    /** The PSA's id of the product, and its Product ID. */
    psaProductId: z.string(),
    productId: z.string().nullable(),
    productName: z.string().nullable(),
    kind: kindSchema,
    flags: z.array(z.object({ code: z.string(), reason: z.string(), words: z.string() })),
    /** null = never reported; the console shows —. */
    usage: z.number().nullable(),
    target: z.number().nullable(),
    current: z.number(),
    difference: z.number().nullable(),
    money: z.array(z.object({ currency: z.string().nullable(), amount: z.number(), notBilled: z.boolean() })),
    preview: z.array(z.string()),
    /** The write that approving the card makes; an approval sends it back as it was shown. */
    write: z
      .object({ lineId: z.string(), from: z.number(), to: z.number(), effectiveDate: z.string().nullable() })
      .nullable(),
    approvable: z.boolean(),
    bulkApprovable: z.boolean(),
    dismissed: z.boolean(),
    changedAt: isoDate,
  })
  .openapi('Card');
const lineSchema = z.object({
  lineId: z.string(),
  agreementId: z.string(),
  agreementName: z.string(),
  quantity: z.number(),
  includedQuantity: z.number(),
  unitPrice: z.number(),
  currency: z.string().nullable(),
  billed: z.boolean(),
  /** Start of the period the next invoice bills. */
  asOf: z.string(),
  readOn: z.string().openapi({ description: 'The day the line was read as of: asOf, or today when that has passed' }),
  ...lineDates,
  succeeds: z.array(z.object({ lineId: z.string(), quantity: z.number(), effectiveTo: z.string() })).openapi({
    description: 'Lines of the same agreement and product that end within the period, and that this one follows',
  }),
});
const leftOutSchema = z.object({
  lineId: z.string(),
  agreementId: z.string(),
  agreementName: z.string(),
  quantity: z.number(),
  unitPrice: z.number(),
  currency: z.string().nullable(),
  ...lineDates,
  reason: z.string(),
  words: z.string(),
});
const cardDetailSchema = cardSchema
  .extend({
    lines: z.array(lineSchema),
    leftOut: z.array(leftOutSchema),
    explanation: z.object({
      counts: z.array(
        z.looseObject({
          vendorAccountId: z.string(),
          serviceId: z.string(),
          quantity: z.number().nullable(),
          source: z
            .enum(['push', 'pull'])
            .openapi({ description: 'pull = Countersign read it, push = the vendor sent it' }),
          asOf: z.string(),
        }),
      ),
      combine: z.string(),
      rule: z.unknown(),
      linesAsOf: z.array(z.string()),
    }),
  })
  .openapi('CardDetail');

const exampleCard = {
  id: exampleIds.card,
  psaConnectionId: exampleIds.psaConnection,
  psaAccountId: '250',
  psaAccountName: 'Acme Dental',
  psaProductId: '77',
  productId: 'MP-CLOUDFILTER',
  productName: 'CloudFilter',
  kind: 'reconcile' as const,
  flags: [],
  usage: 43,
  target: 43,
  current: 40,
  difference: 3,
  money: [{ currency: 'USD', amount: 7.5, notBilled: false }],
  preview: ['First billed on 2026-12-01. Nothing is billed or credited for periods already invoiced.'],
  write: { lineId: '9001', from: 40, to: 43, effectiveDate: '2026-12-01' },
  approvable: true,
  bulkApprovable: true,
  dismissed: false,
  changedAt: '2026-11-23T09:00:41.000Z',
};
const exampleDetail = {
  ...exampleCard,
  lines: [
    {
      lineId: '9001',
      agreementId: '31',
      agreementName: 'Managed email',
      quantity: 40,
      includedQuantity: 0,
      unitPrice: 2.5,
      currency: 'USD',
      billed: true,
      asOf: '2026-12-01',
      readOn: '2026-12-01',
      effectiveFrom: '2026-12-15',
      effectiveTo: null,
      succeeds: [{ lineId: '9000', quantity: 38, effectiveTo: '2026-12-15' }],
    },
  ],
  leftOut: [
    {
      lineId: '9000',
      agreementId: '31',
      agreementName: 'Managed email',
      quantity: 38,
      unitPrice: 2.5,
      currency: 'USD',
      effectiveFrom: null,
      effectiveTo: '2026-12-15',
      reason: 'succeeded',
      words: 'the line ends on 2026-12-15, and another line of its agreement follows it before 2027-01-01',
    },
  ],
  explanation: {
    counts: [
      {
        vendorAccountId: '1001',
        serviceId: 'CloudFilter',
        quantity: 43,
        source: 'pull' as const,
        asOf: '2026-11-23T09:00:00.000Z',
      },
    ],
    combine: 'one service',
    rule: null,
    linesAsOf: ['2026-12-01'],
  },
};

const list = route({
  method: 'get',
  path: '/v1/cards',
  operationId: 'listCards',
  summary: 'Cards: what is used against what is billed',
  tag,
  scope: 'read',
  request: {
    query: pageQuery.extend({
      kind: kindSchema.optional(),
      flag: z.string().max(50).optional(),
      psaConnectionId: z.uuid().optional(),
      psaAccountId: z.string().max(200).optional(),
      dismissed: z.enum(['true', 'false']).optional(),
      approvable: z.enum(['true', 'false']).optional(),
      sort: z
        .enum(['id', 'account', 'difference'])
        .default('id')
        .openapi({ description: 'By id, by the name of the PSA account, or the largest difference first' }),
    }),
  },
  ok: 200,
  answer: listOf(cardSchema),
  example: { items: [exampleCard], nextCursor: null },
  problems: {},
});
const get = route({
  method: 'get',
  path: '/v1/cards/{id}',
  operationId: 'getCard',
  summary: 'One card with its lines and the origin of every number',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: cardDetailSchema,
  example: exampleDetail,
  problems: {},
});
const reason = z.string().trim().min(1).max(500);
const dismiss = route({
  method: 'post',
  path: '/v1/cards/{id}/dismiss',
  operationId: 'dismissCard',
  summary: 'Dismiss until a number changes, this period, or a date',
  tag,
  scope: 'operate',
  request: {
    params: idParam,
    body: jsonBody(
      z.object({
        until: z.enum(['change', 'period', 'date']).default('change'),
        date: z.iso.date().optional(),
        reason,
      }),
      { until: 'date', date: '2027-01-01', reason: 'The customer is moving away' },
    ),
  },
  ok: 200,
  answer: cardDetailSchema,
  example: { ...exampleDetail, dismissed: true },
  problems: { 422: ['no-date'] },
});
const putLine = route({
  method: 'put',
  path: '/v1/cards/{id}/line',
  operationId: 'putCardLine',
  summary:
    'Pick the line that takes the difference (with alternatives: the count); the pick is remembered until the line ends',
  tag,
  scope: 'operate',
  request: {
    params: idParam,
    body: jsonBody(z.object({ lineId: z.string().max(200).nullable() }), { lineId: '9001' }),
  },
  ok: 200,
  answer: cardDetailSchema,
  example: exampleDetail,
  problems: { 422: ['unknown-line'] },
});
const ruleBody = z.object({
  notBilled: z.boolean().optional(),
  minimum: z.number().min(0).max(1e9).optional(),
  offset: z.number().min(-1e9).max(1e9).optional(),
  lineMode: z.enum(['follow', 'never_lower', 'report_only']).optional(),
  reason,
  expires: z.iso.date().optional(),
});
const putRule = route({
  method: 'put',
  path: '/v1/cards/{id}/rule',
  operationId: 'putCardRule',
  summary: 'Set or (with null) remove the rule of this account × product',
  tag,
  scope: 'operate',
  request: {
    params: idParam,
    body: jsonBody(z.object({ rule: ruleBody.nullable() }), {
      rule: { minimum: 10, reason: 'The contract has a minimum of 10', expires: '2027-06-30' },
    }),
  },
  ok: 200,
  answer: cardDetailSchema,
  example: exampleDetail,
  problems: {},
});

const undismiss = route({
  method: 'delete',
  path: '/v1/cards/{id}/dismiss',
  operationId: 'undismissCard',
  summary: 'Remove a dismissal',
  tag,
  scope: 'operate',
  request: { params: idParam },
  ok: 200,
  answer: cardDetailSchema,
  example: exampleDetail,
  problems: {},
});
const deleteLine = route({
  method: 'delete',
  path: '/v1/cards/{id}/line',
  operationId: 'deleteCardLine',
  summary: 'Remove the pick of a line',
  tag,
  scope: 'operate',
  request: { params: idParam },
  ok: 200,
  answer: cardDetailSchema,
  example: exampleDetail,
  problems: {},
});
const deleteRule = route({
  method: 'delete',
  path: '/v1/cards/{id}/rule',
  operationId: 'deleteCardRule',
  summary: 'Remove the rule of this account × product',
  tag,
  scope: 'operate',
  request: { params: idParam },
  ok: 200,
  answer: cardDetailSchema,
  example: exampleDetail,
  problems: {},
});

export const cardRoutes = createRouter();

cardRoutes.openapi(list, async (c) => {
  const deps = c.get('deps');
  const { limit, cursor, dismissed, approvable, sort, ...filter } = c.req.valid('query');
  const rows = await listCards(
    deps.db,
    c.get('caller').organizationId,
    { ...filter, dismissed: flagOf(dismissed), approvable: flagOf(approvable) },
    { sort, after: decodeCursor<CardPlace>(cursor, placeIn[sort]), limit: limit + 1 },
  );
  const page = pageOf(rows.map(cardView), limit, (card) => placeOf(card, sort));
  return send(c, listOf(cardSchema), page);
});

const placeIn = {
  id: z.uuid().transform((id) => ({ id })),
  account: jsonPlace(z.strictObject({ account: outsideId, id: ourId })),
  difference: jsonPlace(z.strictObject({ difference: z.number(), id: ourId })),
};

function placeOf(card: ReturnType<typeof cardView>, sort: CardSort): string {
  switch (sort) {
    case 'id':
      return card.id;
    case 'account':
      return JSON.stringify({ account: card.psaAccountName, id: card.id });
    case 'difference':
      return JSON.stringify({ difference: card.difference === null ? -1 : Math.abs(card.difference), id: card.id });
  }
}

const flagOf = (value: 'true' | 'false' | undefined) => (value === undefined ? undefined : value === 'true');

cardRoutes.openapi(get, async (c) => {
  const deps = c.get('deps');
  return send(c, cardDetailSchema, detailOf(await ownedCard(deps, c.get('caller'), c.req.valid('param').id)));
});

cardRoutes.openapi(dismiss, async (c) => {
  const { card } = await runCommand(c, dismissCard, { ...c.req.valid('param'), dismissal: c.req.valid('json') });
  return send(c, cardDetailSchema, detailOf(card));
});

cardRoutes.openapi(undismiss, async (c) => {
  const { card } = await runCommand(c, dismissCard, { ...c.req.valid('param'), dismissal: null });
  return send(c, cardDetailSchema, detailOf(card));
});

cardRoutes.openapi(putLine, async (c) => {
  const { card } = await runCommand(c, pickLine, { ...c.req.valid('param'), ...c.req.valid('json') });
  return send(c, cardDetailSchema, detailOf(card));
});

cardRoutes.openapi(deleteLine, async (c) => {
  const { card } = await runCommand(c, pickLine, { ...c.req.valid('param'), lineId: null });
  return send(c, cardDetailSchema, detailOf(card));
});

cardRoutes.openapi(putRule, async (c) => {
  const { card } = await runCommand(c, ruleCard, { ...c.req.valid('param'), ...c.req.valid('json') });
  return send(c, cardDetailSchema, detailOf(card));
});

cardRoutes.openapi(deleteRule, async (c) => {
  const { card } = await runCommand(c, ruleCard, { ...c.req.valid('param'), rule: null });
  return send(c, cardDetailSchema, detailOf(card));
});

type CardRow = Awaited<ReturnType<typeof ownedCard>>;

function cardView(row: CardRow) {
  const { detail } = row.card;
  return {
    ...row.card,
    flags: detail.flags,
    money: detail.money,
    preview: detail.preview,
    write: writeOf(detail),
    psaAccountName: row.psaAccountName,
    productId: row.productId,
    productName: row.productName,
  };
}

function writeOf({ write }: Card) {
  if (!write) return null;
  const { lineId, quantity, asOf, asOfKnown } = write.line;
  return { lineId, from: quantity, to: write.newQuantity, effectiveDate: asOfKnown ? asOf : null };
}

function detailOf(row: CardRow) {
  const { detail } = row.card;
  return {
    ...cardView(row),
    lines: detail.lines,
    leftOut: detail.leftOut,
    explanation: { ...detail.explanation, counts: detail.explanation.counts.map((count) => ({ ...count })) },
  };
}
