import { approvalProcess } from '../../domain/process/ids.ts';
import { z } from '@hono/zod-openapi';
import { signOff, skippedOf, undoApproval, withdraw } from '../../commands/approval.ts';
import { retryStep } from '../../commands/step.ts';
import {
  countLines,
  countSkipped,
  listApprovalLines,
  listSkipped,
  type ApprovalBatchRow,
} from '../../db/queries/approvals.ts';
import { listSteps } from '../../db/queries/processView.ts';
import { describeSkipped, skipReasons } from '../../domain/approval.ts';
import { approvalLineStates } from '../../domain/transitions.ts';
import { runCommand, type ApiDependencies } from '../context.ts';
import {
  createRouter,
  decodeCursor,
  exampleIds,
  idParam,
  isoDate,
  isoDateOrNull,
  jsonBody,
  listOf,
  pageOf,
  pageQuery,
  position,
  route,
  send,
} from '../define.ts';
import { ownedApproval } from '../owned.ts';
import { exampleProcess, processSchema, processView } from '../views/process.ts';

const tag = 'Approvals';

const lineSchema = z
  .object({
    id: z.uuid(),
    cardId: z.uuid(),
    psaAccountId: z.string(),
    psaProductId: z.string(),
    agreementId: z.string(),
    lineId: z.string(),
    from: z.number(),
    to: z.number(),
    /** The agreement's next invoice date, as it was shown. */
    effectiveDate: z.string().nullable(),
    state: z.enum(approvalLineStates),
    problem: z.object({ code: z.string(), detail: z.string() }).nullable(),
    settledAt: isoDateOrNull,
    /** The approval that signed its card or line off again. */
    replacedBy: z.uuid().nullable(),
  })
  .openapi('ApprovalLine');
const approvalSchema = z
  .object({
    id: z.uuid(),
    psaConnectionId: z.uuid(),
    state: z.enum(['requested', 'todo', 'closed']),
    /** A sentence about the to-dos; null when there are none. */
    note: z.string().nullable(),
    previewId: z.uuid().nullable(),
    undoOf: z.uuid().nullable(),
    createdAt: isoDate,
    closedAt: isoDateOrNull,
    /** How many lines there are, and how many in each state; the lines themselves have a list of their own. */
    lines: z.int(),
    counts: z.object(Object.fromEntries(approvalLineStates.map((state) => [state, z.int()])) as Counts),
    /** How many of the cards that were asked for were left out, by reason; they have a list of their own, too. */
    skipped: z.array(z.object({ reason: z.enum(skipReasons), cards: z.int() })),
    // A union, because in the contract `nullable()` of a named schema does not accept null.
    process: z.union([processSchema, z.null()]),
  })
  .openapi('Approval');
type Counts = Record<(typeof approvalLineStates)[number], z.ZodInt>;
const skippedSchema = z
  .object({
    cardId: z.uuid(),
    reason: z.enum(skipReasons),
    words: z.string(),
    asked: z.object({ lineId: z.string(), from: z.number(), to: z.number(), effectiveDate: z.string().nullable() }),
    now: z
      .object({
        lineId: z.string().nullable(),
        from: z.number().nullable(),
        to: z.number().nullable(),
        effectiveDate: z.string().nullable(),
      })
      .nullable(),
  })
  .openapi('SkippedCard');

const exampleLine = {
  id: exampleIds.line,
  cardId: exampleIds.card,
  psaAccountId: '250',
  psaProductId: '77',
  agreementId: '31',
  lineId: '9001',
  from: 40,
  to: 43,
  effectiveDate: '2026-12-01',
  state: 'intended' as const,
  problem: null,
  settledAt: null,
  replacedBy: null,
};
const noLines = Object.fromEntries(approvalLineStates.map((state) => [state, 0])) as Record<
  (typeof approvalLineStates)[number],
  number
>;
const exampleApproval = {
  id: exampleIds.approval,
  psaConnectionId: exampleIds.psaConnection,
  state: 'requested' as const,
  note: null,
  previewId: null,
  undoOf: null,
  createdAt: '2026-11-23T09:05:00.000Z',
  closedAt: null,
  lines: 1,
  counts: { ...noLines, intended: 1 },
  skipped: [{ reason: 'differs' as const, cards: 1 }],
  process: exampleProcess('approveUsage', exampleIds.approval, 'write', 'settle'),
};
const exampleSkipped = {
  cardId: exampleIds.run,
  reason: 'differs' as const,
  words: 'It was shown as line 9002 from 12 to 14, and is line 9002 from 12 to 15 now. Look at the card again.',
  asked: { lineId: '9002', from: 12, to: 14, effectiveDate: '2026-12-01' },
  now: { lineId: '9002', from: 12, to: 15, effectiveDate: '2026-12-01' },
};
const exampleAnswer = { approval: exampleApproval, skipped: { items: [exampleSkipped], nextCursor: null } };
/** The answer has the first page of left-out cards; its cursor continues in the approval's list of them. */
const answerSchema = z.object({ approval: approvalSchema, skipped: listOf(skippedSchema) });

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
        }),
        z.strictObject({ previewId: z.uuid() }),
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
    409: ['preview-signed-off'],
    422: ['nothing-to-approve', 'unknown-cards', 'several-connections'],
  },
});
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
const lines = route({
  method: 'get',
  path: '/v1/approvals/{id}/lines',
  operationId: 'listApprovalLines',
  summary: 'The lines of an approval with their states',
  tag,
  scope: 'read',
  request: { params: idParam, query: pageQuery.extend({ state: z.enum(approvalLineStates).optional() }) },
  ok: 200,
  answer: listOf(lineSchema),
  example: { items: [exampleLine], nextCursor: null },
  problems: {},
});
const skipped = route({
  method: 'get',
  path: '/v1/approvals/{id}/skipped',
  operationId: 'listSkippedCards',
  summary: 'Cards that were asked for and left out, with the write that was shown and the one they offer now',
  tag,
  scope: 'read',
  request: { params: idParam, query: pageQuery.extend({ reason: z.enum(skipReasons).optional() }) },
  ok: 200,
  answer: listOf(skippedSchema),
  example: { items: [exampleSkipped], nextCursor: null },
  problems: {},
});
const undo = route({
  method: 'post',
  path: '/v1/approvals/{id}/undo',
  operationId: 'undoApproval',
  summary:
    'Write the old quantities back where the PSA holds the new ones; refused once the next invoice date has moved',
  tag,
  scope: 'operate',
  request: { params: idParam },
  ok: 202,
  answer: answerSchema,
  example: exampleAnswer,
  problems: { 409: ['not-closed', 'nothing-to-undo'] },
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

export const approvalRoutes = createRouter();

approvalRoutes.openapi(create, async (c) => {
  const deps = c.get('deps');
  const { batch } = await runCommand(c, signOff, c.req.valid('json'));
  return send(c, answerSchema, await answerOf(deps, batch), 202);
});

approvalRoutes.openapi(get, async (c) => {
  const deps = c.get('deps');
  return send(
    c,
    approvalSchema,
    await approvalView(deps, await ownedApproval(deps, c.get('caller'), c.req.valid('param').id)),
  );
});

approvalRoutes.openapi(lines, async (c) => {
  const deps = c.get('deps');
  const { id } = await ownedApproval(deps, c.get('caller'), c.req.valid('param').id);
  const { limit, cursor, state } = c.req.valid('query');
  const rows = await listApprovalLines(deps.db, id, { state, after: decodeCursor(cursor, position), limit: limit + 1 });
  const page = pageOf(rows, limit, (row) => String(row.position));
  return send(c, listOf(lineSchema), { ...page, items: page.items.map(lineOf) });
});

approvalRoutes.openapi(skipped, async (c) => {
  const deps = c.get('deps');
  const { id } = await ownedApproval(deps, c.get('caller'), c.req.valid('param').id);
  const { limit, cursor, reason } = c.req.valid('query');
  const after = decodeCursor(cursor, position);
  return send(c, listOf(skippedSchema), await skippedPage(deps, id, { reason, after, limit }));
});

approvalRoutes.openapi(undo, async (c) => {
  const deps = c.get('deps');
  const { batch } = await runCommand(c, undoApproval, c.req.valid('param'));
  return send(c, answerSchema, await answerOf(deps, batch), 202);
});

for (const each of [withdrawAll, withdrawOne]) {
  approvalRoutes.openapi(each, async (c) => {
    const { batch } = await runCommand(c, withdraw, c.req.valid('param'));
    return send(c, approvalSchema, await approvalView(c.get('deps'), batch));
  });
}

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
  return { ...page, items: page.items.map(skippedOf).map((row) => ({ ...row, words: describeSkipped(row) })) };
}

function lineOf(row: Awaited<ReturnType<typeof listApprovalLines>>[number]) {
  return { ...row, effectiveDate: row.nextInvoiceDate };
}

async function approvalView(deps: ApiDependencies, batch: ApprovalBatchRow) {
  const ref = approvalProcess(batch);
  const steps = await listSteps(deps.db, ref);
  const counts = { ...noLines, ...(await countLines(deps.db, batch.id)) };
  return {
    ...batch,
    note: noteOf(counts.todo, steps.length > 0),
    lines: Object.values(counts).reduce((sum, lines) => sum + lines, 0),
    counts,
    skipped: await countSkipped(deps.db, batch.id),
    process: steps.length > 0 ? processView(deps, ref, steps) : null,
  };
}

/** @param stopped whether writing was on when the approval was signed off */
function noteOf(todos: number, stopped: boolean): string | null {
  if (todos === 0) return null;
  const why = stopped
    ? `Writing to this PSA was turned off before ${todos} of these changes were written.`
    : 'Writing to this PSA is off.';
  return `${why} Make them in the PSA, and the next read verifies them; or sign their cards off again once writing is on, which replaces them.`;
}
