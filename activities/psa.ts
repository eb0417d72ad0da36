/** What processes ask of the PSA, but for approved writes (approvals.ts). */
import { ApplicationFailure, Context } from '@temporalio/activity';
import pLimit from 'p-limit';
import { ConnectorError } from '../connectors/errors.ts';
import type { PsaAdapter, PsaAgreement, PsaLine } from '../connectors/psa.ts';
import { asPart } from '../connectors/readingStep.ts';
import type { CallOptions } from '../connectors/vendor.ts';
import type { TicketOptions } from '../domain/alerts.ts';
import { judgePermissions, neededForAlerts, neededForBilling, type PermissionFacts } from '../domain/permissions.ts';
import { byCountersign, recordAudit } from '../db/queries/audit.ts';
import { recomputeConnection } from '../db/queries/cards.ts';
import { verifyTodoLines } from '../db/queries/approvals.ts';
import { noteFailure, satisfyNeeds, type ProcessRef } from '../db/queries/process.ts';
import { readIntegration } from '../db/queries/integration.ts';
import { askToMatch } from '../db/queries/onboarding.ts';
import { applyPsaRows, listLineIds } from '../db/queries/psa.ts';
import {
  claimRefresh,
  closeRefresh,
  moveRefreshCursor,
  noteIncompleteRefresh,
  readPsaConnection,
  restartRefresh,
  storeAlertPermissions,
  storePermissions,
  takeOverRefresh,
} from '../db/queries/psaConnection.ts';
import { dropStagedRows, listStagedRows, stageRows } from '../db/queries/staging.ts';
import type { Acceptance } from '../domain/incomplete.ts';
import { acceptingOf } from './accepting.ts';
import type { Dependencies } from './dependencies.ts';
import { partsCommitted, performReading } from './reading.ts';
import { commitPiece, performStep, type StepRef, type StepResult } from './step.ts';
import { wakeProcess } from './store.ts';

type Refresh = Awaited<ReturnType<typeof takeOverRefresh>>;

/** Agreements whose lines are read and committed together. */
const agreementsPerPiece = 50;

export function createPsaActivities(deps: Dependencies) {
  const signal = () => Context.current().cancellationSignal;

  return {
    /** The refresh to drive, if somebody needs one. */
    async claimPsaRefresh(psaConnectionId: string): Promise<string | null> {
      return (await claimRefresh(deps.db, { kind: 'refreshPsa', id: psaConnectionId })) ?? null;
    },

    /** Asks the PSA which rights we have; a missing one that reading needs blocks the step and names the setting to change. */
    async checkPsaPermissions(ref: StepRef): Promise<StepResult> {
      return performReading(deps, ref, async () => {
        const adapter = await deps.connectors.psaOf(ref.id);
        const report = await adapter.checkPermissions({ signal: signal() });
        await storePermissions(deps.db, ref.id, report);
        await refuseMissing(ref, report, neededForBilling);
        return async () => undefined;
      });
    },

    /**
     * *Check Permissions* (G12): asks the PSA for each right that alerts need, and reads the boards to choose from with
     * their statuses, types and priorities. A missing right blocks the step and names the setting to change.
     */
    async checkAlertPermissions(ref: StepRef): Promise<StepResult> {
      return performReading(deps, ref, async () => {
        const { psaConnectionId } = await readIntegration(deps.db, ref.id);
        const adapter = await deps.connectors.psaOf(psaConnectionId);
        const report = await adapter.checkAlertPermissions({ signal: signal() });
        await storeAlertPermissions(deps.db, psaConnectionId, { alertPermissions: report });
        await refuseMissing(ref, report, neededForAlerts);
        const { call, accepting } = await acceptingOf(deps, ref);
        const found = await adapter.readTicketOptions({ signal: signal(), ...call });
        return async (tx) => {
          const { ticketOptions: known } = await readPsaConnection(tx, psaConnectionId);
          const ticketOptions = accepting?.lists.length && known ? addTicketOptions(known, found) : found;
          await storeAlertPermissions(tx, psaConnectionId, { ticketOptions });
        };
      });
    },

    /** Reads everything into staging; what is staged already is not read again after a restart. */
    async pullPsa(ref: StepRef): Promise<StepResult> {
      return performReading(deps, ref, async () => {
        const adapter = await deps.connectors.psaOf(ref.id);
        const refresh = await takeOverRefresh(deps.db, ref.round);
        try {
          await pullEverything(ref, refresh, adapter);
        } catch (error) {
          if (error instanceof ConnectorError && error.kind === 'permanent') await restartRefresh(deps.db, refresh);
          throw error;
        }
        return async () => undefined;
      });
    },

    /** Makes the refresh visible, recomputes the cards, and completes the steps that waited for it: one transaction. */
    async applyPsa(ref: StepRef): Promise<StepResult> {
      let waiters: ProcessRef[] = [];
      const result = await performStep(deps, ref, async () => async (tx) => {
        const figures = await applyPsaRows(tx, ref.id, ref.round);
        const startedAt = await closeRefresh(tx, ref.round, figures);
        await recomputeConnection(tx, ref.id);
        await verifyTodoLines(tx, ref.id);
        const { organizationId } = await readPsaConnection(tx, ref.id);
        await recordAudit(tx, organizationId, {
          actor: byCountersign,
          action: 'psa.refreshed',
          subjectKind: 'psa_connection',
          subjectId: ref.id,
          after: figures,
        });
        waiters = await satisfyNeeds(tx, { kind: 'refreshPsa', id: ref.id }, startedAt);
        waiters.push(...(await askToMatch(tx, { psaConnectionId: ref.id })));
      });
      for (const waiter of waiters) await wakeProcess(deps, waiter);
      return result;
    },
  };

  /** @throws ApplicationFailure that blocks the step */
  async function refuseMissing(ref: StepRef, report: PermissionFacts, needed: readonly string[]): Promise<void> {
    const verdict = judgePermissions(report, needed);
    if (verdict.ok) return;
    // Where the connection itself does not work no right is missing: the evidence is the same beside each of them.
    const findings = verdict.missing.length > 0 ? verdict.missing : Object.values(report.capabilities);
    const what = [...new Set(findings.map((finding) => finding.evidence))].join(' ');
    await noteFailure(deps.db, ref, { code: verdict.code, what });
    if (verdict.code === 'unreachable') throw ApplicationFailure.retryable('The PSA does not answer.', 'upstream');
    throw ApplicationFailure.nonRetryable('The PSA refuses what Countersign needs.', verdict.code);
  }

  async function pullEverything(ref: StepRef, refresh: Refresh, adapter: PsaAdapter): Promise<void> {
    const { call, accepting } = await acceptingOf(deps, ref);
    const options = { signal: signal(), ...call };

    const pullList = async <T extends { id: string }>(
      entity: string,
      list: AsyncIterable<T[]>,
      row: (item: T) => object,
    ) => {
      if (refresh.cursor[entity]) return;
      await asPart(entity, async () => {
        for await (const batch of list) {
          const rows = batch.map((item) => ({ id: item.id, data: row(item) }));
          await commitPiece(
            deps,
            ref,
            async (tx) => {
              await stageRows(tx, refresh.id, entity, rows);
              return moveRefreshCursor(tx, refresh, {});
            },
            { progress: false },
          );
        }
      });
      await commitPiece(deps, ref, async (tx) => {
        await partsCommitted(tx, [entity]);
        await noteIncompleteRefresh(tx, refresh.id, accepting, null);
        return moveRefreshCursor(tx, refresh, { [entity]: 'read' });
      });
    };

    await pullList('psa_account', adapter.listAccounts(options), (account) => account);
    await pullList('psa_product', adapter.listProducts(options), (product) => ({
      product_id: product.productId,
      name: product.name,
      active: product.active,
      recurring: product.recurring ?? null,
      usable_on_contract: product.usableOnContract,
    }));
    await pullList('psa_board', adapter.listBoards(options), (board) => ({
      name: board.name,
      project_board: board.projectBoard,
      active: board.active,
    }));
    await pullList('agreement', adapter.listAgreements(options), agreementRow);
    await pullLines(ref, refresh, adapter, accepting?.acceptance);
  }

  async function pullLines(
    ref: StepRef,
    refresh: Refresh,
    adapter: PsaAdapter,
    acceptance: Acceptance | undefined,
  ): Promise<void> {
    const done = refresh.cursor['lines'] ?? '';
    const ids = await listStagedAgreements(deps, refresh.id, done);
    const limit = pLimit(deps.environment.CALL_CONCURRENCY);
    for (let at = 0; at < ids.length; at += agreementsPerPiece) {
      const piece = ids.slice(at, at + agreementsPerPiece);
      const known = await listLineIds(deps.db, ref.id, piece);
      const short: { agreementId: string; what: string }[] = [];
      const read = await Promise.all(
        piece.map((agreementId) =>
          limit(() =>
            asPart(agreementId, () =>
              readLines(adapter, agreementId, known.get(agreementId) ?? [], {
                signal: signal(),
                ...(acceptance ? { accept: (what) => void short.push({ agreementId, what }) } : {}),
              }),
            ),
          ),
        ),
      );
      const lines = read.map((found) => found ?? []);
      const gone = piece.filter((_id, index) => read[index] === null);
      const accepting = acceptance && { acceptance, lists: short.map(({ what }) => what) };
      const touched = short.map(({ agreementId }) => agreementId);
      await commitPiece(deps, ref, async (tx) => {
        await noteIncompleteRefresh(tx, refresh.id, accepting, touched);
        await dropStagedRows(tx, refresh.id, 'agreement', gone);
        await stageRows(
          tx,
          refresh.id,
          'agreement_line',
          lines.flat().map((line) => ({
            id: line.id,
            data: {
              agreement_id: line.agreementId,
              product_id: line.productId,
              description: line.description ?? null,
              quantity: line.quantity,
              included_quantity: line.includedQuantity,
              unit_price: line.unitPrice,
              billing: line.billing,
              effective_from: line.effectiveFrom ?? null,
              effective_to: line.effectiveTo ?? null,
              status: line.status,
              version: line.version,
            },
          })),
        );
        await partsCommitted(tx, piece);
        return moveRefreshCursor(tx, refresh, { lines: piece.at(-1) ?? done });
      });
    }
  }
}

/**
 * An agreement's lines. There is no count to compare them with that would not cost a call each, so what is missing of
 * the lines we knew is asked for by id: a line is gone only when the PSA says so (invariant 2).
 *
 * @returns null when the agreement was deleted since it was listed: nothing of it is kept
 * @throws ConnectorError `incomplete` when a line that is still there was missing from the list
 */
async function readLines(
  adapter: PsaAdapter,
  agreementId: string,
  known: readonly string[],
  options: CallOptions,
): Promise<PsaLine[] | null> {
  const lines = await adapter.listLines({ agreementId, ...options }).catch(async (error: unknown) => {
    if (!(error instanceof ConnectorError) || error.code !== 'not_found') throw error;
    // What its lines rest on is looked at again: the list that had it may be old.
    if ((await adapter.getAgreement({ agreementId, ...options })) === null) return null;
    throw error;
  });
  if (lines === null) return null;
  const listed = new Set(lines.map((line) => line.id));
  for (const lineId of known.filter((id) => !listed.has(id))) {
    const line = await adapter.getLine({ agreementId, lineId, ...options });
    if (line === null) continue;
    const detail = `The list of agreement ${agreementId} lacked its line ${lineId}, which is still there.`;
    if (!options.accept) throw new ConnectorError({ kind: 'transient', code: 'incomplete', detail });
    options.accept(detail);
    lines.push(line);
  }
  return lines;
}

/** What a list that was not whole adds to what was known: what it lacks stays. */
function addTicketOptions(known: TicketOptions, found: TicketOptions): TicketOptions {
  const add = <T extends { id: string }>(before: readonly T[], now: readonly T[]) => [
    ...now,
    ...before.filter((row) => !now.some((other) => other.id === row.id)),
  ];
  const boards = add(known.boards, found.boards).map((board) => {
    const before = known.boards.find((row) => row.id === board.id);
    return before
      ? { ...board, statuses: add(before.statuses, board.statuses), types: add(before.types, board.types) }
      : board;
  });
  return { boards, priorities: add(known.priorities, found.priorities) };
}

function agreementRow(agreement: PsaAgreement): object {
  return {
    account_id: agreement.accountId,
    name: agreement.name,
    status: agreement.status,
    next_invoice_date: agreement.nextInvoiceDate ?? null,
    start_date: agreement.startDate ?? null,
    end_date: agreement.endDate ?? null,
    billing_cycle: agreement.billingCycle ?? null,
    monthly: agreement.monthly,
    never_billed: agreement.neverBilled,
    currency: agreement.currency ?? null,
  };
}

/** Agreements whose lines are still to be read, in the order of the cursor: only active ones can be billed. */
async function listStagedAgreements(deps: Dependencies, refreshId: string, after: string): Promise<string[]> {
  const rows = await listStagedRows(deps.db, refreshId, 'agreement', after);
  return rows.filter((row) => (row.data as { status: string }).status === 'active').map((row) => row.id);
}
