import { randomBytes } from 'node:crypto';
import type { Client } from 'pg';
import type { Page } from 'playwright-core';
import { openConnection, openDatabase } from '../db/client.ts';
import { insertOrganization, insertToken } from '../db/queries/organization.ts';
import { buildConsole } from '../dev/stack/consoleBuild.ts';
import { createApiClient, type ApiClient } from '../dev/walkthrough/apiClient.ts';
import { connectAll } from '../dev/walkthrough/guide.ts';
import { findChromium, launchChromium } from '../test/kit/chromium.ts';
import { seedPerson, type Person } from '../test/kit/people.ts';
import type { Figures } from './figures.ts';
import { startBenchSystem } from './system.ts';

/** How many cards the small organization has; the large one has as many as the bench is told. */
const few = 200;
const rounds = 120;
const pageRounds = 12;

const open = 'dismissed=false&pending=none&agrees=false';
/** Lists as the page Reconcile asks for them: as it opens, filtered, sorted, and searched for what is rare and what is common. */
const lists = {
  'as it opens': `sort=money&${open}`,
  'that are ready': `sort=money&${open}&state=ready`,
  'billed too much': `sort=difference&${open}&direction=over`,
  'by name': `sort=account&${open}`,
  'searched for a common word': `sort=account&${open}&search=customer`,
  'searched for one name': `sort=money&${open}&search=000017`,
} as const;

interface Side {
  api: ApiClient;
  person: Person;
}

/**
 * Measures the page Reconcile with many cards against the same with 200: both organizations are in one database and asked in
 * turns, so that whatever else the machine does is in both.
 *
 * @param many how many cards the large organization has
 */
export async function benchConsole(figures: Figures, many: number): Promise<void> {
  await buildConsole((line) => figures.say(line));
  const system = await startBenchSystem({
    customers: 30,
    env: { API_RATE_PER_SECOND: '100000', LOG_LEVEL: 'warn', DEFAULT_SCHEDULE: 'never' },
  });
  const { stack } = system;
  const client = await openConnection(stack.databaseUrl);
  const { db, close } = openDatabase(stack.databaseUrl, 2);
  try {
    const { psaConnectionId } = await connectAll(system);
    const side = async (name: string, cards: number): Promise<Side> => {
      const organizationId = await insertOrganization(db, name);
      const secret = `cs_${randomBytes(32).toString('base64url')}`;
      await insertToken(db, organizationId, { name, secret, scopes: ['admin'] });
      await copyCards(client, psaConnectionId, organizationId, cards);
      return {
        api: createApiClient(stack.api, secret),
        person: await seedPerson(db, organizationId, 'admin'),
      };
    };
    const sides = [await side('Few', few), await side('Many', many)] as const;
    await client.query('analyze');
    figures.say(`console: ${many} cards beside ${few}, asked in turns`);
    await measureLists(figures, sides);
    await measurePage(figures, sides, stack.api);
  } finally {
    await close();
    await client.end();
    await system.close();
  }
}

/** Gives an organization so many cards, like those of a connection that is there, each of a customer and product of its own name. */
async function copyCards(client: Client, like: string, organizationId: string, cards: number): Promise<void> {
  const { rows } = await client.query<{ id: string }>(
    `insert into psa_connection
     select (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(), 'organization_id', $2::uuid))).*
       from psa_connection p where p.id = $1 returning id`,
    [like, organizationId],
  );
  const id = rows[0]?.id;
  await client.query(
    `insert into psa_account (psa_connection_id, id, name, active, prospect)
     select $1, n::text, 'Customer ' || lpad(n::text, 6, '0') || ' Ltd', true, false from generate_series(1, ceil($2::int / 8.0)::int) n`,
    [id, cards],
  );
  await client.query(
    `insert into psa_product select $2, id, product_id, name, active, recurring, usable_on_contract from psa_product
      where psa_connection_id = $1`,
    [like, id],
  );
  await client.query(
    `with one as (select *, row_number() over (order by id) - 1 as at, count(*) over () as of
                    from card where psa_connection_id = $1 and kind = 'reconcile'),
          product as (select id, product_id, row_number() over (order by id) - 1 as at from psa_product
                       where psa_connection_id = $2 limit 8)
     insert into card (organization_id, psa_connection_id, psa_account_id, psa_product_id, kind, flags, usage, target, current,
                       difference, approvable, bulk_approvable, dismissed, detail, state, account_name, product_name, search,
                       integration_ids, found, currency, amount, differs_since)
     select $3, $2, a.n::text, p.id, o.kind, o.flags, o.usage, o.target, o.current, o.difference + a.n % 97, o.approvable,
            o.bulk_approvable, false, o.detail, o.state, 'Customer ' || lpad(a.n::text, 6, '0') || ' Ltd', p.product_id,
            lower('Customer ' || lpad(a.n::text, 6, '0') || ' Ltd ' || p.product_id), o.integration_ids, o.found, o.currency,
            o.amount + a.n % 89, now()
       from generate_series(1, ceil($4::int / 8.0)::int) a(n)
      cross join product p
       join one o on o.at = (a.n * 8 + p.at) % o.of
      limit $4`,
    [like, id, organizationId, cards],
  );
}

/** What is so slow that one of a hundred is slower. */
const p99 = (times: readonly number[]) => times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1] ?? 0;
const median = (times: readonly number[]) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;

async function measureLists(figures: Figures, sides: readonly [Side, Side]): Promise<void> {
  const all: [number[], number[]] = [[], []];
  for (const [name, query] of Object.entries(lists)) {
    const times: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds + 5; round++) {
      for (const at of [0, 1] as const) {
        const began = performance.now();
        await sides[at].api.get(`/v1/cards?${query}&limit=100`);
        // The first rounds warm up plans and pages.
        if (round >= 5) times[at].push(performance.now() - began);
      }
    }
    figures.note(`list ${name}: median ÷ at ${few}`, median(times[1]) / median(times[0]));
    for (const at of [0, 1] as const) all[at].push(...times[at]);
  }
  figures.note(`list: p99 ÷ at ${few}`, p99(all[1]) / p99(all[0]), { max: 2 });
  for (const path of [
    '/v1/cards/counts?',
    '/v1/cards/groups?by=account',
    '/v1/cards/groups?by=product',
    '/v1/summary?',
    '/v1/month-end?',
    '/v1/month-end/customers?limit=50',
    '/v1/month-end/lines?limit=100',
  ]) {
    const times = await Promise.all(
      sides.map(async ({ api }) => {
        const began = performance.now();
        await api.get(path);
        return performance.now() - began;
      }),
    );
    figures.note(`${path.replace(/\?$/, '')} in ms`, times[1] ?? 0);
  }
}

/** From the last letter that is typed to the rows that fit, in a browser. */
async function measurePage(figures: Figures, sides: readonly [Side, Side], url: string): Promise<void> {
  const browser = await launchChromium(await findChromium());
  try {
    const times: [number[], number[]] = [[], []];
    const pages: Page[] = [];
    for (const { person } of sides) {
      const page = await (await browser.newContext({ baseURL: url })).newPage();
      await page.goto('/reconcile');
      await page.getByLabel('E-mail').fill(person.email);
      await page.getByLabel('Password', { exact: true }).fill(person.password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('grid', { name: 'Cards' }).getByRole('row').nth(5).waitFor();
      pages.push(page);
    }
    for (let round = 0; round < pageRounds; round++) {
      for (const at of [0, 1] as const) {
        const page = pages[at];
        if (!page) continue;
        const customer = String((round % Math.floor(few / 8)) + 1).padStart(6, '0');
        const began = performance.now();
        await page.getByRole('searchbox').fill(customer);
        // All rows are replaced at once by those of the answer.
        const row = page.getByRole('grid', { name: 'Cards' }).getByRole('row').nth(1);
        await row.filter({ hasText: customer }).waitFor();
        if (round > 0) times[at].push(performance.now() - began);
      }
    }
    figures.note(`typed → rows shown ÷ at ${few}`, median(times[1]) / median(times[0]), { max: 2 });
  } finally {
    await browser.close();
  }
}
