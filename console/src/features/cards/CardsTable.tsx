import { formatCount, formatDifference } from '../../ui/format.ts';
import { StatusWord, type Tone } from '../../ui/StatusWord.tsx';
import { Table, type TableColumn } from '../../ui/Table.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import type { Card } from './queries.ts';

const kinds: Record<Card['kind'], { tone: Tone; word: string }> = {
  new_revenue: { tone: 'care', word: 'New revenue' },
  reconcile: { tone: 'care', word: 'Differs' },
  no_change: { tone: 'good', word: 'Agrees' },
  only_credits: { tone: 'quiet', word: 'Only credits' },
};

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

const columnsOf = (words: PsaWords): readonly TableColumn<Card>[] => [
  { id: 'account', title: capital(words.account.one), cell: (card) => card.psaAccountName },
  { id: 'product', title: capital(words.productId), width: 200, cell: (card) => card.productId ?? card.productName },
  { id: 'used', title: 'Used', isNumeric: true, width: 90, cell: (card) => numberOf(card.usage) },
  { id: 'billed', title: 'Billed', isNumeric: true, width: 90, cell: (card) => numberOf(card.current) },
  { id: 'difference', title: 'Difference', isNumeric: true, width: 110, cell: (card) => differenceOf(card) },
  {
    id: 'kind',
    title: 'State',
    width: 150,
    cell: ({ kind }) => <StatusWord tone={kinds[kind].tone}>{kinds[kind].word}</StatusWord>,
  },
  { id: 'note', title: 'Note', cell: (card) => <Note card={card} /> },
];

export function CardsTable({ cards, words }: { cards: readonly Card[]; words: PsaWords }) {
  return (
    <Table
      label="Cards"
      columns={columnsOf(words)}
      rows={cards}
      nameOf={(card) => `${card.psaAccountName}, ${card.productId ?? card.productName ?? ''}`}
    />
  );
}

/** Never reported is no zero. */
const numberOf = (value: number | null) => (value === null ? '—' : formatCount(value));

const differenceOf = ({ difference }: Card) => (difference === null ? '—' : formatDifference(difference));

function Note({ card }: { card: Card }) {
  const words = [...(card.dismissed ? ['Dismissed'] : []), ...card.flags.map((flag) => flag.words)].join(' · ');
  return <span title={words}>{words}</span>;
}
