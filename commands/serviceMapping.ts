/** Which PSA products a service is mapped to, and how several services that feed one product combine. */
import type { Transaction } from '../db/client.ts';
import { lockIntegration } from '../db/queries/alerts.ts';
import { recordAudit } from '../db/queries/audit.ts';
import { recomputeConnection, recomputeIntegration } from '../db/queries/cards.ts';
import { listServices, type IntegrationRow } from '../db/queries/integration.ts';
import { findPsaProducts } from '../db/queries/psa.ts';
import {
  listCombines,
  storeCombine,
  storeServiceDecisions,
  type Combine,
  type ServiceDecision,
} from '../db/queries/serviceMapping.ts';
import { whyNotProduct, type ServiceMapping } from '../domain/serviceMapping.ts';
import { Refusal } from './refusal.ts';

type Integration = Pick<IntegrationRow, 'id' | 'organizationId' | 'psaConnectionId'>;

/**
 * A person decides what one service is mapped to. What is so already changes nothing.
 *
 * @param wish.mapping null = to nothing
 * @param wish.combine how the services of each of its products combine, in every integration of the connection
 * @throws Refusal when there is no such service, or it cannot be mapped to one of the products
 */
export async function decideService(
  tx: Transaction,
  row: Integration,
  actor: string,
  { serviceId, mapping, combine }: { serviceId: string; mapping: ServiceMapping | null; combine?: Combine | undefined },
): Promise<void> {
  await lockIntegration(tx, row.id);
  const service = (await listServices(tx, row.id)).find(({ id }) => id === serviceId);
  if (!service) throw new Refusal('unknown', 'not-found', 'There is no such service.');
  const productIds = [...new Set(mapping?.productIds)];
  await refuseProducts(tx, row, productIds);
  const combined = combine !== undefined && (await combineProducts(tx, row, actor, { productIds, combine }));
  await decideServices(tx, row, { actor }, [{ serviceId, mapping: mapping && { ...mapping, productIds } }]);
  if (combined) await recomputeConnection(tx, row.psaConnectionId);
}

/** @throws Refusal for the first that a service cannot be mapped to */
async function refuseProducts(tx: Transaction, row: Integration, productIds: readonly string[]): Promise<void> {
  const found = await findPsaProducts(tx, row.psaConnectionId, productIds);
  for (const productId of productIds) {
    const refused = whyNotProduct(
      productId,
      found.find((candidate) => candidate.id === productId),
    );
    if (refused) throw new Refusal('impossible', refused.code, refused.detail);
  }
}

/**
 * How the services of some products combine, each with its audit row.
 *
 * @returns whether anything has changed
 */
async function combineProducts(
  tx: Transaction,
  row: Integration,
  actor: string,
  { productIds, combine }: { productIds: readonly string[]; combine: Combine },
): Promise<boolean> {
  const now = await listCombines(tx, row.psaConnectionId, productIds);
  const others = productIds.filter((productId) => now.get(productId) !== combine);
  for (const productId of others) {
    const before = now.get(productId) ?? null;
    await storeCombine(tx, row.psaConnectionId, { productId, combine, before });
    await recordAudit(tx, row.organizationId, {
      actor,
      action: 'product.combine',
      subjectKind: 'psa_product',
      subjectId: `${row.psaConnectionId}/${productId}`,
      before: { combine: before },
      after: { combine },
    });
  }
  return others.length > 0;
}

/**
 * What many services are mapped to, which whoever calls has checked: the products are there and can be lines.
 *
 * @param decisions of each service one at most
 */
export async function decideServices(
  tx: Transaction,
  row: Integration,
  by: { actor: string; via?: 'file' },
  decisions: readonly ServiceDecision[],
): Promise<void> {
  await lockIntegration(tx, row.id);
  if ((await storeServiceDecisions(tx, row, by, decisions)) > 0) await recomputeIntegration(tx, row.id);
}
