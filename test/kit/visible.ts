/** What Countersign shows, read from its rows in one snapshot, without ids and times that differ from run to run. */
import { sql } from 'drizzle-orm';
import type { System } from './system.ts';

export interface Visible {
  counts: { account: string; service: string; quantity: number | null; reported: boolean }[];
  mappings: { account: string; psaAccount: string; how: string }[];
  services: { service: string; products: string[] }[];
  lines: { id: string; product: string; quantity: number }[];
  cards: {
    account: string;
    product: string;
    kind: string;
    flags: string[];
    usage: number | null;
    target: number | null;
    current: number;
    approvable: boolean;
    bulkApprovable: boolean;
  }[];
}

export async function visibleIn(system: System): Promise<Visible> {
  return system.database.db.transaction(
    async (tx) => ({
      counts: (
        await tx.execute<Visible['counts'][number]>(sql`
          select vendor_account_id as account, service_id as service, quantity, not_reported_since is null as reported
            from usage_count order by 1, 2`)
      ).rows,
      mappings: (
        await tx.execute<Visible['mappings'][number]>(sql`
          select vendor_account_id as account, psa_account_id as "psaAccount", how from account_mapping order by 1`)
      ).rows,
      services: (
        await tx.execute<Visible['services'][number]>(sql`
          select service_id as service, product_ids as products from service_mapping order by 1`)
      ).rows,
      lines: (
        await tx.execute<Visible['lines'][number]>(sql`
          select id, product_id as product, quantity from agreement_line order by 1`)
      ).rows,
      cards: (
        await tx.execute<Visible['cards'][number]>(sql`
          select psa_account_id as account, psa_product_id as product, kind, flags, usage, target, current, approvable,
                 bulk_approvable as "bulkApprovable"
            from card order by 1, 2`)
      ).rows,
    }),
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}
