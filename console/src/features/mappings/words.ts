/** What the mapping pages say of rows and of what is left. */
import type { Schema } from '../../api/types.ts';
import { formatCount, formatMany } from '../../ui/format.ts';
import type { PsaWords } from '../catalogue/queries.ts';
import type { Account, Service, Target } from './queries.ts';

export type Progress = Schema<'MappingProgress'>;

/** Of a service or customer of which no number has come yet: said in place of a zero. */
export const notCounted = 'Not counted yet';

export const formatSeats = (seats: number | null) => (seats === null ? '—' : formatCount(seats));

export const seatsInWords = (seats: number) => formatMany(seats, 'seat', 'seats');

/** How an account is called where it must not be taken for another one whose name looks like its own. */
export const calledOf = ({ name, apart }: { name: string; apart: string | null }) =>
  apart === null ? name : `${name} (${apart})`;

/** What else there is to know of a PSA account. */
export function targetDetail({ code, active, prospect, mapped, apart }: Target): string {
  return [
    // What tells it apart stands beside its name, with the code.
    apart === null ? code : null,
    active ? null : 'inactive',
    prospect ? 'prospect: nothing is billed' : null,
    mapped > 0 ? `${formatCount(mapped)} mapped to it` : null,
  ]
    .filter((part) => part !== null && part !== '')
    .join(' · ');
}

/** How a vendor account came to be mapped; what a person decided here needs no word. */
export function howInWords({ how }: Account, vendor: string): string | undefined {
  if (how === 'exact') return 'Exact match';
  return how === 'vendor' ? `Chosen in ${vendor}` : undefined;
}

/** What is left of the accounts, in a sentence or two. */
export function accountsLeft({ accounts }: Progress, words: PsaWords): string {
  const { linked, mapped, exact, excluded, open, openWithUsage, openSeats } = accounts;
  if (linked === 0) return 'No customer is linked yet.';
  const of = `${formatCount(mapped)} of ${formatMany(linked, 'customer', 'customers')} mapped`;
  const done = [
    exact > 0 ? `${of}, ${formatCount(exact)} of them by exact match.` : `${of}.`,
    ...(excluded > 0 ? [`${formatCount(excluded)} excluded.`] : []),
  ].join(' ');
  if (open === 0) return `${done} Nothing is left.`;
  const left = `${formatCount(open)} still unmapped: not billed until mapped to a ${words.account.one}.`;
  if (openWithUsage === 0) return `${done} ${left}`;
  const one = openWithUsage === 1;
  return `${done} ${left} ${formatCount(openWithUsage)} of them ${one ? 'has' : 'have'} usage: ${seatsInWords(openSeats)}.`;
}

/** What is left of the services. */
export function servicesLeft({ services }: Progress): string {
  const { total, mapped, open, openWithUsage, openSeats } = services;
  const done = `${formatCount(mapped)} of ${formatMany(total, 'service', 'services')} mapped.`;
  if (open === 0) return `${done} Nothing is left.`;
  const left = `${formatCount(open)} still unmapped: not billed until mapped.`;
  if (openWithUsage === 0) return `${done} ${left}`;
  return `${done} ${left} ${formatCount(openWithUsage)} of them ${openWithUsage === 1 ? 'has' : 'have'} usage: ${seatsInWords(openSeats)}.`;
}

export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

export type FanOut = NonNullable<Service['fanOut']>;
export type Rounding = NonNullable<Service['rounding']>;
export type Combine = NonNullable<Service['combine'][string]>;
export type Effect = Schema<'MappingEffect'>;

export const fanOutWords: Record<FanOut, { name: string; detail: (words: PsaWords) => string }> = {
  parts: { name: 'Parts', detail: ({ product }) => `Each ${product.one} gets the whole count.` },
  alternatives: {
    name: 'Alternatives',
    detail: ({ product, line }) => `The ${product.one} whose ${line.one} the customer has gets the count.`,
  },
};

export const combineWords: Record<Combine, { name: string; detail: string }> = {
  add: { name: 'Add', detail: 'The counts of the services are added up.' },
  highest: { name: 'Highest', detail: 'The highest of the counts, when they are counts of the same users.' },
  distinct: { name: 'Distinct users', detail: 'Every user is counted once, whichever of the services it uses.' },
};

export const roundingWords: Record<Rounding, string> = {
  none: 'As it is',
  up: 'Up to whole seats',
  down: 'Down to whole seats',
  nearest: 'To the nearest whole seat',
};

/** What a choice would come to in this organization: "345 seats of 12 customers". */
export function effectInWords({ seats, undecided }: Effect): string {
  const open = undecided > 0 ? `; not known for ${formatMany(undecided, 'customer', 'customers')}` : '';
  return `Here: ${seatsInWords(seats.after)}${open}.`;
}
