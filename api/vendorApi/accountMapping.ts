/** Takes over a customer's PSA account that was chosen in the vendor's console (G39–G40). */
import { chooseAccount } from '../../commands/accountMapping.ts';
import { commitAndAdmit } from '../commitAndAdmit.ts';
import type { ApiDependencies } from '../context.ts';
import { vendorActor } from '../../commands/actor.ts';

/**
 * Maps the account as it was chosen in the vendor's console, unless a person here has decided otherwise.
 *
 * @param psaAccountId the vendor's `clientOId`: an id that the clients route gave out (reference/gradient.md §4.1 no. 8
 *   and 16; that the field carries this id is _chosen_, docs/vendor-api.md)
 * @returns whether the account is mapped now
 */
export async function takeAccountMapping(
  deps: ApiDependencies,
  integrationId: string,
  vendorAccountId: string,
  psaAccountId: string,
): Promise<boolean> {
  const { mapped } = await commitAndAdmit(deps, integrationId, (tx, row) =>
    chooseAccount(tx, vendorActor(row), { integration: row, vendorAccountId, psaAccountId }),
  );
  return mapped;
}
