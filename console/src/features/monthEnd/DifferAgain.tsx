import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Button } from '../../ui/Button.tsx';
import { formatDifference, formatMany } from '../../ui/format.ts';
import { Loaded } from '../../ui/Loaded.tsx';
import { Section, Soft } from '../../ui/Section.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { Table, type TableColumn } from '../../ui/Table.tsx';
import type { Days } from './period.ts';
import { linesQuery, type MonthEndLine } from './queries.ts';

const columns: readonly TableColumn<MonthEndLine>[] = [
  { id: 'name', title: 'Customer', cell: (line) => line.psaAccountName },
  {
    id: 'product',
    title: 'Product',
    cell: (line) => (
      <Link to="/reconcile" search={{ card: line.cardId }}>
        {line.productId ?? line.productName ?? line.psaProductId}
      </Link>
    ),
  },
  {
    id: 'differs',
    title: 'Differs by',
    isNumeric: true,
    width: 120,
    cell: ({ differsBy }) => formatDifference(differsBy ?? 0),
  },
];

/** The approved cards that have work again: undone, come to nothing, or changed since. Each leads to its explanation. */
export function DifferAgain({ days, cards }: { days: Days; cards: number }) {
  const query = useInfiniteQuery(linesQuery(days, { differsAgain: 'true' }));
  return (
    <Section title="Approved, and different again now">
      <Soft>
        {formatMany(cards, 'approved card is', 'approved cards are')} open on Reconcile again: undone, come to nothing,
        or changed since. Above they stand where their approval stands.
      </Soft>
      <Loaded
        query={query}
        what="What differs again"
        loading={<Skeleton label="Reading what differs again …" rows={4} />}
      >
        {({ pages }) => (
          <>
            <Table
              label="Approved, and different again"
              columns={columns}
              rows={[...new Map(pages.flatMap(({ items }) => items).map((line) => [line.cardId, line])).values()]}
              nameOf={(line) => `${line.psaAccountName}, ${line.productId ?? line.psaProductId}`}
            />
            {query.hasNextPage && <Button onPress={() => void query.fetchNextPage()}>More</Button>}
          </>
        )}
      </Loaded>
    </Section>
  );
}
