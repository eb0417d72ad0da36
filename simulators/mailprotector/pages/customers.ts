import { html } from 'hono/html';
import type { SimAnswer } from '../../kit/simulator.ts';
import type { WorldCustomer } from '../../world.ts';
import type { Notice, Session } from '../sessions.ts';
import { listOf, pager, searchForm, rowsOf } from './list.ts';
import { noticeBox, numberOf, show } from './layout.ts';
import type { Site } from './site.ts';

/** The fields of a refused form, which the page shows again. */
export interface NewCustomerFields {
  name: string;
  domain: string;
  users: string;
}

export function customersPage(of: {
  site: Site;
  session: Session;
  notice: Notice | undefined;
  query: URLSearchParams;
  given?: NewCustomerFields;
}): Promise<SimAnswer> {
  const list = listOf(of.site.customers(), of.query);
  const { linked, assigned } = of.site.gradient.state();
  const isLinked = new Set(linked);
  const row = (customer: WorldCustomer) =>
    html`<tr>
      <td><a href="/customers/${customer.id}">${customer.name}</a></td>
      <td class="number spare">${customer.id}</td>
      <td class="number spare">${numberOf(customer.domains.length)}</td>
      <td class="number">${numberOf(usersIn(customer))}</td>
      <td>
        ${isLinked.has(customer.id)
          ? html`<span class="state on">Linked</span> ${assigned[customer.id]?.name ?? ''}`
          : html`<span class="state">Not linked</span>`}
      </td>
    </tr>`;
  const body = html`<h1>Customers</h1>
    ${noticeBox(of.notice)} ${searchForm(list, '/customers')}
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">Customer</th>
            <th scope="col" class="number spare">Number</th>
            <th scope="col" class="number spare">Domains</th>
            <th scope="col" class="number">Users</th>
            <th scope="col">Gradient MSP</th>
          </tr>
        </thead>
        <tbody>
          ${rowsOf(list, 5, row)}
        </tbody>
      </table>
    </div>
    ${pager(list, '/customers')} ${addForm(of.given)}`;
  return show({ title: 'Customers', at: 'customers', session: of.session, body }, of.given ? 422 : 200);
}

function addForm(given?: NewCustomerFields) {
  return html`<form class="card" id="add" method="post" action="/customers">
    <h2>Add a customer</h2>
    <p>It gets one domain and one user group, with CloudFilter Email Security.</p>
    <div class="fields">
      <label>Name <input name="name" required maxlength="200" value="${given?.name ?? ''}" /></label>
      <label
        >Domain
        <input name="domain" required maxlength="200" placeholder="new-customer.example" value="${given?.domain ?? ''}"
      /></label>
      <label
        >Users <input name="users" type="number" required min="0" max="9000" value="${given?.users ?? '10'}"
      /></label>
    </div>
    <button>Add Customer</button>
  </form>`;
}

/** Counts a customer's users of type User, in domains that are verified. */
export function usersIn(customer: WorldCustomer): number {
  return customer.domains
    .filter((domain) => !domain.pending)
    .flatMap((domain) => domain.groups)
    .reduce((sum, group) => sum + group.users, 0);
}
