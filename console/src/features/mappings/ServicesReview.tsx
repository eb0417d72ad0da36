import { formatCount } from '../../ui/format.ts';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { Table, type TableColumn } from '../../ui/Table.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import type { Service } from './queries.ts';
import { capital, combineWords, fanOutWords, formatSeats, notCounted, roundingWords } from './words.ts';

interface Props {
  services: readonly Service[];
  words: PsaWords;
  label: string;
}

/** What will be billed from what: each service with the products as which it is billed, and how. */
export function ServicesReview({ services, words, label }: Props) {
  return <Table label={label} columns={columnsOf(words)} rows={services} nameOf={({ name }) => name} />;
}

const columnsOf = (words: PsaWords): readonly TableColumn<Service>[] => [
  { id: 'service', title: 'Service', width: 200, cell: ({ name }) => name },
  {
    id: 'products',
    title: `${capital(words.product.one)} (${words.productId})`,
    cell: ({ products }) =>
      products.length === 0 ? (
        <StatusWord tone="quiet">Not billed: not mapped</StatusWord>
      ) : (
        products.map(({ productId, name }) => `${productId} (${name})`).join(', ')
      ),
  },
  { id: 'how', title: 'How', width: 180, cell: howInWords },
  {
    id: 'customers',
    title: 'Customers',
    isNumeric: true,
    width: 110,
    cell: ({ seats, customers }) => (seats === null ? '—' : formatCount(customers)),
  },
  {
    id: 'seats',
    title: 'Seats',
    isNumeric: true,
    width: 130,
    cell: ({ seats }) => (seats === null ? notCounted : formatSeats(seats)),
  },
];

function howInWords({ products, fanOut, rounding, combine }: Service): string {
  if (products.length === 0) return '';
  const combined = [...new Set(Object.values(combine))].flatMap((each) =>
    each === null ? [] : combineWords[each].name,
  );
  const parts = [
    products.length > 1 && fanOut !== null ? fanOutWords[fanOut].name : undefined,
    combined.length > 0 ? combined.join(', ') : undefined,
    rounding !== null && rounding !== 'none' ? roundingWords[rounding] : undefined,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? 'As counted' : parts.join(' · ');
}
