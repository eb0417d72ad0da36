import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { refuseRows } from '../kit/faultyDatabase.ts';
import { connectAll, latestRun, syncNow, type CardView } from '../../dev/walkthrough/guide.ts';
import { untilAtRest } from '../kit/rest.ts';
import { billedLinesOf, companiesOf, customersOf, type BilledLine } from '../kit/simulatorState.ts';
import { startSystem, type System } from '../kit/system.ts';
import { until } from '../../dev/until.ts';

let system: System;
let integrationId: string;
let psaConnectionId: string;

/** What moves together in the outside world from version to version; Countersign may show one version or another, never two. */
interface Moved {
  groups: { id: number; customer: number; users: number }[];
  lines: BilledLine[];
  companies: { id: number; name: string }[];
}
let moved: Moved;
let version = 0;
/** The first customers have stories of their own; those after them move. */
const notMoved = 24;

beforeAll(async () => {
  system = await startSystem({ customers: 33, env: { TRANSIENT_LIMIT_MS: '1000' } });
  ({ integrationId, psaConnectionId } = await connectAll(system));
  const customers = (await customersOf(system)).slice(notMoved);
  const lines = await billedLinesOf(system);
  moved = {
    groups: customers.map(({ id, domains }) => ({
      id: domains[0]?.groups[0]?.id ?? 0,
      customer: id,
      users: domains[0]?.groups[0]?.users ?? 0,
    })),
    lines: lines.filter((line) => line.agreementId >= 300_000 + notMoved * 4),
    companies: (await companiesOf(system)).filter((company) => company.story === 'exact').slice(-8),
  };
  expect(moved.lines.length).toBeGreaterThan(10);
});
afterAll(() => system?.close());
beforeEach(async () => {
  await system.mailprotector.clearFaults();
  await system.connectwise.clearFaults();
});

/** The next version of the outside world: a little more everywhere, so that no swing is held. */
async function moveTheWorld(): Promise<void> {
  version++;
  for (const group of moved.groups)
    await system.mailprotector.change({ change: 'setUsers', id: group.id, users: group.users + version });
  for (const line of moved.lines) {
    await system.connectwise.change({
      change: 'setQuantity',
      agreementId: line.agreementId,
      lineId: line.id,
      quantity: line.quantity + version,
    });
  }
  for (const company of moved.companies)
    await system.connectwise.change({
      change: 'renameCompany',
      companyId: company.id,
      name: `${company.name} v${version}`,
    });
}

interface Detail {
  lines: { lineId: string; quantity: number }[];
  explanation: { counts: { vendorAccountId: string; serviceId: string; quantity: number | null }[] };
}

interface Seen {
  usage: number[];
  psa: number[];
  runs: string[];
  misfits: string[];
}

/** Everything in one snapshot, boiled down to versions: more than one of a kind is a mixture. */
async function look(): Promise<Seen> {
  const rows = await system.database.db.transaction(
    async (tx) => ({
      counts: (
        await tx.execute<{ account: string; service: string; quantity: number; run: string }>(sql`
        select vendor_account_id as account, service_id as service, quantity, run_id as run from usage_count
         where not_reported_since is null`)
      ).rows,
      lines: (await tx.execute<{ id: string; quantity: number }>(sql`select id, quantity from agreement_line`)).rows,
      accounts: (await tx.execute<{ id: string; name: string }>(sql`select id, name from psa_account`)).rows,
      cards: (await tx.execute<{ id: string; detail: Detail }>(sql`select id, detail from card`)).rows,
    }),
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
  const lineNow = new Map(rows.lines.map((line) => [line.id, line.quantity]));
  const countNow = new Map(rows.counts.map((count) => [`${count.account} ${count.service}`, count.quantity]));
  const misfits = rows.cards.flatMap(({ id, detail }) => [
    ...detail.lines
      .filter((line) => lineNow.get(line.lineId) !== line.quantity)
      .map((line) => `card ${id} shows line ${line.lineId} as ${line.quantity}`),
    ...detail.explanation.counts
      .filter((count) => countNow.get(`${count.vendorAccountId} ${count.serviceId}`) !== count.quantity)
      .map((count) => `card ${id} shows ${count.vendorAccountId} ${count.serviceId} as ${count.quantity}`),
  ]);
  const split = new Map(await usersAtStart());
  return {
    usage: distinct(
      rows.counts.flatMap((count) => {
        const start = split.get(count.account);
        return start === undefined ? [] : [count.quantity - start];
      }),
    ),
    psa: distinct([
      ...moved.lines.map((line) => (lineNow.get(String(line.id)) ?? Number.NaN) - line.quantity),
      ...moved.companies.map((company) => {
        const name = rows.accounts.find((account) => account.id === String(company.id))?.name ?? '';
        return Number(/ v(\d+)$/.exec(name)?.[1] ?? 0);
      }),
    ]),
    runs: distinct(rows.counts.map((count) => count.run)),
    misfits,
  };
}

let atStart: [string, number][] | undefined;
/** All users of a moved customer before anything moved: every one of its services counts all of them. */
async function usersAtStart(): Promise<[string, number][]> {
  atStart ??= (await customersOf(system)).flatMap((customer): [string, number][] => {
    const group = moved.groups.find((candidate) => candidate.customer === customer.id);
    if (!group) return [];
    const others = (customer.domains[0]?.groups ?? []).slice(1).reduce((sum, one) => sum + one.users, 0);
    return [[String(customer.id), group.users + others]];
  });
  return atStart;
}

function distinct<T>(values: T[]): T[] {
  return [...new Set(values)];
}

interface Watch {
  /** What no reader may ever see. */
  mixtures: unknown[];
  /** Different states seen: the watch is worth something only if it saw the change happen. */
  versions: number;
}

/** Looks again and again, in the database and through the API, while `body` runs. */
async function watched(body: () => Promise<void>): Promise<Watch> {
  const mixtures: unknown[] = [];
  const versions = new Set<string>();
  const watch = { looks: 0, stopped: false };
  const inDatabase = async () => {
    while (!watch.stopped) {
      const seen = await look();
      watch.looks++;
      await delay(10);
      versions.add(`${seen.usage.join()} / ${seen.psa.join()}`);
      const mixed = seen.usage.length > 1 || seen.psa.length > 1 || seen.runs.length > 1;
      if (mixed || seen.misfits.length > 0) mixtures.push(seen);
    }
  };
  const throughApi = async () => {
    while (!watch.stopped) {
      const { items } = await system.api.get<{ items: CardView[] }>('/v1/cards?limit=200');
      const ours = items.filter((card) => moved.companies.some((company) => String(company.id) === card.psaAccountId));
      const shown = distinct(ours.map((card) => Number(/ v(\d+)$/.exec(card.psaAccountName)?.[1] ?? 0)));
      if (shown.length > 1) mixtures.push({ shown });
      await delay(60);
    }
  };
  const watching = Promise.all([inDatabase(), throughApi()]);
  try {
    await body();
    // Once more when all is over, so that the last version has been seen.
    const before = watch.looks;
    await until('a last look', () => watch.looks > before + 1);
  } finally {
    watch.stopped = true;
    await watching;
  }
  return { mixtures, versions: versions.size };
}

async function expectWhole(watch: Watch): Promise<void> {
  expect(watch.mixtures).toEqual([]);
  expect(watch.versions).toBeGreaterThan(1);
  expect(await look()).toMatchObject({ usage: [version], psa: [version] });
}

async function slow(): Promise<void> {
  await system.mailprotector.fault({ kind: 'latency', ms: 20, times: null });
  await system.connectwise.fault({ kind: 'latency', ms: 20, times: null });
}

test('a reader during syncs and refreshes never sees two versions, and cards always fit the numbers beside them', async () => {
  await slow();
  const watch = await watched(async () => {
    for (let round = 0; round < 2; round++) {
      await moveTheWorld();
      expect((await syncNow(system, integrationId)).state).toBe('applied');
    }
  });
  await expectWhole(watch);
});

test('a worker killed half-way shows nothing of what it had read', async () => {
  await slow();
  const watch = await watched(async () => {
    await moveTheWorld();
    await system.mailprotector.clearLog();
    const sync = syncNow(system, integrationId);
    await until(
      'half of the groups to be read',
      async () => (await system.mailprotector.log('GET', '/user_groups/\\d+/services')).length > 20,
    );
    await system.killWorker();
    const half = await look();
    await system.startWorker();
    expect((await sync).state).toBe('applied');
    expect(half.usage).toEqual([version - 1]);
  });
  await expectWhole(watch);
});

// Late in what a run and a refresh write: all that comes before must be taken back.
test.each(['card', 'agreement_line'])(
  'a failure in the middle of applying, at the table %s, leaves all as it was until it works',
  async (table) => {
    const condition = {
      card: `psa_account_id = '${moved.companies.at(-1)?.id}'`,
      agreement_line: `id = '${moved.lines.at(-1)?.id}'`,
    }[table];
    const watch = await watched(async () => {
      await moveTheWorld();
      const putRight = await refuseRows(system, table, condition ?? 'true');
      await system.api.post(`/v1/integrations/${integrationId}/syncs`);
      await until('an attempt to have failed', async () => {
        const { rows: failing } = await system.database.db.execute(
          sql`select 1 from process_step where state in ('running', 'blocked') and problem is not null`,
        );
        return failing.length > 0;
      });
      // Several tries of a transaction that fails near its end.
      await until('it to be blocked', async () => {
        const { rows: blocked } = await system.database.db.execute(
          sql`select 1 from process_step where state = 'blocked' and problem ->> 'code' = 'unexpected'`,
        );
        return blocked.length > 0;
      });
      await putRight();
      // A person tries again: asking for a sync wakes it, and a check of the PSA wakes the refresh.
      await system.api.post(`/v1/psa-connections/${psaConnectionId}/check`);
      await system.api.post(`/v1/integrations/${integrationId}/syncs`);
      await untilAtRest(system);
    });
    await expectWhole(watch);
    expect(await latestRun(system, integrationId)).toMatchObject({ state: 'applied' });
  },
);
