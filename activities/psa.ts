/** All calls of processes to the PSA, except approved writes (approvals.ts). */
import { ApplicationFailure, Context } from '@temporalio/activity';
import pLimit from 'p-limit';
import { ConnectorError } from '../connectors/errors.ts';
import type { PsaModule } from '../connectors/psaEntry.ts';
import { callLimits, neededRights, psaOf } from '../connectors/registry.ts';
import type { PsaAdapter, PsaAgreement, PsaLine } from '../connectors/psa.ts';
import { asPart } from '../connectors/readingStep.ts';
import type { CallOptions, UnreadRow } from '../connectors/vendor.ts';
import { today } from '../domain/day.ts';
import { judgePermissions, type PermissionFacts } from '../domain/permissions.ts';
import { noteFailure } from '../db/queries/process.ts';
import { readIntegration } from '../db/queries/integration.ts';
import { countersign } from '../commands/actor.ts';
import { applyRefresh } from '../commands/psaRefresh.ts';
import { listLineIds } from '../db/queries/psa.ts';
import { guardRefresh, readRefresh } from '../db/queries/refreshGuard.ts';
import { listInactiveAgreements, stageLinesVersion } from '../db/queries/inactiveAgreements.ts';
import {
  claimRefresh,
  moveRefreshCursor,
  noteIncompleteRefresh,
  readPsaConnection,
  restartRefresh,
  storeAlertPermissions,
  storePermissions,
  takeOverRefresh,
} from '../db/queries/psaConnection.ts';
import { listKnownAccounts, stageUnread, type UnreadOfRefresh } from '../db/queries/psaUnread.ts';
import { dropStagedRows, listStagedRows, stageRows } from '../db/queries/staging.ts';
import { describeLoss } from '../domain/refreshGuard.ts';
import type { Acceptance } from '../domain/incomplete.ts';
import { acceptingOf } from './accepting.ts';
import type { Dependencies } from './dependencies.ts';
import { groupsOf, readLinesOf } from './psaLines.ts';
import { partsCommitted, performReading } from './reading.ts';
import { commitChunk, effectOf, performStep, type StepRef, type StepResult } from './step.ts';
import { addTicketOptions, keepUnread, readTicketOptions } from './ticketOptions.ts';

type Refresh = Awaited<ReturnType<typeof takeOverRefresh>>;

const listLabels = { psa_account: 'account', psa_product: 'product', psa_board: 'board', agreement: 'agreement' };
type ListName = keyof typeof listLabels;

/** Number of agreements whose lines are read and committed together. */
const agreementsPerChunk = 50;

export function createPsaActivities(deps: Dependencies) {
  const signal = () => Context.current().cancellationSignal;

  return {
    /** Returns the refresh to run, if any process needs one. */
    async claimPsaRefresh(psaConnectionId: string): Promise<string | null> {
      return (await claimRefresh(deps.db, { kind: 'refreshPsa', id: psaConnectionId })) ?? null;
    },

    /**
     * Asks the PSA which rights Countersign has. A missing right that reading needs blocks the step and names the
     * setting to change.
     */
    async checkPsaPermissions(ref: StepRef): Promise<StepResult> {
      return performReading(deps, ref, async () => {
        const adapter = await deps.connectors.psaOf(ref.id);
        const report = await adapter.checkPermissions({ signal: signal() });
        await storePermissions(deps.db, ref.id, report, adapter.caps);
        await refuseMissing(ref, report, await neededBy(ref.id, 'billing'));
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
        await refuseMissing(ref, report, await neededBy(psaConnectionId, 'alerts'));
        const { call, accepting } = await acceptingOf(deps, ref);
        const found = await readTicketOptions(adapter, { signal: signal(), ...call });
        return async (tx) => {
          const { ticketOptions: known } = await readPsaConnection(tx, psaConnectionId);
          const options = keepUnread(known, found);
          const ticketOptions = accepting?.lists.length && known ? addTicketOptions(known, options) : options;
          await storeAlertPermissions(tx, psaConnectionId, { ticketOptions });
        };
      });
    },

    /** Reads everything into staging; after a restart, rows that are staged already are not read again. */
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

    /**
     * Makes the refresh visible, recomputes the cards, and completes the steps that waited for the refresh: one
     * transaction.
     */
    async applyPsa(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => {
        const connection = await readPsaConnection(deps.db, ref.id);
        const actor = countersign(connection);
        const refresh = await readRefresh(deps.db, ref.round);
        // A person has discarded it: the step is over, and the next round reads anew.
        if (refresh.state === 'discarded') return async () => undefined;
        const guard = await deps.db.transaction((tx) => guardRefresh(tx, connection, refresh));
        if (guard) {
          await noteFailure(deps.db, ref, { code: 'held', what: describeLoss(guard) });
          throw ApplicationFailure.nonRetryable('The PSA gave far fewer rows than before.', 'held');
        }
        return effectOf(applyRefresh, actor, { psaConnectionId: ref.id, refreshId: ref.round });
      });
    },
  };

  /** The rights of the connection's PSA without which a module does not work. */
  async function neededBy(psaConnectionId: string, module: PsaModule): Promise<string[]> {
    const psa = psaOf((await readPsaConnection(deps.db, psaConnectionId)).kind);
    return psa ? neededRights(psa, module) : [];
  }

  /** @throws ApplicationFailure that blocks the step */
  async function refuseMissing(ref: StepRef, report: PermissionFacts, needed: readonly string[]): Promise<void> {
    const verdict = judgePermissions(report, needed);
    if (verdict.ok) return;
    // When the connection itself does not work, no right is missing: every capability then shows the same evidence.
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
      entity: ListName,
      list: (call: CallOptions) => AsyncIterable<T[]>,
      row: (item: T) => object,
    ) => {
      if (refresh.cursor[entity]) return;
      const unread: UnreadRow[] = [];
      await asPart(entity, async () => {
        for await (const batch of list({ ...options, unread: (bad) => unread.push(bad) })) {
          const rows = batch.map((item) => ({ id: item.id, data: row(item) }));
          await commitChunk(
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
      const known = await withAccounts(ref.id, entity, unread);
      await commitChunk(deps, ref, async (tx) => {
        await stageUnread(tx, refresh.id, known);
        await partsCommitted(tx, [entity]);
        await noteIncompleteRefresh(tx, refresh.id, accepting, null);
        return moveRefreshCursor(tx, refresh, { [entity]: 'read' });
      });
    };

    await pullList(
      'psa_account',
      (call) => adapter.listAccounts(call),
      (account) => account,
    );
    await pullList(
      'psa_product',
      (call) => adapter.listProducts(call),
      (product) => ({
        product_id: product.productId,
        name: product.name,
        active: product.active,
        recurring: product.recurring ?? null,
        usable_on_contract: product.usableOnContract,
      }),
    );
    await pullList(
      'psa_board',
      (call) => adapter.listBoards(call),
      (board) => ({
        name: board.name,
        project_board: board.projectBoard,
        active: board.active,
      }),
    );
    await pullList('agreement', (call) => adapter.listAgreements(call), agreementRow);
    await pullLines(ref, refresh, adapter, 'lines', accepting?.acceptance);
    // Only now, with the active lines staged, is it known which accounts use something that no active agreement bills.
    await pullLines(ref, refresh, adapter, 'inactiveLines', accepting?.acceptance);
  }

  /**
   * Returns the unread rows with the PSA account to which each belongs. Products and boards belong to no account: a new
   * one that is unread is simply not there yet.
   *
   * @throws ConnectorError `bad_shape` for a row whose account is not known: nobody could be told that the row is
   *   missing
   */
  async function withAccounts(
    psaConnectionId: string,
    entity: ListName,
    unread: readonly UnreadRow[],
  ): Promise<UnreadOfRefresh[]> {
    if (unread.length === 0) return [];
    const ownerOf = entity === 'psa_account' || entity === 'agreement' ? entity : undefined;
    const known = ownerOf
      ? await listKnownAccounts(
          deps.db,
          psaConnectionId,
          ownerOf,
          unread.map((row) => row.id),
        )
      : new Map<string, string>();
    return unread.map(({ id, name, accountId, why }) => {
      const owner = known.get(id) ?? accountId;
      if (ownerOf && owner === undefined) {
        const detail = `The PSA's ${listLabels[entity]} ${id}${name === undefined ? '' : ` ("${name}")`} cannot be read and was never read before: ${why}. Put that right in the PSA, then try again.`;
        throw new ConnectorError({ kind: 'permanent', code: 'bad_shape', detail });
      }
      return { entity, id, name: name ?? null, accountId: owner ?? null, why };
    });
  }

  /**
   * @param which `lines` = of the active agreements; `inactiveLines` = of inactive agreements that may say where a
   *   service was billed before
   */
  async function pullLines(
    ref: StepRef,
    refresh: Refresh,
    adapter: PsaAdapter,
    which: 'lines' | 'inactiveLines',
    acceptance: Acceptance | undefined,
  ): Promise<void> {
    const done = refresh.cursor[which] ?? '';
    const inactive = which === 'lines' ? [] : await listInactiveAgreements(deps.db, ref.id, refresh.id, done);
    const agreements =
      which === 'lines'
        ? await listStagedAgreements(deps, refresh.id, done)
        : inactive.filter((agreement) => !agreement.unchanged).map((of) => ({ ...of, asOf: today() }));
    const unchanged = inactive.filter((agreement) => agreement.unchanged);
    if (unchanged.length > 0) {
      await commitChunk(deps, ref, async (tx) => {
        await stageLinesVersion(tx, refresh.id, unchanged);
        return moveRefreshCursor(tx, refresh, {});
      });
    }
    const ids = agreements.map((agreement) => agreement.id);
    const { kind } = await readPsaConnection(deps.db, ref.id);
    const limit = pLimit(callLimits(kind, deps.environment).concurrency);
    for (let at = 0; at < ids.length; at += agreementsPerChunk) {
      const chunk = ids.slice(at, at + agreementsPerChunk);
      const known = await listLineIds(deps.db, ref.id, chunk);
      const short: { agreementId: string; what: string }[] = [];
      const accept = acceptance && ((agreementId: string, what: string) => void short.push({ agreementId, what }));
      const groups = groupsOf(adapter, agreements.slice(at, at + agreementsPerChunk));
      const found = await Promise.all(
        groups.map((group) =>
          limit(() =>
            asPart(group[0]?.id ?? '', () =>
              readLinesOf(adapter, group, known, { signal: signal(), ...(accept ? { accept } : {}) }),
            ),
          ),
        ),
      );
      const byAgreement = new Map(found.flatMap((group) => [...group]));
      const read = chunk.map((id) => byAgreement.get(id) ?? null);
      const lines = read.map((of) => of?.lines ?? []);
      const gone = chunk.filter((_id, index) => read[index] === null);
      const unread = read.flatMap((found, index) => {
        const of = agreements[at + index];
        if (!of || found?.unread === undefined) return [];
        return [{ entity: 'lines' as const, id: of.id, name: of.name, accountId: of.accountId, why: found.unread }];
      });
      const accepting = acceptance && { acceptance, lists: short.map(({ what }) => what) };
      const touched = short.map(({ agreementId }) => agreementId);
      await commitChunk(deps, ref, async (tx) => {
        await noteIncompleteRefresh(tx, refresh.id, accepting, touched);
        await stageUnread(tx, refresh.id, unread);
        await dropStagedRows(tx, refresh.id, 'agreement', gone);
        await stageRows(
          tx,
          refresh.id,
          'agreement_line',
          lines.flat().map((line) => ({ id: line.id, data: lineRow(line) })),
        );
        const failed = new Set([...touched, ...unread.map(({ id }) => id)]);
        const whole = inactive.filter(({ id }) => chunk.includes(id) && !failed.has(id));
        await stageLinesVersion(tx, refresh.id, whole);
        await partsCommitted(tx, chunk);
        return moveRefreshCursor(tx, refresh, { [which]: chunk.at(-1) ?? done });
      });
    }
  }
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
    version: agreement.version ?? null,
  };
}

function lineRow(line: PsaLine): object {
  return {
    agreement_id: line.agreementId,
    product_id: line.productId,
    description: line.description ?? null,
    quantity: line.quantity,
    included_quantity: line.includedQuantity ?? 0,
    unit_price: line.unitPrice,
    billing: line.billing,
    effective_from: line.effectiveFrom ?? null,
    effective_to: line.effectiveTo ?? null,
    status: line.status,
    version: line.version,
    not_writable: line.notWritable ?? null,
  };
}

/**
 * Returns the agreements whose lines are still to be read, in the order of the cursor: only active agreements can be
 * billed.
 */
async function listStagedAgreements(deps: Dependencies, refreshId: string, after: string) {
  const rows = await listStagedRows(deps.db, refreshId, 'agreement', after);
  return rows.flatMap(({ id, data }) => {
    const {
      status,
      name,
      account_id: accountId,
      next_invoice_date: next,
    } = data as { status: string; name: string; account_id: string; next_invoice_date: string | null };
    // Lines are read as of D; a day that has passed does not tell what is billed now (domain/reconcile/period.ts).
    const asOf = next !== null && next > today() ? next : today();
    return status === 'active' ? [{ id, name, accountId, asOf }] : [];
  });
}
