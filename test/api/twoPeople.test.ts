/** Whoever changes what another has changed meanwhile is told so, and takes nothing back without knowing. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mapEqualNames } from '../../commands/accountMapping.ts';
import { readIntegration } from '../../db/queries/integration.ts';
import { insertToken } from '../../db/queries/organization.ts';
import { stepsOf } from '../../domain/process/steps.ts';
import { startApi, type ApiHarness, type Caller } from '../kit/apiHarness.ts';
import { mapOne, seedIntegration, service } from '../kit/apiTenant.ts';

let harness: ApiHarness;
let ann: Caller;
let bob: Caller;
beforeAll(async () => {
  harness = await startApi();
  [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
});
afterAll(() => harness?.close());

async function person(name: string): Promise<Caller> {
  const secret = `cs_${name}-${'x'.repeat(32)}`;
  await insertToken(harness.db, harness.one.organizationId, { name, secret, scopes: ['admin'] });
  return harness.as(secret);
}

interface Versioned {
  version: string;
  psaAccountId: string | null;
  how: string | null;
  productIds: string[] | null;
  rounding: string | null;
}
const seenBy = async (caller: Caller, path: string) => (await caller.good<Versioned>('GET', path)).version;
const refused = async (caller: Caller, method: string, path: string, body?: unknown) =>
  (await caller.problem(409, 'changed-meanwhile', method, path, body)).detail;

/** An integration of its own, in which the first customer and one service are mapped. */
async function fresh() {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  await mapOne(harness.one, id);
  const at = `/v1/integrations/${id}`;
  return {
    id,
    at,
    account: `${at}/accounts/${harness.one.vendorAccount(1)}`,
    open: `${at}/accounts/${harness.one.vendorAccount(2)}`,
    service: `${at}/services/${service}`,
  };
}
const psa = (n: number) => ({ psaAccountId: harness.one.psaAccount(n) });

describe('a mapping of an account', () => {
  test('is set against what was seen: 409 says who changed it, when, and to what; nothing is changed', async () => {
    const { account } = await fresh();
    const seen = await seenBy(ann, account);
    await bob.good('PUT', `${account}/mapping?seen=${seen}`, psa(3));
    const before = await harness.dump();
    const detail = await refused(ann, 'PUT', `${account}/mapping?seen=${seen}`, psa(2));
    expect(detail).toMatch(
      /^The mapping of Customer 1 \(one-vendor-001\) is not what you have seen: "Bob" changed it at \d{4}-[^ ]+Z\. It is mapped to Company 3 \(one-psa-003\) now\./,
    );
    expect(await refused(ann, 'DELETE', `${account}/mapping?seen=${seen}`)).toContain('"Bob"');
    expect(await refused(ann, 'PUT', `${account}/exclusion?seen=${seen}`)).toContain('"Bob"');
    expect(await harness.dump()).toEqual(before);
    await ann.good('PUT', `${account}/mapping?seen=${await seenBy(ann, account)}`, psa(2));
    expect(await ann.good('GET', account)).toMatchObject(psa(2));
  });

  test('that was taken back, excluded or made by an equal name meanwhile is told so', async () => {
    const { id, account, open } = await fresh();
    const [seen, seenOpen] = [await seenBy(ann, account), await seenBy(ann, open)];
    await bob.decide('DELETE', account, 'mapping');
    expect(await refused(ann, 'PUT', `${account}/mapping?seen=${seen}`, psa(2))).toContain('It is not mapped now.');
    await bob.decide('PUT', account, 'exclusion');
    expect(await refused(ann, 'PUT', `${account}/mapping?seen=${seen}`, psa(2))).toContain('It is excluded now.');
    await harness.db.execute(
      `insert into psa_account (psa_connection_id, id, code, name, active, prospect)
       values ('${harness.one.psaConnectionId}', 'equal', 'E', 'Customer 2', true, false)`,
    );
    const row = await readIntegration(harness.db, id);
    expect(await harness.db.transaction((tx) => mapEqualNames(tx, row))).toBe(1);
    const detail = await refused(ann, 'PUT', `${open}/mapping?seen=${seenOpen}`, psa(2));
    expect(detail).toMatch(/Countersign changed it at .*It is mapped to Customer 2 \(equal\) now/);
  });

  test('is not refused to whoever sends the same again, or wants what is so already', async () => {
    const { account } = await fresh();
    const seen = await seenBy(ann, account);
    const path = `${account}/mapping?seen=${seen}`;
    await ann.good('PUT', path, psa(3));
    expect(await ann.good('PUT', path, psa(3))).toMatchObject(psa(3));
    expect(await bob.good('PUT', path, psa(3))).toMatchObject(psa(3));
    await bob.decide('DELETE', account, 'mapping');
    expect(await ann.good('DELETE', path)).toMatchObject({ psaAccountId: null });
  });

  test('of two at once, only one is made', async () => {
    const { account } = await fresh();
    const path = `${account}/mapping?seen=${await seenBy(ann, account)}`;
    const answers = await Promise.all([ann.call('PUT', path, psa(2)), bob.call('PUT', path, psa(3))]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
  });

  test('needs what was seen', async () => {
    const { account, service } = await fresh();
    for (const [method, path, body] of [
      ['PUT', `${account}/mapping`, psa(2)],
      ['DELETE', `${account}/mapping`, undefined],
      ['PUT', `${account}/exclusion`, undefined],
      ['PUT', `${service}/mapping`, { productIds: [harness.one.product('other')] }],
      ['DELETE', `${service}/mapping`, undefined],
    ] as const) {
      const problem = await ann.problem(400, 'invalid-request', method, path, body);
      expect(problem.errors?.map(({ field }) => field)).toEqual(['seen']);
    }
  });
});

describe('a mapping of a service', () => {
  const products = (...names: ('usual' | 'other')[]) => names.map((name) => harness.one.product(name));

  test('is set against what was seen, its rounding and how its products combine among it', async () => {
    const { service } = await fresh();
    const seen = await seenBy(ann, service);
    await bob.good('PUT', `${service}/mapping?seen=${seen}`, { productIds: products('usual'), rounding: 'up' });
    const wish = { productIds: products('usual', 'other') };
    expect(await refused(ann, 'PUT', `${service}/mapping?seen=${seen}`, wish)).toMatch(
      /^The mapping of CloudFilter \(CloudFilter\) is not what you have seen: "Bob" changed it at .* It is mapped to MP-usual \(parts, rounding up\) now\./,
    );
    const again = await seenBy(ann, service);
    await bob.good('PUT', `${service}/mapping?seen=${again}`, {
      productIds: products('usual'),
      rounding: 'up',
      combine: 'highest',
    });
    expect(await refused(ann, 'DELETE', `${service}/mapping?seen=${again}`)).toMatch(/"Bob".*combined as .*highest/);
    await ann.decide('DELETE', service, 'mapping');
    // What is so already is not refused.
    expect(await bob.good('DELETE', `${service}/mapping?seen=${again}`)).toMatchObject({ productIds: null });
  });

  test('does not change how a product combines that was not shown with it', async () => {
    const [one, two] = [await fresh(), await fresh()];
    const other = products('other');
    await bob.decide('PUT', one.service, 'mapping', { productIds: other });
    await bob.decide('PUT', one.service, 'mapping', { productIds: other, combine: 'distinct' });
    const seen = await seenBy(ann, two.service);
    const detail = await refused(ann, 'PUT', `${two.service}/mapping?seen=${seen}`, {
      productIds: other,
      combine: 'add',
    });
    expect(detail).toMatch(/"Bob" changed it .*combine as distinct/);
    const mapped = await ann.good<Versioned & { combine: object }>('PUT', `${two.service}/mapping?seen=${seen}`, {
      productIds: other,
    });
    expect(mapped.combine).toEqual({ [other[0] ?? '']: 'distinct' });
    await ann.decide('PUT', two.service, 'mapping', { productIds: other, combine: 'add' });
  });
});
