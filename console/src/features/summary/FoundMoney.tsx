import { Link } from '@tanstack/react-router';
import { terms } from '../../terms.ts';
import { Banner } from '../../ui/Banner.tsx';
import { formatCount, formatMany, formatMoney, formatMoneyChange } from '../../ui/format.ts';
import { Section } from '../../ui/Section.tsx';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { When } from '../../ui/When.tsx';
import { useVendorName, type PsaWords } from '../catalogue/queries.ts';
import styles from '../cards/cards.module.css';
import type { CardSearch } from '../cards/search.ts';
import { useIntegrationName } from '../integrations/names.ts';
import type { Summary } from './queries.ts';

type Found = Summary['found'][number];

/** What approving would bring, apart from what needs a person first; what no card shows; and how old all of it is. */
export function FoundMoney({ summary, words }: { summary: Summary; words: PsaWords }) {
  const of = (kind: Found['kind']) => summary.found.filter((each) => each.kind === kind);
  const { none, ended } = summary.customersWithoutLine;
  const confirmed = of('confirmed');
  const integrationName = useIntegrationName();
  return (
    <Section title="Found money" aside={<Age summary={summary} />}>
      {confirmed.map((each) => (
        <Confirmed key={each.currency} found={each} />
      ))}
      <p>{readyInWords(summary)}</p>
      <ul className={styles['money']}>
        <Apart title={terms.needsCheck} found={of('check')} search={{ found: 'check' }} />
        <Apart
          title="Not billed, by a rule or by the line itself"
          found={of('not_billed')}
          search={{ found: 'not_billed' }}
        />
        <Apart
          title="On agreements that are not billed monthly, for their period"
          found={of('annual')}
          search={{ found: 'annual' }}
        />
        <Apart title="Approved, and on the to-do list" found={of('todo')} search={{ show: 'todo' }} />
        <Apart title="Approved, and being written" found={of('writing')} search={{ show: 'writing' }} />
        {none > 0 && (
          <li>
            <Link to="/reconcile" search={{ found: 'no_line' }}>
              {formatMany(none, 'customer', 'customers')} with usage on no {words.line.one}
            </Link>
          </li>
        )}
        {ended > 0 && (
          <li>
            <Link to="/reconcile" search={{ found: 'expired' }}>
              {formatMany(ended, 'customer uses', 'customers use')} what an ended {words.line.one} or{' '}
              {words.agreement.one} billed
            </Link>
            {worthOf(of('expired'))}
          </li>
        )}
        {of('only_credits').map(({ cards }) => (
          <li key="credits">
            <Link to="/reconcile" search={{ kind: 'only_credits' }}>
              {formatMany(cards, 'card', 'cards')} with only credits
            </Link>
            : the PSA gives money back and bills no seat
          </li>
        ))}
        {summary.unmapped.map((unmapped) => (
          <Unmapped
            key={unmapped.integrationId}
            unmapped={unmapped}
            of={summary.data.length > 1 ? integrationName(unmapped.integrationId) : undefined}
          />
        ))}
      </ul>
    </Section>
  );
}

/** Whether any vendor's counts have come yet: without them nothing is known, which is another thing than nothing to do. */
export const isCounted = ({ data }: Pick<Summary, 'data'>) => data.some(({ dataAsOf }) => dataAsOf !== null);

/** How the cards that are ready are those of the sums. */
function readyInWords(summary: Summary): string {
  const sum = (of: readonly Found[], count: (found: Found) => number) =>
    of.reduce((total, found) => total + count(found), 0);
  const kind = (name: Found['kind']) => summary.found.filter((each) => each.kind === name);
  const confirmed = kind('confirmed');
  const [under, over] = [sum(confirmed, (each) => each.under.cards), sum(confirmed, (each) => each.over.cards)];
  const ready = sum(summary.found, (each) => each.ready);
  if (!isCounted(summary))
    return 'Nothing has been counted yet: the first sync brings the counts, and until then nobody knows what is used.';
  if (ready === 0) return 'Nothing can be approved now: what is billed is what is used, or a person has to look first.';
  const parts = [
    [under, 'billed too little'],
    [over, 'billed too much'],
    [sum(confirmed, ({ cards }) => cards) - under - over, 'that change no invoice yet'],
    [sum(kind('annual'), (each) => each.ready), 'on agreements that are not billed monthly'],
    [sum(kind('not_billed'), (each) => each.ready), 'on lines that are not billed'],
  ] as const;
  const said = parts.filter(([cards]) => cards > 0).map(([cards, what]) => `${formatCount(cards)} ${what}`);
  return `${formatMany(ready, 'card is', 'cards are')} ready to be approved: ${said.join(', ')}.`;
}

function Confirmed({ found: { currency, under, over } }: { found: Found }) {
  const sides = [
    { title: 'Underbilled', ...under },
    { title: 'Overbilled', ...over },
  ];
  return (
    <div className={styles['sums']}>
      {sides
        .filter(({ cards }) => cards > 0)
        .map(({ title, amount, cards }) => (
          <p key={title} className={styles['sum']}>
            {title} <strong>{formatMoney(amount, currency)}</strong> a month on {formatMany(cards, 'card', 'cards')}
          </p>
        ))}
      {under.cards > 0 && over.cards > 0 && (
        <p className={styles['sum']}>
          Net <strong>{formatMoneyChange(under.amount - over.amount, currency)}</strong> a month: underbilled less
          overbilled, by which the next invoices change if all of it is approved
        </p>
      )}
    </div>
  );
}

/** Money that is not confirmed, each currency for itself. @param of.search leads to its cards */
function Apart({ title, found, search }: { title: string; found: readonly Found[]; search: CardSearch }) {
  if (found.length === 0) return null;
  const cards = found.reduce((sum, each) => sum + each.cards, 0);
  return (
    <li>
      {title}:{' '}
      <Link to="/reconcile" search={search}>
        {formatMany(cards, 'card', 'cards')}
      </Link>
      {worthOf(found)}
    </li>
  );
}

function worthOf(found: readonly Found[]): string {
  const parts = found.flatMap(({ currency, under, over }) => [
    ...(under.cards > 0 ? [`${formatMoney(under.amount, currency)} too little`] : []),
    ...(over.cards > 0 ? [`${formatMoney(over.amount, currency)} too much`] : []),
  ]);
  const open = found.reduce((sum, { unpriced }) => sum + unpriced, 0);
  const rest = open > 0 ? [`of ${formatCount(open)} the money is not known`] : [];
  return [...parts, ...rest].length === 0 ? '' : ` (${[...parts, ...rest].join(', ')})`;
}

/** @param of the integration, where there are several */
function Unmapped({ unmapped, of }: { unmapped: Summary['unmapped'][number]; of: string | undefined }) {
  const { integrationId, customers, seats, largest } = unmapped;
  const names = largest.map(({ name, seats: used }) => `${name} (${formatCount(used)})`).join(', ');
  const more = customers > largest.length ? ` and ${formatCount(customers - largest.length)} more` : '';
  return (
    <li>
      <Link to="/integrations/$id/accounts" params={{ id: integrationId }}>
        {formatMany(customers, 'customer', 'customers')} with usage not mapped
      </Link>
      {of === undefined ? '' : ` (${of})`}: {formatMany(seats, 'seat', 'seats')} that nobody is billed for. {names}
      {more}
    </li>
  );
}

/** How old the numbers are, of each integration in a line of its own. */
function Age({ summary: { data } }: { summary: Summary }) {
  const vendorName = useVendorName();
  const integrationName = useIntegrationName();
  return (
    <div className={styles['soft']}>
      {data.map(({ integrationId, vendor, dataAsOf, psaAsOf, stale }) => (
        <p key={integrationId}>
          {stale && <StatusWord tone="care">Old</StatusWord>}{' '}
          {(data.length > 1 && integrationName(integrationId)) || vendorName(vendor)}{' '}
          {dataAsOf === null ? 'not read yet' : <When at={dataAsOf} as="age" />}, PSA{' '}
          {psaAsOf === null ? 'not read yet' : <When at={psaAsOf} as="age" />}
        </p>
      ))}
    </div>
  );
}

/** Approvals that wait: to-dos while writing is off, and writes under way. */
export function UnderWay({ summary }: { summary: Summary }) {
  const todos = summary.connections.reduce((sum, each) => sum + each.todos, 0);
  const writing = summary.connections.reduce((sum, each) => sum + each.writing, 0);
  return (
    <>
      {todos > 0 && (
        <Banner title={`${formatMany(todos, 'change is', 'changes are')} yours to make in the PSA`}>
          <p>
            Approved while writing was off. The next read of the PSA ticks off what it finds done; turning writing on
            writes none of it, so approve those cards again then.{' '}
            <Link to="/reconcile" search={{ show: 'todo' }}>
              Show the to-do list
            </Link>
          </p>
        </Banner>
      )}
      {writing > 0 && (
        <Banner title={`${formatMany(writing, 'change is', 'changes are')} being written`}>
          <p>
            <Link to="/reconcile" search={{ show: 'writing' }}>
              Show them
            </Link>
          </p>
        </Banner>
      )}
    </>
  );
}
