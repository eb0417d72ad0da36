import { z } from '@hono/zod-openapi';
import type { Transaction } from '../../db/client.ts';
import {
  createApproval,
  findApproval,
  listApprovalLines,
  listOpenWrites,
  type ApprovalBatchRow,
  type NewApprovalLine,
} from '../../db/queries/approvals.ts';
import { listCards, listCardsById, type CardRow } from '../../db/queries/cards.ts';
import { listSteps } from '../../db/queries/process.ts';
import { findAgreement } from '../../db/queries/psa.ts';
import { lockPsaConnection, type PsaConnectionRow } from '../../db/queries/psaConnection.ts';
import type { Card } from '../../domain/reconcile.ts';
import { actorOf, commitAndWake, wakeAll, type ApiDependencies, type Caller } from '../context.ts';
import { createRouter, exampleIds, idParam, isoDate, isoDateOrNull, jsonBody, route, send } from '../define.ts';
import { conflict, notFound, unprocessable, type ApiProblem } from '../problem.ts';
import { exampleProcess, processSchema, processView } from '../process.ts';
import { retryBlocked } from './steps.ts';

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
  settledAt: isoDateOrNull,
});
const approvalSchema = z
  .object({
    id: z.uuid(),
    psaConnectionId: z.uuid(),
    state: z.enum(['requested', 'todo', 'closed']),
    /** Said when writing is off. */
    note: z.string().nullable(),
    createdAt: isoDate,
    closedAt: isoDateOrNull,
    lines: z.array(lineSchema),
    // As a union: `nullable()` of a named schema is one that null does not fit, in the contract.
    process: z.union([processSchema, z.null()]),
  })
  .openapi('Approval');
const skippedSchema = z.array(z.object({ cardId: z.string(), reason: z.string() }));

const exampleApproval = {
  id: exampleIds.approval,
  psaConnectionId: exampleIds.psaConnection,
  state: 'requested' as const,
  note: null,
  createdAt: '2026-11-23T09:05:00.000Z',
  closedAt: null,
  lines: [
    {
      id: exampleIds.line,
      cardId: exampleIds.card,
      agreementId: '31',
      lineId: '9001',
      from: 40,
      to: 43,
      state: 'intended' as const,
      problem: null,
      settledAt: null,
    },
  ],
  process: exampleProcess('approveUsage', exampleIds.approval, 'write', 'settle'),
};
const exampleAnswer = {
  approval: exampleApproval,
  skipped: [{ cardId: exampleIds.run, reason: 'A write for this card is under way already.' }],
};
const answerSchema = z.object({ approval: approvalSchema, skipped: skippedSchema });

const create = route({
  method: 'post',
  path: '/v1/approvals',
  operationId: 'createApproval',
  summary: 'Sign cards off: their quantities are written to the PSA, each once',
  tag,
  scope: 'operate',
  request: {
    body: jsonBody(
      z.union([
        z.object({ cardIds: z.array(z.uuid()).min(1).max(5_000) }),
        z.object({ bulk: z.literal(true), psaConnectionId: z.uuid() }),
      ]),
      { cardIds: [exampleIds.card] },
    ),
  },
  ok: 202,
  answer: answerSchema,
  example: exampleAnswer,
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
  example: exampleApproval,
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
  answer: answerSchema,
  example: exampleAnswer,
});
const retry = route({
  method: 'post',
  path: '/v1/approvals/{id}/retry',
  operationId: 'retryApproval',
  summary: 'Try the blocked step of an approval again now',
  tag,
  scope: 'operate',
  request: { params: idParam },
  ok: 202,
  answer: approvalSchema,
  example: exampleApproval,
});

export const approvalRoutes = createRouter();

approvalRoutes.openapi(create, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const given = c.req.valid('json');
  const { batch, skipped } = await sign(deps, caller, {
    async connectionOf(tx) {
      if ('psaConnectionId' in given) return given.psaConnectionId;
      const cards = await listCardsById(tx, caller.organizationId, given.cardIds);
      refuseUnknown(given.cardIds, cards);
      const [psaConnectionId = '', ...others] = new Set(cards.map((row) => row.card.psaConnectionId));
      if (others.length > 0)
        throw unprocessable('several-connections', 'Approve the cards of one PSA connection at a time.');
      return psaConnectionId;
    },
    async propose(tx, { id: psaConnectionId }) {
      if ('cardIds' in given) {
        const cards = await listCardsById(tx, caller.organizationId, given.cardIds);
        refuseUnknown(given.cardIds, cards);
        return proposalsOf(cards, (card) => card.approvable);
      }
      const mine = { psaConnectionId, dismissed: false };
      const all = { limit: 5_000 };
      // Who signs off in bulk is told what still needs a person's choice.
      return proposalsOf(
        [
          ...(await listCards(tx, caller.organizationId, { ...mine, bulkApprovable: true }, all)),
          ...(await listCards(tx, caller.organizationId, { ...mine, flag: 'needs_choice' }, all)),
        ],
        (card) => card.bulkApprovable,
      );
    },
    nothing: (reason) => unprocessable('nothing-to-approve', reason ?? 'There is no card to approve.'),
  });
  return send(c, answerSchema, { approval: await viewOf(deps, batch), skipped }, 202);
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
  const { batch, skipped } = await sign(deps, caller, {
    connectionOf: () => Promise.resolve(original.psaConnectionId),
    async propose(tx) {
      const proposals: Proposal[] = [];
      for (const line of await listApprovalLines(tx, original.id)) {
        if (line.state !== 'applied') continue;
        const agreement = await findAgreement(tx, original.psaConnectionId, line.agreementId);
        const moved = agreement?.nextInvoiceDate !== line.nextInvoiceDate;
        proposals.push({
          cardId: line.cardId,
          why: moved ? 'The next invoice date has moved since, so this was billed already.' : undefined,
          line: {
            cardId: line.cardId,
            psaAccountId: line.psaAccountId,
            psaProductId: line.psaProductId,
            agreementId: line.agreementId,
            lineId: line.lineId,
            expectedQuantity: line.target,
            expectedVersion: null,
            target: line.expectedQuantity,
            nextInvoiceDate: line.nextInvoiceDate,
          },
        });
      }
      return proposals;
    },
    nothing: (reason) =>
      conflict('nothing-to-undo', reason ?? 'The approval wrote nothing, so there is nothing to undo.'),
    undoOf: original.id,
  });
  return send(c, answerSchema, { approval: await viewOf(deps, batch), skipped }, 202);
});

approvalRoutes.openapi(retry, async (c) => {
  const deps = c.get('deps');
  const caller = c.get('caller');
  const batch = await owned(deps, caller, c.req.valid('param').id);
  const process = processOf(batch);
  await commitAndWake(deps, [process], (tx) =>
    retryBlocked(tx, caller, process, undefined, {
      subjectKind: 'approval',
      subjectId: batch.id,
      psa: batch.psaConnectionId,
    }),
  );
  return send(c, approvalSchema, await viewOf(deps, batch), 202);
});

/** A write somebody asks for, or why it is left out. */
interface Proposal {
  cardId: string;
  why: string | undefined;
  line: NewApprovalLine | undefined;
}

function proposalsOf(
  cards: Awaited<ReturnType<typeof listCardsById>>,
  allowed: (card: CardRow) => boolean,
): Proposal[] {
  return cards.map(({ card }) => {
    const { flags, write } = card.detail as Card;
    if (!allowed(card) || !write)
      return { cardId: card.id, why: flags[0]?.words ?? 'There is nothing to change.', line: undefined };
    const line = {
      cardId: card.id,
      psaAccountId: card.psaAccountId,
      psaProductId: card.psaProductId,
      agreementId: write.line.agreementId,
      lineId: write.line.lineId,
      expectedQuantity: write.line.quantity,
      expectedVersion: write.line.version,
      target: write.newQuantity,
      nextInvoiceDate: write.line.asOfKnown ? write.line.asOf : null,
    };
    return { cardId: card.id, why: undefined, line };
  });
}

function refuseUnknown(asked: readonly string[], cards: readonly { card: CardRow }[]): void {
  const known = new Set(cards.map((row) => row.card.id));
  const unknown = asked.filter((id) => !known.has(id.toLowerCase()));
  if (unknown.length > 0)
    throw unprocessable(
      'unknown-cards',
      `These cards are not there any more: ${unknown.slice(0, 20).join(', ')}. Nothing was approved.`,
    );
}

/**
 * Signs writes off: one batch, committed with its audit row, then woken. Everything is read with the connection locked,
 * so that two people who sign off the same card at once make one write of it (invariant 5).
 */
async function sign(
  deps: ApiDependencies,
  caller: Caller,
  request: {
    connectionOf: (tx: Transaction) => Promise<string>;
    propose: (tx: Transaction, connection: PsaConnectionRow) => Promise<Proposal[]>;
    nothing: (reason: string | undefined) => ApiProblem;
    undoOf?: string;
  },
) {
  const result = await commitAndWake(deps, [], async (tx) => {
    const psaConnectionId = await request.connectionOf(tx);
    const connection = await lockPsaConnection(tx, caller.organizationId, psaConnectionId);
    if (!connection) throw notFound('PSA connection');
    const proposals = await request.propose(tx, connection);
    const lineIds = proposals.flatMap((proposal) => proposal.line?.lineId ?? []);
    const open = await listOpenWrites(tx, connection.id, { cardIds: proposals.map(({ cardId }) => cardId), lineIds });
    const taken = new Set(open.flatMap(({ cardId, lineId }) => [`card ${cardId}`, `line ${lineId}`]));
    const lines: NewApprovalLine[] = [];
    const skipped: z.infer<typeof skippedSchema> = [];
    for (const { cardId, why, line } of proposals) {
      const busy =
        taken.has(`card ${cardId}`) || (line && taken.has(`line ${line.lineId}`))
          ? 'A write for this card is under way already.'
          : undefined;
      if (line && !why && !busy) {
        lines.push(line);
        taken.add(`line ${line.lineId}`);
      } else skipped.push({ cardId, reason: busy ?? why ?? 'There is nothing to change.' });
    }
    if (lines.length === 0) throw request.nothing(skipped[0]?.reason);
    const batch = await createApproval(tx, caller.organizationId, {
      psaConnectionId: connection.id,
      requestedBy: actorOf(caller),
      writesEnabled: connection.writesEnabled,
      lines,
      ...(request.undoOf ? { undoOf: request.undoOf } : {}),
    });
    return { batch, skipped };
  });
  if (result.batch.state === 'requested') wakeAll(deps, [processOf(result.batch)]);
  return result;
}

function processOf(batch: ApprovalBatchRow) {
  return { kind: 'approveUsage', id: batch.id, organizationId: batch.organizationId, integrationId: null } as const;
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
