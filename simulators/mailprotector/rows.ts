/** Rows as Mailprotector's API shows them (mailprotector.md §4). */
import type { WorldCustomer, WorldDomain, WorldGroup } from '../world.ts';

export interface Ref {
  id: number;
  name: string;
}

export const started = '2024-01-05T15:00:00.000Z';
const dated = { created_at: started, updated_at: started };

export const refOf = ({ id, name }: Ref): Ref => ({ id, name });

export const resellerRow = (reseller: Ref, provider: Ref) => ({ ...reseller, provider, reseller: null, ...dated });

export const customerRow = (customer: WorldCustomer, reseller: Ref, provider: Ref) => ({
  id: customer.id,
  name: customer.name,
  provider,
  reseller,
  ...dated,
});

export interface DomainRow {
  id: number;
  name: string;
  account: Ref;
  domain_status: Ref;
  parent: Ref | null;
  verification_token: string | null;
  address_discovery_enabled: boolean;
  created_at: string;
  updated_at: string;
}

/** The rows of a domain and of its aliases, which are domains with a parent. */
export function domainRows(customer: WorldCustomer, domain: WorldDomain): [DomainRow, ...DomainRow[]] {
  const row = (id: number, name: string, parent: Ref | null): DomainRow => ({
    id,
    name,
    account: refOf(customer),
    domain_status: domain.pending ? { id: 1, name: 'Pending' } : { id: 2, name: 'Active' },
    parent,
    verification_token: domain.pending ? `mp-verify-${id}` : null,
    address_discovery_enabled: true,
    ...dated,
  });
  return [
    row(domain.id, domain.name, null),
    ...domain.aliases.map((alias) => row(alias.id, alias.name, refOf(domain))),
  ];
}

export const groupRow = (domain: WorldDomain, group: WorldGroup, userCount: number) => ({
  id: group.id,
  name: group.name,
  domain: refOf(domain),
  user_count: userCount,
  ...dated,
});

export const serviceRows = (domain: WorldDomain, group: WorldGroup) =>
  group.services.map((service_type, at) => ({
    id: group.id * 10 + at,
    service_type,
    user_group: refOf(group),
    domain: refOf(domain),
    created_at: started,
  }));

export const statementRow = () => ({
  id: 3_100_001,
  amount: 412.5,
  currency: 'USD',
  statement_type: 'Automatic',
  statement_status: 'Settled',
  starting_date: '2026-10-05',
  ending_date: '2026-11-04',
  billing_date: '2026-11-04',
  due_date: '2026-11-04',
});

/** The display name, with which a service is read, of the code with which it is written (§4.5). */
export function displayOf(code: unknown): string {
  return { bracket: 'Bracket', securestore: 'SecureStore' }[String(code)] ?? String(code);
}
