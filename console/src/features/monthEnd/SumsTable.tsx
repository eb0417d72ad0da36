import { formatCount, formatMoneyChange } from '../../ui/format.ts';
import { Table, type TableColumn } from '../../ui/Table.tsx';
import type { MonthEndCustomer, MonthEndSums } from './queries.ts';

type Money = MonthEndSums['money'][number];
type Bucket = Exclude<keyof Money, 'currency'>;

interface Row {
  id: string;
  name: string;
  cards: number | null;
  sumOf: (money: Money) => number;
}

const of =
  (...buckets: Bucket[]) =>
  (money: Money) =>
    buckets.reduce((sum, bucket) => sum + money[bucket], 0);

const rowsOf = ({ cards }: Pick<MonthEndSums, 'cards'>): Row[] => [
  { id: 'billed', name: 'Approved, and billed from now on', cards: cards.approved, sumOf: of('billed') },
  { id: 'open', name: 'Approved, and not done yet', cards: null, sumOf: of('open') },
  { id: 'notWritten', name: 'Approved, and came to nothing', cards: null, sumOf: of('notWritten') },
  { id: 'skipped', name: 'Left out when it was asked for', cards: cards.skipped, sumOf: of('skipped') },
  { id: 'dismissed', name: 'Dismissed', cards: cards.dismissed, sumOf: of('dismissed') },
  { id: 'untouched', name: 'Nobody has decided', cards: cards.untouched, sumOf: of('untouched') },
  {
    id: 'all',
    name: 'All',
    cards: cards.approved + cards.skipped + cards.dismissed + cards.untouched,
    sumOf: of('billed', 'open', 'notWritten', 'skipped', 'dismissed', 'untouched'),
  },
];

/** Each card stands in one line, and the last line is their sum. Approved cards are counted in the first one, whatever came of them. */
export function SumsTable({ sums }: { sums: MonthEndSums }) {
  const columns: TableColumn<Row>[] = [
    { id: 'name', title: 'Cards with a difference', cell: (row) => row.name },
    {
      id: 'cards',
      title: 'Cards',
      isNumeric: true,
      width: 90,
      cell: (row) => (row.cards === null ? '' : formatCount(row.cards)),
    },
    ...sums.money.map((money) => ({
      id: `money ${money.currency ?? ''}`,
      title: money.currency ?? 'Currency not known',
      isNumeric: true,
      width: 150,
      cell: (row: Row) => formatMoneyChange(row.sumOf(money), money.currency),
    })),
  ];
  return <Table label="Sums of the period" columns={columns} rows={rowsOf(sums)} nameOf={(row) => row.name} />;
}

/** What a customer's lines of some kinds come to, in each currency; currencies are never added up. */
export function moneyOf({ money }: Pick<MonthEndCustomer, 'money'>, ...buckets: Bucket[]): string {
  const sums = money.flatMap((each) => {
    const sum = of(...buckets)(each);
    return sum === 0 ? [] : [formatMoneyChange(sum, each.currency)];
  });
  return sums.length === 0 ? '—' : sums.join(' · ');
}
