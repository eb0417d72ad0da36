import { formatCount, formatDuration } from '../../ui/format.ts';
import { StatusWord, type Tone } from '../../ui/StatusWord.tsx';
import { Table, type TableColumn } from '../../ui/Table.tsx';
import { When } from '../../ui/When.tsx';
import type { Integration } from '../integrations/state.ts';
import type { Run } from './queries.ts';

export const runStates: Record<Run['state'], { tone: Tone; word: string }> = {
  running: { tone: 'busy', word: 'At work' },
  applied: { tone: 'good', word: 'Applied' },
  held: { tone: 'held', word: 'Held' },
  discarded: { tone: 'quiet', word: 'Discarded' },
  superseded: { tone: 'quiet', word: 'Superseded' },
};

const blocked = { tone: 'bad', word: 'Blocked' } as const;

interface Props {
  runs: readonly Run[];
  /** What is sent is counted only of a vendor that sends. */
  intake: Integration['intake'];
  /** Whether the run under way has come to a stop: a run itself only says that it is not over. */
  isBlocked: boolean;
  label: string;
  onOpen: (run: Run) => void;
}

const columnsOf = ({ runs, intake, isBlocked }: Props): readonly TableColumn<Run>[] => [
  { id: 'started', title: 'Started', width: 140, cell: (run) => <When at={run.startedAt} /> },
  {
    id: 'state',
    title: 'State',
    width: 140,
    cell: (run) => {
      // A customer's run of its own goes its own way.
      const { tone, word } =
        isBlocked && run.state === 'running' && run.vendorAccountId === null ? blocked : runStates[run.state];
      return <StatusWord tone={tone}>{word}</StatusWord>;
    },
  },
  { id: 'took', title: 'Took', isNumeric: true, width: 100, cell: tookOf },
  // Where the vendor sends its counts, no list of its customers is read.
  ...(runs.some(({ figures }) => figures?.['accounts'] !== undefined)
    ? [{ id: 'accounts', title: 'Customers', isNumeric: true, width: 120, cell: (run: Run) => figure(run, 'accounts') }]
    : []),
  { id: 'counts', title: 'Counts in', isNumeric: true, width: 100, cell: (run) => figure(run, 'counts') },
  { id: 'changed', title: 'Changed', isNumeric: true, width: 100, cell: (run) => figure(run, 'changedCounts') },
  ...(intake === 'push'
    ? [{ id: 'posted', title: 'Counts sent', isNumeric: true, width: 120, cell: (run: Run) => figure(run, 'posted') }]
    : []),
  ...(runs.some((run) => noteOf(run) !== '') ? [{ id: 'note', title: 'Note', cell: noteOf }] : []),
];

export function RunsTable(props: Props) {
  const { runs, label, onOpen } = props;
  return (
    <Table
      label={label}
      columns={columnsOf(props)}
      rows={runs}
      onOpen={onOpen}
      nameOf={(run) => `${runStates[run.state].word}, ${new Date(run.startedAt).toLocaleString()}`}
    />
  );
}

export function tookOf(run: Run): string {
  if (run.finishedAt === null) return '—';
  return formatDuration(Date.parse(run.finishedAt) - Date.parse(run.startedAt));
}

function figure(run: Run, name: string): string {
  const value = run.figures?.[name];
  return value === undefined ? '—' : formatCount(value);
}

function noteOf(run: Run): string {
  const notes = [
    run.state === 'held' ? 'It moved the whole too far: a person releases or discards it' : undefined,
    run.vendorAccountId === null ? undefined : 'One new customer',
    run.incomplete === null ? undefined : `Incomplete lists taken knowingly by ${run.incomplete.byName}`,
    (run.figures?.['goneAccounts'] ?? 0) > 0 ? `${figure(run, 'goneAccounts')} customers gone` : undefined,
  ];
  return notes.filter((note) => note !== undefined).join(' · ');
}
