/** Lists to choose from, as they were last read from a PSA; they are rows that a step stored. */
import { z } from '@hono/zod-openapi';
import { listBoards, listPsaAccounts, listPsaProducts } from '../../db/queries/psa.ts';
import type { PsaConnectionRow } from '../../db/queries/psaConnection.ts';
import type { ApiDependencies, Caller } from '../context.ts';
import {
  createRouter,
  decodeCursor,
  idParam,
  listOf,
  outsideId,
  pageOf,
  pageQuery,
  route,
  searchSchema,
  send,
} from '../define.ts';
import { ownedPsaConnection } from '../owned.ts';
import { ticketFieldsOfConnection } from '../views/psaConnection.ts';
import { conflict } from '../problem.ts';

const tag = 'PSA data';

const boardSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    projectBoard: z.boolean(),
    active: z.boolean(),
    /** As *Check Permissions* read them; null before, and empty for boards on which we cannot create tickets. */
    statuses: z
      .array(z.object({ id: z.string(), name: z.string(), closed: z.boolean(), active: z.boolean() }))
      .nullable(),
    types: z.array(z.object({ id: z.string(), name: z.string(), active: z.boolean() })).nullable(),
  })
  .openapi('Board');
const prioritySchema = z.object({ id: z.string(), name: z.string(), isDefault: z.boolean() }).openapi('Priority');
const boards = route({
  method: 'get',
  path: '/v1/psa-connections/{id}/boards',
  operationId: 'listBoards',
  summary: 'Boards as last read, with the statuses and types of their tickets',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: listOf(boardSchema),
  example: {
    items: [
      {
        id: '12',
        name: 'Service',
        projectBoard: false,
        active: true,
        statuses: [{ id: '201', name: 'New', closed: false, active: true }],
        types: [{ id: '31', name: 'E-mail', active: true }],
      },
    ],
    nextCursor: null,
  },
  problems: { 409: ['not-read-yet'] },
});
const priorities = route({
  method: 'get',
  path: '/v1/psa-connections/{id}/priorities',
  operationId: 'listPriorities',
  summary: 'Priorities of tickets, the most urgent first, as Check Permissions read them',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: listOf(prioritySchema),
  example: { items: [{ id: '1', name: 'Priority 1 - Critical', isDefault: false }], nextCursor: null },
  problems: { 409: ['not-read-yet'] },
});
const ticketFieldSchema = z
  .object({
    /** Its name among the settings of the connection. */
    name: z.string(),
    label: z.string(),
    value: z.string().nullable().openapi({ description: 'What it is set to; null = the PSA fills it in by itself' }),
    choices: z
      .array(z.object({ id: z.string(), name: z.string() }))
      .nullable()
      .openapi({ description: 'The values that it may have; null = Check Permissions has not read them' }),
  })
  .openapi('TicketField');
const ticketFields = route({
  method: 'get',
  path: '/v1/psa-connections/{id}/ticket-fields',
  operationId: 'listTicketFields',
  summary: 'Settings of the connection that are fields of tickets, with the values that the PSA offers',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: listOf(ticketFieldSchema),
  example: {
    items: [
      {
        name: 'ticketSource',
        label: 'Source of tickets',
        value: 'E-mail',
        choices: [{ id: '2', name: 'E-mail' }],
      },
    ],
    nextCursor: null,
  },
  problems: {},
});
const searchQuery = pageQuery.extend({ search: searchSchema });
const accountSchema = z
  .object({ id: z.string(), code: z.string().nullable(), name: z.string(), active: z.boolean(), prospect: z.boolean() })
  .openapi('PsaAccount');
const accounts = route({
  method: 'get',
  path: '/v1/psa-connections/{id}/accounts',
  operationId: 'listPsaAccounts',
  summary: 'PSA accounts as last read; search takes 2 characters or more',
  tag,
  scope: 'read',
  request: { params: idParam, query: searchQuery },
  ok: 200,
  answer: listOf(accountSchema),
  example: {
    items: [{ id: '250', code: 'ACME', name: 'Acme Dental', active: true, prospect: false }],
    nextCursor: null,
  },
  problems: { 409: ['not-read-yet'] },
});
const productSchema = z
  .object({
    id: z.string(),
    productId: z.string(),
    name: z.string(),
    active: z.boolean(),
    usableOnContract: z.boolean(),
  })
  .openapi('PsaProduct');
const products = route({
  method: 'get',
  path: '/v1/psa-connections/{id}/products',
  operationId: 'listPsaProducts',
  summary: 'PSA products as last read; search looks in Product ID and name',
  tag,
  scope: 'read',
  request: { params: idParam, query: searchQuery },
  ok: 200,
  answer: listOf(productSchema),
  example: {
    items: [{ id: '77', productId: 'MP-CLOUDFILTER', name: 'CloudFilter', active: true, usableOnContract: true }],
    nextCursor: null,
  },
  problems: { 409: ['not-read-yet'] },
});

export const psaDataRoutes = createRouter();

psaDataRoutes.openapi(boards, async (c) => {
  const deps = c.get('deps');
  const row = await ownedPsaConnection(deps, c.get('caller'), c.req.valid('param').id);
  if (row.ticketOptions) return send(c, listOf(boardSchema), { items: row.ticketOptions.boards, nextCursor: null });
  const rows = await listBoards(deps.db, (await read(deps, c.get('caller'), row.id)).id);
  const items = rows.map((board) => ({ ...board, statuses: null, types: null }));
  return send(c, listOf(boardSchema), { items, nextCursor: null });
});

psaDataRoutes.openapi(priorities, async (c) => {
  const row = await ownedPsaConnection(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  if (!row.ticketOptions) throw notChecked();
  return send(c, listOf(prioritySchema), { items: row.ticketOptions.priorities, nextCursor: null });
});

psaDataRoutes.openapi(ticketFields, async (c) => {
  const row = await ownedPsaConnection(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  return send(c, listOf(ticketFieldSchema), { items: ticketFieldsOfConnection(row), nextCursor: null });
});

psaDataRoutes.openapi(accounts, async (c) => {
  const deps = c.get('deps');
  const row = await read(deps, c.get('caller'), c.req.valid('param').id);
  const { limit, cursor, search } = c.req.valid('query');
  const rows = await listPsaAccounts(deps.db, row.id, {
    search,
    after: decodeCursor(cursor, outsideId),
    limit: limit + 1,
  });
  const page = pageOf(rows, limit, (item) => item.id);
  return send(c, listOf(accountSchema), page);
});

psaDataRoutes.openapi(products, async (c) => {
  const deps = c.get('deps');
  const row = await read(deps, c.get('caller'), c.req.valid('param').id);
  const { limit, cursor, search } = c.req.valid('query');
  const rows = await listPsaProducts(deps.db, row.id, {
    search,
    after: decodeCursor(cursor, outsideId),
    limit: limit + 1,
  });
  const page = pageOf(rows, limit, (item) => item.id);
  return send(c, listOf(productSchema), page);
});

/** @throws ApiProblem before the first refresh, when there are no rows yet */
async function read(deps: ApiDependencies, caller: Caller, id: string): Promise<PsaConnectionRow> {
  const row = await ownedPsaConnection(deps, caller, id);
  if (!row.refreshedAt)
    throw conflict('not-read-yet', 'The PSA has not been read yet. Look at the connection to see what it waits for.');
  return row;
}

const notChecked = () =>
  conflict(
    'not-read-yet',
    'The boards and priorities have not been read yet: Check Permissions of an integration does it.',
  );
