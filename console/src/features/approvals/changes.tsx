/** What a change of an approval, of its preview and of its undo look like. */
import { Link } from '@tanstack/react-router';
import { formatCount, formatDay, formatMany, formatMoneyChange } from '../../ui/format.ts';
import type { TableColumn } from '../../ui/Table.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import { capital } from '../mappings/words.ts';

interface Money {
  currency: string | null;
  amount: number | null;
  notBilled: boolean;
}

interface Change {
  id: string;
  cardId: string;
  psaAccountId: string;
  psaAccountName: string | null;
  psaProductId: string;
  productId: string | null;
  from: number;
  to: number;
  effectiveDate: string | null;
  money: Money;
}

/** The card of a change, by the name of its customer. The names of a card that is gone are not known, and it has no link. */
export function CardLink({ change: { cardId, psaAccountName, psaAccountId } }: { change: Omit<Change, 'id'> }) {
  if (psaAccountName === null) return psaAccountId;
  return (
    <Link to="/reconcile" search={{ card: cardId }}>
      {psaAccountName}
    </Link>
  );
}

export function moneyOf({ amount, currency, notBilled }: Money): string {
  if (notBilled) return 'not billed';
  return amount === null ? '—' : formatMoneyChange(amount, currency);
}

/** Customer, product, from what to what, from when on, and what that changes an invoice by. */
export const changeColumns = (words: PsaWords): readonly TableColumn<Change>[] => [
  { id: 'account', title: capital(words.account.one), isName: true, cell: (change) => <CardLink change={change} /> },
  {
    id: 'product',
    title: capital(words.productId),
    width: 170,
    cell: (change) => change.productId ?? change.psaProductId,
  },
  { id: 'from', title: 'From', isNumeric: true, width: 80, cell: (change) => formatCount(change.from) },
  { id: 'to', title: 'To', isNumeric: true, width: 80, cell: (change) => formatCount(change.to) },
  {
    id: 'when',
    title: 'First billed',
    width: 130,
    cell: ({ effectiveDate }) => (effectiveDate === null ? 'not known' : formatDay(effectiveDate)),
  },
  { id: 'money', title: 'Money', isNumeric: true, width: 110, cell: ({ money }) => moneyOf(money) },
];

/** What several changes come to; each currency by itself. */
export function MoneySentences({ money }: { money: readonly (Money & { lines: number })[] }) {
  return money.map(({ currency, amount, notBilled, lines }) => (
    <p key={`${currency} ${notBilled} ${amount === null}`}>
      {notBilled
        ? `${formatMany(lines, 'change is', 'changes are')} on lines that are not billed.`
        : amount === null
          ? `Of ${formatMany(lines, 'change', 'changes')} the money is not known.`
          : `The next invoices change by ${formatMoneyChange(amount, currency)} on ${formatMany(lines, 'line', 'lines')}. Nothing is billed or credited for periods already invoiced.`}
    </p>
  ));
}
