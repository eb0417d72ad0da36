import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { psaCredentials } from '../kit/apiSamples.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test('the vendors that can be connected are listed with their services and the Virtual Administrator note (G02)', async () => {
  const { items } = await harness.admin.good<{ items: { id: string; services: { id: string }[] }[] }>(
    'GET',
    '/v1/vendors',
  );
  const vendor = items.find((item) => item.id === 'mailprotector');
  expect(vendor?.services.map((service) => service.id)).toContain('CloudFilter');
  expect(vendor).toMatchObject({
    eligibility: { question: expect.stringContaining('Virtual Administrator') },
    support: { by: 'Mailprotector', url: expect.stringMatching(/^https:/) },
    portal: { url: 'https://emailservice.io' },
    intakes: [{ intake: 'push' }, { intake: 'pull' }],
    modules: [{ module: 'billing' }, { module: 'alerts' }],
    credentials: [
      { name: 'resellerId', secret: false },
      { name: 'apiKey', secret: true },
    ],
  });
});

interface Psa {
  id: string;
  credentials: { name: string; label: string; where: string; secret: boolean }[];
  settings: object[];
  words: object;
  rights: { id: string; setting: string; modules: string[]; blocks: string[] }[];
  missing: string | null;
}
const listedPsas = async (of: ApiHarness) =>
  (await of.as(of.one.tokens.read).good<{ items: Psa[] }>('GET', '/v1/psas')).items;

test('the PSAs that can be connected are listed with their fields and their own words', async () => {
  const [psa] = await listedPsas(harness);
  expect(psa).toMatchObject({
    id: 'connectwise',
    credentials: [
      { name: 'site', label: 'Site', secret: false },
      { name: 'companyId', label: 'Company ID', secret: false },
      { name: 'publicKey', label: 'Public Key', secret: false },
      { name: 'privateKey', label: 'Private Key', secret: true },
    ],
    settings: [
      { name: 'quantityDecimals', type: 'number', required: false, default: 2, minimum: 0, maximum: 4 },
      { name: 'ticketSource', required: false, default: '', choices: null, ofTickets: 'listed' },
      { name: 'ticketLocation', label: 'Service location of tickets', ofTickets: 'listed' },
      { name: 'ticketDue', default: 'text', choices: [{ id: 'text' }, { id: 'required_date' }], ofTickets: 'fixed' },
      { name: 'zero', type: 'text', default: 'set', choices: [{ id: 'set' }, { id: 'todo' }] },
      { name: 'lostPercent', type: 'number', required: false, default: 20, minimum: 1, maximum: 100 },
      { name: 'lostRows', type: 'number', required: false, default: 3, minimum: 1 },
    ],
    words: { account: { one: 'company', many: 'companies' }, line: { one: 'addition' }, productId: 'Product ID' },
    missing: null,
  });
});

test('the listed fields are the ones that are checked: credentials without any one of them are refused for it', async () => {
  const [psa] = await listedPsas(harness);
  for (const { name } of psa?.credentials ?? []) {
    const { [name]: _, ...credentials } = psaCredentials.credentials as Record<string, string>;
    const body = { ...psaCredentials, name: 'Incomplete', credentials };
    const problem = await harness.admin.problem(422, 'invalid-credentials', 'POST', '/v1/psa-connections', body);
    expect(problem.errors?.map(({ field }) => field)).toEqual([`credentials.${name}`]);
  }
});

test('each right says what it is for, which setting grants it, and which modules it blocks', async () => {
  const [psa] = await listedPsas(harness);
  const right = (id: string) => psa?.rights.find((each) => each.id === id);
  expect(right('lines.read')).toMatchObject({ modules: ['billing'], blocks: ['billing'] });
  expect(right('lines.write')).toMatchObject({
    setting: 'Finance > Agreements: Edit = All',
    modules: ['billing'],
    blocks: [],
  });
  expect(right('boards.read')).toMatchObject({ modules: ['billing', 'alerts'], blocks: ['alerts'] });
  expect(right('tickets.create')).toMatchObject({ modules: ['alerts'], blocks: ['alerts'] });
});

test('a PSA that the deployment is not set up for says so before anybody types a key', async () => {
  const without = await startApi({ env: { CONNECTWISE_CLIENT_ID: '' } });
  try {
    expect((await listedPsas(without))[0]?.missing).toContain('CONNECTWISE_CLIENT_ID');
  } finally {
    await without.close();
  }
});
