/** The simulated Mailprotector's web console over HTTP: forms posted with a cookie kept, and what it calls of the Vendor API. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { simulatorAdmin } from '../../dev/walkthrough/simulatorAdmin.ts';
import { openVendorConsole } from '../../dev/walkthrough/vendorConsole.ts';
import { until } from '../../dev/until.ts';
import type { RunningSimulator, SimulatorOptions } from '../../simulators/kit/simulator.ts';
import { consolePassword } from '../../simulators/mailprotector/managers.ts';
import { startMailprotector } from '../../simulators/mailprotector/start.ts';
import { fakeVendorKey, startFakeVendorApi, type FakeVendorApi } from './fakeVendorApi.ts';

interface Shown {
  status: number;
  /** Where it led to, with the query. */
  path: string;
  html: string;
  /** Without tags, spaces as one, and what was escaped as it is. */
  text: string;
  headers: Headers;
}

let vendorApi: FakeVendorApi;
let simulator: RunningSimulator;
let cookie = '';
const clicks = '/integrations/gradient-msp';

beforeEach(async () => {
  vendorApi = await startFakeVendorApi();
  await start({ customers: 30 });
});
afterEach(async () => {
  await simulator.close();
  await vendorApi.close();
});

async function start(options: SimulatorOptions): Promise<void> {
  simulator = await startMailprotector({
    ...options,
    settings: { vendorApiUrl: vendorApi.url, vendorKey: fakeVendorKey },
  });
  cookie = '';
}

/** As a browser does: sends the cookie, keeps it, and goes where it is sent. */
async function browse(path: string, form?: Record<string, string | string[]>): Promise<Shown> {
  const fields = Object.entries(form ?? {}).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  );
  const response = await fetch(simulator.url + path, {
    method: form ? 'POST' : 'GET',
    redirect: 'manual',
    headers: { cookie },
    body: form ? new URLSearchParams(fields) : null,
  });
  cookie = response.headers.get('set-cookie')?.split(';')[0] ?? cookie;
  const location = response.headers.get('location');
  if (location !== null) return browse(location.replace(/#.*/, ''));
  const html = await response.text();
  return { status: response.status, path, html, text: textOf(html), headers: response.headers };
}

function textOf(html: string): string {
  const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
  return html
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => entities[name] ?? '')
    .replace(/\s+/g, ' ');
}

const login = () => browse('/login', { email: 'admin@msp.example', password: consolePassword, next: '/integrations' });
const enable = (partnerApiKey = 'partner-half') => browse(`${clicks}/enable`, { partnerApiKey });
const linkAll = () => browse(`${clicks}/link`, { all: 'on' });
const countsPosted = () => vendorApi.callsTo('POST', /\/count/);
async function customers(): Promise<{ id: number; name: string; linked: boolean; clientId: string | null }[]> {
  return (await openVendorConsole(simulator.url)).customers();
}

describe('logging in', () => {
  test('without a session every page leads to the login, and from there to where one wanted to go', async () => {
    const shown = await browse('/customers?search=dental');
    expect(shown.path).toBe('/login?next=%2Fcustomers%3Fsearch%3Ddental');
    // It is a simulator: whoever opens it is told how.
    expect(shown.text).toContain('admin@msp.example');
    expect(shown.text).toContain(consolePassword);
    const after = await browse('/login', {
      email: 'BILLING@msp.example ',
      password: consolePassword,
      next: '/customers?search=dental',
    });
    expect(after.path).toBe('/customers?search=dental');
    expect(after.text).toContain('Billie Billing');
  });

  test('a wrong password is refused, and opens nothing', async () => {
    const refused = await browse('/login', { email: 'admin@msp.example', password: 'guess', next: '/' });
    expect(refused).toMatchObject({ status: 401 });
    expect(refused.text).toContain('Wrong e-mail address or password.');
    expect((await browse('/login', { email: 'nobody@msp.example', password: consolePassword })).status).toBe(401);
    expect((await browse('/integrations')).path).toMatch(/^\/login/);
    expect((await enable()).path).toBe('/login?next=%2Fintegrations');
    expect(vendorApi.calls).toEqual([]);
  });

  test('another host is no place to go to after it; logging out ends the session', async () => {
    for (const next of ['//evil.example', '/\\evil.example', 'https://evil.example'])
      expect((await browse('/login', { email: 'admin@msp.example', password: consolePassword, next })).path).toBe(
        '/customers',
      );
    const mine = cookie;
    expect((await browse('/logout', {})).path).toBe('/login');
    cookie = mine;
    expect((await browse('/customers')).path).toMatch(/^\/login/);
  });

  test('a manager that the API made can log in too', async () => {
    const made = await fetch(`${simulator.url}/api/v1/resellers/500/managers`, {
      method: 'POST',
      headers: { authorization: 'Bearer sim-mp-reseller-500' },
      body: JSON.stringify({
        first_name: 'Pat',
        last_name: 'Doe',
        email: 'pat@msp.example',
        username: 'pat',
        password: 'x',
      }),
    });
    expect(made.status).toBe(201);
    expect((await browse('/login', { email: 'pat@msp.example', password: consolePassword })).text).toContain('Pat Doe');
  });

  test('pages allow no script but their own file, and are not kept', async () => {
    await login();
    for (const path of ['/customers', '/integrations', '/customers/4000', '/customers/4000/integrations']) {
      const { html, headers } = await browse(path);
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('cache-control')).toBe('no-store');
      expect(html).not.toMatch(/ on\w+=|<script>| style=/);
    }
    expect((await browse('/customers/1')).status).toBe(404);
    expect((await browse('/integrations/nothing')).status).toBe(404);
    // Addresses that are no pages are the API's.
    expect((await fetch(`${simulator.url}/nothing`)).status).toBe(401);
  });
});

describe('Gradient MSP on the Integrations page', () => {
  beforeEach(login);

  test('G07 it stands in a long list; before it is enabled there is a key to paste, and nothing else', async () => {
    const { html, text } = await browse('/integrations');
    const names = [...html.matchAll(/<h2[^>]*>([^<]+)<\/h2>/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(9);
    expect(names.indexOf('Gradient MSP')).toBeGreaterThan(4);
    expect(text).toContain('Partner API Key');
    expect(text).not.toContain('Link Selected Customers');
    expect(text).not.toContain('Update Counts');
  });

  test('G08 a key that the Vendor API refuses is told in its words, and the key before stays in use', async () => {
    const refused = await enable('not-a-key');
    expect(refused.text).toContain('The Partner API Key was not accepted. Gradient MSP answered 401: Unauthorized');
    expect(refused.text).not.toContain('Link Selected Customers');
    expect((await enable('  ')).text).toContain('Paste the Partner API Key first.');
    expect((await enable(' partner-half ')).text).toContain('Gradient MSP is enabled for Acme Managed IT.');
    expect((await enable('not-a-key')).text).toContain('Gradient MSP answered 401');
    expect((await browse('/integrations')).text).toContain('the key that ends in half');
    await linkAll();
    expect(vendorApi.callsTo('POST', /accounts/)).toHaveLength(1);
  });

  test('G08 enabling makes the services and says pending; the key is not shown again', async () => {
    const { html } = await enable();
    expect(html).not.toContain('partner-half');
    expect(vendorApi.callsTo('POST', /^\/service$/).map(({ body }) => (body as { name: string }).name)).toContain(
      'CloudFilter Email Security',
    );
    expect(vendorApi.callsTo('PATCH', /status\/pending/)).toHaveLength(1);
    await enable();
    expect(vendorApi.callsTo('POST', /^\/service$/)).toHaveLength(6);
  });

  test('a platform that is not there, or is not known, is said', async () => {
    await vendorApi.close();
    expect((await enable()).text).toMatch(
      /Gradient MSP cannot be reached at http:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\)/,
    );
    await simulatorAdmin(simulator.url).settings({ vendorApiUrl: '' });
    expect((await enable()).text).toContain('its setting vendorApiUrl is empty');
  });

  test('G09 Select all links the customers of every page; what it says is what the platform got', async () => {
    await enable();
    const shown = await browse('/integrations');
    expect(shown.text).toContain('Select all 30 customers');
    expect(shown.html.match(/name="customer"/g)).toHaveLength(25);
    const linked = await linkAll();
    expect(linked.text).toContain('30 customers are linked with Gradient MSP.');
    const [call] = vendorApi.callsTo('POST', /organization\/accounts/);
    expect(call?.body).toHaveLength(30);
    expect((await customers()).every((customer) => customer.linked)).toBe(true);
  });

  test('G09 ticked ones only; with Select all those that were searched for, but for those taken away again', async () => {
    await enable();
    expect((await browse(`${clicks}/link`, {})).text).toContain('Select at least one customer first.');
    await browse(`${clicks}/link`, { customer: ['4000', '4003'] });
    expect((await customers()).filter(({ linked }) => linked).map(({ id }) => id)).toEqual([4000, 4003]);
    const found = await browse('/integrations?search=smith');
    expect(found.text).toContain('Select all 2 customers found');
    await browse(`${clicks}/link`, { all: 'on', search: 'smith', except: '4005' });
    expect((await customers()).filter(({ linked }) => linked).map(({ id }) => id)).toEqual([4000, 4003, 4004]);
  });

  test('G10 service assignments are listed, and there is nothing to change about them', async () => {
    const { text, html } = await enable();
    expect(text).toContain('Service assignments Please disregard these');
    expect(text).toContain('CloudFilter Email Security sku-0');
    const section = html.slice(html.indexOf('Service assignments'), html.indexOf('HaloPSA'));
    expect(section).not.toMatch(/<(input|select|button|form)/);
  });

  test('G29 Update Counts says what was posted, what nobody has mapped, and what was refused in which words', async () => {
    await enable();
    expect((await browse('/integrations')).text).toContain('The counts were never updated.');
    await browse(`${clicks}/link`, { customer: ['4000', '4001'] });
    vendorApi.mapped.add('4000');
    vendorApi.instead = ({ path, body }) =>
      path.startsWith('/service/sku-1/') && (body as { accountId: string }).accountId === '4000'
        ? [400, { statusCode: 400, message: ['unitCount must be a number', 'and not this one'] }]
        : undefined;
    const { text } = await browse(`${clicks}/update-counts`, {});
    // Two customers, six services; the last good one once more, because the last one of all was not taken.
    expect(text).toMatch(
      /Last result, \d+ \w+ \d{4}, \d\d:\d\d:\d\d UTC : Posted 6 Not mapped in Gradient yet 6 Refused 1/,
    );
    expect(text).toContain('Gradient MSP answered 400: unitCount must be a number; and not this one');
    const sent = countsPosted();
    expect(sent).toHaveLength(13);
    expect(sent[0]).toMatchObject({
      path: '/service/sku-0/count?no_build=true',
      body: { accountId: '4000', unitCount: 12 },
    });
  });

  test('G29 a key that is not accepted any more stops it at once, and that stays on the page', async () => {
    await enable();
    await linkAll();
    vendorApi.keys.clear();
    await browse(`${clicks}/update-counts`, {});
    expect((await browse('/integrations')).text).toContain(
      'The Partner API Key is not accepted any more. Gradient MSP answered 401: Unauthorized',
    );
    expect(countsPosted()).toEqual([]);
  });

  test('G30, G31 Migrate to Alerts says so to the platform, and asks for the customers again', async () => {
    await enable();
    await linkAll();
    const refusal = 'The integration is still being connected; finish that first';
    vendorApi.instead = ({ method, path }) =>
      method === 'PATCH' && path === '' ? [409, { statusCode: 409, message: refusal }] : undefined;
    const refused = await browse(`${clicks}/migrate-to-alerts`, {});
    expect(refused.text).toContain(`The integration was not migrated. Gradient MSP answered 409: ${refusal}`);
    vendorApi.instead = undefined;
    const { text } = await browse(`${clicks}/migrate-to-alerts`, {});
    expect(text).toContain('Select all the customers you want to send to Gradient and click Link Selected Customers.');
    expect(text).toContain('This integration sends billing and alerts.');
    expect(vendorApi.callsTo('PATCH', /^$/).at(-1)?.body).toEqual({
      modules: [{ variation: 'billing' }, { variation: 'alerts' }],
    });
    await linkAll();
    const sent = vendorApi.callsTo('POST', /organization\/accounts/);
    expect(sent.map(({ body }) => (body as unknown[]).length)).toEqual([30, 30]);
  });

  test('a key of another integration begins anew; back with the first, its customers are linked', async () => {
    vendorApi.keys.set('other-half', { integrationId: 'integration-2', name: 'Other MSP' });
    await enable();
    await linkAll();
    const { text } = await enable('other-half');
    expect(text).toContain('Enabled for Other MSP');
    expect(text).toContain('for 0 linked customers');
    expect((await enable()).text).toContain('for 30 linked customers');
  });
});

describe('what takes long', () => {
  const many = 5_000;

  beforeEach(async () => {
    await simulator.close();
    await start({ customers: many });
    await login();
    await enable();
  });

  test('5,000 customers are found by page and by name, and linked while the page says so', async () => {
    const last = await browse('/customers?page=200');
    expect(last.text).toContain('5,000 customers, page 200 of 200');
    expect(last.html.match(/href="\/customers\/\d+"/g)).toHaveLength(25);
    // A page that there is not is the nearest one.
    expect((await browse('/customers?page=-3')).text).toContain('page 1 of 200');
    expect((await browse('/customers?page=9999')).text).toContain('page 200 of 200');
    expect((await browse('/customers?search=8999')).text).toContain('1 customer found');

    const gate = held('/organization/accounts');
    const running = await linkAll();
    expect(running.text).toContain('Linking 5,000 customers …');
    expect(running.html).toContain('http-equiv="refresh"');
    expect((await linkAll()).text).toContain('Customers are still being linked.');
    gate.open();
    await until('it to be done', async () =>
      (await browse('/integrations')).text.includes('5,000 customers are linked with Gradient MSP.'),
    );
    expect(vendorApi.callsTo('POST', /accounts/)).toHaveLength(1);
  });

  test('30,000 counts are sent in the background; the page says how far it is, and where it stopped', async () => {
    await linkAll();
    await until('them to be linked', async () => (await browse('/integrations')).text.includes('are linked with'));
    const gate = held('/count');
    const began = performance.now();
    const running = await browse(`${clicks}/update-counts`, {});
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(running.text).toContain('Update Counts is running: 0 of 30,000 counts sent.');
    expect(running.html).toMatch(/<button disabled>\s*Update Counts/);
    expect((await browse(`${clicks}/update-counts`, {})).text).toContain('Update Counts is still running.');
    gate.open();
    await until('some to be sent', async () =>
      /[1-9]\d* of 30,000 counts sent/.test((await browse('/integrations')).text),
    );
    await vendorApi.close();
    await until('it to have stopped', async () => {
      const { text } = await browse('/integrations');
      return /Gradient MSP cannot be reached .* It stopped after [\d,]+ of 30,000\./.test(text);
    });
  });

  /** Calls to such a path wait until it is opened. */
  function held(path: string): { open: () => void } {
    let open = () => {};
    const opened = new Promise<void>((resolve) => (open = resolve));
    vendorApi.instead = async (call) => {
      if (call.path.includes(path)) await opened;
      return undefined;
    };
    return { open: () => open() };
  }
});

describe('a new customer', () => {
  beforeEach(async () => {
    await login();
    await enable();
    vendorApi.clients = [
      { id: 'c-1', name: 'Pelican <b>Freight</b> & "Sons"' },
      ...Array.from({ length: 120 }, (_, at) => ({ id: `c-${at + 2}`, name: `Company ${at}` })),
    ];
  });

  const add = (fields: Record<string, string> = {}) =>
    browse('/customers', { name: 'Freight by Pelicans', domain: 'pelicans.example', users: '12', ...fields });

  test('G37 to G41 is added, its client found by the text field and selected, and its counts carry it', async () => {
    const added = await add();
    expect(added.text).toContain('Freight by Pelicans was added.');
    const id = /\/customers\/(\d+)"/.exec(added.html)?.[1] ?? '';
    const overview = await browse(`/customers/${id}`);
    expect(overview.html).toContain(`href="/customers/${id}/integrations"`);
    expect(overview.text).toContain('Gradient MSP Not linked');

    const page = await browse(`/customers/${id}/integrations`);
    expect(page.text).toContain('Search for the corresponding customer in Gradient');
    expect(page.text).toContain('The first 100 are shown.');
    expect((await browse(`/customers/${id}/integrations?search=zzz`)).text).toContain(
      'No customer in Gradient has “zzz”',
    );
    const found = await browse(`/customers/${id}/integrations?search=pelican`);
    expect(found.text).toContain('1 customer found.');
    expect(found.html).not.toContain('<b>');
    expect(found.html).toContain('value="c-1"');
    const chosen = await browse(`/customers/${id}/integrations`, { clientId: 'c-1' });
    expect(chosen.text).toContain('Customer in Gradient: Pelican <b>Freight</b> & "Sons"');
    expect(vendorApi.callsTo('POST', /organization\/accounts/).at(-1)?.body).toEqual([
      { id, name: 'Freight by Pelicans' },
    ]);
    expect((await customers()).find((row) => String(row.id) === id)).toMatchObject({ linked: true, clientId: 'c-1' });

    await browse(`${clicks}/update-counts`, {});
    const filter = countsPosted().find(({ path }) => path.startsWith('/service/sku-0/'));
    expect(filter?.body).toEqual({ accountId: id, unitCount: 12, clientOId: 'c-1' });

    await browse(`/customers/${id}/integrations/remove`, {});
    vendorApi.calls = [];
    await browse(`${clicks}/update-counts`, {});
    expect(countsPosted()[0]?.body).toEqual({ accountId: id, unitCount: 12 });
  });

  test('what is wrong about it is said, and what was typed is still there', async () => {
    for (const [fields, words] of [
      [{ name: ' ' }, 'Name can’t be blank.'],
      [{ domain: 'no domain' }, 'Domain is not a domain’s name'],
      [{ users: '-1' }, 'Users is not a number'],
    ] as const) {
      const refused = await add(fields);
      expect(refused.status).toBe(422);
      expect(refused.text).toContain(words);
      for (const typed of Object.values({
        name: 'Freight by Pelicans',
        domain: 'pelicans.example',
        users: '12',
        ...fields,
      }))
        expect(refused.html).toContain(`value="${typed.trim()}"`);
    }
    expect(await customers()).toHaveLength(30);
    await add();
    expect((await add()).text).toContain('Domain has already been taken.');
  });

  test('a name is shown as it is, and never as HTML', async () => {
    await add({ name: '<script>alert(1)</script> "& Co\'' });
    for (const path of ['/customers?page=2', '/integrations?page=2', '/customers?search=%22%3E%3Cscript%3E']) {
      const { html } = await browse(path);
      expect(html).not.toContain('<script>');
      expect(html).toContain('&lt;script&gt;');
    }
  });

  test('a platform that refuses to say its clients is told in its words', async () => {
    vendorApi.instead = ({ path }) => (path.includes('/clients') ? [503, { message: 'later' }] : undefined);
    const { text } = await browse('/customers/4000/integrations?search=x');
    expect(text).toContain('The clients could not be read. Gradient MSP answered 503: later');
  });
});

test('pages and JSON endpoints are one console: what is done in the one is seen in the other', async () => {
  await login();
  const console = await openVendorConsole(simulator.url);
  await expect(console.enable('nonsense')).rejects.toThrow('Gradient MSP answered 401: Unauthorized');
  await console.enable('partner-half');
  expect((await browse('/integrations')).text).toContain('Enabled for Acme Managed IT');
  await browse(`${clicks}/link`, { customer: '4002' });
  expect((await console.customers()).filter(({ linked }) => linked).map(({ id }) => id)).toEqual([4002]);
  vendorApi.mapped.add('4002');
  expect(await console.updateCounts()).toEqual({ posted: 6, unmapped: 0, failed: 0 });
  expect((await browse('/integrations')).text).toContain('Posted 6');
});

test('a restart keeps what was enabled, linked and selected; the log has no form', async () => {
  const data = mkdtempSync(join(tmpdir(), 'countersign-console-'));
  try {
    await simulator.close();
    await start({ customers: 30, data });
    vendorApi.clients = [{ id: 'c-9', name: 'Walk-in Only Inc' }];
    await login();
    await enable();
    await browse(`${clicks}/link`, { customer: ['4000', '4001'] });
    await browse('/customers/4003/integrations?search=walk');
    await browse('/customers/4003/integrations', { clientId: 'c-9' });
    await browse(`${clicks}/update-counts`, {});
    const log = JSON.stringify(await simulatorAdmin(simulator.url).log('POST'));
    expect(log).toContain('/integrations/gradient-msp/enable');
    expect(log).not.toContain('partner-half');
    expect(log).not.toContain(consolePassword);
    expect(readFileSync(join(data, 'mailprotector.jsonl'), 'utf8')).toContain('integration-1');

    await simulator.close();
    await start({ customers: 30, data });
    expect((await browse('/integrations')).path).toMatch(/^\/login/);
    const { text } = await login();
    expect(text).toContain('Enabled for Acme Managed IT');
    expect(text).toContain('for 3 linked customers');
    expect(text).toMatch(/Last result, .* Not mapped in Gradient yet 18/);
    expect((await browse('/customers/4003/integrations')).text).toContain('Customer in Gradient: Walk-in Only Inc');
    vendorApi.calls = [];
    await browse(`${clicks}/update-counts`, {});
    expect(countsPosted()).toHaveLength(18);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});
