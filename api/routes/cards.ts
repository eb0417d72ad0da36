import { z } from '@hono/zod-openapi';
import { dismissCard, dismissCards, pickLine, reviewCard, ruleCard } from '../../commands/card.ts';
import {
  cardSorts,
  countCards,
  listCardGroups,
  listCards,
  type CardPlace,
  type CardSort,
} from '../../db/queries/cardList.ts';
import { largestQuantity } from '../../domain/quantities.ts';
import { cardStates, cardStateWords, foundKinds } from '../../domain/reconcile/review.ts';
import { runCommand, type ApiEnv } from '../context.ts';
import {
  createRouter,
  decodeCursor,
  exampleIds,
  idParam,
  jsonBody,
  jsonPlace,
  listOf,
  ourId,
  pageOf,
  pageQuery,
  route,
  searchSchema,
  send,
} from '../define.ts';
import { pendingSchema } from '../views/card.ts';
import { ownedCard } from '../owned.ts';
import { sendSheet, sheetRoute, type Sheet } from '../sheet.ts';
import {
  cardDetailSchema,
  cardDetailView,
  cardKindSchema,
  cardSchema,
  cardSheet,
  cardStateSchema,
  cardView,
  exampleCard,
  exampleCardDetail,
} from '../views/card.ts';

const tag = 'Cards';

export const cardRoutes = createRouter();

const trueOrFalse = z.enum(['true', 'false']).optional();
const cardFilter = {
  kind: cardKindSchema.optional(),
  flag: z.string().max(50).optional(),
  state: cardStateSchema.optional(),
  psaConnectionId: z.uuid().optional(),
  psaAccountId: z.string().max(200).optional(),
  psaProductId: z.string().max(200).optional(),
  integrationId: z.uuid().optional().openapi({ description: 'Whose services are mapped to the product' }),
  direction: z.enum(['under', 'over']).optional().openapi({ description: 'Billed too little, or too much' }),
  search: searchSchema.openapi({ description: 'Anywhere in the name of the account or product, or in the Product ID' }),
  dismissed: trueOrFalse,
  approvable: trueOrFalse,
  pending: pendingSchema,
  found: z.enum(foundKinds).optional().openapi({ description: 'What the card finds, as the summary counts it' }),
  agrees: trueOrFalse.openapi({ description: 'Whether its state is `agrees`: a person has nothing to do with it' }),
};

const listQuery = z.object({
  ...cardFilter,
  sort: z.enum(cardSorts).default('id').openapi({
    description:
      'By id, by the names of account and product or of product and account, or the largest difference or money first',
  }),
});

const list = route({
  method: 'get',
  path: '/v1/cards',
  operationId: 'listCards',
  summary: 'Cards: what is used against what is billed',
  tag,
  scope: 'read',
  request: { query: pageQuery.extend(listQuery.shape) },
  ok: 200,
  answer: listOf(cardSchema),
  example: { items: [exampleCard], nextCursor: null },
  problems: {},
});

cardRoutes.openapi(list, async (c) => send(c, listOf(cardSchema), await pageOfCards(c.var, c.req.valid('query'))));

const file = sheetRoute({
  path: '/v1/cards',
  operationId: 'exportCards',
  summary: 'Cards as a CSV file',
  tag,
  request: { query: listQuery },
  sheet: cardSheet,
  example: exampleCard,
});

cardRoutes.openapi(file, async (c) =>
  sendSheet(c, 'cards', cardSheet, (page) => pageOfCards(c.var, { ...c.req.valid('query'), ...page })),
);

async function pageOfCards(
  { deps, caller }: ApiEnv['Variables'],
  { limit, cursor, sort, ...filter }: z.output<typeof listQuery> & { limit: number; cursor?: string | undefined },
) {
  const after = decodeCursor<CardPlace>(cursor, placeIn[sort]);
  const rows = await listCards(deps.db, caller.organizationId, flagsIn(filter), { sort, after, limit: limit + 1 });
  const page = pageOf(rows, limit, ({ place }) => JSON.stringify(place));
  return { ...page, items: page.items.map(cardView) };
}

const placeBy = (...by: [] | [z.ZodString, z.ZodString] | [z.ZodNumber] | [z.ZodNumber, z.ZodNumber]) =>
  jsonPlace(z.strictObject({ by: z.tuple(by as [z.ZodType<string | number>]), id: ourId }));
const name = z.string().regex(/^[^\0]{0,500}$/);
const placeIn: Record<CardSort, z.ZodType<CardPlace, string>> = {
  id: placeBy(),
  account: placeBy(name, name),
  product: placeBy(name, name),
  difference: placeBy(z.number()),
  money: placeBy(z.number(), z.number()),
};

const flagsIn = <T extends { agrees?: Flag; dismissed?: Flag; approvable?: Flag }>(given: T) => {
  const { agrees, dismissed, approvable, ...filter } = given;
  return { ...filter, agrees: flagOf(agrees), dismissed: flagOf(dismissed), approvable: flagOf(approvable) };
};

type Flag = 'true' | 'false' | undefined;
const flagOf = (value: Flag) => (value === undefined ? undefined : value === 'true');

const groupSchema = z
  .object({
    /** Of the account, or the Product ID. */
    name: z.string(),
    cards: z.int(),
    /** The sum over the cards that have one; null = none has. */
    difference: z.number().nullable(),
    /** What the next invoices would change by if all were billed, per currency; without cards of which no one price tells it. */
    money: z.array(z.object({ currency: z.string().nullable(), amount: z.number() })),
  })
  .openapi('CardGroup');

const exampleGroup = { name: 'Acme Dental', cards: 3, difference: 5, money: [{ currency: 'USD', amount: 12.5 }] };
const groupQuery = z.object({ ...cardFilter, by: z.enum(['account', 'product']).default('account') });

const groups = route({
  method: 'get',
  path: '/v1/cards/groups',
  operationId: 'listCardGroups',
  summary: 'What cards sum up to by account or by product, in the order of the list by that name',
  tag,
  scope: 'read',
  request: { query: pageQuery.extend(groupQuery.shape) },
  ok: 200,
  answer: listOf(groupSchema),
  example: { items: [exampleGroup], nextCursor: null },
  problems: {},
});

cardRoutes.openapi(groups, async (c) => send(c, listOf(groupSchema), await pageOfGroups(c.var, c.req.valid('query'))));

/** A line of the groups' file: one for each currency, so that money can be added up by currency. */
const groupRowSchema = groupSchema.extend({ money: z.union([groupSchema.shape.money.element, z.null()]) });
const groupSheet: Sheet<typeof groupRowSchema> = {
  item: groupRowSchema,
  columns: [
    ['name', (row) => row.name],
    ['cards', (row) => row.cards],
    ['difference', ({ difference }) => difference],
    ['amount', ({ money }) => money?.amount ?? null],
    ['currency', ({ money }) => money?.currency ?? null],
  ],
};

const groupFile = sheetRoute({
  path: '/v1/cards/groups',
  operationId: 'exportCardGroups',
  summary: 'What cards sum up to by account or by product as a CSV file, a line for each currency',
  tag,
  request: { query: groupQuery },
  sheet: groupSheet,
  example: { ...exampleGroup, money: { currency: 'USD', amount: 12.5 } },
});

cardRoutes.openapi(groupFile, async (c) =>
  sendSheet(c, 'card-groups', groupSheet, async (at) => {
    const page = await pageOfGroups(c.var, { ...c.req.valid('query'), ...at });
    const items = page.items.flatMap(({ money, ...group }) =>
      (money.length === 0 ? [null] : money).map((each) => ({ ...group, money: each })),
    );
    return { ...page, items };
  }),
);

async function pageOfGroups(
  { deps, caller }: ApiEnv['Variables'],
  { limit, cursor, by, ...filter }: z.output<typeof groupQuery> & { limit: number; cursor?: string | undefined },
) {
  const after = decodeCursor(cursor, name);
  const rows = await listCardGroups(deps.db, caller.organizationId, flagsIn(filter), { by, after, limit: limit + 1 });
  return pageOf(rows, limit, (group) => group.name);
}

const countsSchema = z
  .object({
    /** How many cards are in each state. Dismissed ones are counted apart, unless they were asked for. */
    states: z.array(z.object({ state: cardStateSchema, name: z.string(), words: z.string(), cards: z.int() })),
    dismissed: z.int(),
    total: z.int(),
  })
  .openapi('CardCounts');

const counts = route({
  method: 'get',
  path: '/v1/cards/counts',
  operationId: 'countCards',
  summary: 'How many cards are in each state: which can be approved in bulk, and why the others cannot',
  tag,
  scope: 'read',
  request: { query: z.object(cardFilter) },
  ok: 200,
  answer: countsSchema,
  example: {
    states: [
      { state: 'ready' as const, ...cardStateWords.ready, cards: 11 },
      { state: 'needs_choice' as const, ...cardStateWords.needs_choice, cards: 2 },
    ],
    dismissed: 1,
    total: 14,
  },
  problems: {},
});

cardRoutes.openapi(counts, async (c) => {
  const { organizationId } = c.get('caller');
  const query = c.req.valid('query');
  const rows = await countCards(c.get('deps').db, organizationId, flagsIn(query));
  const sum = (of: typeof rows) => of.reduce((total, { cards }) => total + cards, 0);
  const dismissed = rows.filter((row) => row.dismissed);
  const counted = query.dismissed === 'true' ? dismissed : rows.filter((row) => !row.dismissed);
  return send(c, countsSchema, {
    states: cardStates.map((state) => ({
      state,
      ...cardStateWords[state],
      cards: sum(counted.filter((row) => row.state === state)),
    })),
    dismissed: sum(dismissed),
    total: sum(rows),
  });
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

const dismissalBody = z.object({
  until: z.enum(['change', 'period', 'date']).default('change'),
  date: z.iso.date().optional(),
  reason,
});

const dismiss = route({
  method: 'post',
  path: '/v1/cards/{id}/dismiss',
  operationId: 'dismissCard',
  summary: 'Dismiss until a number changes, this period, or a date',
  tag,
  scope: 'operate',
  request: {
    params: idParam,
    body: jsonBody(dismissalBody, { until: 'date', date: '2027-01-01', reason: 'The customer is moving away' }),
  },
  ok: 200,
  answer: cardDetailSchema,
  example: { ...exampleCardDetail, dismissed: true },
  problems: { 422: ['no-date', 'past-day'] },
});

cardRoutes.openapi(dismiss, async (c) => {
  const { card } = await runCommand(c, dismissCard, { ...c.req.valid('param'), dismissal: c.req.valid('json') });
  return send(c, cardDetailSchema, await cardDetailView(c.get('deps').db, card));
});

const dismissedSchema = z.object({ dismissed: z.int() }).openapi('DismissedCards');

const dismissMany = route({
  method: 'post',
  path: '/v1/cards/dismiss',
  operationId: 'dismissCards',
  summary: 'Dismiss several cards for one reason; those that are not there any more are left out',
  tag,
  scope: 'operate',
  request: {
    body: jsonBody(dismissalBody.extend({ cardIds: z.array(z.uuid()).min(1).max(1_000) }), {
      cardIds: [exampleIds.card],
      reason: 'The customer is moving away',
    }),
  },
  ok: 200,
  answer: dismissedSchema,
  example: { dismissed: 1 },
  problems: { 422: ['no-date', 'past-day', 'unknown-cards'] },
});

cardRoutes.openapi(dismissMany, async (c) => {
  const { cardIds, ...dismissal } = c.req.valid('json');
  return send(c, dismissedSchema, await runCommand(c, dismissCards, { cardIds, dismissal }));
});

const review = route({
  method: 'post',
  path: '/v1/cards/{id}/review',
  operationId: 'reviewCard',
  summary: 'Note that somebody looked at the card and leaves what is billed as it is, until one of its numbers changes',
  tag,
  scope: 'operate',
  request: {
    params: idParam,
    body: jsonBody(z.strictObject({ seen: z.strictObject({ target: z.number().nullable(), current: z.number() }) }), {
      seen: { target: 43, current: 40 },
    }),
  },
  ok: 200,
  answer: cardDetailSchema,
  example: { ...exampleCardDetail, dismissed: true },
  problems: { 409: ['changed-meanwhile'] },
});

cardRoutes.openapi(review, async (c) => {
  const { card } = await runCommand(c, reviewCard, { ...c.req.valid('param'), ...c.req.valid('json') });
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
  minimum: z.number().min(0).max(largestQuantity).optional(),
  offset: z.number().min(-largestQuantity).max(largestQuantity).optional(),
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
  problems: { 422: ['past-day'] },
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
