import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { members } from '../../simulators/connectwise/members.ts';
import { keys } from '../../simulators/mailprotector/keys.ts';
import {
  connectAll,
  createIntegration,
  createPsaConnection,
  person,
  reach,
  stepOf,
  signOff,
  untilApprovalClosed,
  type ApprovalView,
  type CardView,
  type StepView,
} from '../../dev/walkthrough/guide.ts';
import { billedLinesOf } from '../kit/simulatorState.ts';
import { goodCredentials } from '../../dev/walkthrough/guide.ts';
import { startSystem, type System } from '../kit/system.ts';
import { until } from '../../dev/until.ts';

let system: System;

beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system?.close());
afterEach(async () => {
  await system.connectwise.settings({ cloudAuth: false });
  await system.connectwise.clearFaults();
});

interface Connection {
  refreshedAt: string | null;
  process: { done: boolean; waitsFor: string | null; steps: StepView[] };
}
const connectionOf = (id: string) => system.api.get<Connection>(`/v1/psa-connections/${id}`);

async function untilBlocked(what: string, ask: () => Promise<StepView | undefined>): Promise<StepView> {
  return until(`${what} to be blocked`, async () => {
    const step = await ask();
    return step?.state === 'blocked' ? step : undefined;
  });
}

/** A person understands a problem without our help: what happened, and what to do about it. */
function expectClear(step: StepView, words: { code: string; what: RegExp; todo: RegExp }): void {
  expect(step.problem?.code).toBe(words.code);
  expect(step.problem?.what).toMatch(words.what);
  expect(step.problem?.todo).toMatch(words.todo);
  expect(JSON.stringify(step)).not.toMatch(/Error:|at .*\.ts:/);
}

describe('Mailprotector', () => {
  let psaConnectionId: string;
  let integrationId: string;

  beforeEach(async () => {
    psaConnectionId ??= await createPsaConnection(system);
    integrationId = await createIntegration(system, psaConnectionId);
  });

  test.each([
    [
      'an unknown reseller',
      { resellerId: '999', apiKey: keys.reseller },
      { code: 'not_found', what: /knows no reseller 999/, todo: /Check the id/ },
    ],
    [
      'a wrong key',
      { resellerId: '500', apiKey: 'not-the-right-key' },
      { code: 'bad_credentials', what: /answered 401/, todo: /Give new credentials/ },
    ],
    [
      'a key of a customer',
      { resellerId: '500', apiKey: keys.customerRole },
      { code: 'forbidden', what: /does not see reseller 500/, todo: /right/ },
    ],
    [
      "another reseller's key",
      { resellerId: '500', apiKey: keys.otherReseller },
      { code: 'forbidden', what: /does not see reseller 500/, todo: /right/ },
    ],
    [
      'a reseller who buys through Virtual Administrator',
      { resellerId: '500', apiKey: keys.virtualAdministrator },
      { code: 'virtual_administrator', what: /Virtual Administrator/, todo: /cannot be connected/ },
    ],
  ])(
    '%s blocks the step clearly, and the right credentials free it by themselves',
    async (_case, credentials, words) => {
      await person.credentials(system, integrationId, credentials);
      const step = await untilBlocked('verifyCredentials', () => stepOf(system, integrationId, 'verifyCredentials'));
      expectClear(step, words);
      const refused = await system.api.call<{ code: string }>('GET', `/v1/integrations/${integrationId}/customers`);
      expect(refused).toMatchObject({ status: 409, body: { code: 'not-read-yet' } });
      await person.credentials(system, integrationId);
      await reach(system, integrationId, 'linkCustomers');
      expect((await stepOf(system, integrationId, 'verifyCredentials')).problem).toBeNull();
      expect((await system.api.all(`/v1/integrations/${integrationId}/customers`)).length).toBeGreaterThan(20);
    },
  );

  test('a reseller id that is no number is refused at once, and the step goes on waiting', async () => {
    const answer = await system.api.call<{ code: string; errors: { field: string }[] }>(
      'PUT',
      `/v1/integrations/${integrationId}/vendor-credentials`,
      { resellerId: 'acme', apiKey: keys.reseller },
    );
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid-credentials' } });
    expect(answer.body.errors[0]?.field).toBe('resellerId');
    expect((await stepOf(system, integrationId, 'credentials')).state).toBe('waiting');
  });

  test('a key that is revoked between two syncs blocks the sync, and what was read stays', async () => {
    const connected = await connectAll(system);
    const path = `/v1/integrations/${connected.integrationId}`;
    const before = await system.api.all<CardView>('/v1/cards');
    await system.mailprotector.fault({ kind: 'status', status: 401, path: '/resellers/500/', times: null });
    await system.api.post(`${path}/syncs`);
    interface Run {
      id: string;
      state: string;
      process: { steps: StepView[] };
    }
    const run = await until('the sync to be blocked', async () => {
      const { items } = await system.api.get<{ items: Run[] }>(`${path}/syncs?limit=1`);
      const newest = await system.api.get<Run>(`/v1/syncs/${items[0]?.id}`);
      return newest.process.steps.some((step) => step.state === 'blocked') ? newest : undefined;
    });
    const blocked = run.process.steps.find((step) => step.state === 'blocked');
    expectClear(blocked as StepView, { code: 'bad_credentials', what: /401/, todo: /Give new credentials/ });
    expect(await system.api.all<CardView>('/v1/cards')).toEqual(before);
    await system.mailprotector.clearFaults();
    await system.api.put(`${path}/vendor-credentials`, goodCredentials.vendor);
    await until('the sync to go on by itself', async () => {
      return (await system.api.get<Run>(`/v1/syncs/${run.id}`)).state === 'applied';
    });
  });
});

describe('the PSA', () => {
  const blockedStep = async (id: string) => {
    const { process } = await connectionOf(id);
    return process.steps.find((step) => step.state === 'blocked');
  };

  test.each([
    ['answered 401', false, { code: 'bad_credentials', what: /401/, todo: /Give new credentials/ }],
    ['answered 404, as cloud does', true, { code: 'bad_credentials', what: /404/, todo: /Give new credentials/ }],
  ])('wrong keys %s block clearly, and the right ones free it by themselves', async (_case, cloudAuth, words) => {
    await system.connectwise.settings({ cloudAuth });
    const good = goodCredentials.psa(system.connectwise.url);
    const id = await createPsaConnection(system, { ...good, privateKey: 'notTheKey' });
    expectClear(await untilBlocked('the check', () => blockedStep(id)), words);
    expect((await connectionOf(id)).process.waitsFor).toMatch(/blocked/);
    await system.api.put(`/v1/psa-connections/${id}/credentials`, { kind: 'connectwise', credentials: good });
    await until('the PSA to be read', async () => (await connectionOf(id)).process.done);
    expect((await connectionOf(id)).refreshedAt).not.toBeNull();
  });

  test('an unknown company id blocks clearly', async () => {
    const good = goodCredentials.psa(system.connectwise.url);
    const id = await createPsaConnection(system, { ...good, companyId: 'nobody' });
    expectClear(await untilBlocked('the check', () => blockedStep(id)), {
      code: 'bad_credentials',
      what: /no company "nobody"/,
      todo: /Give new credentials/,
    });
    expect((await connectionOf(id)).refreshedAt).toBeNull();
  });

  test.each([
    ['noCatalog', /Procurement > Product Catalog/],
    ['noAgreements', /Finance > Agreements/],
  ] as const)(
    'missing rights (%s) block with the setting to change, and new rights free it',
    async (member, setting) => {
      const id = await createPsaConnection(system, goodCredentials.psa(system.connectwise.url, member));
      expectClear(await untilBlocked('the check', () => blockedStep(id)), {
        code: 'missing_rights',
        what: setting,
        todo: /Grant the user of the API in the PSA .* these rights/,
      });
      await system.api.put(`/v1/psa-connections/${id}/credentials`, {
        kind: 'connectwise',
        credentials: goodCredentials.psa(system.connectwise.url),
      });
      await until('the PSA to be read', async () => (await connectionOf(id)).process.done);
      expect((await connectionOf(id)).refreshedAt).not.toBeNull();
    },
  );

  test('a connect that needs a PSA with missing rights shows whom it waits for, and goes on once they are granted', async () => {
    const id = await createPsaConnection(system, goodCredentials.psa(system.connectwise.url, 'noCatalog'));
    const integrationId = await createIntegration(system, id);
    await person.credentials(system, integrationId);
    await person.linkAll(system, integrationId);
    await untilBlocked('the check', () => blockedStep(id));
    expect((await stepOf(system, integrationId, 'psa')).state).toBe('waiting');
    await system.api.put(`/v1/psa-connections/${id}/credentials`, {
      kind: 'connectwise',
      credentials: goodCredentials.psa(system.connectwise.url),
    });
    await reach(system, integrationId, 'mapAccounts');
  });

  test('a member that may not write: the approval says which right is missing, moves nothing, and is written once it has the right', async () => {
    const { psaConnectionId } = await connectAll(system);
    const path = `/v1/psa-connections/${psaConnectionId}`;
    await system.api.put(`${path}/credentials`, {
      kind: 'connectwise',
      credentials: goodCredentials.psa(system.connectwise.url, 'readOnly'),
    });
    await until('the new member to be checked', async () => (await connectionOf(psaConnectionId)).process.done);
    await system.api.put(`${path}/writes`, { enabled: true });
    const card = (await system.api.all<CardView & { psaConnectionId: string }>('/v1/cards')).find(
      (one) => one.bulkApprovable && one.psaConnectionId === psaConnectionId,
    );
    const before = await billedLinesOf(system);
    const { approval } = await signOff(system, card ? [card] : []);
    interface Approval extends ApprovalView {
      process: { steps: StepView[] };
    }
    const blocked = await untilBlocked('the write', async () => {
      const { process } = await system.api.get<Approval>(`/v1/approvals/${approval.id}`);
      return process.steps.find((step) => step.step === 'write');
    });
    expectClear(blocked, {
      code: 'forbidden',
      what: /Finance > Agreements: Edit = All/,
      todo: /Grant the missing right/,
    });
    expect(await billedLinesOf(system)).toEqual(before);
    await system.api.put(`${path}/credentials`, {
      kind: 'connectwise',
      credentials: goodCredentials.psa(system.connectwise.url),
    });
    const closed = await untilApprovalClosed(system, approval.id);
    expect(closed.lines.map((line) => line.state)).toEqual(['applied']);
    const after = await billedLinesOf(system);
    const moved = after.filter((line, at) => line.quantity !== before[at]?.quantity);
    expect(moved.map((line) => [String(line.id), line.quantity])).toEqual([
      [closed.lines[0]?.lineId, closed.lines[0]?.to],
    ]);
  });

  test('a Product ID with quotes is found, mapped, and billed like any other', async () => {
    const [{ id } = { id: '' }] = (await system.api.get<{ items: { id: string }[] }>('/v1/psa-connections')).items;
    await until('the PSA to be read', async () => (await connectionOf(id)).refreshedAt !== null);
    const search = encodeURIComponent('MP-"Q"-1');
    const { items } = await system.api.get<{ items: { productId: string }[] }>(
      `/v1/psa-connections/${id}/products?search=${search}`,
    );
    expect(items.map((item) => item.productId)).toEqual(['MP-"Q"-1']);
  });

  test('a site that is no host is refused at once, and no connection is made', async () => {
    const count = async () => (await system.api.get<{ items: unknown[] }>('/v1/psa-connections')).items.length;
    const before = await count();
    for (const site of ['not a host', 'http://user:pass@example.com/', 'https://example.com/some/path']) {
      const answer = await system.api.call<{ code: string; detail: string }>('POST', '/v1/psa-connections', {
        kind: 'connectwise',
        name: 'Bad',
        credentials: { ...goodCredentials.psa(site), publicKey: members['full']?.publicKey },
      });
      expect(answer).toMatchObject({ status: 422, body: { code: 'invalid-credentials' } });
    }
    expect(await count()).toBe(before);
  });
});
