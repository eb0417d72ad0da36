/**
 * What is said of a list beside its rows. That there is an `X-Pagination` with JSON in it is known; its key names are not
 * (mailprotector.md §2), so here is every form that comparable services use, to be switched between.
 */

interface Listed {
  total: number;
  page: number;
  perPage: number;
  /** Of this page. */
  rows: number;
  path: string;
}

/** Key names of `X-Pagination`, or headers of their own, each with what it says. */
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

export type PagingForm = keyof typeof forms | 'headers' | 'link' | 'none';
export const pagingForms = [...(Object.keys(forms) as (keyof typeof forms)[]), 'headers', 'link', 'none'] as const;

/** How a server contradicts itself: its total is each page's rows, it counts one more than it shows, `page` means nothing to it. */
export type PagingLie = 'totalOfPage' | 'oneMore' | 'ignoresPage';

export function pagingHeaders(form: PagingForm, lie: PagingLie | null, honest: Listed): Record<string, string> {
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
