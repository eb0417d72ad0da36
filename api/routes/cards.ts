import { z } from '@hono/zod-openapi';
import { dismissCard, pickLine, ruleCard } from '../../commands/card.ts';
import { listCards, type CardPlace, type CardSort } from '../../db/queries/cards.ts';
import { runCommand } from '../context.ts';
import {
  createRouter,
  decodeCursor,
  idParam,
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
import {
  cardDetailSchema,
  cardDetailView,
  cardKindSchema,
  cardSchema,
  cardView,
  exampleCard,
  exampleCardDetail,
} from '../views/card.ts';

const tag = 'Cards';

export const cardRoutes = createRouter();

const list = route({
  method: 'get',
  path: '/v1/cards',
  operationId: 'listCards',
  summary: 'Cards: what is used against what is billed',
  tag,
  scope: 'read',
  request: {
    query: pageQuery.extend({
      kind: cardKindSchema.optional(),
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
  example: exampleCardDetail,
  problems: {},
});

cardRoutes.openapi(get, async (c) => {
  const deps = c.get('deps');
  return send(
    c,
    cardDetailSchema,
    await cardDetailView(deps.db, await ownedCard(deps, c.get('caller'), c.req.valid('param').id)),
  );
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
  example: { ...exampleCardDetail, dismissed: true },
  problems: { 422: ['no-date'] },
});

cardRoutes.openapi(dismiss, async (c) => {
  const { card } = await runCommand(c, dismissCard, { ...c.req.valid('param'), dismissal: c.req.valid('json') });
  return send(c, cardDetailSchema, await cardDetailView(c.get('deps').db, card));
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
  example: exampleCardDetail,
  problems: {},
});

cardRoutes.openapi(undismiss, async (c) => {
  const { card } = await runCommand(c, dismissCard, { ...c.req.valid('param'), dismissal: null });
  return send(c, cardDetailSchema, await cardDetailView(c.get('deps').db, card));
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
  example: exampleCardDetail,
  problems: { 422: ['unknown-line'] },
});

cardRoutes.openapi(putLine, async (c) => {
  const { card } = await runCommand(c, pickLine, { ...c.req.valid('param'), ...c.req.valid('json') });
  return send(c, cardDetailSchema, await cardDetailView(c.get('deps').db, card));
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
  example: exampleCardDetail,
  problems: {},
});

cardRoutes.openapi(deleteLine, async (c) => {
  const { card } = await runCommand(c, pickLine, { ...c.req.valid('param'), lineId: null });
  return send(c, cardDetailSchema, await cardDetailView(c.get('deps').db, card));
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
  example: exampleCardDetail,
  problems: {},
});

cardRoutes.openapi(putRule, async (c) => {
  const { card } = await runCommand(c, ruleCard, { ...c.req.valid('param'), ...c.req.valid('json') });
  return send(c, cardDetailSchema, await cardDetailView(c.get('deps').db, card));
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
  example: exampleCardDetail,
  problems: {},
});

cardRoutes.openapi(deleteRule, async (c) => {
  const { card } = await runCommand(c, ruleCard, { ...c.req.valid('param'), rule: null });
  return send(c, cardDetailSchema, await cardDetailView(c.get('deps').db, card));
});
