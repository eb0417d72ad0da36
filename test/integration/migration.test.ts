/** From billing to billing and alerts as the guide has it, with the vendor's own console (G30 to G36). */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goodCredentials, person, stepOf, type CardView, type StepView } from '../../dev/walkthrough/guide.ts';
import { until } from '../../dev/until.ts';
import { postAlert, sendAlert, ticketsOf, untilAlert } from '../kit/alerts.ts';
import { connectPush, pushEnv, type Pushing } from '../kit/push.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let pushing: Pushing;
let account: { id: string };

beforeAll(async () => {
  system = await startSystem({ env: pushEnv });
  pushing = await connectPush(system);
  [account = { id: '' }] = await system.api.all<{ id: string }>(`/v1/integrations/${pushing.id}/accounts?mapped=true`);
});
afterAll(() => system?.close());

interface View {
  modules: string[];
  migration: { done: boolean; waitsFor: string | null; steps: StepView[] } | null;
}
const view = () => system.api.get<View>(`/v1/integrations/${pushing.id}`);
const migrated = async (step: string) =>
  (await view()).migration?.steps.find((row) => row.step === step)?.state === 'done';
const billed = async () =>
  (await system.api.all<CardView>('/v1/cards')).map((card) => [card.id, card.usage, card.current]).toSorted();
const mappings = () => system.api.all(`/v1/integrations/${pushing.id}/accounts?mapped=true`);

test('G30–G36: pressed in the console, linked, mapped, counted; alerts wait for the board, the migration does not', async () => {
  const before = [await billed(), await mappings()];
  const alert = { alertId: 'queue-1' };
  expect((await postAlert(system, pushing.key, account.id, alert)).status).toBe(403);

  await pushing.console.migrateToAlerts();
  expect((await view()).modules).toEqual(['billing', 'alerts']);
  const id = await sendAlert(system, pushing.key, account.id, alert);
  expect((await view()).migration?.waitsFor).toContain('Link customers');
  await pushing.console.link((await pushing.console.customers()).map((customer) => customer.id));
  await until('customers to be linked', () => migrated('linkCustomers'));
  await system.api.post(`/v1/integrations/${pushing.id}/steps/updateAccountMapping/complete`);
  await until('it to wait for the counts', async () => (await view()).migration?.waitsFor?.startsWith('Update Counts'));
  await pushing.console.updateCounts();
  await until('the counts to have come', () => migrated('updateCounts'));

  // The migration is through; only the alert waits, and says for what.
  expect((await view()).migration).toMatchObject({ done: false, waitsFor: expect.stringContaining('board') as string });
  expect(await untilAlert(system, id, 'parked')).toMatchObject({ process: null });
  await person.chooseBoard(system, pushing.id, pushing.psaConnectionId);
  await untilAlert(system, id, 'delivered');
  expect(await ticketsOf(system, id)).toHaveLength(1);
  await until('the migration to be over', async () => (await view()).migration?.done);
  expect([await billed(), await mappings()]).toEqual(before);
  // Connect is as done as it was.
  expect((await stepOf(system, pushing.id, 'firstSync')).state).toBe('done');
});

test('G12: without the rights that alerts need Check Permissions is blocked, says what to set, and goes on once it is set', async () => {
  const billingOnly = await system.api.post<{ integration: { id: string } }>('/v1/integrations', {
    vendor: 'mailprotector',
    psaConnectionId: pushing.psaConnectionId,
    intake: 'pull',
    modules: ['alerts'],
    viaVirtualAdministrator: false,
  });
  const { id } = billingOnly.integration;
  await person.psaCredentials(
    system,
    pushing.psaConnectionId,
    goodCredentials.psa(system.connectwise.url, 'billingOnly'),
  );
  await person.credentials(system, id);
  await person.linkAll(system, id);
  const problem = await until('Check Permissions to be blocked', async () => {
    const step = await stepOf(system, id, 'checkPermissions');
    return step.state === 'blocked' ? step.problem : undefined;
  });
  expect(problem.code).toBe('missing_rights');
  for (const setting of ['Service Desk > Service Tickets: Inquire = All', 'System > Table Setup: Inquire = All'])
    expect(problem.what).toContain(setting);
  // Given the rights, it goes on by itself.
  await person.psaCredentials(system, pushing.psaConnectionId);
  await until(
    'the permissions to be checked',
    async () => (await stepOf(system, id, 'checkPermissions')).state === 'done',
  );
});
