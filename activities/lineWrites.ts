/**
 * The life of one signed-off write (invariant 5): it is claimed, sent once, and settled by reading the line again. The rows are
 * a port, so that a test can drive every history of a PSA and of the rows without a database.
 */
import type { ConnectorError } from '../connectors/errors.ts';
import type { PsaAdapter, SetQuantityResult } from '../connectors/psa.ts';
import type { ApprovalLineRow, LineOutcome } from '../db/queries/approvals.ts';
import { roundHalfUp, sameQuantity, tidy } from '../domain/quantities.ts';
import { needsAnswer, settledBy } from '../domain/settling.ts';
import type { writeTiming } from './writeTiming.ts';

/** What is read of a line and kept of it. */
export interface LineRows {
  /** Answers undefined when somebody else has the claim, or writing is off. */
  claim(line: ApprovalLineRow): Promise<ApprovalLineRow | undefined>;
  /** Gives a claim back of which nothing was sent. */
  release(line: ApprovalLineRow, claimed: ApprovalLineRow): Promise<void>;
  /** Keeps a line for later that somebody has in use in the PSA. */
  waitForLock(line: ApprovalLineRow, claimed: ApprovalLineRow, error: ConnectorError): Promise<void>;
  record(line: ApprovalLineRow, outcome: LineOutcome): Promise<void>;
  /** Whether the line, as it was last read, is over. */
  isOver(line: ApprovalLineRow): Promise<boolean>;
  /** The next invoice date of the line's agreement as it was last read; undefined = the agreement is not there. */
  readNextInvoiceDate(line: ApprovalLineRow): Promise<string | null | undefined>;
  isWritingOn(): Promise<boolean>;
  /** Reads the line again after some time. */
  readLater(line: ApprovalLineRow): Promise<void>;
}

export interface LinePsa {
  adapter: Pick<PsaAdapter, 'caps' | 'getAgreement' | 'getLine' | 'setQuantity'>;
  /** The decimals of a quantity that the PSA keeps. */
  decimals: number;
}

export function createLineWrites(
  { adapter, decimals }: LinePsa,
  rows: LineRows,
  { writeOnce }: Pick<ReturnType<typeof writeTiming>, 'writeOnce'>,
) {
  const { caps } = adapter;
  const asOf = (line: ApprovalLineRow) => (line.nextInvoiceDate === null ? {} : { asOf: line.nextInvoiceDate });

  /**
   * Writes a line, if this caller gets the claim right before the write is sent.
   *
   * @throws ConnectorError when nothing could be sent (the PSA is away, Countersign's rights are gone): the claim is given back,
   *   and the step tries again or blocks
   */
  async function write(line: ApprovalLineRow): Promise<void> {
    if (await rows.isOver(line)) {
      const detail = 'The line has ended since it was signed off: nothing was written. Review the card.';
      return rows.record(line, { state: 'rejected', problem: { code: 'line_ended', detail } });
    }
    // The write's window counts from before the line is read, so that the values compared with it are never old.
    const startedAt = Date.now();
    const moved = await movedPeriod(line);
    if (moved) return rows.record(line, { state: 'rejected', problem: moved });
    const { result, claimed, lost } = await writeOnce(
      () => rows.claim(line),
      (claim) =>
        adapter.setQuantity({
          agreementId: line.agreementId,
          lineId: line.lineId,
          ...(line.nextInvoiceDate === null ? {} : { effectiveDate: line.nextInvoiceDate }),
          operationId: line.id,
          attempt: line.claims + 1,
          from: line.from,
          ...(line.expectedVersion ? { expectedVersion: line.expectedVersion } : {}),
          to: line.to,
          decimals,
          claim,
        }),
      startedAt,
    );
    if (lost) return;
    if (result.outcome !== 'not_sent') return rows.record(claimed ?? line, outcomeOf(result));
    if (result.error.code === 'locked') return rows.waitForLock(line, claimed ?? line, result.error);
    if (claimed) await rows.release(line, claimed);
    throw result.error;
  }

  /**
   * Says why the line is not written after all: the period that the next invoice bills is no longer the one that was signed off.
   * Where a write has a day of its own the PSA itself is asked for the period.
   */
  async function movedPeriod(line: ApprovalLineRow): Promise<{ code: string; detail: string } | undefined> {
    const signed = line.nextInvoiceDate;
    let now = await rows.readNextInvoiceDate(line);
    if (caps.takesEffect === 'dated') {
      const agreement = await adapter.getAgreement({ agreementId: line.agreementId });
      now = agreement ? (agreement.nextInvoiceDate ?? null) : undefined;
    } else if (signed === null) return undefined;
    if (now === undefined || (now === signed && signed !== null)) return undefined;
    const then =
      signed === null
        ? 'Its first day of billing was not known when it was signed off'
        : `It was signed off to be billed first on ${signed}`;
    const detail = `${then}, and the next invoice bills from ${now ?? 'a day that the PSA does not tell'} on now: nothing was written. Look at the card and approve again.`;
    return { code: 'period_moved', detail };
  }

  /**
   * Reads a line again whose write may or may not have happened.
   *
   * @param isOverdue it has been read for as long as Countersign waits for the PSA to show a write
   * @returns `ask` when only a person can say what holds
   */
  async function settle(line: ApprovalLineRow, isOverdue: boolean): Promise<'ask' | undefined> {
    const current = await adapter.getLine({ agreementId: line.agreementId, lineId: line.lineId, ...asOf(line) });
    const isWritingOn = await rows.isWritingOn();
    const of = { writes: caps.writes, decimals, isWritingOn, isOverdue };
    const settled = settledBy(line, current?.quantity ?? null, of);
    switch (settled) {
      case 'applied':
        if (current)
          await rows.record(line, { state: 'applied', quantity: current.quantity, version: current.version });
        return;
      case 'conflict':
        await rows.record(line, conflictOf(current, { to: line.to, decimals }));
        return;
      case 'todo':
        await rows.record(line, { state: 'todo' });
        return;
      case 'write_again':
        await write(line);
        return;
      case 'not_taken':
        await rows.record(line, {
          state: 'rejected',
          problem: {
            code: 'write_not_taken',
            detail: 'The PSA did not take the change twice. Check the line in the PSA, then approve again.',
          },
        });
        return;
      case 'read_again':
        await rows.readLater(line);
        return;
      case 'ask': {
        const shows = current ? `shows ${current.quantity}` : 'does not show the line';
        const detail = `The change from ${line.from} to ${line.to} was sent, its answer was lost, and the PSA ${shows}. It is not sent again, as a second difference would be added to the first. Look in the PSA what the line holds, and say it here.`;
        await rows.record(line, { state: 'uncertain', problem: { code: needsAnswer, detail } });
        return 'ask';
      }
    }
  }

  return { write, settle };
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
