/** Requests nobody thought of, made from docs/vendor-api.openapi.yaml, against the real server on a real database. */
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { vendorApiPath } from '../../api/vendorApi/address.ts';
import { insertAccountMappings, storeServiceMapping } from '../kit/mappings.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { service, type Tenant } from '../kit/apiTenant.ts';
import { findSchemathesis, fuzz, shortened } from '../kit/schemathesis.ts';

const document = fileURLToPath(new URL('../../docs/vendor-api.openapi.yaml', import.meta.url));
const vendorKey = 'the-vendor-key-of-mailprotector';
const seed = process.env['FUZZ_SEED'] ?? String(randomInt(2 ** 32));
/**
 * Not held: `negative_data_rejection`, because more is taken than is documented (`returnUnmapped=x`, a body where none is
 * read); `unsupported_method` wants 405, and here as with Gradient's framework a route is its method and path (404);
 * `ignored_auth` and `missing_required_header` do not know that the 21st wrong key is 429. The second test is for those.
 */
const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'positive_data_acceptance',
];

interface Pushing {
  /** Of the integration. */
  id: string;
  /** `GRADIENT-TOKEN` */
  token: string;
}

let harness: ApiHarness;
let python: string;
let one: Pushing;
let other: Pushing;

beforeAll(async () => {
  python = await findSchemathesis((line) => process.stderr.write(`${line}\n`));
  harness = await startApi({
    env: { VENDOR_API_KEYS: `mailprotector:${vendorKey}`, VENDOR_API_RATE_PER_SECOND: '1000000' },
  });
  one = await connectPush(harness.one, 'one');
  other = await connectPush(harness.other, 'other');
});
afterAll(() => harness?.close());

/**
 * A vendor that pushes. Both tenants have the ids of the document's examples: what forgets whose they are changes both.
 */
async function connectPush(tenant: Tenant, name: string): Promise<Pushing> {
  const caller = harness.as(tenant.tokens.admin);
  const { integration, key } = await caller.good<{ integration: { id: string }; key: string }>(
    'POST',
    '/v1/integrations',
    {
      vendor: 'mailprotector',
      psaConnectionId: tenant.psaConnectionId,
      intake: 'push',
      modules: ['billing'],
      viaVirtualAdministrator: false,
    },
  );
  const vendorToken = tokenOf(key);
  const push = async (path: string, body: unknown) => {
    const answer = await fetch(`${harness.url}${vendorApiPath}${path}`, {
      method: 'POST',
      headers: { 'GRADIENT-TOKEN': vendorToken },
      body: JSON.stringify(body),
    });
    expect(answer.status, `${name} ${path}`).toBe(201);
  };
  await push('/organization/accounts', [
    { id: '1001', name: marked(name) },
    { id: '1002', name: marked(name) },
  ]);
  await push('/organization/services', [{ id: 'Archive 1 TB', name: marked(name) }]);
  const filed = { description: '', category: 'security', subcategory: 'email security' };
  await push('/service', { name: service, ...filed });
  const mapping = { vendorAccountId: '1001', psaAccountId: tenant.psaAccount(1) };
  await insertAccountMappings(harness.db, integration.id, [mapping], 'person');
  await storeServiceMapping(harness.db, integration.id, service, {
    productIds: [tenant.product('usual')],
    fanOut: 'parts',
    rounding: 'none',
  });
  await push(`/service/${service}/count`, { accountId: '1001', unitCount: 7 });
  return { id: integration.id, token: vendorToken };
}

/** A name that says whose it is. */
const marked = (name: string) => `Something of the tenant called ${name}`;

const tokenOf = (key: string) => Buffer.from(`${vendorKey}:${key}`).toString('base64');

/** The requests of the Vendor API as the server logged them since this many lines, and the lines at level error. */
function logged(since: number): { statuses: number[]; errors: string[] } {
  const lines = harness.logs
    .slice(since)
    .map((line) => ({ line, ...(JSON.parse(line) as { level: number; msg: string; path?: string; status?: number }) }));
  const requests = lines.filter(({ msg, path }) => msg === 'request' && path?.startsWith(vendorApiPath));
  return {
    statuses: requests.map(({ status }) => status ?? 0),
    errors: lines.filter(({ level }) => level >= 50).map(({ line }) => line),
  };
}

/** Every row that is not of the fuzzed integration: all of the other tenant's, and the rest of its own. */
async function otherRows(): Promise<Record<string, string[]>> {
  const tables = Object.entries(await harness.dump());
  const others = tables.map(([name, rows]) => [name, rows.filter((row) => !row.includes(one.id))] as const);
  // A table that has rows of the fuzzed integration alone is as good as one that has none.
  return Object.fromEntries(others.filter(([, rows]) => rows.length > 0));
}

const again = (output: string) =>
  `The same requests again: FUZZ_SEED=${seed} npx vitest run --project chaos test/chaos/vendorApiFuzz.test.ts\n${shortened(output)}`;

test('whatever is sent, every answer is as the document says, none is 5xx, and nobody else is touched or shown', async () => {
  const before = await otherRows();
  const since = harness.logs.length;
  const { good, output, traffic } = await fuzz(python, {
    document,
    url: harness.url,
    headers: { 'GRADIENT-TOKEN': one.token },
    checks,
    phases: ['examples', 'coverage', 'fuzzing', 'stateful'],
    examples: 10,
    seed,
    limitMs: 300_000,
  });
  expect(good, again(output)).toBe(true);
  const { statuses, errors } = logged(since);
  expect(errors, again(output)).toEqual([]);
  expect(
    statuses.filter((status) => status >= 500),
    again(output),
  ).toEqual([]);
  // It got past the door, and found what is there.
  for (const status of [200, 201, 400, 404])
    expect(statuses.filter((each) => each === status).length, `${status}, ${again(output)}`).toBeGreaterThan(50);
  expect(await otherRows(), again(output)).toEqual(before);
  // The answers are there to be read, and nothing of the other tenant is in them.
  expect(traffic.includes(harness.one.organizationId)).toBe(true);
  const signs = [other.id, harness.other.organizationId, `${harness.other.prefix}-psa-`, marked('other')];
  expect(
    signs.filter((sign) => traffic.includes(sign)),
    again(output),
  ).toEqual([]);
});

test('with a wrong key every answer is 401 or 429, whatever is sent', async () => {
  const before = await harness.dump();
  const since = harness.logs.length;
  const { good, output } = await fuzz(python, {
    document,
    url: harness.url,
    headers: { 'GRADIENT-TOKEN': tokenOf('csk_wrong') },
    // A NUL in the address is 400 before anybody is asked who they are; what is as documented has none.
    mode: 'positive',
    checks: checks.filter((check) => check !== 'positive_data_acceptance'),
    phases: ['examples', 'fuzzing'],
    examples: 3,
    seed,
    limitMs: 120_000,
  });
  expect(good, again(output)).toBe(true);
  const { statuses, errors } = logged(since);
  expect(errors, again(output)).toEqual([]);
  expect(new Set(statuses), again(output)).toEqual(new Set([401, 429]));
  expect(await harness.dump(), again(output)).toEqual(before);
});
