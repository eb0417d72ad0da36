/** Alerts of Countersign's own rules: each is raised once, and cleared when its cause is over (docs/alerts.md). */
import type { Transaction } from '../db/client.ts';
import { clearAlert, keepAlert } from '../db/queries/alerts.ts';
import { listOpenDerived, type DerivedKey } from '../db/queries/derivedAlerts.ts';
import type { IntegrationRow } from '../db/queries/integration.ts';
import { listUsage } from '../db/queries/usage.ts';
import { today } from '../domain/day.ts';
import { alertSettingsOf } from '../domain/alerts.ts';
import { audit, countersign } from './actor.ts';
import {
  deriveAlerts,
  derivedIdOf,
  readRules,
  usageZeroAlert,
  type DerivedAlert,
  type RuleName,
  type Signals,
} from '../domain/derivedAlerts.ts';

/**
 * The key that identifies a derived alert; it contains the account, because a subject may have moved to another
 * account.
 */
const keyOf = (of: DerivedKey) => JSON.stringify([of.vendorAccountId, of.alertId]);

/**
 * Derives alerts from the vendor's data. Data that could not be read is named in the audit, and raises and clears no
 * alert.
 */
export async function deriveFromSignals(tx: Transaction, integration: IntegrationRow, signals: Signals): Promise<void> {
  const holding = deriveAlerts(signals, alertSettingsOf(integration.alerts).rules, today());
  const { unread = [] } = signals;
  const [first] = unread;
  const accounts = new Set(unread.map(({ accountId }) => accountId)).size;
  if (first) await noteUnread(tx, integration, { code: first.code, accounts });
  await storeDerived(tx, integration, holding, readRules(signals), unread);
}

/** @param what.accounts how many accounts could not be read; absent when no account could be read */
export async function noteUnread(
  tx: Transaction,
  integration: IntegrationRow,
  what: { code: string; accounts?: number },
): Promise<void> {
  const subject = { subjectKind: 'integration', subjectId: integration.id };
  await audit(tx, countersign(integration), { action: 'alerts.notDerived', ...subject, after: what });
}

/**
 * Returns the users of each account over all services, as visible now; an account for which no count was ever reported
 * is not in the map.
 */
export async function usageByAccount(tx: Transaction, integrationId: string): Promise<Map<string, number>> {
  const totals = new Map<string, number>();
  for (const { vendorAccountId, quantity } of await listUsage(tx, integrationId)) {
    if (quantity === null) continue;
    totals.set(vendorAccountId, (totals.get(vendorAccountId) ?? 0) + quantity);
  }
  return totals;
}

/**
 * Raises an alert for a customer whose usage a run took to zero; clears the alert of a customer that has usage again.
 */
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
  // An alert that was raised by an earlier run still holds while the customer has no usage.
  const open = new Set((await listOpenDerived(tx, integration.id)).map(keyOf));
  const still = [...now].flatMap(([accountId, total]) => (total === 0 ? [usageZeroAlert(accountId, 0)] : []));
  const holding = [...fallen, ...still.filter((each) => open.has(keyOf(each)))];
  await storeDerived(tx, integration, holding, ['usageZero']);
}

/**
 * Raises the alerts that hold and were not raised yet, or were over, and clears the alerts that no longer hold.
 *
 * @param read the rules that were evaluated: alerts of other rules are not cleared
 * @param unread by rule, the accounts that could not be read: their alerts are not cleared either
 */
async function storeDerived(
  tx: Transaction,
  integration: IntegrationRow,
  holding: readonly DerivedAlert[],
  read: readonly RuleName[],
  unread: readonly { rule: RuleName; accountId: string }[] = [],
): Promise<void> {
  const open = await listOpenDerived(tx, integration.id);
  const wasOpen = new Set(open.map(keyOf));
  const fresh = holding.filter((each) => !wasOpen.has(keyOf(each)));
  for (const { rule: _, ...words } of fresh) await keepAlert(tx, integration, { ...words, source: 'rule', status: 1 });
  const holds = new Set(holding.map(keyOf));
  const isOf = (rule: RuleName, { alertId }: DerivedKey) => alertId.startsWith(derivedIdOf(rule, ''));
  const over = open.filter(
    (each) =>
      !holds.has(keyOf(each)) &&
      read.some((rule) => isOf(rule, each)) &&
      !unread.some(({ rule, accountId }) => accountId === each.vendorAccountId && isOf(rule, each)),
  );
  for (const each of over) await clearAlert(tx, integration.id, each);
  if (fresh.length + over.length === 0) return;
  const subject = { subjectKind: 'integration', subjectId: integration.id };
  const after = { raised: fresh.length, cleared: over.length };
  await audit(tx, countersign(integration), { action: 'alerts.derived', ...subject, after });
}
