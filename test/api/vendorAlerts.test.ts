/** Alerts through Gradient's Vendor API (reference/gradient.md §4.1 nos. 17 and 18, §4.2, §5.3), and Migrate to Alerts. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { finishStep } from '../../db/queries/process.ts';
import { stepsOf } from '../../domain/process/steps.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedAlerting } from '../kit/apiTenant.ts';
import { insertAccountMappings } from '../kit/mappings.ts';
import { callVendorApi, tokenOf, vendorKey } from '../kit/vendorApi.ts';

let harness: ApiHarness;
let integrationId: string;
let token: string;

beforeAll(async () => {
  harness = await startApi({ env: { VENDOR_API_KEYS: `mailprotector:${vendorKey}` } });
});
afterAll(() => harness?.close());
beforeEach(async () => {
  integrationId = await seedAlerting(harness.one);
  token = await tokenFor(integrationId);
});

async function tokenFor(id: string): Promise<string> {
  const { key } = await harness.admin.good<{ key: string }>('POST', `/v1/integrations/${id}/key`, {});
  return tokenOf(vendorKey, key);
}

const alert = { alertId: 'queue-1', title: 'Mail is delayed', description: 'For 40 minutes.' };
const post = (body: unknown = alert, accountId = harness.one.vendorAccount(1), as = token) =>
  callVendorApi(harness.url, as, 'POST', `/alerting/${encodeURIComponent(accountId)}`, body);
const debug = (messageId: string, as = token) => callVendorApi(harness.url, as, 'GET', `/alerting/debug/${messageId}`);
const view = (id: string) => harness.admin.good<Record<string, unknown>>('GET', `/v1/alerts/${id}`);

describe('17: an alert is queued', () => {
  test('kept, answered with its message, and set going', async () => {
    const { status, body } = await post();
    expect(status).toBe(201);
    expect(body).toEqual({
      messageId: expect.stringMatching(/^[\da-f-]{36}$/) as string,
      alertId: 'queue-1',
      correlationID: expect.any(String) as string,
    });
    expect(await view(body.messageId)).toMatchObject({
      alertId: 'queue-1',
      source: 'vendor',
      state: 'delivering',
      priority: 1,
      psaAccountId: harness.one.psaAccount(1),
    });
    expect(harness.wakes.at(-1)).toMatchObject({ kind: 'deliverAlert', id: body.messageId, integrationId });
  });

  test('the same id again is the same alert; everything that may be given is kept', async () => {
    const first = await post();
    const again = await post({
      ...alert,
      title: 'Mail is lost',
      priority: 4,
      status: 6,
      dueDateTime: '2026-12-01T10:00:00+02:00',
      serviceId: 'CloudFilter',
    });
    expect(again.body.messageId).toBe(first.body.messageId);
    expect(await view(first.body.messageId)).toMatchObject({
      title: 'Mail is lost',
      priority: 4,
      dueAt: '2026-12-01T08:00:00.000Z',
      serviceId: 'CloudFilter',
      revision: 2,
    });
  });

  test('the same id for two accounts is two alerts, each with its own words', async () => {
    const of = (n: number) => ({ ...alert, alertId: 'quota-90', title: `Mailbox of ${n} is full` });
    const accounts = [1, 2].map((n) => harness.one.vendorAccount(n));
    const ids: string[] = [];
    for (const [at, account] of accounts.entries()) ids.push((await post(of(at), account)).body.messageId as string);
    expect(new Set(ids).size).toBe(2);
    for (const [at, account] of accounts.entries()) {
      expect((await post(of(at), account)).body.messageId).toBe(ids[at]);
      expect(await view(ids[at] ?? '')).toMatchObject({
        alertId: 'quota-90',
        vendorAccountId: account,
        title: `Mailbox of ${at} is full`,
        revision: 2,
      });
    }
    const references = await Promise.all(ids.map(async (id) => (await view(id))['reference']));
    expect(new Set(references).size).toBe(2);
  });

  test('a storm over two accounts of one company is one storm', async () => {
    integrationId = await seedAlerting(harness.one, { storm: { most: 1, windowMinutes: 60 } });
    token = await tokenFor(integrationId);
    const mapping = { vendorAccountId: harness.one.vendorAccount(2), psaAccountId: harness.one.psaAccount(1) };
    await insertAccountMappings(harness.db, integrationId, [mapping], 'person');
    for (const [at, n] of [1, 1, 2, 2].entries())
      await post({ ...alert, alertId: `storm ${at}` }, harness.one.vendorAccount(n));
    const { items } = await harness.admin.good<{ items: { source: string; state: string }[] }>(
      'GET',
      `/v1/alerts?integrationId=${integrationId}`,
    );
    expect(items.filter(({ source }) => source === 'storm')).toHaveLength(1);
    expect(items.filter(({ state }) => state === 'gathered')).toHaveLength(3);
  });

  test('of an account that is not mapped, or that nobody knows, it is taken and waits', async () => {
    for (const accountId of [harness.one.vendorAccount(2), 'never heard of / it']) {
      const { status, body } = await post({ ...alert, alertId: accountId }, accountId);
      expect(status).toBe(201);
      expect(await view(body.messageId)).toMatchObject({ state: 'parked', vendorAccountId: accountId });
      expect((await debug(body.messageId)).body).toMatchObject({ status: 'pending', message: /mapped/ });
    }
  });

  test.each([
    ['no alertId', { alertId: undefined }, 'alertId must be a string'],
    ['an alertId of ours', { alertId: 'storm:1' }, /must not begin with/],
    ['no title', { title: '' }, 'title should not be empty'],
    ['no description', { description: null }, 'description must be a string'],
    ['priority 0', { priority: 0 }, 'priority must not be less than 1'],
    ['priority 5', { priority: 5 }, 'priority must not be greater than 4'],
    ['half a priority', { priority: 1.5 }, 'priority must be an integer number'],
    ['status 7', { status: 7 }, 'status must not be greater than 6'],
    [
      'a date that is none',
      { dueDateTime: 'tomorrow' },
      'dueDateTime must be a valid ISO 8601 date string, with a zone',
    ],
    ['a NUL', { title: 'a\u0000b' }, 'title must be valid text'],
  ])('%s is 400, and nothing is kept but that it was refused', async (_, more, message) => {
    const kept = async () => Object.entries(await harness.dump()).filter(([table]) => !table.startsWith('refused_'));
    const before = await kept();
    const { status, body } = await post({ ...alert, ...more });
    expect(status).toBe(400);
    expect(body.message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message));
    expect(await kept()).toEqual(before);
  });

  test('an integration that carries billing only refuses it, and says what to do', async () => {
    const { status, body } = await post(alert, 'x', await tokenFor(harness.one.integrationId));
    expect(status).toBe(403);
    expect(body).toEqual({
      statusCode: 403,
      error: 'Forbidden',
      message: expect.stringContaining('Migrate') as string,
    });
  });
});

describe('18: what became of it', () => {
  test('pending, then the reason of its failure', async () => {
    const { body } = await post();
    expect((await debug(body.messageId)).body).toEqual({
      messageId: body.messageId,
      createdAt: expect.any(String) as string,
      status: 'pending',
      message: 'On its way to the PSA',
    });
    await harness.admin.good('POST', `/v1/alerts/${body.messageId}/dismiss`, { reason: 'Planned' });
    expect((await debug(body.messageId)).body).toMatchObject({
      status: 'failed',
      message: 'Planned',
      errors: ['Planned'],
    });
  });

  test("another integration's message is one that nobody has; so is what is no id", async () => {
    const { body } = await post();
    const other = await tokenFor(await seedAlerting(harness.one));
    for (const answer of [await debug(body.messageId, other), await debug('nothing'), await debug('%27')])
      expect(answer).toMatchObject({ status: 404, body: { statusCode: 404 } });
  });
});

describe('Migrate to Alerts', () => {
  const modules = [{ variation: 'billing' }, { variation: 'alerts' }];
  const migrate = (as: string, body: unknown = { modules }) => callVendorApi(harness.url, as, 'PATCH', '', body);

  async function pushing(finished: boolean): Promise<{ id: string; as: string }> {
    const { integration, key } = await harness.admin.good<{ integration: { id: string }; key: string }>(
      'POST',
      '/v1/integrations',
      {
        vendor: 'mailprotector',
        psaConnectionId: harness.one.psaConnectionId,
        intake: 'push',
        modules: ['billing'],
        viaVirtualAdministrator: false,
      },
    );
    const connect = { kind: 'connect', id: integration.id, round: '1' } as const;
    for (const step of finished ? stepsOf.connect : []) await finishStep(harness.db, { ...connect, step });
    return { id: integration.id, as: tokenOf(vendorKey, key) };
  }

  test('said in the form in which modules are shown, it begins once; then accounts link', async () => {
    const { id, as } = await pushing(true);
    for (let time = 0; time < 2; time++) expect((await migrate(as)).body.data.modules).toEqual(modules);
    expect(harness.wakes.filter((wake) => wake.kind === 'migrateToAlerts' && wake.id === id)).toHaveLength(1);
    await callVendorApi(harness.url, as, 'POST', '/organization/accounts', [{ id: '1', name: 'One' }]);
    const { migration } = await harness.admin.good<{ migration: { steps: { step: string; state: string }[] } }>(
      'GET',
      `/v1/integrations/${id}`,
    );
    expect(migration.steps.slice(0, 3).map(({ state }) => state)).toEqual(['done', 'done', 'waiting']);
    expect(harness.wakes.slice(-2)).toContainEqual(expect.objectContaining({ kind: 'migrateToAlerts', id }));
  });

  test('while it is being connected it is 409; other modules, or none, begin nothing', async () => {
    const { id, as } = await pushing(false);
    expect((await migrate(as)).status).toBe(409);
    const finished = await pushing(true);
    expect((await migrate(finished.as, { modules: [{ variation: 'billing' }] })).status).toBe(400);
    expect((await migrate(finished.as, { modules: 'alerts' })).status).toBe(400);
    expect((await migrate(finished.as, { name: 'Mail' })).body.data.modules).toEqual([{ variation: 'billing' }]);
    for (const each of [id, finished.id])
      expect(await harness.admin.good('GET', `/v1/integrations/${each}`)).toMatchObject({ migration: null });
  });
});

describe('with MIGRATION_SIGNAL', () => {
  test.each([
    ['alert', 201],
    ['none', 403],
  ])('%s, the first alert of an integration that carries billing only is answered %i', async (signal, status) => {
    const other = await startApi({
      env: { VENDOR_API_KEYS: `mailprotector:${vendorKey}`, MIGRATION_SIGNAL: signal },
    });
    try {
      const { key } = await other.admin.good<{ key: string }>(
        'POST',
        `/v1/integrations/${other.one.integrationId}/key`,
        {},
      );
      const answer = await callVendorApi(other.url, tokenOf(vendorKey, key), 'POST', '/alerting/1', alert);
      expect(answer.status).toBe(status);
      const view = await other.admin.good<{ migration: object | null }>(
        'GET',
        `/v1/integrations/${other.one.integrationId}`,
      );
      expect(view.migration === null).toBe(signal === 'none');
    } finally {
      await other.close();
    }
  });
});
