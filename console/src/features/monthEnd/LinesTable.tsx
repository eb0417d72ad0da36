import { Link } from '@tanstack/react-router';
import { formatCount, formatDaysIn, formatDifference, formatMoneyChange } from '../../ui/format.ts';
import { StatusWord, type Tone } from '../../ui/StatusWord.tsx';
import { Table, type TableColumn } from '../../ui/Table.tsx';
import { When } from '../../ui/When.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import type { MonthEndLine } from './queries.ts';

type Outcome = NonNullable<MonthEndLine['outcome']>;
type Word = { tone: Tone; word: string };

const outcomes: Record<Outcome, Word> = {
  written: { tone: 'good', word: 'Written' },
  already: { tone: 'good', word: 'Already so' },
  by_hand: { tone: 'good', word: 'Done by hand' },
  undone: { tone: 'quiet', word: 'Undone' },
  under_way: { tone: 'busy', word: 'Under way' },
  uncertain: { tone: 'care', word: 'Not known yet' },
  todo: { tone: 'waiting', word: 'To do' },
  conflict: { tone: 'bad', word: 'Conflict' },
  rejected: { tone: 'bad', word: 'Refused' },
  withdrawn: { tone: 'quiet', word: 'Withdrawn' },
  replaced: { tone: 'quiet', word: 'Replaced' },
};

const parts: Record<Exclude<MonthEndLine['part'], 'approved'>, Word> = {
  skipped: { tone: 'care', word: 'Left out' },
  dismissed: { tone: 'quiet', word: 'Dismissed' },
  untouched: { tone: 'waiting', word: 'Undecided' },
};

function wordOf({ part, outcome, undoOf }: MonthEndLine): Word {
  if (part !== 'approved') return parts[part];
  if (outcome === null) return outcomes.under_way;
  const { tone, word } = outcomes[outcome];
  return { tone, word: undoOf === null ? word : `Undo: ${word.toLowerCase()}` };
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const numberOf = (value: number | null) => (value === null ? '—' : formatCount(value));

const columnsOf = (words: PsaWords): readonly TableColumn<MonthEndLine>[] => [
  {
    id: 'product',
    title: capital(words.productId),
    width: 180,
    cell: (line) => (
      <Link to="/reconcile" search={{ card: line.cardId }}>
        {line.productId ?? line.productName ?? line.psaProductId}
      </Link>
    ),
  },
  { id: 'from', title: 'Old', isNumeric: true, width: 80, cell: (line) => numberOf(line.from) },
  { id: 'to', title: 'New', isNumeric: true, width: 80, cell: (line) => numberOf(line.to) },
  { id: 'money', title: 'Money', isNumeric: true, width: 130, cell: moneyOf },
  {
    id: 'outcome',
    title: 'What became of it',
    width: 160,
    cell: (line) => <StatusWord tone={wordOf(line).tone}>{wordOf(line).word}</StatusWord>,
  },
  { id: 'by', title: 'By', width: 150, cell: (line) => line.byName ?? '—' },
  { id: 'at', title: 'When', width: 130, cell: (line) => (line.at === null ? '—' : <When at={line.at} />) },
  { id: 'note', title: 'In words', wraps: true, cell: (line) => <Note line={line} /> },
];

export function LinesTable({ lines, words, name }: { lines: readonly MonthEndLine[]; words: PsaWords; name: string }) {
  return (
    <Table
      label={`Lines of ${name}`}
      columns={columnsOf(words)}
      rows={lines}
      nameOf={(line) => `${line.productId ?? line.psaProductId}, ${wordOf(line).word}`}
    />
  );
}

function moneyOf({ amount, currency, notBilled }: MonthEndLine): string {
  if (notBilled) return 'Not billed';
  return amount === null ? '—' : formatMoneyChange(amount, currency);
}

function Note({ line: { words, differsBy } }: { line: MonthEndLine }) {
  const again = differsBy === null ? '' : ` It differs again by ${formatDifference(differsBy)}.`;
  return formatDaysIn(words + again);
}
