/** A customer's PSA account, chosen in the vendor's console (G39–G40). */
import { recordAudit } from '../../db/queries/audit.ts';
import { recomputeCards } from '../../db/queries/cards.ts';
import {
  findAccountMapping,
  findVendorAccount,
  insertAccountMappings,
  readIntegration,
} from '../../db/queries/integration.ts';
import { settleOnboarding, type ToWake } from '../../db/queries/onboarding.ts';
import { findPsaAccount } from '../../db/queries/psa.ts';
import { wakeAll, type ApiDependencies } from '../context.ts';
import { commitAndAdmit } from '../takeAlert.ts';
import { vendorActor } from './vendor.ts';

/**
 * Maps the account as it was chosen there. What a person has mapped or excluded here stays, and so does an exact match; an
 * earlier choice made there is replaced. A PSA account that is not known maps nothing.
 *
 * @param psaAccountId what the vendor sent as `clientOId`: an id that the clients route gave out (reference/gradient.md
 *   §4.1 no. 8 and 16; that the one carries the other is _chosen_, docs/vendor-api.md)
 * @returns whether the account is mapped now
 */
export async function takeChoice(
  deps: ApiDependencies,
  integrationId: string,
  vendorAccountId: string,
  psaAccountId: string,
): Promise<boolean> {
  let toWake: ToWake[] = [];
  const mapped = await commitAndAdmit(deps, integrationId, async (tx) => {
    const row = await readIntegration(tx, integrationId);
    const account = await findVendorAccount(tx, row.id, vendorAccountId);
    const before = await findAccountMapping(tx, row.id, vendorAccountId);
    const psaAccount = await findPsaAccount(tx, row.psaConnectionId, psaAccountId);
    const decided = before !== undefined && (before.how !== 'vendor' || before.psaAccountId === psaAccountId);
    if (!account || account.excluded || !psaAccount?.active || decided) return before !== undefined;
    await insertAccountMappings(tx, row.id, [{ vendorAccountId, psaAccountId }], 'vendor');
    await recomputeCards(tx, row.psaConnectionId, [...(before ? [before.psaAccountId] : []), psaAccountId]);
    toWake = await settleOnboarding(tx, row, vendorAccountId);
    await recordAudit(tx, row.organizationId, {
      actor: vendorActor(row),
      action: 'account.map',
      subjectKind: 'vendor_account',
      subjectId: `${row.id}/${vendorAccountId}`,
      before: { psaAccountId: before?.psaAccountId ?? null, how: before?.how ?? null },
      after: { psaAccountId, how: 'vendor' },
    });
    return true;
  });
  wakeAll(deps, toWake);
  return mapped;
}
