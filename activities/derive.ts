/** Alerts derived from what the vendor shows, because it has no feed of them (docs/alerts.md). */
import { Context } from '@temporalio/activity';
import { ConnectorError } from '../connectors/errors.ts';
import { byCountersign, recordAudit } from '../db/queries/audit.ts';
import { keyOf, listOpenDerived, storeDerived } from '../db/queries/derivedAlerts.ts';
import { listLinkedAccountIds, readIntegration, type IntegrationRow } from '../db/queries/integration.ts';
import { listUsage } from '../db/queries/sync.ts';
import type { Transaction } from '../db/client.ts';
import { alertSettingsOf } from '../domain/alerts.ts';
import { deriveAlerts, readRules, usageZeroAlert, type Signals } from '../domain/derivedAlerts.ts';
import type { Dependencies } from './dependencies.ts';
import { performReading, readSoFar } from './reading.ts';
import type { StepRef, StepResult } from './step.ts';
import { admitAndWake } from './processRows.ts';

export function createDeriveActivities(deps: Dependencies) {
  return {
    /**
     * Looks at domains, directory syncs and statements. Billing waits for none of it: what cannot be read is said in the
     * audit, raises nothing and clears nothing, and is read by the next sync.
     */
    async deriveAlerts(ref: StepRef): Promise<StepResult> {
      const result = await performReading(deps, ref, async () => {
        const integration = await readIntegration(deps.db, ref.id);
        const signals = await readSignals(integration);
        return async (tx) => {
          if (signals instanceof ConnectorError) return noteUnread(tx, integration, signals.code);
          const { rules } = alertSettingsOf(integration.alerts);
          const today = new Date().toISOString().slice(0, 10);
          const holding = deriveAlerts(signals, rules, today);
          const { unread = [] } = signals;
          const found = await storeDerived(tx, integration, holding, readRules(signals), unread);
          const [first] = unread;
          const accounts = new Set(unread.map(({ accountId }) => accountId)).size;
          if (first) await noteUnread(tx, integration, first.code, accounts);
          await noteDerived(tx, integration, found);
        };
      });
      // After the commit: whoever is killed here leaves it to the sweep.
      await admitAndWake(deps, ref.id);
      return result;
    },
  };

  async function readSignals(integration: IntegrationRow): Promise<Signals | ConnectorError> {
    const { rules } = alertSettingsOf(integration.alerts);
    try {
      const adapter = await deps.connectors.vendorOf(integration.id);
      return await adapter.readSignals({
        accountIds: await listLinkedAccountIds(deps.db, integration.id),
        pendingDomains: rules.domainPending.on,
        deadSyncs: rules.directorySync.on,
        openStatements: rules.statementOverdue.on,
        signal: Context.current().cancellationSignal,
      });
    } catch (error) {
      // A pause is waited for as long as each attempt gets further.
      if (error instanceof ConnectorError && error.kind === 'throttled' && readSoFar()?.gotOn()) throw error;
      if (error instanceof ConnectorError) return error;
      throw error;
    }
  }
}

/** Users of each account over all services, as visible now; an account of which nothing was ever reported is not among them. */
export async function usageByAccount(tx: Transaction, integrationId: string): Promise<Map<string, number>> {
  const totals = new Map<string, number>();
  for (const { vendorAccountId, quantity } of await listUsage(tx, integrationId)) {
    if (quantity === null) continue;
    totals.set(vendorAccountId, (totals.get(vendorAccountId) ?? 0) + quantity);
  }
  return totals;
}

/** A customer whose usage a run took to zero is an alert; one that uses something again clears it. */
export async function deriveUsageZero(
  tx: Transaction,
  integration: IntegrationRow,
  before: ReadonlyMap<string, number>,
): Promise<void> {
  if (!alertSettingsOf(integration.alerts).rules.usageZero.on) return;
  const now = await usageByAccount(tx, integration.id);
  const fallen = [...now].flatMap(([accountId, total]) => {
    const was = before.get(accountId) ?? 0;
    return total === 0 && was > 0 ? [usageZeroAlert(accountId, was)] : [];
  });
  // One that fell in an earlier run still holds while there is no usage.
  const open = new Set((await listOpenDerived(tx, integration.id, ['usageZero'])).map(keyOf));
  const still = [...now].flatMap(([accountId, total]) => (total === 0 ? [usageZeroAlert(accountId, 0)] : []));
  const holding = [...fallen, ...still.filter((each) => open.has(keyOf(each)))];
  await noteDerived(tx, integration, await storeDerived(tx, integration, holding, ['usageZero']));
}

async function noteDerived(
  tx: Transaction,
  integration: IntegrationRow,
  found: { raised: number; cleared: number },
): Promise<void> {
  if (found.raised + found.cleared === 0) return;
  await recordAudit(tx, integration.organizationId, {
    actor: byCountersign,
    action: 'alerts.derived',
    subjectKind: 'integration',
    subjectId: integration.id,
    after: found,
  });
}

/** @param accounts how many of them, where it was not all */
async function noteUnread(
  tx: Transaction,
  integration: IntegrationRow,
  code: string,
  accounts?: number,
): Promise<void> {
  await recordAudit(tx, integration.organizationId, {
    actor: byCountersign,
    action: 'alerts.notDerived',
    subjectKind: 'integration',
    subjectId: integration.id,
    after: { code, ...(accounts === undefined ? {} : { accounts }) },
  });
}
