/** A list of customers, in pages and with a search, because there may be thousands of them. */
import { html } from 'hono/html';
import type { WorldCustomer } from '../../world.ts';
import { addressOf, countOf, numberOf, type Html } from './layout.ts';

const perPage = 25;

export interface CustomerList {
  search: string;
  /** The number of the page; the first page is 1. */
  page: number;
  pages: number;
  found: readonly WorldCustomer[];
  shown: readonly WorldCustomer[];
  /** The number of all customers, whether the search finds them or not. */
  total: number;
}

/** Finds customers by a part of their name, or by their number. */
export function searched(customers: readonly WorldCustomer[], search: string): readonly WorldCustomer[] {
  const wanted = search.trim().toLowerCase();
  if (wanted === '') return customers;
  return customers.filter(({ id, name }) => name.toLowerCase().includes(wanted) || String(id) === wanted);
}

/** @param query `search` and `page` of the address; for a page that does not exist, the nearest one is returned */
export function listOf(customers: readonly WorldCustomer[], query: URLSearchParams): CustomerList {
  const search = query.get('search') ?? '';
  const found = searched(customers, search);
  const pages = Math.max(1, Math.ceil(found.length / perPage));
  const page = Math.min(pages, Math.max(1, Math.trunc(Number(query.get('page'))) || 1));
  return {
    search,
    page,
    pages,
    found,
    shown: found.slice((page - 1) * perPage, page * perPage),
    total: customers.length,
  };
}

/**
 * Shows the rows of a page of customers, or a row that says that there are none.
 *
 * @param columns the number of the table's columns
 */
export function rowsOf(list: CustomerList, columns: number, row: (customer: WorldCustomer) => Html): Html | Html[] {
  if (list.shown.length > 0) return list.shown.map(row);
  return html`<tr>
    <td colspan="${columns}">No customer is called so.</td>
  </tr>`;
}

/**
 * @param action the address of the page
 * @param anchor the place of the list on the page, with its `#`
 */
export function searchForm(list: CustomerList, action: string, anchor = ''): Html {
  return html`<form class="search" method="get" action="${action}${anchor}" role="search">
    <label for="search">Search customers</label>
    <input
      id="search"
      name="search"
      type="search"
      value="${list.search}"
      placeholder="Part of the name, or the number"
    />
    <button class="quiet">Search</button>
    ${list.search === '' ? '' : html`<a href="${action}${anchor}">Show all ${numberOf(list.total)}</a>`}
  </form>`;
}

export function pager(list: CustomerList, action: string, anchor = ''): Html {
  const searching = list.search === '' ? {} : { search: list.search };
  const to = (page: number) => addressOf(action, { ...searching, page: String(page) }) + anchor;
  const step = (name: string, page: number, is: boolean) =>
    is ? html`<a href="${to(page)}">${name}</a>` : html`<span class="off">${name}</span>`;
  const where =
    list.search === '' ? countOf(list.found.length, 'customer') : `${countOf(list.found.length, 'customer')} found`;
  return html`<nav class="pager" aria-label="Pages of customers">
    <span>${where}, page ${numberOf(list.page)} of ${numberOf(list.pages)}</span>
    ${step('First', 1, list.page > 1)} ${step('Previous', list.page - 1, list.page > 1)}
    ${step('Next', list.page + 1, list.page < list.pages)} ${step('Last', list.pages, list.page < list.pages)}
  </nav>`;
}
