import { afterAll, beforeAll, expect, test } from 'vitest';
import { findIntegration } from '../../db/queries/integration.ts';
import { listStagedIds, stageRows } from '../../db/queries/staging.ts';
import { claimSyncRun, insertSyncRequest, moveRunCursor, takeOverRun } from '../../db/queries/sync.ts';
import type { IntegrationView } from '../../dev/walkthrough/guide.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { vendorCredentials } from '../kit/apiSamples.ts';
import { seedPush, seedRun } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface Integration extends IntegrationView {
  disconnectedAt: string | null;
  sync: { steps: { step: string; state: string }[] };
}
const stateOf = (view: Integration, step: string) => view.process.steps.find((row) => row.step === step)?.state;

test('disconnecting forgets the credentials, ends both processes, discards what is not visible and takes the cards away', async () => {
  const { one, other } = harness;
  const runId = await seedRun(other);
  await stageRows(harness.db, runId, 'count', [{ id: 'x', data: {} }]);
  const run = await takeOverRun(harness.db, runId);
  await insertSyncRequest(harness.db, other.integrationId, { requestedBy: 'test' });
  const caller = harness.as(other.tokens.admin);
  const cards = () => caller.good<{ items: object[] }>('GET', '/v1/cards');
  expect((await cards()).items.length).toBeGreaterThan(0);
  harness.wakes.length = 0;

  const path = `/v1/integrations/${other.integrationId}`;
  const view = await caller.good<Integration>('POST', `${path}/disconnect`);
  expect(view.disconnectedAt).not.toBeNull();
  expect(view.process.done).toBe(true);
  expect(view.sync.steps.every((step) => step.state === 'skipped')).toBe(true);
  expect(harness.wakes.map((wake) => wake.kind)).toEqual(['connect', 'sync']);
  expect((await cards()).items).toEqual([]);
  expect(await caller.good('GET', `/v1/syncs/${runId}`)).toMatchObject({ state: 'discarded' });
  const row = await findIntegration(harness.db, other.organizationId, other.integrationId);
  expect(row?.credentials).toBeNull();
  // The attempt that was at work may stage nothing any more, and nothing is left to claim.
  expect(await moveRunCursor(harness.db, run, 'x')).toBe(false);
  expect(await listStagedIds(harness.db, runId, 'count')).toEqual([]);
  expect(await claimSyncRun(harness.db, { kind: 'sync', id: other.integrationId })).toBeUndefined();

  // Mappings stay to be read; nothing is changed any more; once more changes nothing.
  const accounts = await caller.good<{ items: { psaAccountId: string | null }[] }>(
    'GET',
    `${path}/accounts?mapped=true`,
  );
  expect(accounts.items.length).toBeGreaterThan(10);
  await caller.problem(409, 'disconnected', 'POST', `${path}/syncs`);
  await caller.problem(409, 'disconnected', 'PUT', `${path}/vendor-credentials`, vendorCredentials);
  await caller.problem(409, 'disconnected', 'POST', `${path}/customers/link`, { all: true });
  await caller.problem(409, 'disconnected', 'POST', `${path}/steps/finish/complete`);
  await caller.problem(409, 'disconnected', 'DELETE', `${path}/accounts/${other.vendorAccount(1)}/mapping?seen=any`);
  const before = await harness.dump();
  expect((await caller.good<Integration>('POST', `${path}/disconnect`)).disconnectedAt).toBe(view.disconnectedAt);
  expect(await harness.dump()).toEqual(before);
  expect(
    (await harness.as(one.tokens.read).good<{ items: object[] }>('GET', '/v1/cards')).items.length,
  ).toBeGreaterThan(0);
});

test('connecting again what was disconnected asks for the access alone, and keeps the mappings', async () => {
  const { other } = harness;
  const caller = harness.as(other.tokens.admin);
  const path = `/v1/integrations/${other.integrationId}`;
  harness.wakes.length = 0;
  const { integration } = await caller.good<{ integration: Integration }>('POST', `${path}/reconnect`);
  expect(integration.disconnectedAt).toBeNull();
  expect(stateOf(integration, 'credentials')).toBe('waiting');
  expect(stateOf(integration, 'mapAccounts')).toBe('done');
  expect(harness.wakes.map((wake) => wake.kind)).toEqual(['connect']);
  const accounts = await caller.good<{ items: object[] }>('GET', `${path}/accounts?mapped=true`);
  expect(accounts.items.length).toBeGreaterThan(10);
  const cards = await caller.good<{ items: { usage: number | null }[] }>('GET', '/v1/cards');
  expect(cards.items.filter((card) => card.usage !== null)).toEqual([]);
  // Data from before is none: what is missing is the access, which a person gives.
  const health = await caller.good<{ state: string; dataAsOf: string | null }>('GET', `${path}/health`);
  expect(health).toMatchObject({ state: 'attention', dataAsOf: null });
  await caller.good('PUT', `${path}/vendor-credentials`, vendorCredentials);
});

test('connecting a pushing vendor again issues a key, shown once', async () => {
  const { id } = await seedPush(harness.one);
  await harness.admin.good('POST', `/v1/integrations/${id}/disconnect`);
  const { key } = await harness.admin.good<{ key: string }>('POST', `/v1/integrations/${id}/reconnect`);
  expect(key).toMatch(/^csk_/);
});
