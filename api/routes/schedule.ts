/** When an integration syncs by itself. The sweep makes a Temporal Schedule of it, within a minute. */
import { z } from '@hono/zod-openapi';
import { chooseSchedule } from '../../commands/integration.ts';
import { findSchedule } from '../../db/queries/schedule.ts';
import { findTemporalSchedule } from '../../db/queries/temporalSays.ts';
import { runsSaid } from '../../domain/health.ts';
import { defaultJitterMinutes, defaultSchedule, defaultTime, warningsOf, weekdays } from '../../domain/schedule.ts';
import { runCommand, type ApiDependencies } from '../context.ts';
import { createRouter, idParam, isoDate, jsonBody, route, send } from '../define.ts';
import { activeIntegration, ownedIntegration } from '../owned.ts';

const tag = 'Schedule';

const at = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'A time of day, as 03:30.')
  .default(defaultTime)
  .openapi({ example: defaultTime });
const choiceSchema = z.union([
  z.strictObject({ every: z.literal('night'), at }),
  z.strictObject({ every: z.literal('week'), on: z.enum(weekdays), at }),
  z.strictObject({
    every: z.literal('month'),
    /** A day, 1 to 31, or the last one. */
    on: z.union([z.int().min(1).max(31), z.literal('last')]).default(1),
    at,
  }),
  z.strictObject({ every: z.literal('never') }),
  z.strictObject({ cron: z.string().max(200) }),
]);
const bodySchema = z.object({
  choice: choiceSchema,
  /** An IANA name. */
  timeZone: z.string().max(100).optional().openapi({ example: 'America/New_York' }),
  /** A run begins up to this many minutes later. */
  jitterMinutes: z.int().min(0).max(360).default(defaultJitterMinutes),
  paused: z.boolean().default(false),
});
const scheduleSchema = z
  .object({
    choice: choiceSchema,
    timeZone: z.string(),
    jitterMinutes: z.int(),
    /** As it was chosen. */
    paused: z.boolean(),
    /** Somebody has paused its Schedule in the Temporal UI, so that no sync begins by itself; it goes on when it is unpaused there. */
    pausedInTemporal: z.boolean(),
    /** True when nobody has chosen a schedule, so that the default of the environment holds. */
    preset: z.boolean(),
    /** The next runs, as Temporal says; until it has the schedule, as they follow from the choice. Empty while it is paused, there or here. */
    nextRuns: z.array(isoDate),
    warnings: z.array(
      z.object({
        code: z.enum(['missing_day', 'clock_forward', 'clock_back', 'never_runs']),
        detail: z.string(),
      }),
    ),
  })
  .openapi('Schedule');

const exampleSchedule = {
  choice: { every: 'month' as const, on: 31, at: '03:30' },
  timeZone: 'America/New_York',
  jitterMinutes: 10,
  paused: false,
  pausedInTemporal: false,
  preset: false,
  nextRuns: ['2026-12-31T08:30:00.000Z', '2027-01-31T08:30:00.000Z'],
  warnings: [
    {
      code: 'missing_day' as const,
      detail:
        'There is no day 31 in February, April, June, September, November: no sync runs then. Choose the last day of the month instead.',
    },
  ],
};

const get = route({
  method: 'get',
  path: '/v1/integrations/{id}/schedule',
  operationId: 'getSchedule',
  summary: 'When the integration syncs by itself, with its next runs and warnings about them',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: scheduleSchema,
  example: exampleSchedule,
  problems: {},
});
const put = route({
  method: 'put',
  path: '/v1/integrations/{id}/schedule',
  operationId: 'putSchedule',
  summary: 'Choose when the integration syncs by itself, or pause it; "sync now" is a request of its own',
  tag,
  scope: 'operate',
  request: {
    params: idParam,
    body: jsonBody(bodySchema, { choice: { every: 'night', at: '03:30' }, timeZone: 'America/New_York' }),
  },
  ok: 200,
  answer: scheduleSchema,
  example: exampleSchedule,
  problems: { 409: ['disconnected'], 422: ['unknown-time-zone', 'bad-cron'] },
});

export const scheduleRoutes = createRouter();

scheduleRoutes.openapi(get, async (c) => {
  const deps = c.get('deps');
  const row = await ownedIntegration(deps, c.get('caller'), c.req.valid('param').id);
  return send(c, scheduleSchema, await scheduleView(deps, row));
});

scheduleRoutes.openapi(put, async (c) => {
  const deps = c.get('deps');
  const integration = await activeIntegration(deps, c.get('caller'), c.req.valid('param').id);
  const given = c.req.valid('json');
  const schedule = { ...given, timeZone: given.timeZone ?? deps.environment.DEFAULT_TIME_ZONE };
  await runCommand(c, chooseSchedule, { integration, schedule });
  return send(c, scheduleSchema, await scheduleView(deps, integration));
});

async function scheduleView(deps: ApiDependencies, row: { id: string; disconnectedAt: Date | null }) {
  const chosen = await findSchedule(deps.db, row.id);
  const { DEFAULT_SCHEDULE, DEFAULT_TIME_ZONE } = deps.environment;
  const schedule = chosen ?? defaultSchedule(DEFAULT_SCHEDULE, DEFAULT_TIME_ZONE);
  const said = (await findTemporalSchedule(deps.db, row.id)) ?? null;
  const now = new Date();
  return {
    ...schedule,
    // Paused by a choice made here, it is paused there, too.
    pausedInTemporal: !schedule.paused && said?.paused === true,
    preset: chosen === undefined,
    nextRuns: row.disconnectedAt ? [] : runsSaid(schedule, said, now, 5),
    warnings: warningsOf(schedule, now),
  };
}
