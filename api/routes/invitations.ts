/** Invitations: a link, shown once, by which somebody becomes a member. */
import { z } from '@hono/zod-openapi';
import { invite, withdrawInvitation } from '../../commands/invitation.ts';
import { namesOfActors } from '../../commands/seen.ts';
import { listInvitations } from '../../db/queries/invitation.ts';
import type { Database } from '../../db/client.ts';
import { joinLink } from '../../domain/links.ts';
import { roles } from '../../domain/roles.ts';
import { runCommand } from '../context.ts';
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
import { publicUrl } from '../signIn/publicUrl.ts';

const tag = 'Members';

const invitationSchema = z
  .object({
    id: z.uuid(),
    email: z.string(),
    role: z.enum(roles),
    invitedBy: z.string(),
    createdAt: isoDate,
    /** From then on its link no longer works; invite again. */
    expiresAt: isoDate,
  })
  .openapi('Invitation');
const invitedSchema = z.object({
  invitation: invitationSchema,
  /** A secret, of which only the hash is stored: the answer to a repeated `Idempotency-Key` has none. */
  link: z.string().optional(),
});

const exampleInvitation = {
  id: exampleIds.line,
  email: 'ada@example.com',
  role: 'operator',
  invitedBy: 'Grace Hopper',
  createdAt: '2026-11-23T09:00:00.000Z',
  expiresAt: '2026-11-26T09:00:00.000Z',
} as const;

const list = route({
  method: 'get',
  path: '/v1/invitations',
  operationId: 'listInvitations',
  summary: 'Invitations that nobody has accepted yet',
  tag,
  scope: 'read',
  request: { query: pageQuery },
  ok: 200,
  answer: listOf(invitationSchema),
  example: { items: [exampleInvitation], nextCursor: null },
  problems: {},
});
const create = route({
  method: 'post',
  path: '/v1/invitations',
  operationId: 'createInvitation',
  summary:
    'Invite somebody: the link in the answer is shown once, works once, for three days; an earlier one no longer does',
  tag,
  scope: 'admin',
  request: {
    body: jsonBody(z.object({ email: z.email().max(254), role: z.enum(roles) }), {
      email: 'ada@example.com',
      role: 'operator',
    }),
  },
  ok: 201,
  answer: invitedSchema,
  example: {
    invitation: exampleInvitation,
    link: 'https://countersign.example.com/join#csi_shown-once-and-kept-as-a-hash',
  },
  problems: { 409: ['already-member'] },
});
const withdraw = route({
  method: 'delete',
  path: '/v1/invitations/{id}',
  operationId: 'withdrawInvitation',
  summary: 'Withdraw an invitation: its link no longer works',
  tag,
  scope: 'admin',
  request: { params: idParam },
  ok: 200,
  answer: listOf(invitationSchema),
  example: { items: [], nextCursor: null },
  problems: {},
});

const sheet: Sheet<typeof invitationSchema> = {
  item: invitationSchema,
  columns: [
    ['invitation', ({ id }) => id],
    ['e-mail', ({ email }) => email],
    ['role', ({ role }) => role],
    ['invited by', ({ invitedBy }) => invitedBy],
    ['invited at', ({ createdAt }) => createdAt],
    ['expires at', ({ expiresAt }) => expiresAt],
  ],
};
const file = sheetRoute({
  path: '/v1/invitations',
  operationId: 'exportInvitations',
  summary: 'Invitations that nobody has accepted yet, without their links, as a CSV file',
  tag,
  request: {},
  sheet,
  example: exampleInvitation,
});

export const invitationRoutes = createRouter();

invitationRoutes.openapi(list, async (c) => {
  const { limit, cursor } = c.req.valid('query');
  return send(
    c,
    listOf(invitationSchema),
    await pageOfInvitations(c.get('deps').db, c.get('caller').organizationId, {
      after: decodeCursor(cursor, ourId),
      limit,
    }),
  );
});

invitationRoutes.openapi(file, async (c) => {
  const { deps, caller } = c.var;
  return sendSheet(c, 'invitations', sheet, ({ cursor, limit }) =>
    pageOfInvitations(deps.db, caller.organizationId, { after: decodeCursor(cursor, ourId), limit }),
  );
});

invitationRoutes.openapi(create, async (c) => {
  const { email, role } = c.req.valid('json');
  const { invitation, secret } = await runCommand(c, invite, { email: email.toLowerCase(), role });
  const [shown] = await named(c.get('deps').db, [invitation]);
  if (!shown) throw new Error('The invitation was not stored.');
  return send(c, invitedSchema, { invitation: shown, link: joinLink(publicUrl(c), secret) }, 201);
});

invitationRoutes.openapi(withdraw, async (c) => {
  await runCommand(c, withdrawInvitation, { id: c.req.valid('param').id });
  const first = { after: undefined, limit: 50 };
  return send(
    c,
    listOf(invitationSchema),
    await pageOfInvitations(c.get('deps').db, c.get('caller').organizationId, first),
  );
});

async function pageOfInvitations(
  db: Database,
  organizationId: string,
  { after, limit }: { after: string | undefined; limit: number },
) {
  const rows = await listInvitations(db, organizationId, { after, limit: limit + 1 });
  const page = pageOf(rows, limit, ({ id }) => id);
  return { ...page, items: await named(db, page.items) };
}

/** With the name of whoever has invited, in place of the actor. */
async function named<T extends { invitedBy: string }>(db: Database, rows: readonly T[]): Promise<T[]> {
  const names = await namesOfActors(
    db,
    rows.map(({ invitedBy }) => invitedBy),
  );
  return rows.map((row) => ({ ...row, invitedBy: names.get(row.invitedBy) ?? row.invitedBy }));
}
