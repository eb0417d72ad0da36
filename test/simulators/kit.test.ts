/** What all simulators share: the same world from the same seed, worlds of any size, a journal that outlives a kill. */
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { clientId, members } from '../../simulators/connectwise/members.ts';
import { startConnectwise } from '../../simulators/connectwise/start.ts';
import type { RunningSimulator, SimulatorOptions } from '../../simulators/kit/simulator.ts';
import { keys } from '../../simulators/mailprotector/keys.ts';
import { startMailprotector } from '../../simulators/mailprotector/start.ts';
import { makeWorld, type World } from '../../simulators/world.ts';
import { simulatorAdmin } from '../../dev/walkthrough/simulatorAdmin.ts';
import { asking, type Ask } from './asking.ts';

const running: RunningSimulator[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const simulator of running.splice(0)) await simulator.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function start(
  which: (options: SimulatorOptions) => Promise<RunningSimulator>,
  options: SimulatorOptions,
): Promise<RunningSimulator> {
  const simulator = await which(options);
  running.push(simulator);
  return simulator;
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'countersign-simulator-'));
  folders.push(made);
  return made;
}

const mailprotector = (simulator: RunningSimulator): Ask =>
  asking(simulator.url, { authorization: `Bearer ${keys.reseller}` });
const connectwise = (simulator: RunningSimulator): Ask => {
  const text = `acme+${members['full']?.publicKey ?? ''}:${members['full']?.privateKey ?? ''}`;
  return asking(simulator.url, { authorization: `Basic ${Buffer.from(text).toString('base64')}`, clientId });
};

describe('worlds', () => {
  test('the same seed and size give the same world, to the letter, in two programs', async () => {
    const [a, b] = [
      await start(startMailprotector, { seed: 3, customers: 50 }),
      await start(startMailprotector, { seed: 3, customers: 50 }),
    ];
    expect(await simulatorAdmin(a.url).state()).toEqual(await simulatorAdmin(b.url).state());
    const [c, d] = [
      await start(startConnectwise, { seed: 3, customers: 50 }),
      await start(startConnectwise, { seed: 3, customers: 50 }),
    ];
    expect(await simulatorAdmin(c.url).state()).toEqual(await simulatorAdmin(d.url).state());
  });

  test('another seed gives other names and numbers, and the same stories', () => {
    const [one, two] = [makeWorld({ seed: 1, customers: 60 }), makeWorld({ seed: 2, customers: 60 })];
    expect(one.customers.map((row) => row.name)).not.toEqual(two.customers.map((row) => row.name));
    expect(one.customers.map((row) => row.story)).toEqual(two.customers.map((row) => row.story));
  });

  test('no id comes twice, however large the world', () => {
    const world = makeWorld({ seed: 7, customers: 3_000 });
    const domains = world.customers.flatMap((customer) => customer.domains);
    const agreements = world.companies.flatMap((company) => company.agreements);
    const lists = {
      customers: world.customers,
      domains: [...domains, ...domains.flatMap((domain) => domain.aliases)],
      groups: domains.flatMap((domain) => domain.groups),
      companies: world.companies,
      agreements,
      additions: agreements.flatMap((agreement) => agreement.lines),
    };
    for (const [name, rows] of Object.entries(lists))
      expect([name, new Set(rows.map((row) => row.id)).size]).toEqual([name, rows.length]);
  });

  test('the default of about 40 customers holds all that goes wrong in real life', () => {
    const world = makeWorld({ seed: 7, customers: 40, today: '2026-11-24' });
    const names = world.companies.map((company) => company.name);
    const additions = world.companies.flatMap((company) => company.agreements.flatMap((agreement) => agreement.lines));
    const has = (what: string, found: boolean) => ({ what, found });
    const wanted = [
      has('exact names', world.customers.some((customer) => names.includes(customer.name))),
      has('near names', world.customers.some((customer) => names.includes(`${customer.name}, LLC`))),
      has('missing names', world.customers.some((customer) => !names.includes(customer.name))),
      has('two customers of one name', twice(world.customers.map((customer) => customer.name))),
      has('two companies of one name', twice(names)),
      has('a customer in two agreements', world.companies.some((company) => company.agreements.length === 2)),
      has('two lines of one product in one agreement', everyAgreement(world).some((agreement) => twice(agreement.lines.map((addition) => String(addition.productId))))),
      has('a line that ends and its successor', additions.some((addition) => addition.until !== null && additions.some((next) => next.from === addition.until))),
      has('a prepaid agreement', everyAgreement(world).some((agreement) => agreement.billingCycle === 'Annual')),
      has('an agreement never billed', everyAgreement(world).some((agreement) => agreement.billingCycle === 'None')),
      has('a cancelled agreement', everyAgreement(world).some((agreement) => agreement.status === 'Cancelled')),
      has('an included quantity', additions.some((addition) => addition.included > 0)),
      has('a line without charge', additions.some((addition) => addition.billing === 'free')),
      has('a customer down to zero', world.customers.some((customer) => customer.domains.some((domain) => domain.groups.every((group) => group.users === 0)))),
      has('a bundle and its parts', world.customers.some((customer) => customer.domains[0]?.groups[0]?.services.includes('Bracket') === true && customer.domains[0].groups[0].services.includes('SafeSend Outbound'))),
      has('a bundle in the catalogue', world.products.some((product) => product.kind === 'bundle')),
      has('a pending domain', world.customers.some((customer) => customer.domains.some((domain) => domain.pending))),
      has('an alias', world.customers.some((customer) => customer.domains.some((domain) => domain.aliases.length > 0))),
      has('unicode and quotes in a name', names.some((name) => /[^\u0000-\u007f]/.test(name) && name.includes('"'))),
      has('a Product ID with quotes', world.products.some((product) => product.identifier.includes('"'))),
      has('a prospect', world.companies.some((company) => company.type === 'Prospect')),
      has('an inactive company', world.companies.some((company) => company.status === 'Inactive')),
    ]; // prettier-ignore
    expect(wanted.filter(({ found }) => !found)).toEqual([]);
  });

  test('100,000 customers: made, and every page served, the last as well as the first', async () => {
    const vendor = await start(startMailprotector, { customers: 100_000 });
    const page = await mailprotector(vendor)<{ id: number }[]>(
      'GET',
      '/api/v1/resellers/500/domains?per_page=50&page=2000',
    );
    expect(page.body).toHaveLength(50);
    const psa = await start(startConnectwise, { customers: 100_000 });
    const companies = await connectwise(psa)<{ id: number }[]>(
      'GET',
      '/v4_6_release/apis/3.0/company/companies?pageSize=1000&pageId=90000',
      undefined,
      { 'pagination-type': 'forward-only' },
    );
    expect(companies.body).toHaveLength(1000);
    expect(companies.body[0]?.id).toBeGreaterThan(90_000);
    const count = await connectwise(psa)<{ count: number }>('GET', '/v4_6_release/apis/3.0/finance/agreements/count');
    expect(count.body.count).toBeGreaterThan(99_000);
  }, 180_000);
});

describe('answers that are none', () => {
  const path = '/api/v1/resellers/500';
  const asked = async (fault: Record<string, unknown>) => {
    const simulator = await start(startMailprotector, { customers: 20 });
    await simulatorAdmin(simulator.url).fault(fault);
    const headers = { authorization: `Bearer ${keys.reseller}` };
    const response = await fetch(`${simulator.url}${path}`, { headers });
    return { response, bytes: Buffer.from(await response.arrayBuffer()) };
  };

  test('a maintenance page and an empty body come with 200, a challenge with 403 and its header', async () => {
    const page = await asked({ kind: 'status', status: 200, text: '<html>Back soon</html>' });
    expect([page.response.status, page.response.headers.get('content-type')]).toEqual([200, 'text/html']);
    expect(page.bytes.toString()).toBe('<html>Back soon</html>');
    const nothing = await asked({
      kind: 'status',
      status: 200,
      text: '',
      headers: { 'content-type': 'application/json' },
    });
    expect([nothing.response.status, nothing.bytes.length]).toEqual([200, 0]);
    expect(nothing.response.headers.get('content-type')).toBe('application/json');
    const challenge = await asked({
      kind: 'status',
      status: 403,
      text: '<html>',
      headers: { 'cf-mitigated': 'challenge' },
    });
    expect([challenge.response.status, challenge.response.headers.get('cf-mitigated')]).toEqual([403, 'challenge']);
  });

  test('the true answer comes with headers that are lost, wrong or too many', async () => {
    const list = async (fault: Record<string, unknown>) => {
      const simulator = await start(startMailprotector, { customers: 20 });
      await simulatorAdmin(simulator.url).fault(fault);
      const headers = { authorization: `Bearer ${keys.reseller}` };
      const response = await fetch(`${simulator.url}/api/v1/resellers/500/customers`, { headers });
      expect((await response.json()) as unknown[]).toHaveLength(20);
      return response;
    };
    const lost = await list({ kind: 'headers', headers: { 'X-Pagination': null } });
    expect([lost.status, lost.headers.get('x-pagination')]).toEqual([200, null]);
    const garbled = await list({ kind: 'headers', headers: { 'X-Pagination': '{"total":' } });
    expect(garbled.headers.get('x-pagination')).toBe('{"total":');
    const several = { 'Retry-After': '-5', 'content-type': 'application/json; charset=klingon' };
    const wrong = await list({ kind: 'headers', headers: several });
    expect(wrong.headers.get('retry-after')).toBe('-5');
    expect(wrong.headers.get('content-type')).toBe('application/json; charset=klingon');
  });

  test('the true answer comes in other bytes, declared or not', async () => {
    const plain = JSON.parse((await asked({ kind: 'encoded' })).bytes.toString()) as object;
    const marked = await asked({ kind: 'encoded', bom: true });
    expect(marked.bytes.subarray(0, 3)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]));
    expect(JSON.parse(marked.bytes.subarray(3).toString())).toEqual(plain);
    const latin = await asked({ kind: 'encoded', charset: 'iso-8859-1' });
    expect(latin.response.headers.get('content-type')).toBe('application/json; charset=iso-8859-1');
    expect(JSON.parse(latin.bytes.toString('latin1'))).toEqual(plain);
    const silent = await asked({ kind: 'encoded', charset: 'iso-8859-1', declared: false });
    expect(silent.response.headers.get('content-type')).toBe('application/json');
  });
});

describe('the journal', () => {
  test('what was changed through the API and from outside is there after a restart; what was asked is not needed for it', async () => {
    const data = folder();
    const first = await start(startMailprotector, { customers: 30, data });
    const ask = mailprotector(first);
    const made = await ask<{ id: number }>('POST', '/api/v1/resellers/500/customers', { name: 'Kept' });
    await ask('POST', `/api/v1/customers/${made.body.id}/domains`, { name: 'kept.example' });
    await simulatorAdmin(first.url).change({ change: 'setUsers', customerId: 4_000, users: 99 });
    await ask('DELETE', '/api/v1/customers/4001');
    const before = await simulatorAdmin(first.url).state();
    await first.close();
    const second = await start(startMailprotector, { customers: 30, data });
    expect(await simulatorAdmin(second.url).state()).toEqual(before);
    const next = await mailprotector(second)<{ id: number }>('POST', '/api/v1/resellers/500/customers', {
      name: 'Next',
    });
    expect(next.body.id).toBeGreaterThan(made.body.id);
  });

  test('quantities written to the PSA survive, with who wrote them; a line cut short by a kill is not read', async () => {
    const data = folder();
    const first = await start(startConnectwise, { customers: 30, data });
    const [agreement] = (await connectwise(first)<{ id: number }[]>('GET', '/v4_6_release/apis/3.0/finance/agreements'))
      .body;
    const path = `/v4_6_release/apis/3.0/finance/agreements/${agreement?.id}/additions`;
    const [addition] = (await connectwise(first)<{ id: number }[]>('GET', path)).body;
    await connectwise(first)('PATCH', `${path}/${addition?.id}`, [{ op: 'replace', path: 'quantity', value: 321 }]);
    await first.close();
    const [journal = ''] = readdirSync(data);
    appendFileSync(join(data, journal), '{"change":"setQuantity","agreementId":3000');
    const second = await start(startConnectwise, { customers: 30, data });
    expect((await connectwise(second)('GET', `${path}/${addition?.id}`)).body).toMatchObject({
      quantity: 321,
      _info: { updatedBy: 'simPublicFull' },
    });
    await connectwise(second)('PATCH', `${path}/${addition?.id}`, [{ op: 'replace', path: 'quantity', value: 322 }]);
    await second.close();
    const third = await start(startConnectwise, { customers: 30, data });
    expect((await connectwise(third)('GET', `${path}/${addition?.id}`)).body).toMatchObject({ quantity: 322 });
  });
});

function twice(names: readonly string[]): boolean {
  return new Set(names).size < names.length;
}

function everyAgreement(world: World) {
  return world.companies.flatMap((company) => company.agreements);
}
