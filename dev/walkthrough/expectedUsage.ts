/** The usage that the walkthroughs expect, computed from the simulators' own state. */
import { serviceProducts, type WorldCustomer } from '../../simulators/world.ts';

export const names = (rows: readonly { name: string }[]) => rows.map((row) => row.name).sort();

/**
 * Counts the users of these customers who have the service of a Product ID; null = none of the customers' groups has the
 * service.
 */
export function trueUsage(customers: readonly WorldCustomer[], productId: string): number | null {
  const display = serviceProducts.find((service) => service.productId === productId)?.display ?? '';
  const groups = customers
    .flatMap((customer) => customer.domains)
    .filter((domain) => !domain.pending)
    .flatMap((domain) => domain.groups)
    .filter((group) => group.services.includes(display));
  return groups.length === 0 ? null : groups.reduce((sum, group) => sum + group.users, 0);
}

/** Compares two values. @throws Error that shows both values when they differ */
export function same(found: unknown, wanted: unknown, what: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b)
    throw new Error(`The ${what} are not as they should be: ${a.slice(0, 300)} instead of ${b.slice(0, 300)}`);
}
