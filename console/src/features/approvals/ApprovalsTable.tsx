import { formatCount, formatMoneyChange } from '../../ui/format.ts';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { Table, type TableColumn } from '../../ui/Table.tsx';
import { When } from '../../ui/When.tsx';
import { usePsaConnectionName } from '../psaConnections/names.ts';
import type { Approval } from './queries.ts';
import { endOf } from './words.ts';

/** Each currency by itself; a dash where there is none. */
function moneyOf({ money }: Approval, of: 'written' | 'open') {
  const some = money.filter((each) => each[of] !== 0);
  if (some.length === 0) return '—';
  return some.map((each) => <div key={each.currency}>{formatMoneyChange(each[of], each.currency)}</div>);
}

const columnsOf = (psaName: (id: string) => string | undefined): readonly TableColumn<Approval>[] => [
  { id: 'when', title: 'When', width: 140, cell: ({ createdAt }) => <When at={createdAt} /> },
  {
    id: 'by',
    title: 'Who',
    isName: true,
    cell: ({ requestedByName, undoOf }) => `${requestedByName}${undoOf === null ? '' : ', an undo'}`,
  },
  { id: 'psa', title: 'PSA', width: 160, cell: ({ psaConnectionId }) => psaName(psaConnectionId) },
  {
    id: 'state',
    title: 'State',
    width: 200,
    cell: (approval) => <StatusWord tone={endOf(approval).tone}>{endOf(approval).word}</StatusWord>,
  },
  { id: 'lines', title: 'Changes', isNumeric: true, width: 90, cell: ({ lines }) => formatCount(lines) },
  { id: 'written', title: 'Written', isNumeric: true, width: 120, cell: (approval) => moneyOf(approval, 'written') },
  { id: 'open', title: 'Not done yet', isNumeric: true, width: 120, cell: (approval) => moneyOf(approval, 'open') },
];

interface Props {
  approvals: readonly Approval[];
  /** Whether there are several PSAs, so that each approval says to which one it writes. */
  hasSeveralPsas: boolean;
  onOpen: (approval: Approval) => void;
}

/** A row for each approval: who gave it and when, how it stands, and what the next invoices change by. */
export function ApprovalsTable({ approvals, hasSeveralPsas, onOpen }: Props) {
  const columns = columnsOf(usePsaConnectionName());
  return (
    <Table
      label="Approvals"
      columns={columns.filter(({ id }) => id !== 'psa' || hasSeveralPsas)}
      rows={approvals}
      onOpen={onOpen}
      nameOf={(approval) => `${approval.requestedByName}, ${new Date(approval.createdAt).toLocaleString()}`}
    />
  );
}
