import { z } from '@hono/zod-openapi';
import { recordAudit } from '../../db/queries/audit.ts';
import { decideCard, findCard, listCards } from '../../db/queries/cards.ts';
import type { Card, Decision } from '../../domain/reconcile.ts';
import { actorOf, type ApiDependencies, type Caller } from '../context.ts';
import { createRouter, decodeCursor, idParam, isoDate, listOf, pageOf, pageQuery, route, send } from '../define.ts';
import { notFound, unprocessable } from '../problem.ts';

const tag = 'Cards';

export const cardSchema = z
  .object({
    id: z.uuid(),
    psaConnectionId: z.uuid(),
    psaAccountId: z.string(),
    psaAccountName: z.string(),
    /** The PSA's id of the product, and what people call it. */
    psaProductId: z.string(),
    productId: z.string().nullable(),
    productName: z.string().nullable(),
    kind: z.enum(['new_revenue', 'reconcile', 'no_change']),
    flags: z.array(z.object({ code: z.string(), reason: z.string(), words: z.string() })),
    /** null = never reported, shown as —. */
    usage: z.number().nullable(),
    target: z.number().nullable(),
    current: z.number(),
    difference: z.number().nullable(),
    money: z.array(z.object({ currency: z.string().nullable(), amount: z.number(), notBilled: z.boolean() })),
    preview: z.array(z.string()),
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
  asOf: z.string(),
});
const cardDetailSchema = cardSchema
  .extend({
    lines: z.array(lineSchema),
    leftOut: z.array(
      z.object({ lineId: z.string(), agreementId: z.string(), quantity: z.number(), reason: z.string() }),
    ),
    write: z.object({ lineId: z.string(), from: z.number(), to: z.number() }).nullable(),
    explanation: z.object({
      counts: z.array(
        z.looseObject({
          vendorAccountId: z.string(),
          serviceId: z.string(),
          quantity: z.number().nullable(),
          asOf: z.string(),
        }),
      ),
      combine: z.string(),
      rule: z.unknown(),
      linesAsOf: z.array(z.string()),
    }),
  })
  .openapi('CardDetail');

const list = route({
  method: 'get',
  path: '/v1/cards',
  operationId: 'listCards',
  summary: 'Cards: what is used against what is billed',
  tag,
  scope: 'read',
  request: {
    query: pageQuery.extend({
      kind: z.enum(['new_revenue', 'reconcile', 'no_change']).optional(),
      flag: z.string().max(50).optional(),
      psaConnectionId: z.uuid().optional(),
      psaAccountId: z.string().max(200).optional(),
      dismissed: z.enum(['true', 'false']).optional(),
    }),
  },
  ok: 200,
  answer: listOf(cardSchema),
});
const get = route({
  method: 'get',
  path: '/v1/cards/{id}',
  operationId: 'getCard',
  summary: 'One card with its lines and where every number came from',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: cardDetailSchema,
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
    body: {
      content: {
        'application/json': {
          schema: z.object({
            until: z.enum(['change', 'period', 'date']).default('change'),
            date: z.iso.date().optional(),
            reason,
          }),
        },
      },
      required: true,
    },
  },
  ok: 200,
  answer: cardDetailSchema,
});
const putLine = route({
  method: 'put',
  path: '/v1/cards/{id}/line',
  operationId: 'putCardLine',
  summary: 'Pick the line that takes the difference; remembered until it ends',
  tag,
  scope: 'operate',
  request: {
    params: idParam,
    body: {
      content: { 'application/json': { schema: z.object({ lineId: z.string().max(200).nullable() }) } },
      required: true,
    },
  },
  ok: 200,
  answer: cardDetailSchema,
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
  summary: 'Set or (with null) take back the rule of this account × product',
  tag,
  scope: 'operate',
  request: {
    params: idParam,
    body: { content: { 'application/json': { schema: z.object({ rule: ruleBody.nullable() }) } }, required: true },
  },
  ok: 200,
  answer: cardDetailSchema,
});

export const cardRoutes = createRouter();

cardRoutes.openapi(list, async (c) => {
  const deps = c.get('deps');
  const { limit, cursor, dismissed, ...filter } = c.req.valid('query');
  const rows = await listCards(
    deps.db,
    c.get('caller').organizationId,
    { ...filter, dismissed: dismissed === undefined ? undefined : dismissed === 'true' },
    { after: decodeCursor(cursor), limit: limit + 1 },
  );
  return send(
    c,
    listOf(cardSchema),
    pageOf(rows.map(viewOf), limit, (card) => card.id),
  );
});

cardRoutes.openapi(get, async (c) => {
  const deps = c.get('deps');
  return send(c, cardDetailSchema, detailOf(await owned(deps, c.get('caller'), c.req.valid('param').id)));
});

cardRoutes.openapi(dismiss, async (c) => {
  const given = c.req.valid('json');
  const row = await owned(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  const view = await decide(c.get('deps'), c.get('caller'), row, 'card.dismiss', {
    dismissal: dismissalOf(row, given),
  });
  return send(c, cardDetailSchema, view);
});

cardRoutes.openapi(putLine, async (c) => {
  const { lineId } = c.req.valid('json');
  const row = await owned(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  if (lineId !== null && !(row.card.detail as Card).lines.some((line) => line.lineId === lineId)) {
    throw unprocessable('unknown-line', 'The card has no active line with this id.');
  }
  return send(c, cardDetailSchema, await decide(c.get('deps'), c.get('caller'), row, 'card.line', { lineId }));
});

cardRoutes.openapi(putRule, async (c) => {
  const caller = c.get('caller');
  const { rule } = c.req.valid('json');
  const row = await owned(c.get('deps'), caller, c.req.valid('param').id);
  const kept = rule ? { ...rule, author: actorOf(caller) } : null;
  return send(
    c,
    cardDetailSchema,
    await decide(c.get('deps'), caller, row, 'card.rule', { rule: kept as Decision['rule'] | null }),
  );
});

type CardRow = NonNullable<Awaited<ReturnType<typeof findCard>>>;

async function owned(deps: ApiDependencies, caller: Caller, id: string): Promise<CardRow> {
  const row = await findCard(deps.db, caller.organizationId, id);
  if (!row) throw notFound('card');
  return row;
}

/** A decision, the card it changes, and the audit row, in one transaction. */
async function decide(
  deps: ApiDependencies,
  caller: Caller,
  row: CardRow,
  action: string,
  change: Parameters<typeof decideCard>[2],
) {
  return deps.db.transaction(async (tx) => {
    await decideCard(tx, row.card, change);
    await recordAudit(tx, caller.organizationId, {
      actor: actorOf(caller),
      action,
      subjectKind: 'card',
      subjectId: row.card.id,
      before: { target: row.card.target, current: row.card.current },
      after: change,
    });
    return detailOf((await findCard(tx, caller.organizationId, row.card.id)) ?? row);
  });
}

function dismissalOf(
  row: CardRow,
  given: { until: 'change' | 'period' | 'date'; date?: string | undefined; reason: string },
): Decision['dismissal'] {
  if (given.until === 'change')
    return { until: 'change', target: row.card.target, current: row.card.current, reason: given.reason };
  const [period] = (row.card.detail as Card).explanation.linesAsOf;
  const before = given.until === 'date' ? given.date : period;
  if (before === undefined)
    throw unprocessable('no-date', 'Give the date until which the card is dismissed.', [
      { field: 'date', message: 'is needed' },
    ]);
  return { until: 'date', before, reason: given.reason };
}

export function viewOf(row: CardRow) {
  const detail = row.card.detail as Card;
  return {
    ...row.card,
    flags: detail.flags,
    money: detail.money,
    preview: detail.preview,
    psaAccountName: row.psaAccountName,
    productId: row.productId,
    productName: row.productName,
  };
}

function detailOf(row: CardRow) {
  const detail = row.card.detail as Card;
  return {
    ...viewOf(row),
    lines: detail.lines,
    leftOut: detail.leftOut,
    write: detail.write
      ? { lineId: detail.write.line.lineId, from: detail.write.line.quantity, to: detail.write.newQuantity }
      : null,
    explanation: { ...detail.explanation, counts: detail.explanation.counts.map((count) => ({ ...count })) },
  };
}
