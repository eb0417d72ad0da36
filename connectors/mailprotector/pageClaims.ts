/**
 * What Mailprotector's headers say about a list. The key names of `X-Pagination` are unknown (mailprotector.md §2), so every
 * usual one is read, and so are `Link` and the usual headers with a single value.
 */

/** The claims of one page's headers. An absent claim was not made. */
export interface PageClaims {
  /** The number of rows in all. */
  total?: number;
  /** The number of rows in all, or of this page: it is not known which of the two. */
  count?: number;
  /** The number of pages in all. */
  pages?: number;
  /** This page's number. */
  page?: number;
  perPage?: number;
  /** Whether another page follows. */
  next?: boolean;
  /** A description of two headers that contradict each other. */
  conflict?: string;
}

type Claim = Exclude<keyof PageClaims, 'conflict'>;

/** Names in lower case, without `_` and `-`. */
const names: Record<string, Claim> = {
  total: 'total', totalcount: 'total', totalentries: 'total', totalitems: 'total', totalrecords: 'total', totalrows: 'total', totalresults: 'total', totalelements: 'total',
  count: 'count',
  totalpages: 'pages', lastpage: 'pages', pages: 'pages', pagecount: 'pages', numpages: 'pages', pagestotal: 'pages', last: 'pages',
  page: 'page', currentpage: 'page', pagenumber: 'page', current: 'page',
  perpage: 'perPage', limit: 'perPage', pagesize: 'perPage', itemsperpage: 'perPage',
  next: 'next', nextpage: 'next', hasmore: 'next', hasnext: 'next', hasnextpage: 'next', nextpageurl: 'next', nexturl: 'next', more: 'next',
}; // prettier-ignore

const headerNames = [
  'x-total',
  'x-total-count',
  'x-total-pages',
  'x-page',
  'x-current-page',
  'x-per-page',
  'x-next-page',
];

export function claimsOf(headers: { get(name: string): string | null }): PageClaims {
  const claims: PageClaims = {};
  const add = (name: string, given: unknown) => {
    const claim = names[name.toLowerCase().replaceAll(/[_-]/g, '')];
    if (claim === undefined) return;
    if (claim === 'next') return note(claims, claim, isMore(given));
    // `last_page: true` says that no page follows; `last_page: 3` is the number of pages.
    if (claim === 'pages' && typeof given === 'boolean') return note(claims, 'next', !given);
    const value = wholeNumber(given);
    if (value !== undefined) note(claims, claim, value);
  };
  for (const [name, value] of Object.entries(jsonIn(headers.get('x-pagination')))) add(name, value);
  for (const name of headerNames) {
    const value = headers.get(name);
    if (value !== null) add(name.slice('x-'.length), value);
  }
  const link = headers.get('link');
  if (link !== null) {
    note(claims, 'next', /;\s*rel="?next"?/i.test(link));
    const last = /[?&]page=(\d+)[^>]*>\s*;\s*rel="?last"?/i.exec(link)?.[1];
    if (last !== undefined) note(claims, 'pages', Number(last));
  }
  return claims;
}

function note<C extends Claim>(claims: PageClaims, claim: C, value: NonNullable<PageClaims[C]>): void {
  if (claims[claim] !== undefined && claims[claim] !== value)
    claims.conflict = `its headers say ${String(claims[claim])} and ${String(value)} of one thing (${claim})`;
  claims[claim] ??= value;
}

/** A header that is not a JSON object is ignored. */
function jsonIn(header: string | null): object {
  if (header === null) return {};
  try {
    const value: unknown = JSON.parse(header);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** Whether a value says that there is a next page: the page's number, its address, or true. */
function isMore(given: unknown): boolean {
  return given !== null && given !== undefined && given !== false && given !== '' && given !== 0 && given !== 'false';
}

function wholeNumber(given: unknown): number | undefined {
  const value = typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : given;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
