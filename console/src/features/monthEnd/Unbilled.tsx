import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Button } from '../../ui/Button.tsx';
import { formatCount, formatMany } from '../../ui/format.ts';
import { DownloadButton } from '../../ui/LinkButton.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Actions, Section, Soft } from '../../ui/Section.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { Table, type TableColumn } from '../../ui/Table.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import { useIntegrationTitle } from '../integrations/names.ts';
import { unbilledQuery, type MonthEndSums, type Unbilled } from './queries.ts';

type Why = Unbilled['why'];

const reasons: Record<Why, { word: string; one: string; many: string }> = {
  unmapped: { word: 'Not mapped', one: 'customer not mapped', many: 'customers not mapped' },
  excluded: { word: 'Excluded', one: 'excluded customer', many: 'excluded customers' },
  unmapped_service: { word: 'Service not mapped', one: 'service not mapped', many: 'services not mapped' },
};

/** What is used and not billed because no card, or no line of the PSA, is there for it. It has no money, and is in no sum. */
export function UnbilledUsage({ sums: { unbilled, withoutLine }, words }: { sums: MonthEndSums; words: PsaWords }) {
  if (unbilled.length === 0 && withoutLine.cards === 0) return null;
  return (
    <Section title="Used, and not billed">
      <Soft>None of this has money, so it is in no sum above. It is what is used now, whatever the period.</Soft>
      {withoutLine.cards > 0 && (
        <p>
          <Link to="/reconcile" search={{ kind: 'new_revenue' }}>
            {formatMany(withoutLine.cards, 'card', 'cards')} with usage on no {words.line.one}
          </Link>
          : {formatMany(withoutLine.seats, 'seat', 'seats')}. They are counted above among those that nobody has
          approved; their money is known once the {words.line.one} is there.
        </p>
      )}
      {unbilled.length > 0 && <List unbilled={unbilled} />}
    </Section>
  );
}

function List({ unbilled }: Pick<MonthEndSums, 'unbilled'>) {
  const query = useInfiniteQuery(unbilledQuery);
  const integrationTitle = useIntegrationTitle();
  const columns: readonly TableColumn<Unbilled>[] = [
    { id: 'name', title: 'Customer or service', cell: (row) => row.name },
    { id: 'vendor', title: 'Vendor', width: 200, cell: (row) => integrationTitle(row.integrationId) ?? row.vendor },
    { id: 'why', title: 'Why', width: 170, cell: (row) => <Why row={row} /> },
    { id: 'seats', title: 'Seats', isNumeric: true, width: 100, cell: (row) => formatCount(row.seats) },
  ];
  const said = unbilled.map(({ why, count, seats }) => {
    const { one, many } = reasons[why];
    return `${formatMany(count, one, many)} with ${formatMany(seats, 'seat', 'seats')}`;
  });
  return (
    <>
      <p>On no card at all: {said.join(', ')}.</p>
      <Loaded query={query} what="What is not billed" loading={<Skeleton label="Reading what is used …" rows={4} />}>
        {({ pages }) => (
          <>
            <Table
              label="Used, and on no card"
              columns={columns}
              rows={pages
                .flatMap(({ items }) => items)
                .map((row) => ({ ...row, id: `${row.why} ${row.integrationId} ${row.id}` }))}
              nameOf={(row) => row.name}
            />
            <Actions>
              <DownloadButton path="/v1/month-end/unbilled.csv">Used, and on no card, as CSV</DownloadButton>
              {query.hasNextPage && <Button onPress={() => void query.fetchNextPage()}>More</Button>}
            </Actions>
          </>
        )}
      </Loaded>
    </>
  );
}

/** Why, as a link to where it is changed. */
function Why({ row: { why, integrationId } }: { row: Unbilled }) {
  return (
    <Link
      to={why === 'unmapped_service' ? '/integrations/$id/services' : '/integrations/$id/accounts'}
      params={{ id: integrationId }}
    >
      {reasons[why].word}
    </Link>
  );
}
