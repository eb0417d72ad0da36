/** Disconnecting forgets how to reach the vendor, and nothing that a person decided; reconnecting gives it all back. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  connectAll,
  person,
  syncNow,
  untilConnected,
  type CardView,
  type IntegrationView,
} from '../../dev/walkthrough/guide.ts';
import { addCustomer, type OnboardingView } from '../../dev/walkthrough/newCustomer.ts';
import { until } from '../../dev/until.ts';
import { connectPush, postCount, pushEnv } from '../kit/push.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem({ customers: 24, env: { ...pushEnv } });
});
afterAll(() => system?.close());

interface Account {
  id: string;
  psaAccountId: string | null;
  how: string | null;
}
/** Without the seats, which are counted anew. */
const accountsOf = async (id: string) =>
  (await system.api.all<Account>(`/v1/integrations/${id}/accounts`)).map((account) => ({
    ...account,
    seats: undefined,
  }));
const cardsOf = async (psaConnectionId: string) =>
  (await system.api.all<CardView>(`/v1/cards?psaConnectionId=${psaConnectionId}`)).map((card) => ({
    account: card.psaAccountId,
    product: card.productId,
    usage: card.usage,
  }));
const byPlace = (cards: { account: string; product: string }[]) =>
  cards.toSorted((a, b) => `${a.account} ${a.product}`.localeCompare(`${b.account} ${b.product}`));
const reconnect = (id: string) =>
  system.api.post<{ integration: IntegrationView; key?: string }>(`/v1/integrations/${id}/reconnect`);
const onboardingOf = (id: string, customer: number) =>
  system.api.get<OnboardingView>(`/v1/integrations/${id}/accounts/${customer}/onboarding`);

test('pull: mappings are as they were, cards come back with fresh counts only, and who came meanwhile is asked about', async () => {
  const { integrationId: id, psaConnectionId } = await connectAll(system);
  await addCustomer(system.mailprotector, { id: 7001, name: 'Asked Before', users: 5 });
  await syncNow(system, id);
  await until('it to wait', async () => (await onboardingOf(id, 7001)).state === 'waiting');
  const accounts = await accountsOf(id);
  const cards = await cardsOf(psaConnectionId);
  expect(cards.some((card) => card.usage !== null)).toBe(true);

  await system.api.post(`/v1/integrations/${id}/disconnect`);
  expect(await cardsOf(psaConnectionId)).toEqual([]);
  expect((await onboardingOf(id, 7001)).state).toBe('disconnected');
  await addCustomer(system.mailprotector, { id: 7002, name: 'Came Meanwhile', users: 9 });

  const { integration, key } = await reconnect(id);
  expect(key).toBeUndefined();
  const open = integration.process.steps.filter((step) => !['done', 'skipped'].includes(step.state));
  expect(open.map(({ step }) => step)).toEqual(['credentials', 'verifyCredentials', 'psa', 'firstSync']);
  // What was counted before says nothing of today: no number may be approved by it.
  expect((await cardsOf(psaConnectionId)).filter((card) => card.usage !== null)).toEqual([]);
  await until('it to wait again', async () => (await onboardingOf(id, 7001)).state === 'waiting');

  await person.credentials(system, id);
  await untilConnected(system, id);
  expect((await accountsOf(id)).filter((account) => account.id !== '7002')).toEqual(accounts);
  expect(byPlace(await cardsOf(psaConnectionId))).toEqual(byPlace(cards));
  await until('it to be asked about', async () => (await onboardingOf(id, 7002)).state === 'waiting');
});

test('push: the old key stays refused, the new one is enabled, and the counts that follow are the cards', async () => {
  const { id, key: oldKey, psaConnectionId, console } = await connectPush(system);
  const accounts = await accountsOf(id);
  const cards = await cardsOf(psaConnectionId);
  await system.api.post(`/v1/integrations/${id}/disconnect`);
  const count = { accountId: accounts[0]?.id ?? '', service: 'CloudFilter', unitCount: 1 };
  expect((await postCount(system, oldKey, count)).status).toBe(401);

  const { integration, key } = await reconnect(id);
  expect(integration.process.steps.find(({ step }) => step === 'issueKey')?.state).toBe('done');
  expect(integration.process.steps.find(({ step }) => step === 'enable')?.state).toBe('waiting');
  expect(key).not.toBe(oldKey);
  await expect(console.enable(oldKey)).rejects.toThrow(/401/);
  await console.enable(key ?? '');
  await console.updateCounts();
  await untilConnected(system, id);
  expect(await accountsOf(id)).toEqual(accounts);
  expect(byPlace(await cardsOf(psaConnectionId))).toEqual(byPlace(cards));
});

test('disconnected in the middle of connect, it goes on from there', async () => {
  const psaConnectionId = (await system.api.all<{ id: string }>('/v1/psa-connections'))[0]?.id;
  const { integration } = await system.api.post<{ integration: IntegrationView }>('/v1/integrations', {
    vendor: 'mailprotector',
    psaConnectionId,
    intake: 'pull',
    modules: ['billing'],
    viaVirtualAdministrator: false,
  });
  const { id } = integration;
  await person.credentials(system, id);
  await person.linkAll(system, id);
  await system.api.post(`/v1/integrations/${id}/disconnect`);
  await reconnect(id);
  await person.credentials(system, id);
  await person.mapAccounts(system, id);
  await person.mapServices(system, id, psaConnectionId ?? '');
  await person.finish(system, id);
  await untilConnected(system, id);
  expect((await accountsOf(id)).filter((account) => account.how === 'exact').length).toBeGreaterThan(3);
});
