/** How many users each customer has on each service: what *Update Counts* reports. */
import { usersOf, type WorldCustomer } from '../world.ts';

export interface Count {
  service: string;
  accountId: string;
  unitCount: number;
}

/** Services that any customer has, by their display names. */
export function servicesIn(customers: readonly WorldCustomer[]): string[] {
  const groups = customers.flatMap(({ domains }) => domains.flatMap((domain) => domain.groups));
  return [...new Set(groups.flatMap((group) => group.services))];
}

export function countsOf(customer: WorldCustomer, services: readonly string[]): Count[] {
  return services.map((service) => ({
    service,
    accountId: String(customer.id),
    unitCount: usersOf(customer, service),
  }));
}
