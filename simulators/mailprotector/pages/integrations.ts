/** The Integrations page: a long list of integrations, with *Gradient MSP* among them. */
import { html } from 'hono/html';
import type { SimAnswer } from '../../kit/simulator.ts';
import { gradientSection, isRunning, type GradientSection } from './gradientSection.ts';
import { show, type Html } from './layout.ts';

/** The other integrations are names only. They are listed because the guide says that one scrolls to *Gradient MSP* (G07). */
const before = [
  ['Active Directory', 'Keeps users and groups of a domain as they are in the directory on the customer’s premises.'],
  ['Autotask', 'Tickets and contract quantities in Autotask.'],
  ['ConnectWise Manage', 'Updates the quantities on agreements in ConnectWise Manage every night.'],
  ['Datto RMM', 'Shows Mailprotector beside the devices of a customer.'],
  ['Email notifications', 'Sends notices to an address of your choice.'],
  ['Google Workspace', 'Keeps users and groups of a domain as they are in Google Workspace.'],
] as const;
const after = [
  ['HaloPSA', 'Tickets and recurring quantities in HaloPSA.'],
  ['Kaseya BMS', 'Tickets and contract quantities in Kaseya BMS.'],
  ['Microsoft Entra ID', 'Keeps users and groups of a domain as they are in Microsoft Entra ID.'],
  ['Single sign-on', 'Lets your managers log in with your identity provider.'],
] as const;

export function integrationsPage(of: GradientSection): Promise<SimAnswer> {
  const body = html`<h1>Integrations</h1>
    <p>Connect Mailprotector with the other tools of your business.</p>
    ${before.map(other)} ${gradientSection(of)} ${after.map(other)}`;
  return show({
    title: 'Integrations',
    at: 'integrations',
    session: of.session,
    running: isRunning(of.site.gradient),
    body,
  });
}

function other([name, words]: readonly [string, string]): Html {
  return html`<section class="card integration inactive">
    <div class="title">
      <span class="logo" aria-hidden="true">${name.slice(0, 1)}</span>
      <h2>${name}</h2>
      <span class="state">Inactive</span>
    </div>
    <p>${words}</p>
    <p class="off">Not part of the simulation.</p>
  </section>`;
}
