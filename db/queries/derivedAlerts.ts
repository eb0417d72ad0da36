/** Alerts of our own rules: raised once, cleared when what they tell of is over. */
import { and, eq, isNull, like, or } from 'drizzle-orm';
import { derivedIdOf, type DerivedAlert, type RuleName } from '../../domain/derivedAlerts.ts';
import type { Queryable } from '../client.ts';
import { alert } from '../schema/index.ts';
import { clearAlert, keepAlert } from './alerts.ts';
import type { IntegrationRow } from './integration.ts';

/**
 * Raises what holds and was not raised yet, or was over, and clears what does not hold any more.
 *
 * @param read rules that were looked at: of the others nothing is cleared
 * @param unread accounts of which that did not succeed, by rule: of them nothing is cleared either
 * @returns how many of each
 */
export async function storeDerived(
  tx: Queryable,
  integration: Pick<IntegrationRow, 'id' | 'organizationId'>,
  holding: readonly DerivedAlert[],
  read: readonly RuleName[],
  unread: readonly { rule: RuleName; accountId: string }[] = [],
): Promise<{ raised: number; cleared: number }> {
  const open = new Set((await listOpenDerived(tx, integration.id)).map(keyOf));
  const fresh = holding.filter((each) => !open.has(keyOf(each)));
  for (const { rule: _, ...words } of fresh) await keepAlert(tx, integration, { ...words, source: 'rule', status: 1 });
  const holds = new Set(holding.map(keyOf));
  const over = (await listOpenDerived(tx, integration.id, read)).filter(
    (each) =>
      !holds.has(keyOf(each)) &&
      !unread.some(
        ({ rule, accountId }) => accountId === each.vendorAccountId && each.alertId.startsWith(derivedIdOf(rule, '')),
      ),
  );
  for (const each of over) await clearAlert(tx, integration.id, each);
  return { raised: fresh.length, cleared: over.length };
}

/** What one is told from another by: a subject may have moved to another account. */
export const keyOf = (of: DerivedKey) => JSON.stringify([of.vendorAccountId, of.alertId]);
export type DerivedKey = Pick<DerivedAlert, 'vendorAccountId' | 'alertId'>;

/** Alerts of these rules, or of all, that are not over. */
export async function listOpenDerived(
  tx: Queryable,
  integrationId: string,
  rules?: readonly RuleName[],
): Promise<DerivedKey[]> {
  if (rules?.length === 0) return [];
  return tx
    .select({ alertId: alert.alertId, vendorAccountId: alert.vendorAccountId })
    .from(alert)
    .where(
      and(
        eq(alert.integrationId, integrationId),
        eq(alert.source, 'rule'),
        isNull(alert.clearedAt),
        rules && or(...rules.map((rule) => like(alert.alertId, `${derivedIdOf(rule, '')}%`))),
      ),
    );
}
