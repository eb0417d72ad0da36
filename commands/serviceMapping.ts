/** Maps services to PSA products, and sets how several services that feed one product combine. */
import type { Queryable, Transaction } from '../db/client.ts';
import { recomputeConnection, recomputeIntegration } from '../db/queries/cards.ts';
import { listServices, lockIntegration, type IntegrationRow } from '../db/queries/integration.ts';
import { findPsaProducts } from '../db/queries/psa.ts';
import {
  listCombines,
  storeCombine,
  storeServiceDecisions,
  type Combine,
  type ServiceDecision,
} from '../db/queries/serviceMapping.ts';
import { mappingOf, describeServiceMapping } from '../domain/mappingFile.ts';
import { whyNotProduct, type ServiceMapping } from '../domain/serviceMapping.ts';
import { audit, type Actor, type Command } from './actor.ts';
import { Refusal } from './refusal.ts';
import { refuseUnseen, versionOf, type Present } from './seen.ts';

type Integration = Pick<IntegrationRow, 'id' | 'organizationId' | 'psaConnectionId'>;

/** The current decision about a service. */
interface ServiceState {
  mapping: ServiceMapping | null;
  /** By product: how the services that feed it combine. */
  combine: Record<string, Combine | null>;
}

export function serviceVersion({ mapping, combine }: ServiceState): string {
  return versionOf([mapping && [mapping.productIds, mapping.fanOut, mapping.rounding], Object.entries(combine)]);
}

/** A service with the current decision about it, and the version of that decision. */
type ServiceView = Awaited<ReturnType<typeof viewServices>>[number];

/** Returns an integration's services with the current decision about each. */
export async function viewServices(db: Queryable, row: Pick<Integration, 'id' | 'psaConnectionId'>) {
  const services = await listServices(db, row.id);
  const productIds = services.flatMap((service) => service.productIds ?? []);
  const combines = await listCombines(db, row.psaConnectionId, productIds);
  return services.map((service) => {
    const combine = Object.fromEntries((service.productIds ?? []).map((id) => [id, combines.get(id) ?? null]));
    return { ...service, combine, version: serviceVersion({ mapping: mappingOf(service), combine }) };
  });
}

/**
 * @param serviceId the service's id, or the id that the vendor is given for it
 * @returns undefined when there is no such service
 */
export async function viewService(db: Queryable, row: Pick<Integration, 'id' | 'psaConnectionId'>, serviceId: string) {
  const services = await viewServices(db, row);
  return services.find(({ id }) => id === serviceId) ?? services.find(({ givenId }) => givenId === serviceId);
}

/**
 * Makes a person's decision about the mapping of one service. A decision that is in force already changes nothing,
 * whatever version was seen.
 *
 * @param input.mapping null = mapped to nothing
 * @param input.combine how the services that feed each of its products combine, in every integration of the connection
 * @param input.seen the `version` that was shown; undefined = change it, whatever the version is
 * @throws Refusal when there is no such service, or it cannot be mapped to one of the products, or it has changed
 *   meanwhile
 */
export const decideService: Command<{
  integration: Integration;
  serviceId: string;
  mapping: ServiceMapping | null;
  combine?: Combine | undefined;
  seen: string | undefined;
}> = async (tx, actor, { integration: row, ...wish }) => {
  await lockIntegration(tx, row.id);
  const service = await viewService(tx, row, wish.serviceId);
  if (!service) throw new Refusal('unknown', 'not-found', 'There is no such service.');
  const mapping = wish.mapping && { ...wish.mapping, productIds: [...new Set(wish.mapping.productIds)] };
  const combine = Object.fromEntries(
    (mapping?.productIds ?? []).map((id) => [id, wish.combine ?? service.combine[id] ?? null]),
  );
  if (serviceVersion({ mapping, combine }) === service.version) return { toWake: [] };
  await refuseUnseen(tx, wish.seen, await presentOf(tx, row, service));
  await refuseProducts(tx, row, mapping?.productIds ?? []);
  const combined =
    wish.combine !== undefined &&
    mapping !== null &&
    (await combineProducts(tx, row, actor, service, mapping.productIds, wish.combine));
  await decideServices(tx, actor, { integration: row, decisions: [{ serviceId: service.id, mapping }] });
  if (combined) await recomputeConnection(tx, row.psaConnectionId);
  return { toWake: [] };
};

async function presentOf(tx: Transaction, row: Integration, service: ServiceView): Promise<Present> {
  const products = await findPsaProducts(tx, row.psaConnectionId, service.productIds ?? []);
  const names = new Map(products.map(({ id, productId }) => [id, productId]));
  const rules = Object.entries(service.combine).flatMap(([id, combine]) => (combine ? [`${id}: ${combine}`] : []));
  return {
    organizationId: row.organizationId,
    what: `The mapping of ${service.name} (${service.id})`,
    now: `It is ${describeServiceMapping(mappingOf(service), names)}${rules.length > 0 ? `, combined as ${rules.join(', ')}` : ''}`,
    version: service.version,
    subjects: [
      { kind: 'service', id: `${row.id}/${service.id}` },
      ...Object.keys(service.combine).map((id) => ({ kind: 'psa_product', id: `${row.psaConnectionId}/${id}` })),
    ],
  };
}

/** @throws Refusal for the first product to which a service cannot be mapped */
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
 * Sets how the services that feed some products combine, each product with its audit row.
 *
 * @param service the service as it was seen; it shows no rule of a product to which it is not mapped yet
 * @returns whether anything has changed
 * @throws Refusal when a product has a rule that was not seen
 */
async function combineProducts(
  tx: Transaction,
  row: Integration,
  actor: Actor,
  service: ServiceView,
  productIds: readonly string[],
  combine: Combine,
): Promise<boolean> {
  const now = await listCombines(tx, row.psaConnectionId, productIds);
  const others = productIds.filter((productId) => now.get(productId) !== combine);
  for (const productId of others) {
    const before = service.combine[productId] ?? null;
    if (!(await storeCombine(tx, row.psaConnectionId, { productId, combine, before }))) {
      const rule = (await listCombines(tx, row.psaConnectionId, [productId])).get(productId) ?? null;
      await refuseUnseen(tx, versionOf(before), {
        organizationId: row.organizationId,
        what: `How the services of the product ${productId} combine`,
        now: `They combine as ${rule} (map the service without "combine" to see that of its products)`,
        version: versionOf(rule),
        subjects: [{ kind: 'psa_product', id: `${row.psaConnectionId}/${productId}` }],
      });
    }
    await audit(tx, actor, {
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
 * Maps many services. The caller has checked that the products exist and can be lines, and holds the integration's
 * lock.
 *
 * @param input.via set for the decisions of a mapping file; the audit rows then record it
 * @param input.decisions at most one for each service
 */
export const decideServices: Command<{
  integration: Integration;
  via?: 'file';
  decisions: readonly ServiceDecision[];
}> = async (tx, actor, { integration, via, decisions }) => {
  const changed = await storeServiceDecisions(tx, integration.id, decisions);
  await audit(
    tx,
    actor,
    changed.map(({ id, before, after }) => ({
      action: after.productIds === null ? 'service.unmap' : 'service.map',
      subjectKind: 'service',
      subjectId: `${integration.id}/${id}`,
      before,
      after: { ...after, ...(via && { by: via }) },
    })),
  );
  if (changed.length > 0) await recomputeIntegration(tx, integration.id);
  return { toWake: [] };
};
