/** The activities that call the vendor. */
import { Context } from '@temporalio/activity';
import { countersign } from '../commands/actor.ts';
import { completeReading, storeVerified } from '../commands/vendorListing.ts';
import { listLinkedAccountIds, listVendorAccountNames, readIntegration } from '../db/queries/integration.ts';
import { readBurst, stagePushed, type Burst } from '../db/queries/push.ts';
import { listStagedIds, stageRead } from '../db/queries/staging.ts';
import { moveRunCursor, noteIncomplete, takeOverRun, updateRun } from '../db/queries/sync.ts';
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
import { commitChunk, effectOf, performStep, type StepRef, type StepResult } from './step.ts';

/** Sorts after every account id: the cursor of a run whose pages have all arrived. */
export const allPages = '\uffff';

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
        const integration = await readIntegration(deps.db, ref.id);
        const input = { integration, resellerName, accounts, accepting };
        return effectOf(storeVerified, countersign(integration), input);
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
        const input = {
          integration,
          runId: ref.round,
          accounts,
          unread,
          accepting,
          late,
          missed: missed.length,
          absent,
        };
        return effectOf(completeReading, countersign(integration), input);
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
