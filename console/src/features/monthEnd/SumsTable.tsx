import { formatCount, formatMoneyChange } from '../../ui/format.ts';
import { Table, type TableColumn } from '../../ui/Table.tsx';
import type { MonthEndSums } from './queries.ts';

type Money = MonthEndSums['money'][number];
export type Bucket = Exclude<keyof Money, 'currency'>;

interface Row {
  id: Bucket;
  name: string;
  cards: number;
}

const names: Record<Bucket, string> = {
  billed: 'Approved, and billed from now on',
  open: 'Approved, and not done yet',
  notWritten: 'Approved, and came to nothing or undone',
  skipped: 'Left out when it was asked for',
  dismissed: 'Dismissed',
  untouched: 'Nobody has decided',
  total: 'All',
};

const rowsOf = ({ cards }: Pick<MonthEndSums, 'cards'>): Row[] => {
  const { billed, open, notWritten, skipped, dismissed, untouched } = cards;
  const counts = { billed, open, notWritten, skipped, dismissed, untouched };
  const total = Object.values(counts).reduce((sum, each) => sum + each, 0);
  return Object.entries({ ...counts, total }).map(([id, count]) => ({
    id: id as Bucket,
    name: names[id as Bucket],
    cards: count,
  }));
};

/** Each card, and the money of each line, stands in one row, and the last row is their sum. */
export function SumsTable({ sums }: { sums: Pick<MonthEndSums, 'cards' | 'money'> }) {
  const columns: TableColumn<Row>[] = [
    { id: 'name', title: 'Cards with a difference', wraps: true, cell: (row) => row.name },
    { id: 'cards', title: 'Cards', isNumeric: true, width: 90, cell: (row) => formatCount(row.cards) },
    ...sums.money.map((money) => ({
      id: `money ${money.currency ?? ''}`,
      title: money.currency ?? 'Currency not known',
      isNumeric: true,
      width: 150,
      cell: (row: Row) => formatMoneyChange(money[row.id], money.currency),
    })),
  ];
  return (
    <Table
      label="Sums of the period"
      columns={columns}
      rows={rowsOf(sums)}
      nameOf={(row) => row.name}
      isTotal={({ id }) => id === 'total'}
    />
  );
}
