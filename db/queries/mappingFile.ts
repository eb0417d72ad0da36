/** All mappings of an integration at once: read for a file, and changed by one. */
import { and, asc, eq } from 'drizzle-orm';
import type { AccountChange, MappingPlan, Mappings, ServiceChange } from '../../domain/mappingFile.ts';
import type { Queryable, Transaction } from '../client.ts';
import { accountMapping, psaAccount, psaProduct, vendorAccount } from '../schema/index.ts';
import { recordAudits } from './audit.ts';
import { recomputeCards, recomputeIntegration } from './cards.ts';
import {
  deleteAccountMapping,
  deleteServiceMapping,
  insertAccountMappings,
  listServices,
  setExcluded,
  storeServiceMapping,
  type IntegrationRow,
} from './integration.ts';
import { beginOnboardings, settleOnboardings, type ToWake } from './onboarding.ts';

export async function readMappings(
  db: Queryable,
  row: Pick<IntegrationRow, 'id' | 'psaConnectionId'>,
): Promise<Mappings> {
  const accounts = await db
    .select({
      id: vendorAccount.id,
      name: vendorAccount.name,
      excluded: vendorAccount.excluded,
      psaAccountId: accountMapping.psaAccountId,
      how: accountMapping.how,
    })
    .from(vendorAccount)
    .leftJoin(
      accountMapping,
      and(
        eq(accountMapping.integrationId, vendorAccount.integrationId),
        eq(accountMapping.vendorAccountId, vendorAccount.id),
      ),
    )
    .where(and(eq(vendorAccount.integrationId, row.id), eq(vendorAccount.linked, true)))
    .orderBy(asc(vendorAccount.name), asc(vendorAccount.id));
  const psaAccounts = await db
    .select({ id: psaAccount.id, name: psaAccount.name })
    .from(psaAccount)
    .where(eq(psaAccount.psaConnectionId, row.psaConnectionId));
  const products = await db.select().from(psaProduct).where(eq(psaProduct.psaConnectionId, row.psaConnectionId));
  return { accounts, services: await listServices(db, row.id), psaAccounts, products };
}

/**
 * Changes what a plan says, as a person: each change with its audit, then the cards and the onboardings that follow. The
 * caller holds the integration's lock, and the plan was made under it.
 *
 * @returns whom to wake after the commit
 */
export async function applyMappings(
  tx: Transaction,
  row: IntegrationRow,
  { changes }: MappingPlan,
  actor: string,
): Promise<ToWake[]> {
  const accounts = changes.filter((change) => change.kind === 'account');
  const services = changes.filter((change) => change.kind === 'service');
  const mapped = accounts.flatMap(({ id, psaAccountId }) =>
    psaAccountId === null ? [] : [{ vendorAccountId: id, psaAccountId }],
  );
  const unmapped = accounts.filter((change) => change.psaAccountId === null && !change.excluded).map(({ id }) => id);
  const excluded = accounts.filter((change) => change.excluded).map(({ id }) => id);
  const included = accounts.filter((change) => change.before.excluded && !change.excluded).map(({ id }) => id);

  for (const id of excluded) await setExcluded(tx, row.id, id, true);
  for (const id of included) await setExcluded(tx, row.id, id, false);
  for (const id of unmapped) await deleteAccountMapping(tx, row.id, id);
  await insertAccountMappings(tx, row.id, mapped, 'person');
  for (const { id, mapping } of services) {
    if (mapping) await storeServiceMapping(tx, row.id, id, mapping);
    else await deleteServiceMapping(tx, row.id, id);
  }
  await recordAudits(
    tx,
    row.organizationId,
    changes.map((change) => ({ actor, ...auditOf(row.id, change) })),
  );
  // Of an account that nothing is mapped to any more the cards go.
  const before = accounts.flatMap((change) => change.before.psaAccountId ?? []);
  await recomputeCards(tx, row.psaConnectionId, before);
  await recomputeIntegration(tx, row.id);
  return [
    ...(await beginOnboardings(tx, row, included, { by: 'person' })),
    ...(await settleOnboardings(tx, row, { mapped: mapped.map((each) => each.vendorAccountId), unmapped, excluded })),
  ];
}

function auditOf(integrationId: string, change: AccountChange | ServiceChange) {
  const subjectId = `${integrationId}/${change.id}`;
  if (change.kind === 'service') {
    const { productIds, fanOut, rounding } = change.before;
    return {
      action: change.mapping ? 'service.map' : 'service.unmap',
      subjectKind: 'service',
      subjectId,
      before: { productIds, fanOut, rounding },
      after: change.mapping,
    };
  }
  const { before, excluded, psaAccountId } = change;
  const action = excluded ? 'account.exclude' : psaAccountId === null ? 'account.unmap' : 'account.map';
  return {
    action,
    subjectKind: 'vendor_account',
    subjectId,
    before: { excluded: before.excluded, psaAccountId: before.psaAccountId, how: before.how },
    after: { excluded, psaAccountId, how: psaAccountId === null ? null : 'person', by: 'file' },
  };
}
