/** One customer: Overview, and Integrations, where its client in Gradient MSP is chosen (G38 to G40). */
import { html } from 'hono/html';
import type { SimAnswer } from '../../kit/simulator.ts';
import type { WorldCustomer } from '../../world.ts';
import type { Client } from '../connected.ts';
import type { Notice, Session } from '../sessions.ts';
import { usersIn } from './customers.ts';
import { countOf, noticeBox, numberOf, show, type Html } from './layout.ts';
import type { Site } from './site.ts';

export interface CustomerPage {
  customer: WorldCustomer;
  site: Site;
  session: Session;
  notice: Notice | undefined;
}

export function customerOverview({ customer, site, session, notice }: CustomerPage): Promise<SimAnswer> {
  const { linked, assigned, enabled } = site.gradient.state();
  const client = assigned[customer.id];
  const body = html`${head(customer, 'overview')} ${noticeBox(notice)}
    <section class="card" aria-label="Overview">
      <dl class="facts">
        <dt>Number</dt>
        <dd>${customer.id}</dd>
        <dt>Domains</dt>
        <dd>${numberOf(customer.domains.length)}</dd>
        <dt>Users</dt>
        <dd>${numberOf(usersIn(customer))}</dd>
        <dt>Gradient MSP</dt>
        <dd>
          ${!enabled
            ? 'Not enabled'
            : linked.includes(customer.id)
              ? `Linked${client ? ` with ${client.name}` : ''}`
              : 'Not linked'}
        </dd>
      </dl>
      <h2>Domains and user groups</h2>
      <div class="wide" tabindex="0" role="region" aria-label="Domains and user groups">
        <table>
          <thead>
            <tr>
              <th scope="col">Domain</th>
              <th scope="col">User group</th>
              <th scope="col" class="number">Users</th>
              <th scope="col">Services</th>
            </tr>
          </thead>
          <tbody>
            ${customer.domains.map((domain) =>
              domain.groups.map(
                (group) =>
                  html`<tr>
                    <td>${domain.name} ${domain.pending ? html`<span class="state">Pending</span>` : ''}</td>
                    <td>${group.name}</td>
                    <td class="number">${numberOf(group.users)}</td>
                    <td>${group.services.join(', ') || '—'}</td>
                  </tr>`,
              ),
            )}
          </tbody>
        </table>
      </div>
    </section>`;
  return show({ title: customer.name, at: 'customers', session, body });
}

/** @param found the clients that the text field finds, or the reason why the platform could not be asked for them */
export function customerIntegrations(
  page: CustomerPage,
  search: string,
  found: { clients: readonly Client[] } | { problem: string },
): Promise<SimAnswer> {
  const { customer, site, session, notice } = page;
  const { linked, assigned, enabled } = site.gradient.state();
  const client = assigned[customer.id];
  const here = `/customers/${customer.id}/integrations`;
  const chosen = client
    ? html`<form method="post" action="${here}/remove" class="chosen">
        <span>Customer in Gradient: <strong>${client.name}</strong></span>
        <button class="quiet">Remove</button>
      </form>`
    : html`<p>
        No customer in Gradient is selected.
        ${linked.includes(customer.id)
          ? 'This customer is linked: it is mapped inside Gradient.'
          : 'This customer is not linked yet.'}
      </p>`;
  const form = html`${chosen}
    <form method="get" action="${here}" role="search" class="search" data-searches="found">
      <label for="client">Search for the corresponding customer in Gradient</label>
      <input
        id="client"
        name="search"
        type="search"
        value="${search}"
        autocomplete="off"
        placeholder="Part of its name"
        aria-controls="found"
      />
      <button class="quiet">Search</button>
    </form>
    ${foundList(here, search, found, client)}
    <p>
      Then return to the <a href="/integrations#gradient-msp">Integrations page</a> and push <em>Update Counts</em>.
    </p>`;
  const body = html`${head(customer, 'integrations')}
    <section class="card" aria-labelledby="gradient">
      <h2 id="gradient">Gradient MSP</h2>
      ${noticeBox(notice)}
      ${enabled
        ? form
        : html`<p>
            Gradient MSP is not enabled. Enable it on the
            <a href="/integrations#gradient-msp">Integrations page</a> first.
          </p>`}
    </section>`;
  return show({ title: `Integrations of ${customer.name}`, at: 'customers', session, body });
}

function foundList(
  here: string,
  search: string,
  found: { clients: readonly Client[] } | { problem: string },
  chosen: Client | undefined,
): Html {
  if ('problem' in found) return html`<div id="found">${noticeBox({ tone: 'bad', text: found.problem })}</div>`;
  const { clients } = found;
  const words =
    clients.length === 0
      ? `No customer in Gradient has “${search}” in its name.`
      : clients.length < pageSize
        ? `${countOf(clients.length, 'customer')} found. Select the corresponding one.`
        : `The first ${pageSize} are shown. Type more of the name to find others.`;
  return html`<div id="found">
    <p role="status">${words}</p>
    <form method="post" action="${here}" class="results">
      ${clients.map(({ id, name }) => {
        // Two clients of the same name are told apart by their ids.
        const label = clients.some((other) => other.name === name && other.id !== id) ? `${name} (${id})` : name;
        return html`<button name="clientId" value="${id}" aria-label="Select ${label}">
          <span>${label}</span>
          ${id === chosen?.id ? html`<span class="state on">Selected</span>` : html`<span>Select</span>`}
        </button>`;
      })}
    </form>
  </div>`;
}

/** The most clients that the platform sends at once (docs/vendor-api.md, no. 16). */
const pageSize = 100;

function head(customer: WorldCustomer, at: 'overview' | 'integrations'): Html {
  const tab = (name: string, key: string, href: string) =>
    html`<a href="${href}" ${at === key ? html`aria-current="page"` : ''}>${name}</a>`;
  return html`<p class="trail"><a href="/customers">Customers</a> ›</p>
    <h1>${customer.name}</h1>
    <nav class="tabs" aria-label="Customer">
      ${tab('Overview', 'overview', `/customers/${customer.id}`)}
      ${tab('Integrations', 'integrations', `/customers/${customer.id}/integrations`)}
    </nav>`;
}
