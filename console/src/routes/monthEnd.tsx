import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { usePsaWords } from '../features/catalogue/queries.ts';
import { CustomersTable } from '../features/monthEnd/CustomersTable.tsx';
import { DifferAgain } from '../features/monthEnd/DifferAgain.tsx';
import { LinesTable } from '../features/monthEnd/LinesTable.tsx';
import { daysOf, type Days } from '../features/monthEnd/period.ts';
import { PeriodPicker, wordsOf } from '../features/monthEnd/PeriodPicker.tsx';
import { customersQuery, linesQuery, monthEndQuery, type MonthEndSums } from '../features/monthEnd/queries.ts';
import { SumsTable } from '../features/monthEnd/SumsTable.tsx';
import { UnbilledUsage } from '../features/monthEnd/Unbilled.tsx';
import { psaConnectionsQuery } from '../features/psaConnections/queries.ts';
import { Button } from '../ui/Button.tsx';
import { timeZone, WrongDays } from '../ui/DayField.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { formatCount, formatMany, formatMoneyChange } from '../ui/format.ts';
import { DownloadButton, LinkButton } from '../ui/LinkButton.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Page } from '../ui/Page.tsx';
import { Section, Soft } from '../ui/Section.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';
import styles from './monthEnd.module.css';

/** The month-end sheet: its sums and customers, or the lines of one customer. */
export function MonthEnd() {
  const { connection, account, ...given } = useSearch({ from: '/shell/month-end' });
  const days = daysOf(given);
  const navigate = useNavigate();
  const [isWrong, setWrong] = useState(false);
  return (
    <Page
      title="Month end"
      lead={`What was approved, what was left out and why, and what nobody decided. Days are those of ${timeZone.replaceAll('_', ' ')}.`}
      actions={
        <>
          <PeriodPicker
            days={days}
            onWrong={setWrong}
            onChoose={(chosen) => void navigate({ to: '/month-end', search: (search) => ({ ...search, ...chosen }) })}
          />
          {!isWrong && (
            <DownloadButton
              path="/v1/month-end/lines.csv"
              query={{ ...days, timeZone, psaConnectionId: connection, psaAccountId: account }}
            >
              Download CSV
            </DownloadButton>
          )}
          {!isWrong && account === undefined && (
            <DownloadButton path="/v1/month-end/customers.csv" query={{ ...days, timeZone }}>
              Customers as CSV
            </DownloadButton>
          )}
        </>
      }
    >
      {isWrong ? (
        <WrongDays />
      ) : connection !== undefined && account !== undefined ? (
        <Customer key={`${connection} ${account}`} days={days} psaConnectionId={connection} psaAccountId={account} />
      ) : (
        <Whole days={days} />
      )}
    </Page>
  );
}

function Whole({ days }: { days: Days }) {
  const query = useQuery(monthEndQuery(days));
  return (
    <Loaded query={query} what="The month-end sheet" loading={<Skeleton label="Adding up …" rows={8} />}>
      {(sums) =>
        sums.lines === 0 ? (
          <>
            <EmptyState
              title={`Nothing in ${wordsOf(days)}`}
              action={<LinkButton to="/reconcile">Go to Reconcile</LinkButton>}
            >
              No card differs, and nothing was approved or left out in these days.
            </EmptyState>
            <Outside sums={sums} />
          </>
        ) : (
          <>
            <Section title={wordsOf(days)} aside={formatMany(sums.customers, 'customer', 'customers')}>
              <ForTheAccountant sums={sums} />
              <SumsTable sums={sums} />
              <Explanation sums={sums} />
            </Section>
            <Customers days={days} sums={sums} />
            {sums.cards.differAgain > 0 && <DifferAgain days={days} cards={sums.cards.differAgain} />}
            <Outside sums={sums} />
          </>
        )
      }
    </Loaded>
  );
}

/** The one number that changes invoices, and what it is. */
function ForTheAccountant({ sums: { money, cards } }: { sums: MonthEndSums }) {
  const isOpen = cards.open > 0;
  return (
    <div className={styles['accountant']}>
      <p className={styles['number']}>
        For the accountant{' '}
        <strong>
          {money.length === 0
            ? formatCount(0)
            : money.map(({ currency, billed }) => formatMoneyChange(billed, currency)).join(' · ')}
        </strong>
      </p>
      <Soft>
        By so much the next invoices change through what was approved in these days and the PSA holds now: the line
        “Approved, and billed from now on”, net of what was undone. Nothing below that line is billed.
        {isOpen && ' It is not final while something is not done yet.'}
      </Soft>
    </div>
  );
}

/** What is used and in no sum, in the words of a PSA. */
function Outside({ sums }: { sums: MonthEndSums }) {
  const [connection] = useQuery(psaConnectionsQuery).data?.items ?? [];
  return <UnbilledUsage sums={sums} words={usePsaWords(connection?.id)} />;
}

function Explanation({ sums: { cards, money } }: { sums: MonthEndSums }) {
  return (
    <>
      <Soft>
        Every card with a difference stands in one of these lines. Money is what the next invoices change by, line by
        line, or would change by where nothing was written.
        {cards.unpriced > 0 &&
          ` ${formatMany(cards.unpriced, 'card has', 'cards have')} no price: counted here, and in no sum of money.`}
        {money.length > 1 && ' Currencies are never added up.'}
      </Soft>
      {cards.openEarlier > 0 && (
        <Soft>
          {formatMany(cards.openEarlier, 'card that is', 'cards that are')} not done yet{' '}
          {cards.openEarlier === 1 ? 'was' : 'were'} approved before these days.
        </Soft>
      )}
    </>
  );
}

function Customers({ days, sums }: { days: Days; sums: MonthEndSums }) {
  const query = useInfiniteQuery(customersQuery(days));
  const navigate = useNavigate();
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const words = usePsaWords(items[0]?.psaConnectionId);
  return (
    <Loaded query={query} what="The customers" loading={<Skeleton label="Reading the customers …" rows={8} />}>
      {() => (
        <>
          <CustomersTable
            customers={items}
            sums={sums}
            words={words}
            onOpen={({ psaConnectionId, psaAccountId }) =>
              void navigate({
                to: '/month-end',
                search: { ...days, connection: psaConnectionId, account: psaAccountId },
              })
            }
          />
          {query.hasNextPage && (
            <Button onPress={() => void query.fetchNextPage()} isDisabled={query.isFetchingNextPage}>
              {query.isFetchingNextPage ? 'Reading more …' : `More ${words.account.many}`}
            </Button>
          )}
        </>
      )}
    </Loaded>
  );
}

interface CustomerProps {
  days: Days;
  psaConnectionId: string;
  psaAccountId: string;
}

function Customer({ days, psaConnectionId, psaAccountId }: CustomerProps) {
  const query = useInfiniteQuery(linesQuery(days, { psaConnectionId, psaAccountId }));
  const sums = useQuery(monthEndQuery(days, { psaConnectionId, psaAccountId })).data;
  const words = usePsaWords(psaConnectionId);
  const lines = query.data?.pages.flatMap((page) => page.items) ?? [];
  const name = lines[0]?.psaAccountName ?? psaAccountId;
  return (
    <Loaded query={query} what="The lines" loading={<Skeleton label="Reading the lines …" rows={6} />}>
      {() => (
        <Section
          title={lines.length === 0 ? wordsOf(days) : `${name}, ${wordsOf(days)}`}
          aside={
            <LinkButton to="/month-end" search={days}>
              {`All ${words.account.many}`}
            </LinkButton>
          }
        >
          {lines.length === 0 ? (
            <Soft>This customer has nothing in these days.</Soft>
          ) : (
            <>
              {sums && <SumsTable sums={sums} />}
              <LinesTable lines={lines} words={words} name={name} />
            </>
          )}
          {query.hasNextPage && (
            <Button onPress={() => void query.fetchNextPage()} isDisabled={query.isFetchingNextPage}>
              {query.isFetchingNextPage ? 'Reading more …' : 'More lines'}
            </Button>
          )}
        </Section>
      )}
    </Loaded>
  );
}
