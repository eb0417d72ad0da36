/** Invariant 10: whatever is killed, a new customer is found once, read once it is mapped, and shown with its own number. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { connectAll, person, syncNow, type CardView } from '../../dev/walkthrough/guide.ts';
import { addCustomer, type NewCustomer, type OnboardingView } from '../../dev/walkthrough/newCustomer.ts';
import { until } from '../../dev/until.ts';
import { startOwnStack, type OwnStack } from '../kit/ownStack.ts';
import { killAndStart, parts } from '../kit/parts.ts';
import { startSystem, type System } from '../kit/system.ts';

let stack: OwnStack;
let system: System;
let id: string;
let psaAccountId: string;
let n = 0;
let customer: NewCustomer;

beforeAll(async () => {
  stack = await startOwnStack();
  system = await startSystem({
    customers: 26,
    database: await stack.createDatabase(),
    temporalAddress: stack.temporalAddress,
    env: { SWEEP_INTERVAL_MS: '2000' },
  });
  ({ integrationId: id } = await connectAll(system));
  const [mapped] = await system.api.all<{ psaAccountId: string }>(`/v1/integrations/${id}/accounts?mapped=true`);
  psaAccountId = mapped?.psaAccountId ?? '';
}, 240_000);
afterAll(async () => {
  await system?.close();
  await stack?.close();
});
beforeEach(async () => {
  await system.mailprotector.clearFaults();
  await system.mailprotector.clearLog();
  n++;
  customer = { id: 7000 + n, name: `Newcomer ${n}`, users: 100 + n };
});

const path = () => `/v1/integrations/${id}/accounts/${customer.id}`;
const untilState = (state: string) =>
  until(`the customer to be ${state}`, async () => {
    const view = await system.api.get<OnboardingView>(`${path()}/onboarding`);
    if (view.state !== state) throw new Error(`It is ${view.state}: ${view.process?.waitsFor}`);
    return view;
  });
const usage = async () => {
  const cards = await system.api.all<CardView>('/v1/cards');
  return cards.find((card) => card.psaAccountId === psaAccountId && card.productId === 'MP-CLOUDFILTER')?.usage ?? 0;
};
const map = () => system.api.decide('PUT', path(), 'mapping', { psaAccountId });
const domainCalls = () => system.mailprotector.log('GET', `/customers/${customer.id}/domains`);

/** Found, and waiting for a person. */
async function waiting(): Promise<void> {
  await addCustomer(system.mailprotector, customer);
  await syncNow(system, id);
  await untilState('waiting');
}

test.each(parts)('%s killed while the customer is read', async (part) => {
  await waiting();
  const before = await usage();
  await system.mailprotector.fault({ kind: 'latency', method: 'GET', path: '/domains$', ms: 700 });
  await map();
  await until('it to be read', async () => (await domainCalls()).length > 0);
  await killAndStart(part, system, stack);
  await untilState('done');
  expect(await usage()).toBe(before + customer.users);
});

test.each(parts)('%s killed as soon as the customer was mapped', async (part) => {
  await waiting();
  const before = await usage();
  await map();
  await killAndStart(part, system, stack);
  await untilState('done');
  expect(await usage()).toBe(before + customer.users);
});

test.each(['worker', 'temporal', 'postgres'] as const)('%s killed while the customers are found', async (part) => {
  await addCustomer(system.mailprotector, customer);
  await system.api.post(`/v1/integrations/${id}/syncs`);
  // In the second list, the one that finds them.
  await until(
    'the sync to list them again',
    async () => (await system.mailprotector.log('GET', '/resellers/500/customers')).length > 1,
  );
  await killAndStart(part, system, stack);
  await untilState('waiting');
  const { items } = await system.api.get<{ items: OnboardingView[] }>(`/v1/onboardings?integrationId=${id}&open=true`);
  expect(items.map((item) => item.vendorAccountId)).toContain(String(customer.id));
});

test('a key that was revoked blocks it, and a new one lets it go on', async () => {
  await waiting();
  const before = await usage();
  const path403 = `/customers/${customer.id}/domains$`;
  await system.mailprotector.fault({ kind: 'status', status: 401, method: 'GET', path: path403, times: null });
  await map();
  const blocked = await until('it to be blocked', async () => {
    const view = await system.api.get<OnboardingView>(`${path()}/onboarding`);
    return view.process?.steps.find((step) => step.state === 'blocked');
  });
  expect(blocked).toMatchObject({ step: 'pullCustomer', problem: { code: 'bad_credentials' } });
  await system.mailprotector.clearFaults();
  await person.credentials(system, id);
  await untilState('done');
  expect(await usage()).toBe(before + customer.users);
});
