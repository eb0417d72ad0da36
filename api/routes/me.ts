/** Who asks: what a page has to know of its caller. */
import { z } from '@hono/zod-openapi';
import { organizationName } from '../../db/queries/organization.ts';
import { createRouter, exampleIds, route, send } from '../define.ts';

const meSchema = z
  .object({
    organization: z.object({ id: z.uuid(), name: z.string() }),
    /** Who is signed in; null for a token. */
    person: z.object({ id: z.uuid(), name: z.string(), email: z.string() }).nullable(),
    /** What the caller may do; `admin` includes `operate`, which includes `read`. */
    scopes: z.array(z.enum(['read', 'operate', 'admin'])),
  })
  .openapi('Me');

const get = route({
  method: 'get',
  path: '/v1/me',
  operationId: 'getMe',
  summary: 'Who asks, by a token or signed in, and what that allows',
  tag: 'Callers',
  scope: 'read',
  request: {},
  ok: 200,
  answer: meSchema,
  example: {
    organization: { id: exampleIds.psaConnection, name: 'Acme Managed IT' },
    person: { id: exampleIds.line, name: 'Ada Lovelace', email: 'ada@example.com' },
    scopes: ['read', 'operate'],
  },
  problems: {},
});

export const meRoutes = createRouter();

meRoutes.openapi(get, async (c) => {
  const { organizationId, scopes, person = null } = c.get('caller');
  const name = await organizationName(c.get('deps').db, organizationId);
  return send(c, meSchema, { organization: { id: organizationId, name }, person, scopes });
});
