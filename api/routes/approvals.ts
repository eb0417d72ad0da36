import { z } from '@hono/zod-openapi';
import { signOff, skippedOf, undoApproval, withdraw } from '../../commands/approval.ts';
import { settleByHand } from '../../commands/settleByHand.ts';
import { retryStep } from '../../commands/step.ts';
import {
  findApprovalLine,
  listApprovalLines,
  listApprovals,
  type ApprovalBatchRow,
} from '../../db/queries/approvals.ts';
import { listSkipped } from '../../db/queries/approvalSkipped.ts';
import { viewUndo } from '../../db/queries/signOff.ts';
import { describeSkipped, skipReasons } from '../../domain/approval.ts';
import { approvalProcess } from '../../domain/process/ids.ts';
import { largestQuantity } from '../../domain/quantities.ts';
import { approvalBatchStates, approvalLineStates } from '../../domain/transitions.ts';
import { runCommand, type ApiDependencies, type ApiEnv } from '../context.ts';
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
  position,
  route,
  seenIfGiven,
  send,
} from '../define.ts';
import { ownedApproval, ownedPsaConnection } from '../owned.ts';
import { notFound } from '../problem.ts';
import { periodIfAny, periodQuery } from '../period.ts';
import { sendSheet, sheetRoute } from '../sheet.ts';
import {
  approvalLineSchema,
  approvalLineSheet,
  approvalLineViews,
  approvalSchema,
  approvalSheet,
  approvalView,
  approvalViews,
  exampleApproval,
  exampleApprovalLine,
  exampleSkippedCard,
  exampleUndo,
  skippedCardSchema,
  undoSchema,
  undoView,
  withNames,
} from '../views/approval.ts';

const tag = 'Approvals';

export const approvalRoutes = createRouter();

const exampleAnswer = { approval: exampleApproval, skipped: { items: [exampleSkippedCard], nextCursor: null } };

/** The answer has the first page of left-out cards; its cursor continues in the approval's list of them. */
const answerSchema = z.object({ approval: approvalSchema, skipped: listOf(skippedCardSchema) });

const seenSchema = z.strictObject({
  cardId: z.uuid(),
  lineId: z.string().max(500),
  from: z.number(),
  to: z.number(),
  effectiveDate: z
    .string()
    .max(10)
    .nullable()
    .optional()
    .openapi({ description: 'It is compared, too, if it is given; null = the card showed no date' }),
});

const told = {
  writesEnabled: z
    .boolean()
    .optional()
    .openapi({
      description:
        'Whether the person was told that approving writes to the PSA (`writesEnabled` of its connection). Where that was changed ' +
        'meanwhile, nothing is approved (409); absent = it is not compared',
    }),
};

const create = route({
  method: 'post',
  path: '/v1/approvals',
  operationId: 'createApproval',
  summary: 'Sign off cards as they were seen, or a whole preview: their quantities are written to the PSA, each once',
  tag,
  scope: 'operate',
  request: {
    body: jsonBody(
      z.union([
        z.strictObject({
          cards: z
            .array(seenSchema)
            .min(1)
            .max(5_000)
            .openapi({ description: "Each card's `write`, as it was shown; for more cards make a preview" }),
          ...told,
        }),
        z.strictObject({ previewId: z.uuid(), ...told }),
      ]),
      {
        cards: [{ cardId: exampleIds.card, lineId: '9001', from: 40, to: 43, effectiveDate: '2026-12-01' }],
      },
    ),
  },
  ok: 202,
  answer: answerSchema,
  example: exampleAnswer,
  problems: {
    404: ['not-found'],
    409: ['preview-signed-off', 'changed-meanwhile'],
    422: ['nothing-to-approve', 'unknown-cards', 'several-connections'],
  },
});

approvalRoutes.openapi(create, async (c) => {
  const deps = c.get('deps');
  const { batch } = await runCommand(c, signOff, c.req.valid('json'));
  return send(c, answerSchema, await answerOf(deps, batch), 202);
});

const filterQuery = z.object({
  ...periodQuery,
  integrationId: z.uuid().optional(),
  psaConnectionId: z.uuid().optional(),
  by: z.string().max(200).optional().openapi({
    description: 'Who approved, as the audit names it: person:…, token:…, or with person or token alone all of them',
  }),
  state: z.enum(approvalBatchStates).optional(),
});

const list = route({
  method: 'get',
  path: '/v1/approvals',
  operationId: 'listApprovals',
  summary: 'Approvals, the newest first',
  tag,
  scope: 'read',
  request: { query: filterQuery.extend(pageQuery.shape) },
  ok: 200,
  answer: listOf(approvalSchema),
  example: { items: [exampleApproval], nextCursor: null },
  problems: {},
});

approvalRoutes.openapi(list, async (c) =>
  send(c, listOf(approvalSchema), await pageOfApprovals(c.var, c.req.valid('query'))),
);

const file = sheetRoute({
  path: '/v1/approvals',
  operationId: 'exportApprovals',
  summary: 'Approvals as a CSV file',
  tag,
  request: { query: filterQuery },
  sheet: approvalSheet,
  example: exampleApproval,
});

approvalRoutes.openapi(file, async (c) =>
  sendSheet(c, 'approvals', approvalSheet, (page) => pageOfApprovals(c.var, { ...c.req.valid('query'), ...page })),
);

async function pageOfApprovals(
  { deps, caller }: ApiEnv['Variables'],
  {
    limit,
    cursor,
    from,
    to,
    timeZone,
    ...filter
  }: z.output<typeof filterQuery> & { limit: number; cursor?: string | undefined },
) {
  const rows = await listApprovals(
    deps.db,
    caller.organizationId,
    { ...filter, ...periodIfAny(deps, { from, to, timeZone }) },
    { before: decodeCursor(cursor, ourId), limit: limit + 1 },
  );
  const page = pageOf(rows, limit, ({ id }) => id);
  return { ...page, items: await approvalViews(deps, page.items) };
}

const get = route({
  method: 'get',
  path: '/v1/approvals/{id}',
  operationId: 'getApproval',
  summary: 'One approval, with the number of lines in each state',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: approvalSchema,
  example: exampleApproval,
  problems: {},
});

approvalRoutes.openapi(get, async (c) => {
  const deps = c.get('deps');
  return send(
    c,
    approvalSchema,
    await approvalView(deps, await ownedApproval(deps, c.get('caller'), c.req.valid('param').id)),
  );
});

const lineQuery = z.object({ state: z.enum(approvalLineStates).optional() });

const lines = route({
  method: 'get',
  path: '/v1/approvals/{id}/lines',
  operationId: 'listApprovalLines',
  summary: 'The lines of an approval with their states',
  tag,
  scope: 'read',
  request: { params: idParam, query: lineQuery.extend(pageQuery.shape) },
  ok: 200,
  answer: listOf(approvalLineSchema),
  example: { items: [exampleApprovalLine], nextCursor: null },
  problems: {},
});

approvalRoutes.openapi(lines, async (c) => {
  const deps = c.get('deps');
  const { id } = await ownedApproval(deps, c.get('caller'), c.req.valid('param').id);
  return send(c, listOf(approvalLineSchema), await pageOfApprovalLines(deps, id, c.req.valid('query')));
});

const lineFile = sheetRoute({
  path: '/v1/approvals/{id}/lines',
  operationId: 'exportApprovalLines',
  summary: 'The lines of an approval as a CSV file',
  tag,
  request: { params: idParam, query: lineQuery },
  sheet: approvalLineSheet,
  example: exampleApprovalLine,
});

approvalRoutes.openapi(lineFile, async (c) => {
  const { deps, caller } = c.var;
  const { id } = await ownedApproval(deps, caller, c.req.valid('param').id);
  return sendSheet(c, `approval-${id}`, approvalLineSheet, (page) =>
    pageOfApprovalLines(deps, id, { ...c.req.valid('query'), ...page }),
  );
});

async function pageOfApprovalLines(
  deps: ApiDependencies,
  id: string,
  { limit, cursor, state }: z.output<typeof lineQuery> & { limit: number; cursor?: string | undefined },
) {
  const rows = await listApprovalLines(deps.db, id, { state, after: decodeCursor(cursor, position), limit: limit + 1 });
  const page = pageOf(rows, limit, (row) => String(row.position));
  return { ...page, items: await approvalLineViews(deps, page.items) };
}

const skipped = route({
  method: 'get',
  path: '/v1/approvals/{id}/skipped',
  operationId: 'listSkippedCards',
  summary: 'Cards that were asked for and left out, with the write that was shown and the one they offer now',
  tag,
  scope: 'read',
  request: { params: idParam, query: pageQuery.extend({ reason: z.enum(skipReasons).optional() }) },
  ok: 200,
  answer: listOf(skippedCardSchema),
  example: { items: [exampleSkippedCard], nextCursor: null },
  problems: {},
});

approvalRoutes.openapi(skipped, async (c) => {
  const deps = c.get('deps');
  const { id } = await ownedApproval(deps, c.get('caller'), c.req.valid('param').id);
  const { limit, cursor, reason } = c.req.valid('query');
  const after = decodeCursor(cursor, position);
  return send(c, listOf(skippedCardSchema), await skippedPage(deps, id, { reason, after, limit }));
});

const undoneLine = z.object({
  lineId: z
    .uuid()
    .optional()
    .openapi({ description: 'The only line to undo, so that the others stay; absent = all lines of the approval' }),
});

const previewUndo = route({
  method: 'get',
  path: '/v1/approvals/{id}/undo',
  operationId: 'getApprovalUndo',
  summary:
    'What undoing an approval, or one line of it, would write now, line by line, and which lines cannot be undone and why',
  tag,
  scope: 'read',
  request: { params: idParam, query: undoneLine.extend(pageQuery.shape) },
  ok: 200,
  answer: undoSchema,
  example: exampleUndo,
  problems: {},
});

const undoPlace = jsonPlace(z.strictObject({ isLeftOut: z.boolean(), position: z.int().min(0).max(1e9) }));

approvalRoutes.openapi(previewUndo, async (c) => {
  const { deps, caller } = c.var;
  const approval = await ownedApproval(deps, caller, c.req.valid('param').id);
  const { writesEnabled } = await ownedPsaConnection(deps, caller, approval.psaConnectionId);
  const { lineId: only, limit, cursor } = c.req.valid('query');
  if (only !== undefined && !(await findApprovalLine(deps.db, approval.id, only)))
    throw notFound('line in this approval');
  const undone = await viewUndo(deps.db, approval, { only, after: decodeCursor(cursor, undoPlace), limit: limit + 1 });
  return send(c, undoSchema, await undoView(deps, undone, limit, writesEnabled));
});

const undo = route({
  method: 'post',
  path: '/v1/approvals/{id}/undo',
  operationId: 'undoApproval',
  summary:
    'Write the old quantities back, all or that of one line, where the PSA holds the new ones; refused once the next invoice date has moved',
  tag,
  scope: 'operate',
  request: { params: idParam, query: undoneLine.extend(seenIfGiven.shape) },
  ok: 202,
  answer: answerSchema,
  example: exampleAnswer,
  problems: { 409: ['not-closed', 'nothing-to-undo', 'changed-meanwhile'] },
});

approvalRoutes.openapi(undo, async (c) => {
  const deps = c.get('deps');
  const { batch } = await runCommand(c, undoApproval, { ...c.req.valid('param'), ...c.req.valid('query') });
  return send(c, answerSchema, await answerOf(deps, batch), 202);
});

const lineParam = idParam.extend({ lineId: z.uuid().openapi({ example: exampleIds.line }) });

const withdrawAll = route({
  method: 'post',
  path: '/v1/approvals/{id}/withdraw',
  operationId: 'withdrawApproval',
  summary: 'Withdraw all to-dos of an approval',
  tag,
  scope: 'operate',
  request: { params: idParam },
  ok: 200,
  answer: approvalSchema,
  example: exampleApproval,
  problems: { 409: ['not-a-todo'] },
});

const withdrawOne = route({
  method: 'post',
  path: '/v1/approvals/{id}/lines/{lineId}/withdraw',
  operationId: 'withdrawApprovalLine',
  summary: 'Withdraw one to-do',
  tag,
  scope: 'operate',
  request: { params: lineParam },
  ok: 200,
  answer: approvalSchema,
  example: exampleApproval,
  problems: { 409: ['not-a-todo'] },
});

for (const each of [withdrawAll, withdrawOne]) {
  approvalRoutes.openapi(each, async (c) => {
    const { batch } = await runCommand(c, withdraw, c.req.valid('param'));
    return send(c, approvalSchema, await approvalView(c.get('deps'), batch));
  });
}

const settleLine = route({
  method: 'post',
  path: '/v1/approvals/{id}/lines/{lineId}/settle',
  operationId: 'settleApprovalLine',
  summary:
    'Say what the PSA holds for a line whose write may or may not have happened, where Countersign must not send it again',
  tag,
  scope: 'operate',
  request: {
    params: lineParam,
    body: jsonBody(
      z.strictObject({
        quantity: z.number().min(0).max(largestQuantity).openapi({ description: 'What a person saw in the PSA' }),
      }),
      { quantity: 43 },
    ),
  },
  ok: 200,
  answer: approvalSchema,
  example: exampleApproval,
  problems: { 409: ['not-asked'] },
});

approvalRoutes.openapi(settleLine, async (c) => {
  const { batch } = await runCommand(c, settleByHand, { ...c.req.valid('param'), ...c.req.valid('json') });
  return send(c, approvalSchema, await approvalView(c.get('deps'), batch));
});

const retry = route({
  method: 'post',
  path: '/v1/approvals/{id}/retry',
  operationId: 'retryApproval',
  summary: 'Retry the blocked step of an approval now',
  tag,
  scope: 'operate',
  request: { params: idParam },
  ok: 202,
  answer: approvalSchema,
  example: exampleApproval,
  problems: { 409: ['not-blocked'] },
});

approvalRoutes.openapi(retry, async (c) => {
  const deps = c.get('deps');
  const batch = await ownedApproval(deps, c.get('caller'), c.req.valid('param').id);
  const subject = { subjectKind: 'approval', subjectId: batch.id };
  const connections = { psa: batch.psaConnectionId };
  await runCommand(c, retryStep, { process: approvalProcess(batch), subject, connections });
  return send(c, approvalSchema, await approvalView(deps, batch), 202);
});

async function answerOf(deps: ApiDependencies, batch: ApprovalBatchRow) {
  return { approval: await approvalView(deps, batch), skipped: await skippedPage(deps, batch.id, { limit: 50 }) };
}

async function skippedPage(
  deps: ApiDependencies,
  batchId: string,
  { limit, ...of }: Parameters<typeof listSkipped>[2],
) {
  const rows = await listSkipped(deps.db, batchId, { ...of, limit: limit + 1 });
  const page = pageOf(rows, limit, (row) => String(row.position));
  const items = page.items.map(skippedOf).map((row) => ({ ...row, words: describeSkipped(row) }));
  return { ...page, items: await withNames(deps, items) };
}
