import { useQuery } from '@tanstack/react-query';
import { formatCount, formatMany, formatMoney, formatMoneyChange } from '../../ui/format.ts';
import { Soft } from '../../ui/Section.tsx';
import { Table, type TableColumn } from '../../ui/Table.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import { calledOf, capital } from '../mappings/words.ts';
import { usePsaConnectionName } from '../psaConnections/names.ts';
import { psaConnectionsQuery } from '../psaConnections/queries.ts';
import type { MonthEndCustomer, MonthEndSums } from './queries.ts';
import type { Bucket } from './SumsTable.tsx';

interface Row extends Pick<MonthEndCustomer, 'cards' | 'money'> {
  id: string;
  name: string;
  /** null = the row is the sum of all. */
  customer: MonthEndCustomer | null;
}

/** Money by what became of it; a card without a price is no zero, and says so. */
const money = (id: Bucket, title: string): TableColumn<Row> => ({
  id,
  title,
  isNumeric: true,
  width: id === 'notWritten' ? 150 : 120,
  cell: (row) => <Sums row={row} bucket={id} />,
});

function Sums({ row: { money: sums, cards }, bucket }: { row: Row; bucket: Bucket }) {
  const count = bucket === 'total' ? cards.approved + cards.skipped + cards.dismissed + cards.untouched : cards[bucket];
  if (count === 0) return '—';
  const some = sums.filter((each) => each[bucket] !== 0);
  // What was written and undone comes to zero; where a card of the column has no price, nobody knows.
  const unpriced = bucket === 'total' ? cards.unpriced : cards.unpricedIn[bucket];
  if (some.length === 0) return unpriced > 0 || !sums[0] ? 'No price' : formatMoney(0, sums[0].currency);
  return some.map((each) => <div key={each.currency}>{formatMoneyChange(each[bucket], each.currency)}</div>);
}

/** @param connectionName what a PSA connection is called; undefined = there is one, whose customers need not be told from those of others */
const columnsOf = (
  words: PsaWords,
  connectionName: ((id: string) => string | undefined) | undefined,
): readonly TableColumn<Row>[] => [
  {
    id: 'name',
    title: capital(words.account.one),
    wraps: connectionName !== undefined,
    cell: ({ name, customer }) => (
      <>
        {name}
        {customer && connectionName && <Soft>{connectionName(customer.psaConnectionId)}</Soft>}
      </>
    ),
  },
  {
    id: 'cards',
    title: 'Cards',
    isNumeric: true,
    width: 80,
    cell: ({ cards: { approved, skipped, dismissed, untouched } }) =>
      formatCount(approved + skipped + dismissed + untouched),
  },
  money('billed', 'Billed'),
  money('open', 'Not done yet'),
  money('notWritten', 'Came to nothing'),
  money('skipped', 'Left out'),
  money('dismissed', 'Dismissed'),
  money('untouched', 'Undecided'),
  money('total', 'All'),
];

interface Props {
  customers: readonly MonthEndCustomer[];
  /** Of all customers, whether they are shown yet or not. */
  sums: MonthEndSums;
  words: PsaWords;
  onOpen: (customer: MonthEndCustomer) => void;
}

/** A row for each customer: what it comes to, by what became of it. The columns are the rows of the sums, and so is the last row. */
export function CustomersTable({ customers, sums, words, onOpen }: Props) {
  const rows: Row[] = customers.map((customer) => ({
    ...customer,
    id: `${customer.psaConnectionId} ${customer.psaAccountId}`,
    name: calledOf({ name: customer.psaAccountName, apart: customer.psaAccountApart }),
    customer,
  }));
  const connectionName = usePsaConnectionName();
  const hasSeveral = (useQuery(psaConnectionsQuery).data?.items.length ?? 0) > 1;
  const all = formatMany(sums.customers, words.account.one, words.account.many);
  return (
    <Table
      label={`${capital(words.account.many)} of the period`}
      columns={columnsOf(words, hasSeveral ? connectionName : undefined)}
      rows={[...rows, { ...sums, id: 'all', name: sums.customers === 1 ? 'All' : `All ${all}`, customer: null }]}
      nameOf={(row) => row.name}
      isTotal={({ customer }) => customer === null}
      onOpen={({ customer }) => customer && onOpen(customer)}
    />
  );
}
