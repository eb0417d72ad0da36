/** More than the 65,535 parameters that one statement of PostgreSQL may have, and more than a sentence holds. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decideAccounts } from '../../commands/accountMapping.ts';
import { readIntegration } from '../../db/queries/integration.ts';
import { listPushedAccounts } from '../../db/queries/pushCatalogue.ts';
import { stepsOf } from '../../domain/process/steps.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedIntegration } from '../kit/apiTenant.ts';

let harness: ApiHarness;
let id: string;
const many = 70_000;
const ids = Array.from({ length: many }, (_, at) => `m${at}`);
beforeAll(async () => {
  harness = await startApi();
  id = await seedIntegration(harness.one, stepsOf.connect);
  await harness.db.execute(sql`
    insert into vendor_account (integration_id, id, name)
    select ${id}::uuid, 'm' || n, 'Many ' || n from generate_series(0, ${many - 1}::int) n`);
});
afterAll(() => harness?.close());

const countOf = async (what: ReturnType<typeof sql>) =>
  Number((await harness.db.execute<{ n: string }>(sql`select count(*) as n from ${what}`)).rows[0]?.n);

test('customers are linked by their ids, and each that nobody was asked about is found', async () => {
  const path = `/v1/integrations/${id}/customers/link`;
  const unknown = ids.map((each) => `x${each}`);
  const problem = await harness.admin.problem(422, 'unknown-customers', 'POST', path, { ids: unknown });
  expect(problem.detail).toContain('xm19 and 69,980 more. Nothing was linked.');
  expect(await harness.admin.good('POST', path, { ids })).toEqual({ linked: many });
  expect(await countOf(sql`onboarding where integration_id = ${id} and state = 'found'`)).toBe(many);
  expect(await listPushedAccounts(harness.db, id, ids)).toHaveLength(many);
});

test('all are mapped, unmapped and excluded, with an audit row each', async () => {
  const row = await readIntegration(harness.db, id);
  const decide = (excluded: boolean, psaAccountId: string | null) =>
    harness.db.transaction((tx) =>
      decideAccounts(
        tx,
        { organizationId: row.organizationId, name: 'test' },
        {
          integration: row,
          how: 'person',
          via: 'file',
          decisions: ids.map((vendorAccountId) => ({ vendorAccountId, excluded, psaAccountId })),
        },
      ),
    );
  await decide(false, harness.one.psaAccount(1));
  expect(await countOf(sql`account_mapping where integration_id = ${id}`)).toBe(many);
  await decide(false, null);
  await decide(true, null);
  expect(await countOf(sql`onboarding where integration_id = ${id} and state = 'excluded'`)).toBe(many);
  expect(await countOf(sql`audit where subject_id like ${`${id}/%`} and action like 'account.%'`)).toBe(3 * many);
});
