/** Who belongs to the organization, and with which role. */
import { z } from '@hono/zod-openapi';
import { changeRole, removeMember } from '../../commands/member.ts';
import { listMembers } from '../../db/queries/member.ts';
import { roles } from '../../domain/roles.ts';
import { runCommand, type ApiEnv } from '../context.ts';
import {
  createRouter,
  decodeCursor,
  exampleIds,
  idParam,
  isoDate,
  jsonBody,
  listOf,
  ourId,
  pageOf,
  pageQuery,
  route,
  send,
} from '../define.ts';
import { sendSheet, sheetRoute, type Sheet } from '../sheet.ts';

const tag = 'Members';

const memberSchema = z
  .object({
    /** The person's id: `person:{id}` in the audit. */
    id: z.uuid(),
    name: z.string(),
    email: z.string(),
    /** The scopes of the API by other names: viewer = read, operator = operate, admin = admin. */
    role: z.enum(roles),
    joinedAt: isoDate,
  })
  .openapi('Member');

const exampleMember = {
  id: exampleIds.line,
  name: 'Ada Lovelace',
  email: 'ada@example.com',
  role: 'operator',
  joinedAt: '2026-11-23T09:00:00.000Z',
} as const;

const list = route({
  method: 'get',
  path: '/v1/members',
  operationId: 'listMembers',
  summary: 'The people of the organization, with their roles',
  tag,
  scope: 'read',
  request: { query: pageQuery },
  ok: 200,
  answer: listOf(memberSchema),
  example: { items: [exampleMember], nextCursor: null },
  problems: {},
});
const change = route({
  method: 'put',
  path: '/v1/members/{id}',
  operationId: 'changeMember',
  summary: 'Give a member another role, from the next request on; the last admin stays one',
  tag,
  scope: 'admin',
  request: { params: idParam, body: jsonBody(z.object({ role: z.enum(roles) }), { role: 'admin' }) },
  ok: 200,
  answer: memberSchema,
  example: { ...exampleMember, role: 'admin' },
  problems: { 409: ['last-admin'] },
});
const remove = route({
  method: 'delete',
  path: '/v1/members/{id}',
  operationId: 'removeMember',
  summary: 'Remove a member, whose sessions end at once; the last admin stays',
  tag,
  scope: 'admin',
  request: { params: idParam },
  ok: 200,
  answer: memberSchema,
  example: exampleMember,
  problems: { 409: ['last-admin'] },
});

const sheet: Sheet<typeof memberSchema> = {
  item: memberSchema,
  columns: [
    ['member', ({ id }) => id],
    ['name', ({ name }) => name],
    ['e-mail', ({ email }) => email],
    ['role', ({ role }) => role],
    ['joined at', ({ joinedAt }) => joinedAt],
  ],
};
const file = sheetRoute({
  path: '/v1/members',
  operationId: 'exportMembers',
  summary: 'The people of the organization as a CSV file',
  tag,
  request: {},
  sheet,
  example: exampleMember,
});

export const memberRoutes = createRouter();

memberRoutes.openapi(list, async (c) =>
  send(c, listOf(memberSchema), await pageOfMembers(c.var, c.req.valid('query'))),
);

memberRoutes.openapi(file, async (c) => sendSheet(c, 'members', sheet, (page) => pageOfMembers(c.var, page)));

async function pageOfMembers(
  { deps, caller }: ApiEnv['Variables'],
  { limit, cursor }: { limit: number; cursor?: string | undefined },
) {
  const rows = await listMembers(deps.db, caller.organizationId, {
    after: decodeCursor(cursor, ourId),
    limit: limit + 1,
  });
  return pageOf(rows, limit, ({ id }) => id);
}

memberRoutes.openapi(change, async (c) => {
  const { role } = c.req.valid('json');
  const { member } = await runCommand(c, changeRole, { userId: c.req.valid('param').id, role });
  return send(c, memberSchema, member);
});

memberRoutes.openapi(remove, async (c) => {
  const { member } = await runCommand(c, removeMember, { userId: c.req.valid('param').id });
  return send(c, memberSchema, member);
});
