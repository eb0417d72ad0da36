/** Alerts of our own rules: raised once, cleared when what they tell of is over (docs/alerts.md). */
import type { Transaction } from '../db/client.ts';
import { clearAlert, keepAlert } from '../db/queries/alerts.ts';
import { listOpenDerived, type DerivedKey } from '../db/queries/derivedAlerts.ts';
import type { IntegrationRow } from '../db/queries/integration.ts';
import { listUsage } from '../db/queries/usage.ts';
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

/** What one is told from another by: a subject may have moved to another account. */
const keyOf = (of: DerivedKey) => JSON.stringify([of.vendorAccountId, of.alertId]);

/** What the vendor shows becomes alerts. What of it could not be read is told by the audit, raises nothing and clears nothing. */
export async function deriveFromSignals(tx: Transaction, integration: IntegrationRow, signals: Signals): Promise<void> {
  const today = new Date().toISOString().slice(0, 10);
  const holding = deriveAlerts(signals, alertSettingsOf(integration.alerts).rules, today);
  const { unread = [] } = signals;
  const [first] = unread;
  const accounts = new Set(unread.map(({ accountId }) => accountId)).size;
  if (first) await noteUnread(tx, integration, { code: first.code, accounts });
  await storeDerived(tx, integration, holding, readRules(signals), unread);
}

/** @param what.accounts how many could not be read, where it was not all */
export async function noteUnread(
  tx: Transaction,
  integration: IntegrationRow,
  what: { code: string; accounts?: number },
): Promise<void> {
  const subject = { subjectKind: 'integration', subjectId: integration.id };
  await audit(tx, countersign(integration), { action: 'alerts.notDerived', ...subject, after: what });
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
  const open = new Set((await listOpenDerived(tx, integration.id)).map(keyOf));
  const still = [...now].flatMap(([accountId, total]) => (total === 0 ? [usageZeroAlert(accountId, 0)] : []));
  const holding = [...fallen, ...still.filter((each) => open.has(keyOf(each)))];
  await storeDerived(tx, integration, holding, ['usageZero']);
}

/**
 * Raises what holds and was not raised yet, or was over, and clears what does not hold any more.
 *
 * @param read rules that were looked at: of the others nothing is cleared
 * @param unread accounts of which that did not succeed, by rule: of them nothing is cleared either
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
