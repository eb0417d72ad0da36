/**
 * What an answer says about its page besides the rows. It is known that the header `X-Pagination` has JSON in it. The names of
 * its keys are not known (mailprotector.md §2), so the simulator has every form that comparable services use, and a setting
 * chooses one.
 */
import type { SimAnswer, SimRequest } from '../kit/simulator.ts';
import type { Row } from './changes.ts';

interface Listed {
  total: number;
  page: number;
  perPage: number;
  /** The number of rows on this page. */
  rows: number;
  path: string;
}

/** The forms: each gives the JSON of `X-Pagination`, or headers that replace it. */
const forms = {
  totals: ({ total, page, perPage }) => ({ total, page, per_page: perPage }),
  totalPages: ({ total, page, perPage }) => ({ page, per_page: perPage, total, total_pages: pagesOf(total, perPage) }),
  totalCount: ({ total, page, perPage }) => ({
    current_page: page,
    next_page: nextOf(total, page, perPage),
    total_pages: pagesOf(total, perPage),
    total_count: total,
  }),
  totalEntries: ({ total, page, perPage }) => ({ total_entries: total, per_page: perPage, current_page: page }),
  lastPage: ({ total, page, perPage }) => ({
    total: String(total),
    per_page: String(perPage),
    current_page: page,
    last_page: Math.max(1, pagesOf(total, perPage)),
  }),
  capitals: ({ total, page, perPage }) => ({
    TotalCount: total,
    PageSize: perPage,
    CurrentPage: page,
    TotalPages: pagesOf(total, perPage),
    HasNext: page * perPage < total,
  }),
  limit: ({ total, page, perPage }) => ({ page, limit: perPage, pages: pagesOf(total, perPage), total }),
  nextOnly: ({ total, page, perPage }) => ({ page, per_page: perPage, next_page: nextOf(total, page, perPage) }),
  pagesOnly: ({ total, page, perPage }) => ({ page, total_pages: pagesOf(total, perPage) }),
  totalOnly: ({ total }) => ({ total }),
  countOfAll: ({ total, page }) => ({ count: total, page }),
  countOfPage: ({ rows, page }) => ({ count: rows, page }),
  unknownKeys: ({ total, page, perPage }) => ({ rows: total, number: page, size: perPage }),
} satisfies Record<string, (listed: Listed) => object>;

type PagingForm = keyof typeof forms | 'headers' | 'link' | 'none';
export const pagingForms = [...(Object.keys(forms) as (keyof typeof forms)[]), 'headers', 'link', 'none'] as const;

/**
 * The ways in which a server contradicts itself: its total is the number of rows of each page, it counts one row more than it
 * shows, or it ignores `page`.
 */
type PagingLie = 'totalOfPage' | 'oneMore' | 'ignoresPage';

function pagingHeaders(form: PagingForm, lie: PagingLie | null, honest: Listed): Record<string, string> {
  const counted = { totalOfPage: honest.rows, oneMore: honest.total + 1, ignoresPage: honest.total };
  const listed = lie === null ? honest : { ...honest, total: counted[lie] };
  const { total, page, perPage, path } = listed;
  if (form === 'none') return {};
  if (form === 'link') {
    const link = (rel: string, to: number) =>
      `<https://emailservice.io${path}?page=${to}&per_page=${perPage}>; rel="${rel}"`;
    const links = [link('first', 1), link('last', Math.max(1, pagesOf(total, perPage)))];
    if (page * perPage < total) links.push(link('next', page + 1));
    return { link: links.join(', ') };
  }
  if (form === 'headers') {
    return {
      'x-total': String(total),
      'x-total-pages': String(pagesOf(total, perPage)),
      'x-page': String(page),
      'x-per-page': String(perPage),
      'x-next-page': String(nextOf(total, page, perPage) ?? ''),
    };
  }
  return { 'x-pagination': JSON.stringify(forms[form](listed)) };
}

const pagesOf = (total: number, perPage: number) => Math.ceil(total / perPage);
const nextOf = (total: number, page: number, perPage: number) => (page * perPage < total ? page + 1 : null);

/**
 * Makes the function that answers with a page of a list. It filters by field (`name=`, `created_at[geq]=`) and cuts the page
 * first, and makes rows of the page's items only, where that is possible.
 *
 * @param settings the settings of the simulation
 */
export function createPage(settings: Readonly<Row>) {
  return <T>(request: SimRequest, items: readonly T[], toRow: (item: T) => unknown = (item) => item): SimAnswer => {
    const perPage = Math.min(Number(request.query.get('per_page') ?? 25) || 25, Number(settings['maxPerPage']));
    const at = Math.max(1, Number(request.query.get('page') ?? 1) || 1);
    const filters = [...request.query].filter(([name]) => name !== 'page' && name !== 'per_page');
    const found = filters.length === 0 ? items : items.filter((item) => passes(toRow(item) as Row, filters));
    const lie = settings['pagingLie'] as PagingLie | null;
    const from = lie === 'ignoresPage' ? 0 : (at - 1) * perPage;
    const rows = found.slice(from, from + perPage);
    const listed = { total: found.length, page: at, perPage, rows: rows.length, path: request.path };
    return {
      status: 200,
      body: rows.map(toRow),
      headers: pagingHeaders(settings['paging'] as PagingForm, lie, listed),
    };
  };
}

/** A condition of the query, such as `name=x` or `created_at[geq]=2024-01-01` (§2). */
function passes(row: Row, filters: readonly (readonly [string, string])[]): boolean {
  return filters.every(([name, wanted]) => {
    const [, field = name, operator = 'eq'] = /^(\w+)\[(\w+)\]$/.exec(name) ?? [];
    const found = String(row[field] ?? '');
    switch (operator.toLowerCase()) {
      case 'gt':
        return found > wanted;
      case 'geq':
        return found >= wanted;
      case 'lt':
        return found < wanted;
      case 'leq':
        return found <= wanted;
      default:
        return found === wanted;
    }
  });
}
