/**
 * Directory syncs of domains, and statements of customers (mailprotector.md §4.9, §4.15): those that a test has added, and one
 * settled statement of each customer.
 */
import { refOf, statementRow, type Ref } from './rows.ts';

type Row = Record<string, unknown>;

export type Signals = ReturnType<typeof createSignals>;

export function createSignals() {
  const syncs = new Map<number, Row[]>();
  const statements = new Map<number, Row[]>();

  const put = (map: Map<number, Row[]>, owner: number, row: Row) =>
    map.set(owner, [...(map.get(owner) ?? []).filter((each) => each['id'] !== row['id']), row]);

  return {
    syncsOf: (domain: Ref): Row[] => (syncs.get(domain.id) ?? []).map((row) => ({ ...row, domain: refOf(domain) })),
    statementsOf: (customerId: number): Row[] => [statementRow(), ...(statements.get(customerId) ?? [])],

    /** Makes a change of a directory sync or a statement. @returns undefined for any other change */
    apply(wanted: Row): unknown {
      switch (wanted['change']) {
        case 'putSync':
          return put(syncs, Number(wanted['domainId']), {
            id: Number(wanted['id']),
            name: String(wanted['name'] ?? 'Active Directory'),
            source_type: 'UserSync::LdapSource',
            filters: [],
            priority: 1,
            alive: wanted['alive'] === true,
            enabled: wanted['enabled'] !== false,
          });
        case 'putStatement':
          return put(statements, Number(wanted['customerId']), {
            ...statementRow(),
            ...(wanted['fields'] as Row),
            id: Number(wanted['id']),
          });
        default:
          return undefined;
      }
    },
  };
}
