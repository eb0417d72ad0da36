/** The only code that writes account mappings and exclusions of vendor accounts; used by commands/accountMapping.ts. */
import { and, eq, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { accountMapping, vendorAccount } from '../schema/index.ts';
import { among } from './among.ts';
import type { IntegrationRow } from './integration.ts';

/** How an account is mapped: by equal names, by a person in Countersign, or by a person in the vendor's console. */
export type MappedBy = typeof accountMapping.$inferSelect.how;

/** The wanted state of one vendor account: excluded, mapped, or open (neither). */
export interface AccountDecision {
  vendorAccountId: string;
  excluded: boolean;
  psaAccountId: string | null;
}

/** A vendor account whose decision has changed, with the decision before. */
export interface DecidedAccount extends AccountDecision {
  before: { excluded: boolean; psaAccountId: string | null; how: MappedBy | null };
}

/**
 * Carries out the decisions, in a few statements for any number of them. The statements use no join, because in tables
 * that were not analyzed yet PostgreSQL compares tens of thousands of rows each with each (measured). The caller holds
 * the integration's lock. An account that is not linked stays unchanged.
 *
 * @param how by whom accounts are mapped
 * @param decisions at most one for each vendor account
 * @returns the accounts that have changed
 */
export async function storeAccountDecisions(
  tx: Queryable,
  { id }: Pick<IntegrationRow, 'id'>,
  how: MappedBy,
  decisions: readonly AccountDecision[],
): Promise<DecidedAccount[]> {
  const before = await readDecided(
    tx,
    id,
    decisions.map(({ vendorAccountId }) => vendorAccountId),
  );
  const changed = decisions.flatMap((decision): DecidedAccount[] => {
    const was = before.get(decision.vendorAccountId);
    const same =
      was?.excluded === decision.excluded &&
      was.psaAccountId === decision.psaAccountId &&
      was.how === (decision.psaAccountId === null ? null : how);
    return !was || same ? [] : [{ ...decision, before: was }];
  });
  if (changed.length === 0) return [];
  const ids = (which: (account: DecidedAccount) => boolean) =>
    changed.filter(which).map(({ vendorAccountId }) => vendorAccountId);
  for (const excluded of [true, false])
    await tx
      .update(vendorAccount)
      .set({ excluded })
      .where(
        and(
          eq(vendorAccount.integrationId, id),
          among(
            vendorAccount.id,
            ids((account) => account.excluded === excluded && account.before.excluded !== excluded),
          ),
        ),
      );
  await tx.delete(accountMapping).where(
    and(
      eq(accountMapping.integrationId, id),
      among(
        accountMapping.vendorAccountId,
        ids((account) => account.psaAccountId === null),
      ),
    ),
  );
  const mapped = changed.filter(({ psaAccountId }) => psaAccountId !== null);
  await tx.execute(sql`
    insert into account_mapping (integration_id, vendor_account_id, psa_account_id, how)
    select ${id}::uuid, r."vendorAccountId", r."psaAccountId", ${how}
      from jsonb_to_recordset(${JSON.stringify(mapped)}::jsonb) as r("vendorAccountId" text, "psaAccountId" text)
    on conflict (integration_id, vendor_account_id) do update
       set psa_account_id = excluded.psa_account_id, how = excluded.how, mapped_at = now()`);
  return changed;
}

/** Reads the current decisions about these accounts; accounts that are not linked are left out. */
async function readDecided(tx: Queryable, integrationId: string, ids: readonly string[]) {
  const accounts = await tx
    .select({ id: vendorAccount.id, excluded: vendorAccount.excluded })
    .from(vendorAccount)
    .where(
      and(eq(vendorAccount.integrationId, integrationId), eq(vendorAccount.linked, true), among(vendorAccount.id, ids)),
    );
  const mappings = await tx
    .select({
      id: accountMapping.vendorAccountId,
      psaAccountId: accountMapping.psaAccountId,
      how: accountMapping.how,
    })
    .from(accountMapping)
    .where(and(eq(accountMapping.integrationId, integrationId), among(accountMapping.vendorAccountId, ids)));
  const mappingOf = new Map(mappings.map((mapping) => [mapping.id, mapping]));
  return new Map(
    accounts.map(({ id, excluded }): [string, DecidedAccount['before']] => {
      const mapping = mappingOf.get(id);
      return [id, { excluded, psaAccountId: mapping?.psaAccountId ?? null, how: mapping?.how ?? null }];
    }),
  );
}
