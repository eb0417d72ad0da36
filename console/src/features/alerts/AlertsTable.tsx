import { StatusWord } from '../../ui/StatusWord.tsx';
import { Table, type TableColumn } from '../../ui/Table.tsx';
import { When } from '../../ui/When.tsx';
import { capital } from '../mappings/words.ts';
import type { Alert } from './queries.ts';
import { customerOf, priorityOf, stateWords } from './words.ts';

interface Props {
  alerts: readonly Alert[];
  /** What the PSA calls a ticket. */
  ticket: string;
  onOpen: (alert: Alert) => void;
}

const columnsOf = (ticket: string): readonly TableColumn<Alert>[] => [
  { id: 'title', title: 'Alert', cell: ({ title }) => title },
  { id: 'account', title: 'Customer', cell: customerOf },
  {
    id: 'state',
    title: 'State',
    width: 170,
    cell: ({ state }) => <StatusWord tone={stateWords[state].tone}>{stateWords[state].word}</StatusWord>,
  },
  { id: 'ticket', title: capital(ticket), width: 110, isNumeric: true, cell: ({ ticketId }) => ticketId ?? '—' },
  { id: 'priority', title: 'Priority', width: 100, cell: ({ priority }) => priorityOf(priority) },
  { id: 'came', title: 'First came', width: 140, cell: ({ firstReceivedAt }) => <When at={firstReceivedAt} /> },
];

/** Alerts as rows; a row opens its details. */
export function AlertsTable({ alerts, ticket, onOpen }: Props) {
  return (
    <Table
      label="Alerts"
      columns={columnsOf(ticket)}
      rows={alerts}
      nameOf={(alert) => `${alert.title}, ${customerOf(alert)}, ${stateWords[alert.state].word}`}
      onOpen={onOpen}
    />
  );
}
