/** When somebody is reminded of an integration's new customers, and when it is a problem that nobody has mapped one. */
import { z } from '@hono/zod-openapi';
import { chooseReminders } from '../../commands/onboarding.ts';
import { readIntegration, type IntegrationRow } from '../../db/queries/integration.ts';
import { inMinutes, reminderTimesOf } from '../../domain/reminders.ts';
import { runCommand, type ApiDependencies } from '../context.ts';
import { createRouter, idParam, jsonBody, route, send } from '../define.ts';
import { activeIntegration, ownedIntegration } from '../owned.ts';

const tag = 'New customers';
const aYear = 366 * 24 * 60;

const minutes = z.number().min(1).max(aYear);
const bodySchema = z.union([
  z.strictObject({
    everyMinutes: minutes.openapi({ description: 'From one reminder to the next' }),
    escalateAfterMinutes: minutes.openapi({
      description: 'From when a customer was found until it is a problem that nobody has mapped it',
    }),
  }),
  z.strictObject({ preset: z.literal(true).openapi({ description: "As the installation's settings say" }) }),
]);
const remindersSchema = z
  .object({
    everyMinutes: z.number(),
    escalateAfterMinutes: z.number(),
    /** True when nobody has chosen, so that the installation's settings hold. */
    preset: z.boolean(),
  })
  .openapi('Reminders');
const example = { everyMinutes: 1_440, escalateAfterMinutes: 10_080, preset: true };

const get = route({
  method: 'get',
  path: '/v1/integrations/{id}/reminders',
  operationId: 'getReminders',
  summary: 'When somebody is reminded of new customers that nobody has mapped',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: remindersSchema,
  example,
  problems: {},
});
const put = route({
  method: 'put',
  path: '/v1/integrations/{id}/reminders',
  operationId: 'putReminders',
  summary: 'Choose when somebody is reminded of new customers; it holds for those that wait already, too',
  tag,
  scope: 'operate',
  request: { params: idParam, body: jsonBody(bodySchema, { everyMinutes: 240, escalateAfterMinutes: 2_880 }) },
  ok: 200,
  answer: remindersSchema,
  example: { everyMinutes: 240, escalateAfterMinutes: 2_880, preset: false },
  problems: { 409: ['disconnected'] },
});

export const reminderRoutes = createRouter();

reminderRoutes.openapi(get, async (c) => {
  const deps = c.get('deps');
  return send(
    c,
    remindersSchema,
    remindersView(deps, await ownedIntegration(deps, c.get('caller'), c.req.valid('param').id)),
  );
});

reminderRoutes.openapi(put, async (c) => {
  const deps = c.get('deps');
  const integration = await activeIntegration(deps, c.get('caller'), c.req.valid('param').id);
  const body = c.req.valid('json');
  const chosen = 'preset' in body ? null : body;
  await runCommand(c, chooseReminders, { integration, chosen, preset: deps.environment });
  return send(c, remindersSchema, remindersView(deps, await readIntegration(deps.db, integration.id)));
});

const remindersView = ({ environment }: ApiDependencies, row: Pick<IntegrationRow, 'reminders'>) => ({
  ...inMinutes(reminderTimesOf(row, environment)),
  preset: row.reminders === null,
});
