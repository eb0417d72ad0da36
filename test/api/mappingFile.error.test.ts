import { afterAll, beforeAll, expect, test } from 'vitest';
import { disconnectIntegration } from '../../db/queries/integration.ts';
import { stepsOf } from '../../domain/process.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedIntegration } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

const path = () => `/v1/integrations/${harness.one.integrationId}/mappings/import`;

test('a file with one wrong line is refused whole, and names it; a dry run lists it', async () => {
  const { one } = harness;
  const csv = `kind,id,mappedTo\naccount,${one.vendorAccount(1)},${one.psaAccount(2)}\naccount,nobody,${one.psaAccount(1)}\n`;
  const before = await harness.dump();
  const problem = await harness.admin.problem(422, 'mapping-file', 'POST', path(), { csv, apply: true });
  expect(problem.errors).toEqual([{ field: 'line 3', message: expect.stringContaining('"nobody"') as string }]);
  const dry = await harness.admin.good<{ changes: object[]; errors: object[] }>('POST', path(), { csv });
  expect(dry).toMatchObject({ applied: false, changes: [{ line: 2 }], errors: [{ line: 3 }] });
  expect(await harness.dump()).toEqual(before);
});

test("another tenant's accounts and products are not known", async () => {
  const { one, other } = harness;
  const csv = `kind,id,mappedTo\naccount,${one.vendorAccount(1)},${other.psaAccount(1)}\nservice,CloudFilter,${other.product('usual')}\n`;
  const { errors } = await harness.admin.good<{ errors: object[] }>('POST', path(), { csv });
  expect(errors).toMatchObject([{ line: 2 }, { line: 3 }]);
});

test('nothing is imported into an integration that was disconnected', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  await disconnectIntegration(harness.db, id);
  const body = { csv: 'kind,id,mappedTo\n', apply: true };
  await harness.admin.problem(409, 'disconnected', 'POST', `/v1/integrations/${id}/mappings/import`, body);
});

test('what is no text is refused', async () => {
  await harness.admin.problem(400, 'invalid-request', 'POST', path(), { csv: ['kind'] });
  await harness.admin.problem(400, 'invalid-request', 'POST', path(), {});
  await harness.admin.problem(400, 'invalid-text', 'POST', path(), { csv: 'kind,id\0,mappedTo\n' });
});
