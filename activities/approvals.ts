/**
 * Writes approved quantities to the PSA: each line is claimed in PostgreSQL, written once, and settled by reading it
 * again (invariant 5).
 */
import { countersign, type Actor } from '../commands/actor.ts';
import { closeApproval, recordOutcome, resumeWriting, stopWriting } from '../commands/approvalOutcome.ts';
import type { ConnectorError } from '../connectors/errors.ts';
import type { PsaAdapter, SetQuantityResult } from '../connectors/psa.ts';
import {
  claimLine,
  listIntendedLines,
  listUncertainLines,
  readBatch,
  releaseClaim,
  type ApprovalBatchRow,
  type ApprovalLineRow,
  type LineOutcome,
} from '../db/queries/approvals.ts';
import { intendedInMs, noteLocked } from '../db/queries/lockedLines.ts';
import { noteProgress } from '../db/queries/process.ts';
import { isLineOver } from '../db/queries/psa.ts';
import { quantityDecimalsOf, readPsaConnection } from '../db/queries/psaConnection.ts';
import { roundHalfUp, sameQuantity, tidy } from '../domain/quantities.ts';
import type { Dependencies } from './dependencies.ts';
import { effectOf, performStep, type StepRef, type StepResult } from './step.ts';
import { writeTiming } from './writeTiming.ts';

/** The PSA connection to which lines are written. */
interface Psa {
  id: string;
  /** Who has signed the lines off. */
  signer: Actor;
  adapter: PsaAdapter;
  /** The decimals of a quantity that the PSA keeps. */
  decimals: number;
}

/** The most lines that one activity writes. */
const linesPerActivity = 25;

export function createApprovalActivities(deps: Dependencies) {
  const { writeOnce, settleAfterMs } = writeTiming(deps.environment);

  async function record(
    { id: psaConnectionId, signer }: Psa,
    line: ApprovalLineRow,
    outcome: LineOutcome,
  ): Promise<void> {
    await deps.db.transaction((tx) => recordOutcome(tx, signer, { psaConnectionId, line, outcome }));
  }

  /**
   * Writes a line, if this caller gets the claim right before the write is sent.
   *
   * @throws ConnectorError when nothing could be sent (the PSA is away, Countersign's rights are gone): the claim is
   *   given back, and the step tries again or blocks
   */
  async function write(psa: Psa, line: ApprovalLineRow): Promise<void> {
    if (await isLineOver(deps.db, psa.id, line.lineId)) {
      const detail = 'The line has ended since it was signed off: nothing was written. Review the card.';
      return record(psa, line, { state: 'rejected', problem: { code: 'line_ended', detail } });
    }
    // The write's window counts from before the line is read, so that the values compared with it are never old.
    const { result, claimed, lost } = await writeOnce(
      () => claimLine(deps.db, line),
      (claim) =>
        psa.adapter.setQuantity({
          agreementId: line.agreementId,
          lineId: line.lineId,
          from: line.from,
          ...(line.expectedVersion ? { expectedVersion: line.expectedVersion } : {}),
          to: line.to,
          decimals: psa.decimals,
          claim,
        }),
      Date.now(),
    );
    if (lost) return;
    if (result.outcome !== 'not_sent') return record(psa, claimed ?? line, outcomeOf(result));
    if (result.error.code === 'locked') return waitForLock(psa, line, claimed ?? line, result.error);
    if (claimed) await releaseClaim(deps.db, line, claimed);
    throw result.error;
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
        const psa = await psaOf(batch);
        for (const line of lines) {
          await write(psa, line);
          await noteProgress(deps.db, ref);
        }
        return undefined;
      });
    },

    /**
     * Reads again every line whose write may or may not have happened, once the write's time-out and the PSA's lag have
     * passed: the line is at its target → applied; at a third value → conflict; at the old value → one new claim, or a
     * to-do if writing is off now.
     */
    async settleLines(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => {
        const batch = await readBatch(deps.db, ref.id);
        const open = await listUncertainLines(deps.db, ref.id, { settleAfterMs, limit: linesPerActivity });
        if (open.length === 0) return async () => undefined;
        const psa = await psaOf(batch);
        for (const line of open.filter((candidate) => candidate.settleInMs <= 0)) {
          const current = await psa.adapter.getLine({ agreementId: line.agreementId, lineId: line.lineId });
          if (current && sameQuantity(current.quantity, line.to, psa.decimals)) {
            await record(psa, line, {
              state: 'applied',
              quantity: current.quantity,
              version: current.version,
            });
          } else if (!current || !sameQuantity(current.quantity, line.from, psa.decimals)) {
            await record(psa, line, conflictOf(current, { ...psa, to: line.to }));
          } else if (!(await isWritingOn(batch))) {
            await record(psa, line, { state: 'todo' });
          } else if (line.claims < 2) {
            await write(psa, line);
          } else {
            await record(psa, line, {
              state: 'rejected',
              problem: {
                code: 'write_not_taken',
                detail: 'The PSA did not take the change twice. Check the line in the PSA, then approve again.',
              },
            });
          }
        }
        const [next] = await listUncertainLines(deps.db, ref.id, { settleAfterMs, limit: 1 });
        if (!next) return async () => undefined;
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

function outcomeOf(result: Exclude<SetQuantityResult, { outcome: 'not_sent' }>): LineOutcome {
  switch (result.outcome) {
    case 'applied':
    case 'already':
      return { state: result.outcome, quantity: result.after, version: result.version };
    case 'conflict':
      return conflictOf(result.current);
    case 'rejected':
      return { state: 'rejected', problem: { code: result.code, detail: result.detail } };
    case 'uncertain':
      return { state: 'uncertain', problem: { code: 'uncertain', detail: result.detail } };
  }
}

/** @param written the quantity that was sent before the line was read; undefined = nothing was sent */
function conflictOf(
  current: { quantity: number; version: string } | null,
  written?: { to: number; decimals: number },
): LineOutcome {
  if (!current) {
    return {
      state: 'conflict',
      problem: { code: 'line_gone', detail: 'The line is no longer in the PSA. Review the card.' },
    };
  }
  const kept = written && fewerDecimals(current.quantity, written);
  const problem =
    written && kept !== undefined
      ? {
          code: 'fewer_decimals',
          detail: `The PSA made ${current.quantity} of ${written.to}: it seems to keep ${kept} decimals and not ${written.decimals}. Set quantityDecimals of the PSA connection to ${kept}, then review the card.`,
        }
      : {
          code: 'conflict',
          detail: `Somebody changed the line in the PSA since it was read: it is ${current.quantity} now. Review the card and approve again.`,
        };
  return { state: 'conflict', quantity: current.quantity, version: current.version, problem };
}

/**
 * Returns how many decimals a PSA keeps that shows this quantity after another was written; undefined = the difference
 * is not a matter of rounding.
 */
function fewerDecimals(quantity: number, { to, decimals }: { to: number; decimals: number }): number | undefined {
  const fewer = Array.from({ length: decimals }, (_, at) => decimals - 1 - at);
  return fewer.find((kept) => [roundHalfUp(to, kept), cutOff(to, kept)].some((seen) => sameQuantity(quantity, seen)));
}

const cutOff = (quantity: number, decimals: number) =>
  tidy(Math.floor(tidy(quantity * 10 ** decimals)) / 10 ** decimals);
