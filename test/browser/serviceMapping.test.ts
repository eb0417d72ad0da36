/** Service mapping in a real Chromium: search by Product ID, dragging, the choices with their numbers, and what saving touches. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { until } from '../../dev/until.ts';
import { connectAll } from '../../dev/walkthrough/guide.ts';
import { consoleOf } from '../kit/consoleOf.ts';
import { expectNoFindings, inspect, newToken, shoot, signIn } from '../kit/consolePages.ts';
import { dragOnto } from '../kit/drag.ts';
import { startSystem, type System } from '../kit/system.ts';

interface Service {
  id: string;
  name: string;
  productIds: string[] | null;
  products: { id: string; productId: string }[];
  seats: number | null;
  fanOut: string | null;
  rounding: string | null;
  combine: Record<string, string | null>;
}
interface Effect {
  customers: number;
  seats: { before: number; after: number };
  money: { currency: string | null; before: number; after: number }[];
}

let system: System;
let page: Page;
let integrationId: string;

const open = consoleOf({
  start: async () => (system = await startSystem({ customers: 26 })),
  prepare: async () => {
    ({ integrationId } = await connectAll(system));
  },
  begin: (first) => {
    ({ page } = first);
  },
});

const token = () => system.secrets[0] ?? '';
const path = (id = integrationId) => `/integrations/${id}/services`;
const servicesOf = async (id = integrationId) =>
  (await system.api.get<{ items: Service[] }>(`/v1/integrations/${id}/services`)).items;
const serviceOf = (id: string) => system.api.get<Service>(`/v1/integrations/${integrationId}/services/${id}`);
/** The mapped service with most seats, and another one. */
async function two(): Promise<[Service, Service]> {
  const mapped = (await servicesOf())
    .filter(({ productIds, seats }) => productIds?.length === 1 && (seats ?? 0) > 0)
    .toSorted((a, b) => (b.seats ?? 0) - (a.seats ?? 0));
  const [first, second] = mapped;
  if (!first || !second) throw new Error('This test needs two services that are mapped and used.');
  return [first, second];
}
const map = (service: Service, body: object) =>
  system.api.decide('PUT', `/v1/integrations/${integrationId}/services/${service.id}`, 'mapping', body);

const products = (on = page) => on.getByRole('grid', { name: 'Products in the PSA' });
const services = (on = page) => on.getByRole('grid', { name: 'Services of Mailprotector' });
const row = (service: Service, on = page) => services(on).getByRole('row', { name: service.name, exact: true });
const dialogOf = (service: Service, on = page) => on.getByRole('dialog', { name: `Map ${service.name}`, exact: true });
const touches = (service: Service, on = page) =>
  dialogOf(service, on).getByRole('region', { name: 'What saving touches' });
const save = (service: Service, on = page) => dialogOf(service, on).getByRole('button', { name: 'Save' });

async function openBoard(secret = token(), on = page, id = integrationId): Promise<void> {
  await signIn(on, secret, path(id));
  await services(on).getByRole('row').first().waitFor();
  await products(on).getByRole('row').first().waitFor();
}
async function edit(service: Service, on = page): Promise<void> {
  await row(service, on)
    .getByRole('button', { name: /^(Map|Change) / })
    .click();
  await dialogOf(service, on).waitFor();
}
async function addProduct(service: Service, productId: string, on = page): Promise<void> {
  await dialogOf(service, on).getByRole('combobox').fill(productId);
  const option = on.getByRole('option').filter({ hasText: productId }).first();
  await option.waitFor();
  await expectNoFindings(on, 'the open list of products');
  await option.click();
  await dialogOf(service, on).getByRole('listitem').filter({ hasText: productId }).waitFor();
}
const previewOf = (service: Service, query: string) =>
  system.api.get<{ effect: Effect; combine: Record<string, Effect>; fanOut: Record<string, Effect> }>(
    `/v1/integrations/${integrationId}/services/${service.id}/mapping-preview?${query}`,
  );

test('services stand right with what they use, products left', async () => {
  await openBoard();
  for (const service of await servicesOf()) {
    const text = await row(service).innerText();
    expect(text).toContain(service.seats === null ? 'Not counted yet' : service.seats.toLocaleString('en-US'));
    expect(text).toContain(service.products[0]?.productId ?? 'Not mapped');
  }
  await inspect(page, 'service-mapping');
});

test('a product is dragged onto a service; before it is saved the page says what it touches', async () => {
  const [service, other] = await two();
  const [was, added] = [service.products[0], other.products[0]];
  await openBoard();
  await page.getByRole('searchbox', { name: 'Search by Product ID' }).fill(added?.productId ?? '');
  const product = products().getByRole('row', { name: added?.productId ?? '', exact: true });
  await until('the product alone', async () => (await products().getByRole('row').count()) <= 3);
  await dragOnto(page, product, row(service), { over: () => shoot(page, 'dragging-product-light-1280') });
  await dialogOf(service).waitFor();
  const query = `productId=${was?.id}&productId=${added?.id}`;
  const parts = await previewOf(service, query);
  await dialogOf(service).getByText('Each product gets the whole count.').waitFor();
  await expectTouches(service, parts.effect);
  // Nothing was saved by dropping.
  expect((await serviceOf(service.id)).productIds).toEqual(service.productIds);
  await dialogOf(service).getByText('Alternatives').click();
  const alternatives = await previewOf(service, `${query}&fanOut=alternatives`);
  await expectTouches(service, alternatives.effect);
  await inspect(page, 'service-mapping-parts');
  await save(service).click();
  await dialogOf(service).waitFor({ state: 'detached' });
  expect(await serviceOf(service.id)).toMatchObject({ productIds: [was?.id, added?.id], fanOut: 'alternatives' });
  await row(service).getByText('Alternatives').waitFor();
  await map(service, { productIds: [was?.id] });
});

/** What the page says is what the API computes, in numbers and per currency. */
async function expectTouches(service: Service, { customers, seats, money }: Effect): Promise<void> {
  const says = async () => (await touches(service).innerText()).replaceAll(/\s+/g, ' ');
  const who = customers === 0 ? 'It touches no customer.' : customers === 1 ? '1 customer.' : `${customers} customers.`;
  await until('what it touches to be told', async () => (await says()).includes(who));
  await until(
    'it not to be of an earlier choice',
    async () => (await touches(service).getAttribute('aria-busy')) === 'false',
  );
  const text = await says();
  expect(text).toContain(who);
  expect(text).toContain(`Usage: ${seats.after.toLocaleString('en-US')} seat`);
  for (const { currency, after } of money) {
    const style = { style: 'currency', currency: currency ?? 'USD', signDisplay: 'exceptZero' } as const;
    expect(text).toContain(new Intl.NumberFormat('en-US', style).format(after));
  }
  if (money.length === 0) expect(text).toContain('would not change the next invoices');
}

test('several services to one product: Add, Highest and Distinct users each say what they come to here', async () => {
  const [service, other] = await two();
  const [was, shared] = [service.products[0], other.products[0]];
  await openBoard();
  await edit(service);
  await dialogOf(service)
    .getByRole('button', { name: `Remove ${was?.productId}` })
    .click();
  await addProduct(service, shared?.productId ?? '');
  const group = dialogOf(service).getByRole('radiogroup', { name: 'Several services, one product' });
  await group.waitFor();
  const { combine } = await previewOf(service, `productId=${shared?.id}`);
  for (const [how, name] of [
    ['add', 'Add'],
    ['highest', 'Highest'],
    ['distinct', 'Distinct users'],
  ] as const) {
    const seats = combine[how]?.seats.after.toLocaleString('en-US');
    await group.getByText(`Here: ${seats} seats`, { exact: false }).first().waitFor();
    expect(await group.getByRole('radio', { name: new RegExp(`^${name}.*Here: ${seats} seat`) }).count()).toBe(1);
  }
  // There is no default.
  expect(await group.getByRole('radio', { checked: true }).count()).toBe(0);
  await inspect(page, 'service-mapping-combine');
  await group.getByText('Highest', { exact: true }).click();
  await expectTouches(service, (await previewOf(service, `productId=${shared?.id}&combine=highest`)).effect);
  await save(service).click();
  await dialogOf(service).waitFor({ state: 'detached' });
  expect(await serviceOf(service.id)).toMatchObject({
    productIds: [shared?.id],
    combine: { [shared?.id ?? '']: 'highest' },
  });
  // Opened again, it shows the rule, which another choice then changes.
  await edit(service);
  await group.getByRole('radio', { name: /^Highest/, checked: true }).waitFor();
  await group.getByText('Add', { exact: true }).click();
  await until('it to be previewed', () => save(service).isEnabled());
  await save(service).click();
  await dialogOf(service).waitFor({ state: 'detached' });
  expect((await serviceOf(service.id)).combine).toEqual({ [shared?.id ?? '']: 'add' });
  // A product with a rule, on a service that is not mapped to it yet: the rule is kept, or changed knowingly.
  await map(service, { productIds: [was?.id] });
  await page.reload();
  await edit(service);
  await dialogOf(service)
    .getByRole('button', { name: `Remove ${was?.productId}` })
    .click();
  await addProduct(service, shared?.productId ?? '');
  await group.getByRole('radio', { name: /^Add/, checked: true }).waitFor();
  await group.getByText('Distinct users', { exact: true }).click();
  await until('it to be previewed', () => save(service).isEnabled());
  await save(service).click();
  await dialogOf(service).waitFor({ state: 'detached' });
  expect((await serviceOf(service.id)).combine).toEqual({ [shared?.id ?? '']: 'distinct' });
  await map(service, { productIds: [was?.id] });
});

test('rounding is chosen, and a mapping is taken back', async () => {
  const [service] = await two();
  await openBoard();
  await edit(service);
  await dialogOf(service)
    .getByRole('button', { name: /Rounding/ })
    .click();
  await page.getByRole('option', { name: 'Up to whole seats' }).click();
  await until('it to be previewed', () => save(service).isEnabled());
  await save(service).click();
  await dialogOf(service).waitFor({ state: 'detached' });
  expect((await serviceOf(service.id)).rounding).toBe('up');
  await edit(service);
  await dialogOf(service).getByRole('button', { name: 'Unmap' }).click();
  await row(service).getByText('Not mapped').waitFor();
  await page.getByText('still unmapped: not billed until mapped.').waitFor();
  expect((await serviceOf(service.id)).productIds).toBeNull();
  await map(service, { productIds: service.productIds });
});

test('two people map the same service: the second is told who did what, and overwrites nothing', async () => {
  const [service, other] = await two();
  const bob = await open();
  await openBoard(await newToken(system, ['operate'], { name: 'Bob' }), bob.page);
  await openBoard(await newToken(system, ['operate'], { name: 'Ann' }));
  await edit(service);
  await addProduct(service, other.products[0]?.productId ?? '');
  await edit(service, bob.page);
  await dialogOf(service, bob.page)
    .getByRole('button', { name: /Rounding/ })
    .click();
  await bob.page.getByRole('option', { name: 'Down to whole seats' }).click();
  await until('it to be previewed', () => save(service, bob.page).isEnabled());
  await save(service, bob.page).click();
  await dialogOf(service, bob.page).waitFor({ state: 'detached' });
  await until('it to be previewed', () => save(service).isEnabled());
  await save(service).click();
  await dialogOf(service)
    .getByText(/: Bob changed it at/)
    .waitFor();
  expect(await serviceOf(service.id)).toMatchObject({ rounding: 'down', productIds: service.productIds });
  await inspect(page, 'service-changed-meanwhile');
  await map(service, { productIds: service.productIds });
});
