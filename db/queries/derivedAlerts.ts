/** Alerts of our own rules: raised once, cleared when what they tell of is over. */
import { and, eq, inArray, isNull, like, or } from 'drizzle-orm';
import { derivedIdOf, type DerivedAlert, type RuleName } from '../../domain/derivedAlerts.ts';
import type { Queryable } from '../client.ts';
import { alert } from '../schema/index.ts';
import { clearAlert, keepAlert } from './alerts.ts';
import type { IntegrationRow } from './integration.ts';

/**
 * Raises what holds and was not raised yet, or was over, and clears what does not hold any more.
 *
 * @param read rules that were looked at: of the others nothing is cleared
 * @returns how many of each
 */
export async function storeDerived(
  tx: Queryable,
  integration: Pick<IntegrationRow, 'id' | 'organizationId'>,
  holding: readonly DerivedAlert[],
  read: readonly RuleName[],
): Promise<{ raised: number; cleared: number }> {
  const ids = holding.map((each) => each.alertId);
  const known = await tx
    .select({ alertId: alert.alertId })
    .from(alert)
    .where(and(eq(alert.integrationId, integration.id), inArray(alert.alertId, ids), isNull(alert.clearedAt)));
  const open = new Set(known.map((each) => each.alertId));
  const fresh = holding.filter((each) => !open.has(each.alertId));
  for (const { rule: _, ...words } of fresh) await keepAlert(tx, integration, { ...words, source: 'rule', status: 1 });
  const over = (await listOpenDerived(tx, integration.id, read)).filter((alertId) => !ids.includes(alertId));
  for (const alertId of over) await clearAlert(tx, integration.id, alertId);
  return { raised: fresh.length, cleared: over.length };
}

/** Ids of alerts of these rules that are not over. */
export async function listOpenDerived(
  tx: Queryable,
  integrationId: string,
  rules: readonly RuleName[],
): Promise<string[]> {
  if (rules.length === 0) return [];
  const rows = await tx
    .select({ alertId: alert.alertId })
    .from(alert)
    .where(
      and(
        eq(alert.integrationId, integrationId),
        eq(alert.source, 'rule'),
        isNull(alert.clearedAt),
        or(...rules.map((rule) => like(alert.alertId, `${derivedIdOf(rule, '')}%`))),
      ),
    );
  return rows.map((row) => row.alertId);
}
