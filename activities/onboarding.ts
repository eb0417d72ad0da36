/**
 * The activities of onboardings: start new customers in batches, remind a person to map them, read each customer alone,
 * show its counts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import pLimit from 'p-limit';
import { admitAlerts } from '../commands/alertAdmission.ts';
import { remindOfOnboarding, showCustomer } from '../commands/onboarding.ts';
import { startFound } from '../commands/startOnboardings.ts';
import { lockIntegration, readIntegration } from '../db/queries/integration.ts';
import { countRestless, listToWake, noteWoken, type OnboardingToWake } from '../db/queries/onboardingsToWake.ts';
import { stageRead } from '../db/queries/staging.ts';
import { moveRunCursor, noteIncomplete, openCustomerRun } from '../db/queries/sync.ts';
import { ConnectorError } from '../connectors/errors.ts';
import type { UsagePage } from '../connectors/vendor.ts';
import { onboardingOf, onboardingProcess } from '../domain/process/ids.ts';
import { reminderTimesOf } from '../domain/reminders.ts';
import { acceptingOf } from './accepting.ts';
import type { Dependencies } from './dependencies.ts';
import { performReading, readSoFar } from './reading.ts';
import { commitChunk, performStep, wakeAll, type StepRef, type StepResult } from './step.ts';

/** The most customers that are started together, and the most workflows that are woken together. */
const together = 100;
/** The most workflows that are woken at the same time, so that Temporal also answers its other callers meanwhile. */
const wakesAtOnce = 8;
/** How long the next batch waits, in milliseconds, for workflows that were woken and have not come to rest. */
const maxHoldMs = 3_000;

export function createOnboardingActivities(deps: Dependencies) {
  return {
    /**
     * Starts some of an integration's new customers, maps those that match by name, and wakes some that have something
     * to do. It runs outside the sync that found the customers, so that five thousand new ones at once delay nobody.
     *
     * @returns the integration's id while there is more to do, else null
     */
    async startOnboardings(integrationId: string): Promise<string | null> {
      await holdBack(integrationId);
      const { started, admitted } = await deps.db.transaction(async (tx) => {
        const row = await lockIntegration(tx, integrationId);
        if (!row || row.disconnectedAt) return { started: 0, admitted: [] };
        const started = await startFound(tx, row, {
          max: together,
          times: reminderTimesOf(row, deps.environment),
        });
        return { started, admitted: await admitAlerts(tx, row, deps.environment.ALERTS_IN_FLIGHT) };
      });
      await wakeAll(deps, admitted);
      const toWake = await listToWake(deps.db, integrationId, together);
      if (toWake.length > 0) await wakeThese(integrationId, toWake);
      return started === together || toWake.length === together ? integrationId : null;
    },

    /**
     * Notes that nobody has mapped the customer yet: sends a reminder, and in the end reports a problem that is
     * searched for and counted.
     */
    async remindOfCustomer(ref: StepRef): Promise<void> {
      const key = onboardingOf(ref.id);
      const reminded = await deps.db.transaction(async (tx) => {
        const times = reminderTimesOf(await readIntegration(tx, key.integrationId), deps.environment);
        return remindOfOnboarding(tx, ref, key, times);
      });
      if (reminded) deps.logger.warn({ ...key, escalated: reminded.escalated }, 'a new customer is still not mapped');
    },

    /** Reads the usage of this one customer only. */
    async pullCustomer(ref: StepRef): Promise<StepResult> {
      return performReading(deps, ref, async () => {
        const { integrationId, vendorAccountId } = onboardingOf(ref.id);
        const adapter = await deps.connectors.vendorOf(integrationId);
        // The run is opened before the customer is read, so that a full sync that began earlier and ends later does not
        // replace its counts.
        const goesOn = (await readSoFar()?.goesOn()) ?? false;
        const run = await openCustomerRun(deps.db, { integrationId, vendorAccountId }, { goesOn });
        const { call, accepting } = await acceptingOf(deps, ref);
        const pages: UsagePage[] = [];
        const { cancellationSignal: signal } = Context.current();
        for await (const page of adapter.readUsage({ accountIds: [vendorAccountId], signal, ...call }))
          pages.push(page);
        const [refused] = pages.flatMap((page) => page.unread);
        if (refused) throw new ConnectorError({ kind: 'permanent', code: refused.code, detail: refused.why });
        await commitChunk(deps, ref, async (tx) => {
          await noteIncomplete(tx, run.id, accepting);
          for (const page of pages) await stageRead(tx, run.id, page);
          return moveRunCursor(tx, run, vendorAccountId);
        });
        return async () => undefined;
      });
    },

    /** Makes the customer's counts visible and computes its cards, in one transaction (invariant 1). */
    async showCustomer(ref: StepRef): Promise<StepResult> {
      return performStep(deps, ref, async () => (tx) => showCustomer(tx, onboardingOf(ref.id)));
    },
  };

  /**
   * Waits while workers are behind, because more wakes would only make more work: the sweep would wake again the
   * processes that workers have not reached yet.
   */
  async function holdBack(integrationId: string): Promise<void> {
    for (let heldMs = 0; heldMs < maxHoldMs; heldMs += 100) {
      if ((await countRestless(deps.db, integrationId)) < together) return;
      await delay(100);
    }
  }

  /**
   * Wakes these onboardings and notes the wakes afterwards: after a crash in between, the next attempt wakes them
   * again. Onboardings whose wake Temporal did not accept are left to the sweep.
   */
  async function wakeThese(integrationId: string, these: readonly OnboardingToWake[]): Promise<void> {
    const { organizationId } = await readIntegration(deps.db, integrationId);
    const limit = pLimit(wakesAtOnce);
    const failed: string[] = [];
    await Promise.all(
      these.map(({ id }) =>
        limit(() => deps.wake(onboardingProcess({ id: integrationId, organizationId }, id))).catch(() =>
          failed.push(id),
        ),
      ),
    );
    await noteWoken(deps.db, integrationId, these, failed);
    if (failed.length > 0) deps.logger.warn({ integrationId, failed: failed.length }, 'not woken; the sweep will');
  }
}
