import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { terms } from '../../terms.ts';
import { formatCount, formatDay, formatDaysIn, formatMoney, formatMoneyChange } from '../../ui/format.ts';
import { When } from '../../ui/When.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import styles from './cards.module.css';
import type { CardDetail } from './queries.ts';
import { numberOf, productOf, untilInWords } from './words.ts';

/** Where every number of a card comes from, in sentences. */
export function Explanation({ card, words }: { card: CardDetail; words: PsaWords }) {
  const { usage, target, current, explanation, leftOut, approvals, approvable, preview, flags, dismissal, money } =
    card;
  const { counts, combine, rule } = explanation;
  const [feeder] = counts;
  return (
    <>
      {(flags.length > 0 || dismissal) && (
        <Part title="What to know first">
          <ul>
            {dismissal && (
              <li>
                {dismissal.reviewed ? 'Reviewed' : `Dismissed: ${dismissal.reason}`}
                {dismissal.by === null ? '' : `, by ${card.names[dismissal.by] ?? dismissal.by}`},{' '}
                {untilInWords(dismissal)}.
              </li>
            )}
            {flags.map(({ reason, words: said }) => (
              <li key={reason}>{formatDaysIn(said)}</li>
            ))}
          </ul>
          {feeder && flags.some(({ reason }) => combineReasons.includes(reason)) && (
            <p>
              <Link to="/integrations/$id/services" params={{ id: feeder.integrationId }}>
                Choose it in Service mapping
              </Link>
              , at one of the services that feed {productOf(card)}.
            </p>
          )}
        </Part>
      )}
      <Part title={`Used: ${numberOf(usage)}`}>
        {counts.length === 0 && <p>No count of the vendor feeds this {words.product.one}.</p>}
        {counts.length > 1 && (
          <p>
            {counts.length} counts, combined: {combine}.
          </p>
        )}
        <ul>
          {counts.map((count) => (
            <Count key={`${count.vendorAccountId} ${count.serviceId}`} count={count} words={words} />
          ))}
        </ul>
      </Part>
      <Part title={`To bill: ${numberOf(target)}`}>
        <p>{rule ? <RuleSentence rule={rule} /> : 'No rule changes it: it is what is used.'}</p>
      </Part>
      <Part title={`Billed: ${formatCount(current)}`}>
        <ul>
          {card.lines.map((line) => (
            <li key={line.lineId}>
              {line.agreementName}, {words.line.one} {line.lineId}: {formatCount(line.quantity)} at{' '}
              {formatMoney(line.unitPrice, line.currency)}
              {line.includedQuantity > 0 ? `, ${formatCount(line.includedQuantity)} of them included` : ''}
              {line.billed ? '' : ', not billed'}. As it is on {formatDay(line.readOn)}
              {line.effectiveFrom === null ? '' : `, in force from ${formatDay(line.effectiveFrom)}`}
              {line.effectiveTo === null ? ', without an end' : `, ends ${formatDay(line.effectiveTo)}`}
              {line.lineId === card.pickedLineId ? '. It takes the difference, as a person chose' : ''}.
            </li>
          ))}
          {leftOut.map((line) => (
            <li key={line.lineId} className={styles['soft']}>
              Not counted: {line.agreementName}, {formatCount(line.quantity)} at{' '}
              {formatMoney(line.unitPrice, line.currency)}, because {formatDaysIn(line.words)}.
            </li>
          ))}
        </ul>
        {card.lines.length > 0 && <p className={styles['soft']}>{terms.readAsOf}</p>}
        {card.lines.length + leftOut.length === 0 && <p>No {words.line.one} bills it.</p>}
      </Part>
      {approvable && preview.length > 0 && (
        <Part title="What approving does">
          <p>{formatDaysIn(preview.join(' '))}</p>
          {money.map(({ currency, amount, notBilled }) => (
            <p key={currency}>
              {notBilled
                ? 'The line is not billed.'
                : `The next invoice changes by ${formatMoneyChange(amount, currency)}.`}
            </p>
          ))}
        </Part>
      )}
      <Part title="Approved before">
        {approvals.length === 0 ? (
          <p>Nothing was approved of it yet.</p>
        ) : (
          <ul>
            {approvals.map((approval) => (
              <li key={approval.approvalId}>
                <Link to="/approvals/$id" params={{ id: approval.approvalId }}>
                  {formatCount(approval.from)} → {formatCount(approval.to)}
                </Link>
                {approval.undoOf === null ? '' : ' (an undo)'}, by {card.names[approval.by] ?? approval.by},{' '}
                <When at={approval.at} />: {outcomes[approval.state]}.
              </li>
            ))}
          </ul>
        )}
      </Part>
    </>
  );
}

/** Flags that a choice at a service takes away: how several services of a product combine. */
const combineReasons = ['no_combine_rule', 'parts_unknown'];

const outcomes: Record<CardDetail['approvals'][number]['state'], string> = {
  intended: 'waits to be written',
  writing: 'is being written',
  uncertain: 'is being settled',
  applied: 'written',
  already: 'it was so already',
  conflict: 'a conflict: the PSA held another number',
  rejected: 'refused by the PSA',
  todo: 'to do in the PSA',
  verified: 'found done in the PSA',
  withdrawn: 'withdrawn',
  replaced: 'replaced by a newer approval',
};

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={styles['part']}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

type CountView = CardDetail['explanation']['counts'][number];
interface Details {
  parts?: { domain: string; group: string; groupId: string; quantity: number }[];
  notReportedSince?: string | null;
}

const hows = { exact: 'an exact match of names', vendor: "a choice in the vendor's console", person: 'a person' };

function Count({ count, words }: { count: CountView; words: PsaWords }) {
  const { parts = [] } = count as CountView & Details;
  const {
    vendorAccountName,
    vendorAccountId,
    serviceName,
    serviceId,
    quantity,
    source,
    asOf,
    runId,
    mappedHow,
    rounding,
  } = count;
  return (
    <li className={styles['part']}>
      <p>
        {vendorAccountName ?? vendorAccountId}: {numberOf(quantity)} of {serviceName ?? serviceId},{' '}
        {source === 'pull' ? 'read' : 'sent by the vendor'} <When at={asOf} />
        {runId !== null && (
          <>
            {' '}
            (
            <Link to="/runs/$id" params={{ id: runId }}>
              its run
            </Link>
            )
          </>
        )}
        .{mappedHow === null ? '' : ` Mapped to this ${words.account.one} by ${hows[mappedHow]}.`}
        {rounding === null || rounding === 'none'
          ? ''
          : ` Rounded ${rounding === 'nearest' ? 'to the nearest whole' : rounding}.`}
      </p>
      {parts.length > 0 && (
        <table className={styles['parts']}>
          <thead>
            <tr>
              <th scope="col">Domain</th>
              <th scope="col">Group</th>
              <th scope="col">Seats</th>
            </tr>
          </thead>
          <tbody>
            {parts.map((part) => (
              <tr key={`${part.domain} ${part.groupId}`}>
                <td>{part.domain}</td>
                <td>{part.group}</td>
                <td>{formatCount(part.quantity)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </li>
  );
}

function RuleSentence({ rule }: { rule: NonNullable<CardDetail['explanation']['rule']> }) {
  const { words, reason, authorName, expires } = rule;
  return (
    <>
      A rule says: {words}. {reason} ({authorName}
      {expires === undefined ? '' : `, until ${formatDay(expires)}`}).
    </>
  );
}
