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
export const shown = ['agree', 'dismissed', 'todo', 'writing', 'all'] as const;
export type Shown = (typeof shown)[number];
const kinds = ['new_revenue', 'only_credits'] as const;
/** What Found money counts, and leads to. */
const foundKinds = [
  'confirmed',
  'check',
  'not_billed',
  'annual',
  'no_line',
  'expired',
] as const satisfies readonly Schema<'Summary'>['found'][number]['kind'][];
export type FoundKind = (typeof foundKinds)[number];

export interface CardSearch {
  q?: string;
  state?: CardState;
  kind?: (typeof kinds)[number];
  /** Other cards than the open ones, with which a person has work. */
  show?: Shown;
  found?: FoundKind;
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
    ...oneOf('found', foundKinds),
    ...oneOf('direction', directions),
    ...oneOf('sort', cardSorts),
    ...oneOf('group', groups),
  };
}

/** The API searches from two characters on; less is no search. */
const shortest = 2;

/** What narrows the cards, as the list, the counts and a preview of approving all of them take it. */
export function filterOf({ q = '', integration, customer, product, direction, show }: CardSearch) {
  const search = q.trim();
  const pending = pendingOf(show);
  return {
    ...(search.length < shortest ? {} : { search }),
    ...(integration === undefined ? {} : { integrationId: integration }),
    ...(customer === undefined ? {} : { psaAccountId: customer }),
    ...(product === undefined ? {} : { psaProductId: product }),
    ...(direction === undefined ? {} : { direction }),
    ...(pending === undefined ? {} : { pending }),
  };
}

/** What is approved of a card already is not asked for again, unless that is what is shown. */
function pendingOf(show: Shown | undefined) {
  if (show === 'todo' || show === 'writing') return show;
  return show === undefined || show === 'agree' ? ('none' as const) : undefined;
}

/** Which cards are shown, whatever their state: what the list and the counts have in common. */
export function shownOf(search: CardSearch) {
  const { kind, found, show, psa } = search;
  const dismissed = show === 'dismissed' ? ('true' as const) : ('false' as const);
  // A rule may keep a card from being billed: it agrees, and Found money counts it.
  const isOpen = show === undefined && found === undefined;
  return {
    ...filterOf(search),
    ...(psa === undefined ? {} : { psaConnectionId: psa }),
    ...(kind === undefined ? {} : { kind }),
    ...(found === undefined ? {} : { found }),
    ...(isOpen || show === 'agree' ? { agrees: show === 'agree' ? ('true' as const) : ('false' as const) } : {}),
    ...(show === 'todo' || show === 'writing' || show === 'all' ? {} : { dismissed }),
  };
}

/** What is asked of the list. A group is a sort whose rows stand below their common name. */
export function listOf(search: CardSearch) {
  const { state, group, sort } = search;
  return { ...shownOf(search), ...(state === undefined ? {} : { state }), sort: group ?? sort ?? 'money' };
}

/** What is asked of the groups of the same cards: they are in the order of their names. */
export function groupsOf(search: CardSearch) {
  const { sort: _, ...asked } = listOf(search);
  return { ...asked, by: search.group ?? ('account' as const) };
}

/** What of an address narrows the list. */
export const narrowings = [
  'q',
  'state',
  'kind',
  'found',
  'show',
  'direction',
  'integration',
  'psa',
  'customer',
  'product',
] as const satisfies readonly (keyof CardSearch)[];

export const isNarrowed = (search: CardSearch) => narrowings.some((name) => search[name] !== undefined);
