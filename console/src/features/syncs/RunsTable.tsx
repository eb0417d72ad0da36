import { formatCount, formatDuration } from '../../ui/format.ts';
import { StatusWord, type Tone } from '../../ui/StatusWord.tsx';
import { Table, type TableColumn } from '../../ui/Table.tsx';
import { When } from '../../ui/When.tsx';
import type { Run } from './queries.ts';

const states: Record<Run['state'], { tone: Tone; word: string }> = {
  running: { tone: 'busy', word: 'At work' },
  applied: { tone: 'good', word: 'Applied' },
  held: { tone: 'held', word: 'Held' },
  discarded: { tone: 'quiet', word: 'Discarded' },
  superseded: { tone: 'quiet', word: 'Superseded' },
};

const columns: readonly TableColumn<Run>[] = [
  { id: 'started', title: 'Started', cell: (run) => <When at={run.startedAt} /> },
  {
    id: 'state',
    title: 'State',
    cell: (run) => <StatusWord tone={states[run.state].tone}>{states[run.state].word}</StatusWord>,
  },
  { id: 'took', title: 'Took', isNumeric: true, cell: tookOf },
  { id: 'accounts', title: 'Customers read', isNumeric: true, cell: (run) => figure(run, 'accounts') },
  { id: 'posted', title: 'Counts sent', isNumeric: true, cell: (run) => figure(run, 'posted') },
  { id: 'note', title: 'Note', cell: noteOf },
];

export function RunsTable({ runs, label }: { runs: readonly Run[]; label: string }) {
  return (
    <Table
      label={label}
      columns={columns}
      rows={runs}
      nameOf={(run) => `${states[run.state].word}, ${new Date(run.startedAt).toLocaleString()}`}
    />
  );
}

function tookOf(run: Run): string {
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
    run.incomplete === null ? undefined : `Incomplete lists taken knowingly by ${run.incomplete.by}`,
    (run.figures?.['goneAccounts'] ?? 0) > 0 ? `${figure(run, 'goneAccounts')} customers gone` : undefined,
  ];
  return notes.filter((note) => note !== undefined).join(' · ');
}
