/**
 * Writes approved quantities to the PSA: each line is claimed in PostgreSQL, written once, and settled by reading it
 * again (invariant 5).
 */
import { ApplicationFailure } from '@temporalio/activity';
import { countersign, type Actor } from '../commands/actor.ts';
import { closeApproval, recordOutcome, resumeWriting, stopWriting } from '../commands/approvalOutcome.ts';
import type { ConnectorError } from '../connectors/errors.ts';
import {
  claimLine,
  listIntendedLines,
  listUncertainLines,
  readBatch,
  readLater,
  releaseClaim,
  type ApprovalBatchRow,
  type ApprovalLineRow,
  type LineOutcome,
} from '../db/queries/approvals.ts';
import { intendedInMs, noteLocked } from '../db/queries/lockedLines.ts';
import { noteFailure, noteProgress } from '../db/queries/process.ts';
import { isLineOver, readNextInvoiceDate } from '../db/queries/psa.ts';
import { quantityDecimalsOf, readPsaConnection } from '../db/queries/psaConnection.ts';
import { needsAnswer } from '../domain/settling.ts';
import { callLimits } from '../connectors/registry.ts';
import type { Dependencies } from './dependencies.ts';
import { createLineWrites, type LinePsa } from './lineWrites.ts';
import { effectOf, performStep, type StepRef, type StepResult } from './step.ts';
import { writeTiming } from './writeTiming.ts';

/** The PSA connection to which lines are written. */
interface Psa extends LinePsa {
  id: string;
  /** Who has signed the lines off. */
  signer: Actor;
}

/** The most lines that one activity writes. */
const linesPerActivity = 25;

export function createApprovalActivities(deps: Dependencies) {
  const timing = writeTiming(deps.environment);

  /** How long after its claim a write's outcome may still be open, in milliseconds. */
  async function settleAfterOf(psaConnectionId: string): Promise<number> {
    const { kind } = await readPsaConnection(deps.db, psaConnectionId);
    return timing.settleAfter(callLimits(kind, deps.environment).searchLagMs);
  }

  async function record(
    { id: psaConnectionId, signer }: Psa,
    line: ApprovalLineRow,
    outcome: LineOutcome,
  ): Promise<void> {
    await deps.db.transaction((tx) => recordOutcome(tx, signer, { psaConnectionId, line, outcome }));
  }

  async function psaOf({ psaConnectionId: id, organizationId, requestedBy: name }: ApprovalBatchRow): Promise<Psa> {
    const decimals = quantityDecimalsOf(await readPsaConnection(deps.db, id));
    return { id, signer: { organizationId, name }, adapter: await deps.connectors.psaOf(id), decimals };
  }

  const isWritingOn = async ({ psaConnectionId }: ApprovalBatchRow) =>
    (await readPsaConnection(deps.db, psaConnectionId)).writesEnabled;

  /**
   * Handles a line that is in use in the PSA: it is retried for as long as transient failures are, and delays no other
   * line.
   */
  async function waitForLock(
    psa: Psa,
    line: ApprovalLineRow,
    claimed: ApprovalLineRow,
    { detail, retryAfterMs }: ConnectorError,
  ): Promise<void> {
    const { FIRST_RETRY_MS, MAX_RETRY_MS, TRANSIENT_LIMIT_MS } = deps.environment;
    const lockedForMs = await noteLocked(deps.db, claimed);
    if (lockedForMs < TRANSIENT_LIMIT_MS) {
      const problem = { code: 'locked', detail: `${detail} Somebody has it in use; it is tried again by itself.` };
      const ms = Math.max(FIRST_RETRY_MS, retryAfterMs ?? Math.min(MAX_RETRY_MS, lockedForMs));
      return releaseClaim(deps.db, line, claimed, { ms, problem });
    }
    const todo = 'Close the agreement, or whatever has it in use, in the PSA, then approve the card again.';
    const minutes = Math.round(lockedForMs / 60_000);
    await record(psa, claimed, {
      state: 'rejected',
      problem: { code: 'locked', detail: `${detail} It has been in use for ${minutes} minutes. ${todo}` },
    });
  }

  async function linesOf(batch: ApprovalBatchRow) {
    const psa = await psaOf(batch);
    return createLineWrites(
      psa,
      {
        claim: (line) => claimLine(deps.db, line),
        release: (line, claimed) => releaseClaim(deps.db, line, claimed),
        waitForLock: (line, claimed, error) => waitForLock(psa, line, claimed, error),
        record: (line, outcome) => record(psa, line, outcome),
        isOver: ({ lineId }) => isLineOver(deps.db, psa.id, lineId),
        readNextInvoiceDate: ({ agreementId }) => readNextInvoiceDate(deps.db, psa.id, agreementId),
        isWritingOn: () => isWritingOn(batch),
        readLater: async (line) => readLater(deps.db, line, await settleAfterOf(psa.id)),
      },
      timing,
    );
  }

  return {
    /**
     * Writes up to 25 intended lines that are due; the step is done when none is left. Runs once per try: Temporal
     * never repeats it.
     */
    async writeLines(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => {
        const batch = await readBatch(deps.db, ref.id);
        // Turning writing off stopped the lines that were intended then; a claim may have been given back since, so
        // they are stopped again.
        const { id: batchId, psaConnectionId } = batch;
        if (!(await isWritingOn(batch))) return effectOf(stopWriting, countersign(batch), { psaConnectionId, batchId });
        const lines = await listIntendedLines(deps.db, ref.id, linesPerActivity);
        if (lines.length === 0) {
          const waitMs = await intendedInMs(deps.db, ref.id);
          if (waitMs === undefined) return async () => undefined;
          const because = 'somebody has the lines that are left in use in the PSA';
          return { againInMs: Math.max(1, Math.ceil(waitMs)), because };
        }
        const { write } = await linesOf(batch);
        for (const line of lines) {
          await write(line);
          await noteProgress(deps.db, ref);
        }
        return undefined;
      });
    },

    /**
     * Reads again every line whose write may or may not have happened, once the write's time-out and the PSA's lag have
     * passed: the line is at its target → applied; at a third value → conflict; at the old value → one new claim, or a
     * to-do if writing is off now. Where writes are differences, anything but the target is read again, until a person
     * is asked.
     */
    async settleLines(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => {
        const batch = await readBatch(deps.db, ref.id);
        const settleAfterMs = await settleAfterOf(batch.psaConnectionId);
        const open = await listUncertainLines(deps.db, ref.id, { settleAfterMs, limit: linesPerActivity });
        if (open.length === 0) return async () => undefined;
        const { settle } = await linesOf(batch);
        const overdueMs = settleAfterMs + deps.environment.TRANSIENT_LIMIT_MS;
        for (const line of open.filter((candidate) => candidate.settleInMs <= 0)) {
          await settle(line, line.sentForMs > overdueMs);
        }
        const [next] = await listUncertainLines(deps.db, ref.id, { settleAfterMs, limit: 1 });
        if (!next) return async () => undefined;
        // Nothing is left to read by itself: the step waits, blocked, for the person who says what holds.
        if (next.settleInMs <= 0 && next.problem?.code === needsAnswer) {
          await noteFailure(deps.db, ref, { code: needsAnswer, what: next.problem.detail });
          throw ApplicationFailure.nonRetryable('A person has to say what the PSA holds.', needsAnswer);
        }
        return {
          againInMs: Math.max(1, Math.ceil(next.settleInMs)),
          because: "waits until the PSA's time-out and search lag have passed, then reads the line again",
        };
      });
    },

    async closeApproval(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => {
        const actor = countersign(await readBatch(deps.db, ref.id));
        const { resumed } = await deps.db.transaction((tx) => resumeWriting(tx, actor, { id: ref.id }));
        return resumed ? undefined : effectOf(closeApproval, actor, { id: ref.id });
      });
    },
  };
}
