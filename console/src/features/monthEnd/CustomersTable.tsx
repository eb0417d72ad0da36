import { formatCount } from '../../ui/format.ts';
import { Table, type TableColumn } from '../../ui/Table.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import type { MonthEndCustomer } from './queries.ts';
import { moneyOf } from './SumsTable.tsx';

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

interface Row extends MonthEndCustomer {
  id: string;
}

const count = (id: string, title: string, of: (row: Row) => number): TableColumn<Row> => ({
  id,
  title,
  isNumeric: true,
  width: 100,
  cell: (row) => (of(row) === 0 ? '—' : formatCount(of(row))),
});

const columnsOf = (words: PsaWords): readonly TableColumn<Row>[] => [
  { id: 'name', title: capital(words.account.one), cell: (row) => row.psaAccountName },
  count('approved', 'Approved', ({ cards }) => cards.approved),
  { id: 'billed', title: 'Billed more or less', isNumeric: true, width: 160, cell: (row) => moneyOf(row, 'billed') },
  { id: 'open', title: 'Not done yet', isNumeric: true, width: 130, cell: (row) => moneyOf(row, 'open') },
  count('skipped', 'Left out', ({ cards }) => cards.skipped),
  count('dismissed', 'Dismissed', ({ cards }) => cards.dismissed),
  count('untouched', 'Undecided', ({ cards }) => cards.untouched),
  {
    id: 'left',
    title: 'Undecided money',
    isNumeric: true,
    width: 150,
    cell: (row) => moneyOf(row, 'untouched', 'skipped'),
  },
];

interface Props {
  customers: readonly MonthEndCustomer[];
  words: PsaWords;
  onOpen: (customer: MonthEndCustomer) => void;
}

export function CustomersTable({ customers, words, onOpen }: Props) {
  return (
    <Table
      label={`${capital(words.account.many)} of the period`}
      columns={columnsOf(words)}
      rows={customers.map((each) => ({ ...each, id: `${each.psaConnectionId} ${each.psaAccountId}` }))}
      nameOf={(row) => row.psaAccountName}
      onOpen={onOpen}
    />
  );
}
