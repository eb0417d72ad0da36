import { afterAll, beforeAll, expect, test } from 'vitest';
import { findAlert } from '../../db/queries/alerts.ts';
import { listSteps } from '../../db/queries/processView.ts';
import { stepsOf } from '../../domain/process/steps.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { mapOne, seedAlert, seedAlerting, seedIntegration, stepsBefore } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const at = (id: string, what: string) => `/v1/integrations/${id}/${what}`;

test('G13 the board is chosen: the step is done, connect is woken, and alerts that waited for it go', async () => {
  const { one } = harness;
  const id = await seedIntegration(one, stepsBefore('chooseBoard'), ['billing', 'alerts']);
  await mapOne(one, id);
  const waiting = await seedAlert(one, 'parked', { integrationId: id });
  const settings = await harness.admin.good<{ board: { statusId: string; priorities: Record<string, string> } }>(
    'PUT',
    at(id, 'board'),
    { boardId: `${one.prefix}-board` },
  );
  expect(settings.board).toMatchObject({
    statusId: `${one.prefix}-new`,
    priorities: { 1: `${one.prefix}-low`, 4: `${one.prefix}-high` },
  });
  const steps = await listSteps(harness.db, { kind: 'connect', id });
  expect(steps.find((step) => step.step === 'chooseBoard')?.state).toBe('done');
  expect((await findAlert(harness.db, one.organizationId, waiting))?.state).toBe('delivering');
  expect(harness.wakes.slice(-2).map((wake) => [wake.kind, wake.id])).toEqual([
    ['deliverAlert', waiting],
    ['connect', id],
  ]);
});

test('permissions are checked again, without a step of the way being lost', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect, ['billing', 'alerts']);
  const view = await harness.admin.good<{ waitsFor: string; steps: { step: string; state: string }[] }>(
    'POST',
    at(id, 'permissions/check'),
  );
  expect(view.steps.filter((step) => step.state === 'waiting').map((step) => step.step)).toEqual(['checkPermissions']);
  expect(harness.wakes.at(-1)).toMatchObject({ kind: 'connect', id });
});

test('texts, storms and rules are changed one by one, and the others stay', async () => {
  const id = await seedAlerting(harness.one);
  await harness.admin.good('PUT', at(id, 'alert-settings'), { summary: '[Mail] {title}', storm: { most: 5 } });
  await harness.admin.good('PUT', at(id, 'alert-settings'), { rules: { usageZero: { on: false } } });
  expect(await harness.admin.good('GET', at(id, 'alert-settings'))).toMatchObject({
    board: { boardId: `${harness.one.prefix}-board` },
    summary: '[Mail] {title}',
    storm: { most: 5, windowMinutes: 60 },
    rules: { usageZero: { on: false }, directorySync: { on: true } },
  });
});

test('a board chosen while others change texts is not lost, and neither are the texts', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect, ['billing', 'alerts']);
  await Promise.all([
    harness.admin.good('PUT', at(id, 'board'), { boardId: `${harness.one.prefix}-board` }),
    ...[5, 6, 7].map((most) => harness.admin.good('PUT', at(id, 'alert-settings'), { storm: { most } })),
    harness.admin.good('PUT', at(id, 'alert-settings'), { summary: '[Mail] {title}' }),
  ]);
  expect(await harness.admin.good('GET', at(id, 'alert-settings'))).toMatchObject({
    board: { boardId: `${harness.one.prefix}-board` },
    summary: '[Mail] {title}',
    storm: { windowMinutes: 60 },
  });
});

test('a preview shows the ticket with texts that are not stored', async () => {
  const id = await seedAlerting(harness.one);
  const before = await harness.dump();
  const given = new URLSearchParams({ summary: '{priority}: {title}', title: 'Queue', priority: '4', account: 'Acme' });
  const preview = await harness.admin.good('GET', at(id, `alert-preview?${given.toString()}`));
  expect(preview).toMatchObject({
    board: 'Service',
    status: 'New',
    type: null,
    priority: 'High',
    summary: 'very high: Queue',
  });
  expect(await harness.dump()).toEqual(before);
});
