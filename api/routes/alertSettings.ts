/** The settings by which an integration's alerts become tickets: permissions, board, texts, storms, rules. */
import { z } from '@hono/zod-openapi';
import { changeAlertSettings, checkPermissions, chooseBoard } from '../../commands/alertSettings.ts';
import { listSteps } from '../../db/queries/processView.ts';
import { readPsaConnection } from '../../db/queries/psaConnection.ts';
import { alertSettingsOf, alertFields, overlay, unknownFields } from '../../domain/alerts.ts';
import { priorityLabels, ticketText } from '../../domain/ticketText.ts';
import { runCommand } from '../context.ts';
import { createRouter, exampleIds, idParam, jsonBody, route, send } from '../define.ts';
import { unprocessable } from '../problem.ts';
import { exampleProcess, processSchema, processView } from '../views/process.ts';
import { ticketFieldsOfConnection } from '../views/psaConnection.ts';
import { integrationWithAlerts, ownedIntegration } from '../owned.ts';

const tag = 'Alert settings';
const id = z.string().min(1).max(100);

const prioritiesSchema = z.object({ 1: id, 2: id, 3: id, 4: id });
const boardSchema = z
  .object({
    boardId: z.string(),
    statusId: z.string(),
    typeId: z.string().nullable(),
    /** The PSA's priority for each of the vendor's priorities: 1 low, 2 medium, 3 high, 4 very high. */
    priorities: prioritiesSchema,
  })
  .openapi('BoardChoice');
const settingsSchema = z
  .object({
    // A union, because in the contract `nullable()` of a named schema does not accept null.
    board: z.union([boardSchema, z.null()]),
    summary: z.string(),
    body: z.string(),
    whenClosed: z.enum(['new_ticket', 'reopen']),
    storm: z.object({ most: z.int(), windowMinutes: z.int() }),
    rules: z.object({
      domainPending: z.object({ on: z.boolean(), afterDays: z.int() }),
      directorySync: z.object({ on: z.boolean() }),
      statementOverdue: z.object({ on: z.boolean(), afterDays: z.int() }),
      usageZero: z.object({ on: z.boolean() }),
    }),
  })
  .openapi('AlertSettings');

const exampleBoard = { boardId: '12', statusId: '201', typeId: '31', priorities: { 1: '4', 2: '3', 3: '2', 4: '1' } };
const exampleSettings = { ...alertSettingsOf({}), board: exampleBoard };

const check = route({
  method: 'post',
  path: '/v1/integrations/{id}/permissions/check',
  operationId: 'checkPermissions',
  summary: 'Check Permissions: check each right that alerts need, and read the boards of the PSA again',
  tag,
  scope: 'operate',
  request: { params: idParam },
  ok: 202,
  answer: processSchema,
  example: exampleProcess('connect', exampleIds.integration, 'linkCustomers', 'checkPermissions'),
  problems: { 409: ['disconnected', 'no-alerts'] },
});
const putBoard = route({
  method: 'put',
  path: '/v1/integrations/{id}/board',
  operationId: 'putBoard',
  summary: 'Choose the board for alerts; a status or priorities that are not given have their defaults',
  tag,
  scope: 'operate',
  request: {
    params: idParam,
    body: jsonBody(
      z.object({
        boardId: id,
        statusId: id.optional(),
        typeId: id.nullable().optional(),
        priorities: prioritiesSchema.partial().optional(),
      }),
      { boardId: '12' },
    ),
  },
  ok: 200,
  answer: settingsSchema,
  example: exampleSettings,
  problems: { 409: ['disconnected', 'no-alerts', 'not-read-yet'], 422: ['unusable-board'] },
});
const get = route({
  method: 'get',
  path: '/v1/integrations/{id}/alert-settings',
  operationId: 'getAlertSettings',
  summary: 'How alerts become tickets',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: settingsSchema,
  example: exampleSettings,
  problems: {},
});
const days = z.int().min(1).max(365);
const template = z.string().trim().min(1).max(10_000);
const settingsBody = z.strictObject({
  summary: template.optional(),
  body: template.optional(),
  whenClosed: z.enum(['new_ticket', 'reopen']).optional(),
  storm: z
    .strictObject({ most: z.int().min(0).max(10_000), windowMinutes: z.int().min(1).max(10_080) })
    .partial()
    .optional(),
  rules: z
    .strictObject({
      domainPending: z.strictObject({ on: z.boolean(), afterDays: days }),
      directorySync: z.strictObject({ on: z.boolean() }),
      statementOverdue: z.strictObject({ on: z.boolean(), afterDays: days }),
      usageZero: z.strictObject({ on: z.boolean() }),
    })
    .partial()
    .optional(),
});
const put = route({
  method: 'put',
  path: '/v1/integrations/{id}/alert-settings',
  operationId: 'putAlertSettings',
  summary: 'Change texts, storms and rules; settings that are not given stay',
  tag,
  scope: 'operate',
  request: { params: idParam, body: jsonBody(settingsBody, { storm: { most: 20, windowMinutes: 60 } }) },
  ok: 200,
  answer: settingsSchema,
  example: exampleSettings,
  problems: { 409: ['disconnected', 'no-alerts'], 422: ['unknown-field'] },
});
const previewSchema = z
  .object({
    board: z.string().nullable(),
    status: z.string().nullable(),
    type: z.string().nullable(),
    priority: z.string().nullable(),
    summary: z.string(),
    body: z.string(),
    fields: z
      .array(z.object({ name: z.string(), label: z.string(), value: z.string().nullable() }))
      .openapi({ description: 'Further fields, which the PSA connection sets; null = the PSA fills it in by itself' }),
  })
  .openapi('TicketPreview');
const preview = route({
  method: 'get',
  path: '/v1/integrations/{id}/alert-preview',
  operationId: 'previewAlert',
  summary: 'Preview the ticket of an alert, also with texts that are not stored yet',
  tag,
  scope: 'read',
  request: {
    params: idParam,
    query: z.object({
      summary: template.optional(),
      body: template.optional(),
      title: z.string().max(1_000).default('Mail is delayed'),
      description: z.string().max(10_000).default('Mail of acme.example waits for 40 minutes.'),
      account: z.string().max(500).default('Acme Dental'),
      service: z.string().max(500).optional(),
      priority: z.coerce.number().int().min(1).max(4).default(3),
    }),
  },
  ok: 200,
  answer: previewSchema,
  example: {
    board: 'Service',
    status: 'New',
    type: null,
    priority: 'Priority 2 - High',
    summary: '[Mail] Mail is delayed',
    body: 'Mail of acme.example waits for 40 minutes.',
    fields: [{ name: 'ticketSource', label: 'Source of tickets', value: 'E-mail' }],
  },
  problems: { 422: ['unknown-field'] },
});

export const alertSettingsRoutes = createRouter();

alertSettingsRoutes.openapi(check, async (c) => {
  const deps = c.get('deps');
  const integration = await integrationWithAlerts(deps, c.get('caller'), c.req.valid('param').id);
  const { process: processRef } = await runCommand(c, checkPermissions, { integration });
  return send(c, processSchema, processView(deps, processRef, await listSteps(deps.db, processRef)), 202);
});

alertSettingsRoutes.openapi(putBoard, async (c) => {
  const { deps, caller } = c.var;
  const integration = await integrationWithAlerts(deps, caller, c.req.valid('param').id);
  const input = { integration, choice: c.req.valid('json'), slots: deps.environment.ALERTS_IN_FLIGHT };
  const { settings } = await runCommand(c, chooseBoard, input);
  return send(c, settingsSchema, settings);
});

alertSettingsRoutes.openapi(get, async (c) => {
  const row = await ownedIntegration(c.get('deps'), c.get('caller'), c.req.valid('param').id);
  return send(c, settingsSchema, alertSettingsOf(row.alerts));
});

alertSettingsRoutes.openapi(put, async (c) => {
  const { deps, caller } = c.var;
  const integration = await integrationWithAlerts(deps, caller, c.req.valid('param').id);
  const given = c.req.valid('json');
  refuseUnknownFields(given);
  const input = { integration, given, slots: deps.environment.ALERTS_IN_FLIGHT };
  const { settings } = await runCommand(c, changeAlertSettings, input);
  return send(c, settingsSchema, settings);
});

alertSettingsRoutes.openapi(preview, async (c) => {
  const deps = c.get('deps');
  const row = await ownedIntegration(deps, c.get('caller'), c.req.valid('param').id);
  const { summary, body, account, service, title, description, priority } = c.req.valid('query');
  refuseUnknownFields({ summary, body });
  const settings = overlay(alertSettingsOf(row.alerts), { summary, body });
  const connection = await readPsaConnection(deps.db, row.psaConnectionId);
  const { ticketOptions } = connection;
  const board = ticketOptions?.boards.find((each) => each.id === settings.board?.boardId);
  const sample = {
    alert: {
      alertId: 'example-1',
      source: 'vendor' as const,
      title,
      description,
      priority,
      revision: 1,
      receivedAt: new Date(),
      dueAt: null,
      clearedAt: null,
      previousTicketId: null,
    },
    integration: { vendor: row.vendor },
    accountName: account,
    serviceName: service ?? null,
    gathered: undefined,
  };
  const priorityId = settings.board?.priorities[priority as 1 | 2 | 3 | 4];
  return send(c, previewSchema, {
    board: board?.name ?? null,
    status: board?.statuses.find((each) => each.id === settings.board?.statusId)?.name ?? null,
    type: board?.types.find((each) => each.id === settings.board?.typeId)?.name ?? null,
    priority:
      ticketOptions?.priorities.find((each) => each.id === priorityId)?.name ?? priorityLabels[priority - 1] ?? null,
    ...ticketText(sample, settings, 100),
    fields: ticketFieldsOfConnection(connection).map(({ name, label, value }) => ({ name, label, value })),
  });
});

function refuseUnknownFields(templates: { summary?: string | undefined; body?: string | undefined }): void {
  const errors = (['summary', 'body'] as const).flatMap((field) =>
    unknownFields(templates[field] ?? '').map((name) => ({ field, message: `There is no field {${name}}.` })),
  );
  if (errors.length === 0) return;
  const known = alertFields.map((name) => `{${name}}`).join(', ');
  throw unprocessable('unknown-field', `A text may have these fields: ${known}.`, errors);
}
