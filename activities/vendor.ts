/** The activities that call the vendor. */
import { keyOfPair } from '../domain/countPair.ts';
import { Context } from '@temporalio/activity';
import { audit, countersign } from '../commands/actor.ts';
import { noteCustomerChanges } from '../commands/customerChanges.ts';
import {
  addServices,
  listLinkedAccountIds,
  listVendorAccountNames,
  readIntegration,
  storeVendorAccounts,
  storeVendorName,
} from '../db/queries/integration.ts';
import { readBurst, stagePushed, type Burst } from '../db/queries/push.ts';
import { listStagedIds, stageRows } from '../db/queries/staging.ts';
import { moveRunCursor, noteIncomplete, readSyncRun, takeOverRun, updateRun } from '../db/queries/sync.ts';
import { dropLowering, listStagedServices, stageZeroes } from '../db/queries/usage.ts';
import type { Transaction } from '../db/client.ts';
import { ConnectorError } from '../connectors/errors.ts';
import type {
  CallOptions,
  UnreadAccount,
  UnreadRow,
  UsagePage,
  VendorAccount,
  VendorAdapter,
} from '../connectors/vendor.ts';
import type { Environment } from '../environment.ts';
import { acceptingOf } from './accepting.ts';
import type { Dependencies } from './dependencies.ts';
import { partsCommitted, performReading } from './reading.ts';
import { commitChunk, performStep, type StepRef, type StepResult } from './step.ts';

/** Sorts after every account id: the cursor of a run whose pages have all arrived. */
export const allPages = '\uffff';

const subjectOf = ({ id }: StepRef) => ({ subjectKind: 'integration', subjectId: id });

export function createVendorActivities(deps: Dependencies) {
  const signal = () => Context.current().cancellationSignal;

  return {
    /** Tries the credentials, and stores the reseller's name and the list of customers to choose from. */
    async verifyCredentials(ref: StepRef): Promise<StepResult> {
      return performReading(deps, ref, async () => {
        const adapter = await deps.connectors.vendorOf(ref.id);
        const { resellerName } = await adapter.verifyCredentials({ signal: signal() });
        const { call, accepting } = await acceptingOf(deps, ref);
        const { accounts } = await listCustomers(ref.id, adapter, call);
        return async (tx) => {
          const integration = await readIntegration(tx, ref.id);
          await storeVendorName(tx, ref.id, resellerName);
          const changes = await storeVendorAccounts(tx, ref.id, accounts, { whole: !accepting?.lists.length });
          const after = { accounts: accounts.length, ...(accepting?.lists.length ? { incomplete: accepting } : {}) };
          await audit(tx, countersign(integration), { action: 'vendor.verified', ...subjectOf(ref), after });
          // On reconnecting, or on switching to the intake pull, customers may have appeared in the meantime.
          return noteCustomerChanges(tx, integration, null, changes);
        };
      });
    },

    /**
     * Waits until the vendor has finished sending its counts, so that one Update Counts makes one run, and not a
     * thousand.
     */
    async awaitQuiet(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => {
        const burst = await readBurst(deps.db, ref.id);
        const waitMs = burst ? quietInMs(burst, deps.environment) : 0;
        if (!burst || waitMs <= 0) return async () => undefined;
        // Later counts wake no process, and one of them may end the long wait for leftovers, so the step looks again
        // before that wait is over.
        const { PUSH_IDLE_MS, PUSH_LONGEST_MS } = deps.environment;
        const lookAgainMs = burst.sinceFirstMs < PUSH_LONGEST_MS ? PUSH_IDLE_MS : PUSH_LONGEST_MS;
        return { againInMs: Math.ceil(Math.min(waitMs, lookAgainMs)), because: 'counts are still coming in' };
      });
    },

    /**
     * Reads the usage of all linked accounts, page by page; a page and its cursor are staged together. With the intake
     * push, it stages the posted counts that are not visible yet.
     */
    async pullVendor(ref: StepRef): Promise<StepResult> {
      return performReading(deps, ref, async () => {
        const { intake } = await readIntegration(deps.db, ref.id);
        if (intake === 'push') {
          return async (tx) => {
            const posted = await stagePushed(tx, ref.id, ref.round);
            await updateRun(tx, ref.round, { figures: { posted } });
          };
        }
        const adapter = await deps.connectors.vendorOf(ref.id);
        const run = await takeOverRun(deps.db, ref.round);
        if (run.cursor !== allPages) {
          const { call, accepting } = await acceptingOf(deps, ref);
          const { accounts, unread } = await listCustomers(ref.id, adapter, call);
          await commitChunk(
            deps,
            ref,
            async (tx) => {
              await noteIncomplete(tx, run.id, accepting);
              await stageRead(tx, run.id, { accounts, unread });
              return moveRunCursor(tx, run, run.cursor ?? '');
            },
            { progress: false },
          );
          const listed = new Set(accounts.map((account) => account.id));
          for (const { accountId } of unread) listed.delete(accountId);
          const accountIds = (await listLinkedAccountIds(deps.db, ref.id)).filter((id) => listed.has(id));
          const pages = adapter.readUsage({
            accountIds,
            signal: signal(),
            ...call,
            ...(run.cursor ? { after: run.cursor } : {}),
          });
          for await (const page of pages) {
            await commitChunk(deps, ref, async (tx) => {
              await noteIncomplete(tx, run.id, accepting);
              await stageRead(tx, run.id, page);
              await partsCommitted(tx, [...page.accountIds, ...page.unread.map(({ accountId }) => accountId)]);
              return moveRunCursor(tx, run, page.next ?? allPages);
            });
          }
          await commitChunk(deps, ref, (tx) => moveRunCursor(tx, run, allPages));
        }
        return async () => undefined;
      });
    },

    /**
     * Lists the customers once more and reads those that were missed (rows that moved between two pages, customers
     * linked meanwhile). Only now, when every page has arrived, does absence mean something: a service that a customer
     * no longer has, or a customer that neither list contains, becomes a zero (invariant 2). Counts that the vendor
     * posted meanwhile apply where nothing was read.
     *
     * Where a person accepted incomplete lists, absence means nothing: nothing is zeroed, no customer counts as gone,
     * and staged counts that would lower a number are dropped (invariant 3).
     */
    async checkComplete(ref: StepRef): Promise<StepResult> {
      return performReading(deps, ref, async () => {
        // A count that a vendor did not post is no evidence of absence, so nothing is missing (invariant 2).
        const integration = await readIntegration(deps.db, ref.id);
        if (integration.intake === 'push') return async () => undefined;
        const adapter = await deps.connectors.vendorOf(ref.id);
        const { call, accepting } = await acceptingOf(deps, ref, ['pullVendor', 'checkComplete']);
        const { accounts, unread } = await listCustomers(ref.id, adapter, call);
        const listedBefore = await listStagedIds(deps.db, ref.round, 'account');
        const read = new Set(await listStagedIds(deps.db, ref.round, 'read'));
        const listed = new Set(accounts.map((account) => account.id));
        const linked = await listLinkedAccountIds(deps.db, ref.id);
        const unreadIds = new Set(unread.map(({ accountId }) => accountId));
        const missed = linked.filter((id) => listed.has(id) && !read.has(id) && !unreadIds.has(id));
        const late: UsagePage[] = [];
        if (missed.length > 0) {
          for await (const page of adapter.readUsage({ accountIds: missed, signal: signal(), ...call }))
            late.push(page);
        }
        await refuseIfNothingCame(ref.round, late);
        const known = new Set([...listedBefore, ...listed]);
        const absent = linked.filter((id) => !known.has(id));
        return async (tx) => {
          await noteIncomplete(tx, ref.round, accepting);
          const { incomplete } = await readSyncRun(tx, ref.round);
          const whole = incomplete === null;
          const gone = whole ? absent : [];
          await stageRead(tx, ref.round, { accounts, unread });
          for (const page of late) await stageRead(tx, ref.round, page);
          const posted = await stagePushed(tx, ref.id, ref.round);
          if (whole) await stageZeroes(tx, ref.id, ref.round, gone);
          const changes = await storeVendorAccounts(tx, ref.id, accounts, { whole });
          await addServices(tx, ref.id, await listStagedServices(tx, ref.round));
          if (!whole) await dropLowering(tx, ref.id, ref.round);
          const figures = {
            accounts: accounts.length,
            lateAccounts: missed.length,
            goneAccounts: gone.length,
            posted,
            ...(incomplete ? { incompleteLists: incomplete.count } : {}),
          };
          await updateRun(tx, ref.round, { figures });
          await audit(tx, countersign(integration), { action: 'vendor.listed', ...subjectOf(ref), after: figures });
          return noteCustomerChanges(tx, integration, ref.round, changes);
        };
      });
    },
  };

  /**
   * When several customers were refused and none had any counts, the cause is not the customers: the step fails, so
   * that a person sees the refusal instead of a run that brought nothing.
   *
   * @throws ConnectorError the first refusal
   */
  async function refuseIfNothingCame(runId: string, late: readonly UsagePage[]): Promise<void> {
    const [first, second] = late.flatMap((page) => page.unread);
    if (!first || !second || late.some((page) => page.counts.length > 0)) return;
    if ((await listStagedIds(deps.db, runId, 'count')).length > 0) return;
    throw new ConnectorError({ kind: 'permanent', code: first.code, detail: first.why });
  }

  /**
   * Lists all customers; a customer whose row cannot be read keeps the name it had, and its usage is not read.
   *
   * @throws ConnectorError `bad_shape` when such a row belongs to a customer that was never read
   */
  async function listCustomers(
    integrationId: string,
    adapter: VendorAdapter,
    call: CallOptions,
  ): Promise<{ accounts: VendorAccount[]; unread: UnreadAccount[] }> {
    const bad: UnreadRow[] = [];
    const accounts = await adapter.listAccounts({ ...call, signal: signal(), unread: (row) => bad.push(row) });
    if (bad.length === 0) return { accounts, unread: [] };
    const ids = bad.map(({ id }) => id);
    const names = await listVendorAccountNames(deps.db, integrationId, ids);
    const kept = bad.map(({ id, name, why }) => {
      const last = names.get(id);
      if (last !== undefined) return { id, name: last };
      const detail = `The vendor's customer ${id}${name === undefined ? '' : ` ("${name}")`} cannot be read and was never read before: ${why}. Put that right there, then try again.`;
      throw new ConnectorError({ kind: 'permanent', code: 'bad_shape', detail });
    });
    const unread = bad.map(({ id, why }) => ({ accountId: id, code: 'bad_shape' as const, why }));
    return { accounts: [...accounts, ...kept], unread };
  }
}

/**
 * Returns the milliseconds until a burst counts as over. A burst that consists only of leftovers of `no_build` waits
 * long, because the vendor means to send more; but when somebody asks for a sync, it waits no longer than any other
 * burst.
 */
function quietInMs(burst: Burst, environment: Environment): number {
  if (!burst.build && !burst.asked) return environment.PUSH_LEFTOVER_MS - burst.sinceLastMs;
  return Math.min(environment.PUSH_IDLE_MS - burst.sinceLastMs, environment.PUSH_LONGEST_MS - burst.sinceFirstMs);
}

/**
 * Stages the rows that were read from the vendor. Customers that could not be read (`unread`) are staged apart: the
 * run's counts say nothing about them.
 */
export async function stageRead(
  tx: Transaction,
  runId: string,
  read: Partial<Omit<UsagePage, 'next'>> & { accounts?: readonly VendorAccount[] },
): Promise<void> {
  const { accounts = [], accountIds = [], counts = [], userTypes = [], unread = [] } = read;
  const rows = {
    account: accounts.map(({ id, name }) => ({ id, data: { name } })),
    read: accountIds.map((id) => ({ id, data: {} })),
    count: counts.map((data) => ({
      id: keyOfPair({ vendorAccountId: data.accountId, serviceId: data.service }),
      data,
    })),
    userTypes: userTypes.map((entry) => ({ id: entry.accountId, data: entry })),
    unread: unread.map(({ accountId, why }) => ({ id: accountId, data: { why } })),
  };
  for (const [entity, staged] of Object.entries(rows)) await stageRows(tx, runId, entity, staged);
}
