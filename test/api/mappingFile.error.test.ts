import { afterAll, beforeAll, expect, test } from 'vitest';
import { disconnectIntegration } from '../../db/queries/integration.ts';
import { stepsOf } from '../../domain/process/steps.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { mapOne, seedIntegration } from '../kit/apiTenant.ts';

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
  const problem = await harness.admin.problem(422, 'mapping-file', 'POST', `${path()}?seen=any`, { csv, apply: true });
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
  await harness.admin.problem(409, 'disconnected', 'POST', `/v1/integrations/${id}/mappings/import?seen=any`, body);
});

test('a file is applied as its dry run has shown it, and not otherwise', async () => {
  const { one } = harness;
  const id = await seedIntegration(one, stepsOf.connect);
  await mapOne(one, id);
  const at = `/v1/integrations/${id}`;
  const csv = `kind,id,mappedTo\naccount,${one.vendorAccount(1)},${one.psaAccount(2)}\n`;
  const problem = await harness.admin.problem(400, 'invalid-request', 'POST', `${at}/mappings/import`, {
    csv,
    apply: true,
  });
  expect(problem.errors).toMatchObject([{ field: 'seen' }]);
  const { version } = await harness.admin.good<{ version: string }>('POST', `${at}/mappings/import`, { csv });
  const seen = `${at}/mappings/import?seen=${version}`;
  await harness.admin.decide('PUT', `${at}/accounts/${one.vendorAccount(1)}`, 'mapping', {
    psaAccountId: one.psaAccount(3),
  });
  const before = await harness.dump();
  const { detail } = await harness.admin.problem(409, 'changed-meanwhile', 'POST', seen, { csv, apply: true });
  expect(detail).toMatch(/meanwhile "admin" did account\.map of one-vendor-001 at .*Nothing was changed/);
  // Another file than the one that was shown is not applied either.
  const other = csv.replace(one.psaAccount(2), one.psaAccount(4));
  await harness.admin.problem(409, 'changed-meanwhile', 'POST', seen, { csv: other, apply: true });
  expect(await harness.dump()).toEqual(before);
  // What the file does not change may have changed.
  const { version: again } = await harness.admin.good<{ version: string }>('POST', `${at}/mappings/import`, { csv });
  await harness.admin.decide('PUT', `${at}/accounts/${one.vendorAccount(2)}`, 'exclusion');
  await harness.admin.good('POST', `${at}/mappings/import?seen=${again}`, { csv, apply: true });
});

test('what is no text is refused', async () => {
  await harness.admin.problem(400, 'invalid-request', 'POST', path(), { csv: ['kind'] });
  await harness.admin.problem(400, 'invalid-request', 'POST', path(), {});
  await harness.admin.problem(400, 'invalid-text', 'POST', path(), { csv: 'kind,id\0,mappedTo\n' });
});
