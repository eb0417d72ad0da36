/**
 * The section *Gradient MSP* of the Integrations page: the key, Update Counts, Migrate to Alerts, customers, service
 * assignments.
 */
import { html } from 'hono/html';
import type { WorldCustomer } from '../../world.ts';
import type { Activity } from '../connected.ts';
import type { GradientMsp } from '../gradientMsp.ts';
import type { Notice, Session } from '../sessions.ts';
import { listOf, pager, searchForm, type CustomerList, rowsOf } from './list.ts';
import { countOf, noticeBox, numberOf, timeOf, type Html } from './layout.ts';
import type { Site } from './site.ts';

export interface GradientSection {
  site: Site;
  session: Session;
  notice: Notice | undefined;
  query: URLSearchParams;
}

const here = '/integrations';
const goes = (activity: Activity | null) => activity !== null && activity.endedAt === null;

export function isRunning(gradient: GradientMsp): boolean {
  const { linking, updating } = gradient.activities();
  return goes(linking) || goes(updating);
}

export function gradientSection(of: GradientSection): Html {
  const { enabled } = of.site.gradient.state();
  return html`<section class="card integration" id="gradient-msp" aria-labelledby="gradient-title">
    <div class="title">
      <span class="logo" aria-hidden="true">G</span>
      <h2 id="gradient-title">Gradient MSP</h2>
      ${enabled ? html`<span class="state on">Active</span>` : html`<span class="state">Inactive</span>`}
    </div>
    <p>Sends your customers' usage, and alerts, to Gradient MSP.</p>
    ${noticeBox(of.notice)} ${keyForm(of.site.gradient)} ${enabled ? connected(of) : ''}
  </section>`;
}

function keyForm(gradient: GradientMsp): Html {
  const { enabled, apiKey, organization } = gradient.state();
  return html`<form method="post" action="${here}/gradient-msp/enable" class="key">
    <label for="partner-api-key">Partner API Key</label>
    <input
      id="partner-api-key"
      name="partnerApiKey"
      required
      maxlength="500"
      autocomplete="off"
      spellcheck="false"
      aria-describedby="key-hint"
    />
    <button>Enable</button>
    <p id="key-hint">
      ${enabled
        ? html`Enabled for <strong>${organization}</strong> with the key that ends in <code>${apiKey.slice(-4)}</code>.
            To use another key, paste it here and click Enable.`
        : 'Paste your Gradient API Key and click Enable.'}
    </p>
  </form>`;
}

function connected(of: GradientSection): Html {
  return html`<div class="actions">${updateBox(of.site.gradient)} ${alertsBox(of.site.gradient)}</div>
    ${customersBox(of.site.gradient, listOf(of.site.customers(), of.query))} ${assignmentsBox(of.site.gradient)}`;
}

function updateBox(gradient: GradientMsp): Html {
  const { linked, lastUpdate } = gradient.state();
  const { updating } = gradient.activities();
  const running = goes(updating);
  const result = lastUpdate
    ? html`<p>Last result, ${timeOf(lastUpdate.at)}:</p>
        <dl class="facts">
          <dt>Posted</dt>
          <dd>${numberOf(lastUpdate.posted)}</dd>
          <dt>Not mapped in Gradient yet</dt>
          <dd>${numberOf(lastUpdate.unmapped)}</dd>
          <dt>Refused</dt>
          <dd>${numberOf(lastUpdate.failed)}</dd>
        </dl>
        ${lastUpdate.refusal === null
          ? ''
          : html`<p class="notice bad">The first that was refused: ${lastUpdate.refusal}</p>`}`
    : html`<p>The counts were never updated.</p>`;
  return html`<section aria-labelledby="update-title">
    <h3 id="update-title">Usage counts</h3>
    <p>Sends the users of each service, for ${countOf(linked.length, 'linked customer')}.</p>
    <form method="post" action="${here}/gradient-msp/update-counts">
      <button ${running ? 'disabled' : ''}>Update Counts</button>
    </form>
    ${progress(
      'updating',
      updating,
      (activity) =>
        html`Update Counts is running: ${numberOf(activity.done)} of ${countOf(activity.total, 'count')} sent.`,
    )}
    ${running ? '' : result}
  </section>`;
}

function alertsBox(gradient: GradientMsp): Html {
  const { modules, migrated } = gradient.state();
  return html`<section aria-labelledby="alerts-title">
    <h3 id="alerts-title">Alerts</h3>
    ${modules.includes('alerts')
      ? html`<p>
          ${migrated ? html`<span class="state on">Migrated</span>` : ''} This integration sends
          ${modules.join(' and ')}.
        </p>`
      : html`<p>This integration sends billing only. Migrate it to send alerts as well.</p>
          <form method="post" action="${here}/gradient-msp/migrate-to-alerts">
            <button>Migrate to Alerts</button>
          </form>`}
  </section>`;
}

function customersBox(gradient: GradientMsp, list: CustomerList): Html {
  const { linked, migrated, linkedForAlerts } = gradient.state();
  const { linking } = gradient.activities();
  const isLinked = new Set(linked);
  const all =
    list.search === '' ? countOf(list.found.length, 'customer') : `${countOf(list.found.length, 'customer')} found`;
  const row = ({ id, name }: WorldCustomer) =>
    html`<tr>
      <td><input type="checkbox" name="customer" value="${id}" id="customer-${id}" /></td>
      <td><label for="customer-${id}">${name}</label></td>
      <td class="number spare">${id}</td>
      <td>
        ${isLinked.has(id) ? html`<span class="state on">Linked</span>` : html`<span class="state">Not linked</span>`}
      </td>
    </tr>`;
  return html`<section aria-labelledby="customers-title" id="gradient-customers">
    <h3 id="customers-title">Customers</h3>
    <p>${customersHint(migrated && !linkedForAlerts)}</p>
    ${progress('linking', linking, (activity) => html`Linking ${countOf(activity.total, 'customer')} …`)}
    ${linking?.outcome?.ok
      ? html`<p class="notice good" role="status">${timeOf(linking.endedAt ?? '')}: ${linking.outcome.words}</p>`
      : ''}
    ${searchForm(list, here, '#gradient-customers')}
    <form method="post" action="${here}/gradient-msp/link" data-selects="${list.found.length}" autocomplete="off">
      <input type="hidden" name="search" value="${list.search}" />
      <input type="hidden" name="except" value="" />
      <div class="wide">
        <table>
          <thead>
            <tr>
              <th scope="col"><input type="checkbox" name="all" id="select-all" /></th>
              <th scope="col"><label for="select-all">Select all ${all}</label></th>
              <th scope="col" class="number spare">Number</th>
              <th scope="col">Gradient MSP</th>
            </tr>
          </thead>
          <tbody>
            ${rowsOf(list, 4, row)}
          </tbody>
        </table>
      </div>
      <div class="submit">
        <button ${goes(linking) ? 'disabled' : ''}>Link Selected Customers</button>
        <span role="status" data-selected></span>
      </div>
    </form>
    ${pager(list, here, '#gradient-customers')}
  </section>`;
}

function customersHint(again: boolean): string {
  return again
    ? 'Select all the customers you want to send to Gradient and click Link Selected Customers.'
    : 'Select all the accounts you want to sync to Gradient and click Link Selected Customers. The box at the top selects those of all pages.';
}

function assignmentsBox(gradient: GradientMsp): Html {
  const services = Object.entries(gradient.state().services);
  return html`<section aria-labelledby="services-title">
    <h3 id="services-title">Service assignments</h3>
    <p>Please disregard these: services are mapped inside Gradient.</p>
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">Service</th>
            <th scope="col">Assigned to</th>
          </tr>
        </thead>
        <tbody>
          ${services.map(
            ([name, id]) =>
              html`<tr>
                <td>${name}</td>
                <td><code>${id}</code></td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

/**
 * Shows an action's progress, which the page reads again and again (script.ts). The message of a failed action stays until the
 * action is tried again.
 */
function progress(id: string, activity: Activity | null, words: (activity: Activity) => Html): Html | '' {
  if (!activity) return '';
  if (goes(activity))
    return html`<div id="${id}" data-running class="notice" role="status">
      <p>${words(activity)} It goes on when you leave this page.</p>
      ${activity.total > 0
        ? html`<progress max="${activity.total}" value="${activity.done}" aria-label="Progress"></progress>`
        : ''}
    </div>`;
  if (activity.outcome?.ok !== false) return '';
  return html`<div id="${id}" class="notice bad" role="alert">
    ${timeOf(activity.endedAt ?? '')}: ${activity.outcome.words}
    ${activity.done > 0 ? html`It stopped after ${numberOf(activity.done)} of ${numberOf(activity.total)}.` : ''}
  </div>`;
}
