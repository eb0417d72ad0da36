/** Alerts that Countersign's own rules raise. */
import { and, eq, isNull } from 'drizzle-orm';
import type { DerivedAlert } from '../../domain/derivedAlerts.ts';
import type { Queryable } from '../client.ts';
import { alert } from '../schema/index.ts';

export type DerivedKey = Pick<DerivedAlert, 'vendorAccountId' | 'alertId'>;

/** Lists the alerts of Countersign's own rules that are not cleared. */
export async function listOpenDerived(tx: Queryable, integrationId: string): Promise<DerivedKey[]> {
  return tx
    .select({ alertId: alert.alertId, vendorAccountId: alert.vendorAccountId })
    .from(alert)
    .where(and(eq(alert.integrationId, integrationId), eq(alert.source, 'rule'), isNull(alert.clearedAt)));
}
