/** Found money: what approving would bring, apart from what needs a person first; and what is on no card at all. */
import { z } from '@hono/zod-openapi';
import { examplePsa } from '../../connectors/registry.ts';
import { readHealthFacts } from '../../db/queries/health.ts';
import { countUnbilled, listApprovalFacts, listUnmappedUsage, sumFound, sumKinds } from '../../db/queries/summary.ts';
import { createRouter, exampleIds, isoDateOrNull, route, send } from '../define.ts';
import { judgeHealth } from '../health.ts';

/** How many customers who are mapped to nobody are named for each integration. */
const named = 5;

const side = z.object({ amount: z.number(), cards: z.int() });
const summarySchema = z
  .object({
    /** Of cards that nobody has dismissed. Amounts of different currencies are never added up. */
    found: z.array(
      z.object({
        kind: z.enum(sumKinds).openapi({
          description:
            'confirmed = can be approved now; check = a person has to look, choose or wait; not_billed = a rule or the line says so; annual = not billed monthly, so the amount is none of a month; no_line = used and on no line; expired = used, and its line or agreement has ended; only_credits = money is given back and no seat is billed; todo = approved already and on the to-do list; writing = approved already and being written',
        }),
        currency: z.string().nullable(),
        cards: z.int().openapi({ description: 'All of these; also those that change no invoice' }),
        /** Billed too little: what the next invoice would have more. */
        under: side,
        /** Billed too much: what the next invoice would have less. */
        over: side,
        /** Cards whose money no one price tells. */
        unpriced: z.int(),
        ready: z.int().openapi({
          description:
            'Of all of these: cards in the state `ready`, whatever their money is; none that is approved already',
        }),
      }),
    ),
    /** Customers who use what no line bills: none at all, or one that has ended. */
    customersWithoutLine: z.object({ none: z.int(), ended: z.int() }),
    /** Customers who use something and are mapped to nobody; those with most seats by name. */
    unmapped: z.array(
      z.object({
        integrationId: z.uuid(),
        customers: z.int(),
        seats: z.number(),
        largest: z.array(z.object({ id: z.string(), name: z.string(), seats: z.number() })),
      }),
    ),
    /** How old what the cards show is. */
    data: z.array(
      z.object({
        integrationId: z.uuid(),
        vendor: z.string(),
        dataAsOf: isoDateOrNull,
        psaAsOf: isoDateOrNull,
        stale: z.boolean(),
      }),
    ),
    connections: z.array(
      z.object({
        psaConnectionId: z.uuid(),
        name: z.string(),
        writesEnabled: z.boolean(),
        hasApproved: z.boolean().openapi({ description: 'Whether an approval has ever reached this PSA' }),
        /** Lines of approvals that wait for a person, and that are being written. */
        todos: z.int(),
        writing: z.int(),
      }),
    ),
  })
  .openapi('Summary');

const get = route({
  method: 'get',
  path: '/v1/summary',
  operationId: 'getSummary',
  summary: 'Found money per currency, what is on no card, how old the data is, and what is under way',
  tag: 'Summary',
  scope: 'read',
  request: {},
  ok: 200,
  answer: summarySchema,
  example: {
    found: [
      {
        kind: 'confirmed' as const,
        currency: 'USD',
        cards: 16,
        under: { amount: 1_240, cards: 11 },
        over: { amount: 310, cards: 4 },
        unpriced: 0,
        ready: 16,
      },
    ],
    customersWithoutLine: { none: 6, ended: 1 },
    unmapped: [
      {
        integrationId: exampleIds.integration,
        customers: 3,
        seats: 41,
        largest: [{ id: '1017', name: 'Harbor Law', seats: 30 }],
      },
    ],
    data: [
      {
        integrationId: exampleIds.integration,
        vendor: 'mailprotector',
        dataAsOf: '2026-11-23T09:00:00.000Z',
        psaAsOf: '2026-11-23T09:00:00.000Z',
        stale: false,
      },
    ],
    connections: [
      {
        psaConnectionId: exampleIds.psaConnection,
        name: examplePsa.connectionName,
        writesEnabled: true,
        hasApproved: true,
        todos: 0,
        writing: 0,
      },
    ],
  },
  problems: {},
});

export const summaryRoutes = createRouter();

summaryRoutes.openapi(get, async (c) => {
  const { db, environment } = c.get('deps');
  const { organizationId } = c.get('caller');
  const facts = await readHealthFacts(db, environment.RETRYING_SHOWN_MS, { organizationId });
  return send(c, summarySchema, {
    found: await sumFound(db, organizationId),
    customersWithoutLine: await countUnbilled(db, organizationId),
    unmapped: await listUnmappedUsage(db, organizationId, named),
    data: facts.map((each) => judgeHealth(environment, each)),
    connections: await listApprovalFacts(db, organizationId),
  });
});
