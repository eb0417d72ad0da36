/** What the address of Reconcile says: which cards, in which order, and which one is explained. */
import type { Schema } from '../../api/types.ts';

export type CardState = Schema<'Card'>['state'];

export const cardStates = [
  'ready',
  'check_first',
  'needs_choice',
  'never_reported',
  'not_writable',
  'data_changed',
  'agrees',
] as const satisfies readonly CardState[];
export const cardSorts = ['money', 'difference', 'account', 'product'] as const;
export type CardSort = (typeof cardSorts)[number];
const groups = ['account', 'product'] as const;
const directions = ['under', 'over'] as const;
const shown = ['dismissed', 'todo', 'writing'] as const;
const kinds = ['new_revenue', 'only_credits'] as const;

export interface CardSearch {
  q?: string;
  state?: CardState;
  kind?: (typeof kinds)[number];
  /** Cards that are not open: dismissed ones, those with a to-do, those that are being written. */
  show?: (typeof shown)[number];
  direction?: (typeof directions)[number];
  integration?: string;
  psa?: string;
  customer?: string;
  product?: string;
  sort?: CardSort;
  group?: (typeof groups)[number];
  /** The card that is explained at the side. */
  card?: string;
}

/** What of an address means something here; the rest is dropped. */
export function cardSearchOf(search: Record<string, unknown>): CardSearch {
  const text = (name: string) => {
    const value = search[name];
    return typeof value === 'string' && value !== '' ? { [name]: value } : {};
  };
  const oneOf = (name: string, allowed: readonly string[]) =>
    allowed.includes(String(search[name])) ? { [name]: search[name] } : {};
  return {
    ...text('q'),
    ...text('integration'),
    ...text('psa'),
    ...text('customer'),
    ...text('product'),
    ...text('card'),
    ...oneOf('state', cardStates),
    ...oneOf('kind', kinds),
    ...oneOf('show', shown),
    ...oneOf('direction', directions),
    ...oneOf('sort', cardSorts),
    ...oneOf('group', groups),
  };
}

/** The API searches from two characters on; less is no search. */
const shortest = 2;

/** What narrows the cards, as the list, the counts and a preview of approving all of them take it. */
export function filterOf({ q = '', integration, customer, product, direction }: CardSearch) {
  const search = q.trim();
  return {
    ...(search.length < shortest ? {} : { search }),
    ...(integration === undefined ? {} : { integrationId: integration }),
    ...(customer === undefined ? {} : { psaAccountId: customer }),
    ...(product === undefined ? {} : { psaProductId: product }),
    ...(direction === undefined ? {} : { direction }),
  };
}

/** What is asked of the list. A group is a sort whose rows stand below their common name. */
export function listOf(search: CardSearch) {
  const { state, kind, show, psa, group, sort } = search;
  return {
    ...filterOf(search),
    ...(psa === undefined ? {} : { psaConnectionId: psa }),
    ...(state === undefined ? {} : { state }),
    ...(kind === undefined ? {} : { kind }),
    ...(show === 'todo' || show === 'writing' ? { pending: show } : {}),
    ...(show === 'todo' || show === 'writing'
      ? {}
      : { dismissed: show === 'dismissed' ? ('true' as const) : ('false' as const) }),
    sort: group ?? sort ?? 'money',
  };
}

/** What of an address narrows the list. */
export const narrowings = [
  'q',
  'state',
  'kind',
  'show',
  'direction',
  'integration',
  'psa',
  'customer',
  'product',
] as const satisfies readonly (keyof CardSearch)[];

export const isNarrowed = (search: CardSearch) => narrowings.some((name) => search[name] !== undefined);
