import { z } from '@hono/zod-openapi';
import {
  createApproval,
  findApproval,
  listApprovalLines,
  listOpenCardIds,
  type ApprovalBatchRow,
  type NewApprovalLine,
} from '../../db/queries/approvals.ts';
import { listCards, listCardsById } from '../../db/queries/cards.ts';
import { listSteps } from '../../db/queries/process.ts';
import { findAgreement } from '../../db/queries/psa.ts';
import { findPsaConnection } from '../../db/queries/psaConnection.ts';
import type { Card } from '../../domain/reconcile.ts';
import { actorOf, commitAndWake, type ApiDependencies, type Caller } from '../context.ts';
import { createRouter, idParam, isoDate, route, send } from '../define.ts';
import { conflict, notFound, unprocessable } from '../problem.ts';
import { processSchema, processView } from '../process.ts';

const tag = 'Approvals';

const lineSchema = z.object({
  id: z.uuid(),
  cardId: z.uuid(),
  agreementId: z.string(),
  lineId: z.string(),
  from: z.number(),
  to: z.number(),
  state: z.enum(['intended', 'writing', 'uncertain', 'applied', 'already', 'conflict', 'rejected', 'todo', 'verified']),
  problem: z.object({ code: z.string(), detail: z.string() }).nullable(),
  settledAt: isoDate.nullable(),
});
const approvalSchema = z
  .object({
    id: z.uuid(),
    psaConnectionId: z.uuid(),
    state: z.enum(['requested', 'todo', 'closed']),
    /** Said when writing is off. */
    note: z.string().nullable(),
    createdAt: isoDate,
    closedAt: isoDate.nullable(),
    lines: z.array(lineSchema),
    process: processSchema.nullable(),
  })
  .openapi('Approval');
const skippedSchema = z.array(z.object({ cardId: z.string(), reason: z.string() }));

const create = route({
  method: 'post',
  path: '/v1/approvals',
  operationId: 'createApproval',
  summary: 'Sign cards off: their quantities are written to the PSA, each once',
  tag,
  scope: 'operate',
  request: {
    body: {
      content: {
        'application/json': {
          schema: z.union([
            z.object({ cardIds: z.array(z.uuid()).min(1).max(5_000) }),
            z.object({ bulk: z.literal(true), psaConnectionId: z.uuid() }),
          ]),
        },
      },
      required: true,
    },
  },
  ok: 202,
  answer: z.object({ approval: approvalSchema, skipped: skippedSchema }),
});
const get = route({
  method: 'get',
  path: '/v1/approvals/{id}',
  operationId: 'getApproval',
  summary: 'One approval with what became of every line',
  tag,
  scope: 'read',
  request: { params: idParam },
  ok: 200,
  answer: approvalSchema,
});
const undo = route({
  method: 'post',
  path: '/v1/approvals/{id}/undo',
  operationId: 'undoApproval',
  summary: 'Write the old quantities back; refused once the next invoice date has moved',
  tag,
  scope: 'operate',
  request: { params: idParam },
  ok: 202,
  answer: z.object({ approval: approvalSchema, skipped: skippedSchema }),
});

export const approvalRoutes = createRouter();

approvalRoutes.openapi(create, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const given = c.req.valid('json');
  const answer = z.object({ approval: approvalSchema, skipped: skippedSchema });
  const { batch, skipped } = await commitAndWakeBatch(deps, caller, async (tx) => {
    const cards =
      'cardIds' in given
        ? await listCardsById(tx, caller.organizationId, given.cardIds)
        : await listCards(
            tx,
            caller.organizationId,
            { bulkApprovable: true, dismissed: false, psaConnectionId: given.psaConnectionId },
            { limit: 5_000 },
          );
    if ('cardIds' in given) {
      const known = new Set(cards.map((row) => row.card.id));
      const unknown = given.cardIds.filter((id) => !known.has(id));
      if (unknown.length > 0)
        throw unprocessable(
          'unknown-cards',
          `These cards are not there any more: ${unknown.slice(0, 20).join(', ')}. Nothing was approved.`,
        );
    }
    const [psaConnectionId, ...others] = new Set(cards.map((row) => row.card.psaConnectionId));
    if (psaConnectionId === undefined) throw unprocessable('nothing-to-approve', 'There is no card to approve.');
    if (others.length > 0)
      throw unprocessable('several-connections', 'Approve the cards of one PSA connection at a time.');
    const open = new Set(
      await listOpenCardIds(
        tx,
        cards.map((row) => row.card.id),
      ),
    );
    const skippedCards: z.infer<typeof skippedSchema> = [];
    const lines: NewApprovalLine[] = [];
    for (const { card } of cards) {
      const detail = card.detail as Card;
      const why = open.has(card.id)
        ? 'A write for this card is under way already.'
        : card.approvable
          ? undefined
          : (detail.flags[0]?.words ?? 'There is nothing to change.');
      if (why !== undefined || !detail.write) {
        skippedCards.push({ cardId: card.id, reason: why ?? 'There is nothing to change.' });
        continue;
      }
      lines.push({
        cardId: card.id,
        psaAccountId: card.psaAccountId,
        psaProductId: card.psaProductId,
        agreementId: detail.write.line.agreementId,
        lineId: detail.write.line.lineId,
        expectedQuantity: detail.write.line.quantity,
        expectedVersion: detail.write.line.version,
        target: detail.write.newQuantity,
        nextInvoiceDate: detail.write.line.asOfKnown ? detail.write.line.asOf : null,
      });
    }
    if (lines.length === 0)
      throw unprocessable('nothing-to-approve', skippedCards[0]?.reason ?? 'There is no card to approve.');
    return { psaConnectionId, lines, skipped: skippedCards };
  });
  return send(c, answer, { approval: await viewOf(deps, batch), skipped }, 202);
});

approvalRoutes.openapi(get, async (c) => {
  const deps = c.get('deps');
  return send(c, approvalSchema, await viewOf(deps, await owned(deps, c.get('caller'), c.req.valid('param').id)));
});

approvalRoutes.openapi(undo, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const original = await owned(deps, caller, c.req.valid('param').id);
  if (original.state !== 'closed')
    throw conflict('not-closed', 'The approval is still at work; undo it when it is closed.');
  const { batch, skipped } = await commitAndWakeBatch(
    deps,
    caller,
    async (tx) => {
      const lines: NewApprovalLine[] = [];
      const skippedLines: z.infer<typeof skippedSchema> = [];
      for (const line of await listApprovalLines(tx, original.id)) {
        if (line.state !== 'applied') continue;
        const agreement = await findAgreement(tx, original.psaConnectionId, line.agreementId);
        if (agreement?.nextInvoiceDate !== line.nextInvoiceDate) {
          skippedLines.push({
            cardId: line.cardId,
            reason: 'The next invoice date has moved since, so this was billed already.',
          });
          continue;
        }
        lines.push({ ...line, expectedQuantity: line.target, expectedVersion: null, target: line.expectedQuantity });
      }
      if (lines.length === 0)
        throw conflict(
          'nothing-to-undo',
          skippedLines[0]?.reason ?? 'The approval wrote nothing, so there is nothing to undo.',
        );
      return { psaConnectionId: original.psaConnectionId, lines, skipped: skippedLines };
    },
    original.id,
  );
  return send(
    c,
    z.object({ approval: approvalSchema, skipped: skippedSchema }),
    { approval: await viewOf(deps, batch), skipped },
    202,
  );
});

type Collect = (
  tx: Parameters<typeof createApproval>[0],
) => Promise<{ psaConnectionId: string; lines: NewApprovalLine[]; skipped: z.infer<typeof skippedSchema> }>;

async function commitAndWakeBatch(deps: ApiDependencies, caller: Caller, collect: Collect, undoOf?: string) {
  const result = await commitAndWake(deps, [], async (tx) => {
    const { psaConnectionId, lines, skipped } = await collect(tx);
    const connection = await findPsaConnection(tx, caller.organizationId, psaConnectionId);
    if (!connection) throw notFound('PSA connection');
    const batch = await createApproval(tx, caller.organizationId, {
      psaConnectionId,
      requestedBy: actorOf(caller),
      writesEnabled: connection.writesEnabled,
      lines: lines.map(bare),
      ...(undoOf ? { undoOf } : {}),
    });
    return { batch, skipped };
  });
  if (result.batch.state === 'requested') {
    const process = {
      kind: 'approveUsage',
      id: result.batch.id,
      organizationId: caller.organizationId,
      integrationId: null,
    } as const;
    deps
      .wake(process)
      .catch((error: unknown) => deps.logger.warn({ err: error, ...process }, 'not woken; the sweep will'));
  }
  return result;
}

/** Only the columns of a new line: one taken from another batch has an id, a state and a history of its own. */
function bare(line: NewApprovalLine): NewApprovalLine {
  const {
    cardId,
    psaAccountId,
    psaProductId,
    agreementId,
    lineId,
    expectedQuantity,
    expectedVersion,
    target,
    nextInvoiceDate,
  } = line;
  return {
    cardId,
    psaAccountId,
    psaProductId,
    agreementId,
    lineId,
    expectedQuantity,
    expectedVersion,
    target,
    nextInvoiceDate,
  };
}

async function owned(deps: ApiDependencies, caller: Caller, id: string): Promise<ApprovalBatchRow> {
  const row = await findApproval(deps.db, caller.organizationId, id);
  if (!row) throw notFound('approval');
  return row;
}

async function viewOf(deps: ApiDependencies, batch: ApprovalBatchRow) {
  const ref = { kind: 'approveUsage', id: batch.id } as const;
  const steps = await listSteps(deps.db, ref);
  const lines = await listApprovalLines(deps.db, batch.id);
  return {
    ...batch,
    note:
      batch.state === 'todo'
        ? 'Writing to this PSA is off. Make these changes in the PSA; the next read verifies them.'
        : null,
    lines: lines.map((line) => ({ ...line, from: line.expectedQuantity, to: line.target })),
    process: steps.length > 0 ? processView(deps, ref, steps) : null,
  };
}
