/** New customers: started some at a time, reminded of, read by themselves, shown. */
import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import pLimit from 'p-limit';
import { admitAlerts } from '../commands/alertAdmission.ts';
import { remindOfOnboarding, showCustomer } from '../commands/onboarding.ts';
import { startFound } from '../commands/startOnboardings.ts';
import { lockIntegration, readIntegration } from '../db/queries/integration.ts';
import { countRestless, listToWake, noteWoken, type OnboardingToWake } from '../db/queries/onboardingsToWake.ts';
import { moveRunCursor, noteIncomplete, openCustomerRun } from '../db/queries/sync.ts';
import { ConnectorError } from '../connectors/errors.ts';
import type { UsagePage } from '../connectors/vendor.ts';
import { onboardingOf, onboardingProcess } from '../domain/process/ids.ts';
import { acceptingOf } from './accepting.ts';
import type { Dependencies } from './dependencies.ts';
import { performReading, readSoFar } from './reading.ts';
import { commitChunk, performStep, wakeAll, type StepRef, type StepResult } from './step.ts';
import { stageRead } from './vendor.ts';

/** Customers that are started, and workflows that are woken, together. */
const together = 100;
/** Workflows that are woken at once: the others that ask Temporal for something meanwhile are answered too. */
const wakesAtOnce = 8;
/** How long the next of them wait, in milliseconds, for workflows that were woken and have not come to rest. */
const maxHoldMs = 3_000;

export function createOnboardingActivities(deps: Dependencies) {
  const remindMs = deps.environment.ONBOARDING_REMIND_MS;

  return {
    /**
     * Starts some of an integration's new customers, maps those that match by name, and wakes some that have something to
     * do: outside the sync that found them, so that five thousand at once keep nobody waiting.
     *
     * @returns the integration's id while there is more to do, else null
     */
    async startOnboardings(integrationId: string): Promise<string | null> {
      await holdBack(integrationId);
      const { started, admitted } = await deps.db.transaction(async (tx) => {
        const row = await lockIntegration(tx, integrationId);
        if (!row || row.disconnectedAt) return { started: 0, admitted: [] };
        const started = await startFound(tx, row, { max: together, remindMs });
        return { started, admitted: await admitAlerts(tx, row, deps.environment.ALERTS_IN_FLIGHT) };
      });
      await wakeAll(deps, admitted);
      const toWake = await listToWake(deps.db, integrationId, together);
      if (toWake.length > 0) await wakeThese(integrationId, toWake);
      return started === together || toWake.length === together ? integrationId : null;
    },

    /** Nobody has mapped a customer yet: a reminder, and in the end a problem that is searched for and counted. */
    async remindOfCustomer(ref: StepRef): Promise<void> {
      const key = onboardingOf(ref.id);
      const escalateMs = deps.environment.ONBOARDING_ESCALATE_MS;
      const reminded = await deps.db.transaction((tx) => remindOfOnboarding(tx, ref, key, { remindMs, escalateMs }));
      if (reminded) deps.logger.warn({ ...key, escalated: reminded.escalated }, 'a new customer is still not mapped');
    },

    /** Reads the usage of one customer, and of no other. */
    async pullCustomer(ref: StepRef): Promise<StepResult> {
      return performReading(deps, ref, async () => {
        const { integrationId, vendorAccountId } = onboardingOf(ref.id);
        const adapter = await deps.connectors.vendorOf(integrationId);
        // Before it is read: a full sync that began earlier and ends later must not replace it.
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

  /** Where workers are behind, more wakes would only be more work: the sweep would wake again whom they have not come to. */
  async function holdBack(integrationId: string): Promise<void> {
    for (let heldMs = 0; heldMs < maxHoldMs; heldMs += 100) {
      if ((await countRestless(deps.db, integrationId)) < together) return;
      await delay(100);
    }
  }

  /** Noted afterwards: whoever dies meanwhile wakes them again, and those that Temporal did not take are left to the sweep. */
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
