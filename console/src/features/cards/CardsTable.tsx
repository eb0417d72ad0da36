import { Button } from '../../ui/Button.tsx';
import { Checkbox } from '../../ui/Checkbox.tsx';
import {
  formatDay,
  formatDaysIn,
  formatDifference,
  formatMany,
  formatMoney,
  formatMoneyChange,
} from '../../ui/format.ts';
import { Soft } from '../../ui/Section.tsx';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { Table, type GroupSums, type TableColumn } from '../../ui/Table.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import { calledOf, capital } from '../mappings/words.ts';
import styles from './cards.module.css';
import type { Card, CardGroup } from './queries.ts';
import { cardSorts, type CardSearch, type CardSort } from './search.ts';
import { groupOf, nameOfCard, numberOf, productOf, stateOfCard } from './words.ts';

interface Props {
  cards: readonly Card[];
  words: PsaWords;
  /** Absent = nothing is chosen here, because this person may change nothing. */
  chosen?: { ids: ReadonlySet<string>; choose: (card: Card, isChosen: boolean) => void } | undefined;
  onOpen: (card: Card) => void;
  sort: CardSort;
  onSort: (sort: CardSort) => void;
  group: CardSearch['group'];
  /** What the cards of a group come to, by its name. */
  sums: ReadonlyMap<string, CardGroup>;
}

/** A row for each card: what is used beside what is billed, and what that comes to. */
export function CardsTable({ cards, words, chosen, onOpen, sort, onSort, group, sums }: Props) {
  const choose: TableColumn<Card> = {
    id: 'choose',
    title: 'Select',
    width: 64,
    cell: (card) => (
      <span className={styles['choose']}>
        <Checkbox isChecked={chosen?.ids.has(card.id) ?? false} onChange={(is) => chosen?.choose(card, is)}>
          <span className={styles['hidden']}>{`Select ${nameOfCard(card)}`}</span>
        </Checkbox>
      </span>
    ),
  };
  const columns: readonly TableColumn<Card>[] = [
    ...(chosen ? [choose] : []),
    {
      id: 'account',
      title: capital(words.account.one),
      isName: true,
      sorts: 'ascending',
      cell: (card) => (
        <span className={styles['open']}>
          <Button look="quiet" onPress={() => onOpen(card)} aria-label={`Explain ${nameOfCard(card)}`}>
            <span
              className={styles['name']}
              title={calledOf({ name: card.psaAccountName, apart: card.psaAccountApart })}
            >
              {calledOf({ name: card.psaAccountName, apart: card.psaAccountApart })}
            </span>
          </Button>
        </span>
      ),
    },
    { id: 'product', title: capital(words.productId), sorts: 'ascending', width: 170, cell: productOf },
    { id: 'billed', title: 'Billed', isNumeric: true, width: 80, cell: (card) => numberOf(card.current) },
    { id: 'used', title: 'Used', isNumeric: true, width: 80, cell: (card) => numberOf(card.usage) },
    {
      id: 'difference',
      title: 'Difference',
      isNumeric: true,
      sorts: 'descending',
      width: 110,
      cell: differenceOf,
    },
    {
      id: 'price',
      title: 'Unit price',
      isNumeric: true,
      width: 100,
      cell: ({ unitPrice }) => (unitPrice === null ? '—' : formatMoney(unitPrice.amount, unitPrice.currency)),
    },
    {
      id: 'money',
      title: 'Money',
      isNumeric: true,
      sorts: 'descending',
      width: 110,
      cell: ({ worth }) => (worth === null ? '—' : formatMoneyChange(worth.amount, worth.currency)),
    },
    {
      id: 'state',
      title: 'State',
      width: 165,
      cell: (card) => {
        const { tone, word } = stateOfCard(card);
        return (
          <>
            <span title={card.dismissal?.reason ?? formatDaysIn(card.flags.map((flag) => flag.words).join(' '))}>
              <StatusWord tone={tone}>{word}</StatusWord>
            </span>
            {card.rule && <RuleNote rule={card.rule} />}
          </>
        );
      },
    },
  ];
  return (
    <Table
      label="Cards"
      columns={columns}
      rows={cards}
      nameOf={nameOfCard}
      sorted={{
        by: group ?? sort,
        onSort: (column) => {
          const found = cardSorts.find((each) => each === column);
          if (found) onSort(found);
        },
      }}
      groupOf={group && groupOf[group]}
      sumsOf={(name) => sumsOf(sums.get(name))}
    />
  );
}

/** What a rule does to the card, so that its numbers are not taken for what is used alone. */
function RuleNote({ rule: { words, reason, expires } }: { rule: NonNullable<Card['rule']> }) {
  return (
    <div title={expires === undefined ? reason : `${reason}, until ${formatDay(expires)}`}>
      <Soft>Rule: {words}</Soft>
    </div>
  );
}

/** All of the cards, whether they are shown yet or not; money of each currency by itself. */
function sumsOf(sums: CardGroup | undefined): GroupSums | undefined {
  if (!sums) return undefined;
  return {
    note: formatMany(sums.cards, 'card', 'cards'),
    cells: {
      difference: differenceOf(sums),
      money: sums.money.map(({ currency, amount }) => <div key={currency}>{formatMoneyChange(amount, currency)}</div>),
    },
  };
}

const differenceOf = ({ difference }: Pick<Card, 'difference'>) =>
  difference === null ? '—' : formatDifference(difference);
