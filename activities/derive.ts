/** Derives alerts from the data of a vendor that has no alert feed (docs/alerts.md). */
import { Context } from '@temporalio/activity';
import { deriveFromSignals, noteUnread } from '../commands/derivedAlerts.ts';
import { ConnectorError } from '../connectors/errors.ts';
import { listLinkedAccountIds, readIntegration, type IntegrationRow } from '../db/queries/integration.ts';
import { alertSettingsOf } from '../domain/alerts.ts';
import type { Signals } from '../domain/derivedAlerts.ts';
import type { Dependencies } from './dependencies.ts';
import { performReading, readSoFar } from './reading.ts';
import type { StepRef, StepResult } from './step.ts';
import { admitAndWake } from './processRows.ts';

export function createDeriveActivities(deps: Dependencies) {
  return {
    /**
     * Reads domains, directory syncs and statements. Billing does not wait for them: data that cannot be read is named
     * in the audit, raises and clears no alert, and is read by the next sync.
     */
    async deriveAlerts(ref: StepRef): Promise<StepResult> {
      const result = await performReading(deps, ref, async () => {
        const integration = await readIntegration(deps.db, ref.id);
        const signals = await readSignals(integration);
        return async (tx) => {
          if (signals instanceof ConnectorError) await noteUnread(tx, integration, { code: signals.code });
          else await deriveFromSignals(tx, integration, signals);
        };
      });
      // Runs after the commit: if the worker is killed here, the sweep admits the alerts.
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
      // The step waits for the vendor's pauses for as long as each attempt gets further.
      if (error instanceof ConnectorError && error.kind === 'throttled' && readSoFar()?.gotOn()) throw error;
      if (error instanceof ConnectorError) return error;
      throw error;
    }
  }
}
