import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedAlerting } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const at = (id: string, what: string) => `/v1/integrations/${id}/${what}`;

test('an integration that carries billing only has no board to choose, and is told what to do', async () => {
  const { integrationId } = harness.one;
  const before = await harness.dump();
  for (const [method, what, body] of [
    ['PUT', 'board', { boardId: '1' }],
    ['PUT', 'alert-settings', { summary: '{title}' }],
    ['POST', 'permissions/check', undefined],
    ['POST', 'test-alert', { accountId: '1' }],
  ] as const) {
    const problem = await harness.admin.problem(409, 'no-alerts', method, at(integrationId, what), body);
    expect(problem.detail).toContain('Migrate');
  }
  expect(await harness.dump()).toEqual(before);
});

test('a board that takes no tickets is refused with the reason and the field, and nothing is changed', async () => {
  const id = await seedAlerting(harness.one);
  const before = await harness.dump();
  const { prefix } = harness.one;
  for (const [given, field, words] of [
    [{ boardId: `${prefix}-project` }, 'boardId', 'project board'],
    [{ boardId: `${prefix}-old` }, 'boardId', 'inactive'],
    [{ boardId: 'nobodys' }, 'boardId', 'no such board'],
    [{ boardId: `${prefix}-board`, statusId: `${prefix}-closed` }, 'statusId', 'closed'],
    [{ boardId: `${prefix}-board`, priorities: { 2: 'nobodys' } }, 'priorities.2', 'no such priority'],
  ] as const) {
    const problem = await harness.admin.problem(422, 'unusable-board', 'PUT', at(id, 'board'), given);
    expect(problem.errors).toEqual([{ field, message: expect.stringContaining(words) as string }]);
  }
  expect(await harness.dump()).toEqual(before);
});

test('before Check Permissions has read the boards there is nothing to choose from', async () => {
  const id = await seedAlerting(harness.one);
  const { psaConnectionId } = harness.one;
  const keep = sql`update psa_connection set ticket_options = (select ticket_options from psa_connection p where p.ticket_options is not null limit 1)`;
  await harness.db.execute(sql`update psa_connection set ticket_options = null where id = ${psaConnectionId}`);
  await harness.admin.problem(409, 'not-read-yet', 'PUT', at(id, 'board'), { boardId: '1' });
  await harness.admin.problem(409, 'not-read-yet', 'GET', `/v1/psa-connections/${psaConnectionId}/priorities`);
  await harness.db.execute(sql`${keep} where id = ${psaConnectionId}`);
});

test('a text with a field that there is not is refused, and the fields there are are named', async () => {
  const id = await seedAlerting(harness.one);
  const unknown = { body: '{titel}' };
  const query = new URLSearchParams(unknown).toString();
  for (const problem of [
    await harness.admin.problem(422, 'unknown-field', 'PUT', at(id, 'alert-settings'), unknown),
    await harness.admin.problem(422, 'unknown-field', 'GET', at(id, `alert-preview?${query}`)),
  ]) {
    expect(problem.errors).toEqual([{ field: 'body', message: 'There is no field {titel}.' }]);
    expect(problem.detail).toContain('{title}');
  }
});
