import { parse } from 'csv-parse/sync';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listApprovalLines } from '../../db/queries/approvals.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedApproval } from '../kit/apiTenant.ts';
import { seedPerson } from '../kit/people.ts';

interface Entry {
  id: number;
  at: string;
  actor: string;
  actorName: string;
  action: string;
  subjectKind: string;
  subjectId: string;
  about: { account: string | null; product: string | null; cardId: string | null } | null;
}

let harness: ApiHarness;
let person: { id: string; name: string };
beforeAll(async () => {
  harness = await startApi();
  const { db, one } = harness;
  person = await seedPerson(db, one.organizationId, 'operator', '=Ada "A." Lovelace');
  await db.execute(sql`
    insert into audit (organization_id, at, actor, action, subject_kind, subject_id, before, after)
    select ${one.organizationId}::uuid, '2025-03-10T12:00:00Z'::timestamptz + n * interval '1 day',
           case when n % 2 = 0 then ${`person:${person.id}`} else 'countersign' end,
           case when n % 3 = 0 then 'card.dismiss' else 'cardinal.sin' end, 'card', 'c' || n % 5, null, '{"reason": "=1+1"}'
      from generate_series(0, 39) n`);
});
afterAll(() => harness?.close());

const entries = async (query: string) =>
  (await harness.admin.good<{ items: Entry[] }>('GET', `/v1/audit?limit=200&${query}`)).items;

test('it lists what was changed, newest first, with before and after', async () => {
  const path = `/v1/psa-connections/${harness.one.psaConnectionId}/writes`;
  await harness.admin.good('PUT', path, { enabled: true });
  await harness.admin.good('PUT', path, { enabled: false });
  const { items } = await harness.admin.good<{ items: object[] }>('GET', '/v1/audit?limit=2');
  expect(items).toMatchObject([
    { action: 'psaConnection.writes', before: { writesEnabled: true }, after: { writesEnabled: false } },
    { action: 'psaConnection.writes', before: { writesEnabled: false }, after: { writesEnabled: true } },
  ]);
});

test('each filter leaves what it names, and they hold together', async () => {
  const all = (await entries('from=2025-03-01&to=2025-04-30')).filter(({ subjectKind }) => subjectKind === 'card');
  expect(all).toHaveLength(40);
  const cases: [string, (entry: Entry) => boolean][] = [
    [`by=person:${person.id}`, ({ actor }) => actor === `person:${person.id}`],
    ['by=person', ({ actor }) => actor.startsWith('person:')],
    ['by=countersign', ({ actor }) => actor === 'countersign'],
    // What stands before the dot, as a whole.
    ['action=card', ({ action }) => action.startsWith('card.')],
    ['action=card.dismiss', ({ action }) => action === 'card.dismiss'],
    ['subjectKind=card&subjectId=c3', ({ subjectId }) => subjectId === 'c3'],
    ['by=person&action=card&subjectId=c0', (entry) => entry.actor.startsWith('person:') && entry.action.startsWith('card.') && entry.subjectId === 'c0'], // prettier-ignore
  ];
  for (const [query, holds] of cases) {
    const found = await entries(`from=2025-03-01&to=2025-04-30&${query}`);
    expect(found, query).toEqual(all.filter(holds));
    expect(found.length, query).toBeGreaterThan(0);
  }
});

test('the days are days of the zone', async () => {
  const on = async (zone: string) =>
    (await entries(`from=2025-03-12&to=2025-03-12&timeZone=${zone}`)).map(({ at }) => at);
  expect(await on('UTC')).toEqual(['2025-03-12T12:00:00.000Z']);
  // There it is one o'clock of the next day.
  expect(await on('Pacific/Auckland')).toEqual(['2025-03-11T12:00:00.000Z']);
});

test('a person is named, and the file says the same as the list, with no formula in it', async () => {
  const query = 'from=2025-03-01&to=2025-04-30&by=person';
  const listed = await entries(query);
  expect(listed[0]?.actorName).toBe('=Ada "A." Lovelace');
  const answer = await harness.admin.call<string>('GET', `/v1/audit.csv?${query}`);
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename="audit.csv"');
  expect(answer.body.split('\n').every((line) => line === '' || line.endsWith('\r'))).toBe(true);
  const rows: Record<string, string>[] = parse(answer.body, { bom: true, columns: true });
  expect(rows.map(({ id }) => Number(id))).toEqual(listed.map(({ id }) => id));
  expect(rows[0]).toMatchObject({ by: '\'=Ada "A." Lovelace', action: listed[0]?.action, after: '{"reason":"=1+1"}' });
});

test('what a row is about has the names of its account and product, and its card', async () => {
  const { db, one } = harness;
  const approval = await seedApproval(one, 'applied');
  const [line] = await listApprovalLines(db, approval, { limit: 1 });
  const card = await harness.admin.good<{ psaAccountName: string; productId: string }>(
    'GET',
    `/v1/cards/${line?.cardId}`,
  );
  const about = { account: card.psaAccountName, product: card.productId, cardId: line?.cardId };
  expect((await entries(`subjectKind=agreement_line&subjectId=${line?.lineId}`))[0]).toMatchObject({ about });
  await db.execute(sql`
    insert into audit (organization_id, actor, action, subject_kind, subject_id) values
      (${one.organizationId}, 'test', 'card.dismiss', 'card', ${line?.cardId}),
      (${one.organizationId}, 'test', 'account.map', 'vendor_account', ${`${one.integrationId}/${one.vendorAccount(1)}`}),
      (${one.organizationId}, 'test', 'approval.applied', 'agreement_line', 'no such line')`);
  expect((await entries(`subjectKind=card&subjectId=${line?.cardId}`))[0]).toMatchObject({ about });
  const [account] = await entries('action=account.map&by=test');
  expect(account?.about).toMatchObject({ account: expect.any(String), product: null, cardId: null });
  expect((await entries('subjectKind=agreement_line&subjectId=no such line'))[0]).toMatchObject({ about: null });
  // Of another organization nothing is told, though it has the id of the line.
  await db.execute(sql`
    insert into audit (organization_id, actor, action, subject_kind, subject_id) values
      (${harness.other.organizationId}, 'test', 'approval.applied', 'agreement_line', ${line?.lineId}),
      (${harness.other.organizationId}, 'test', 'card.dismiss', 'card', ${line?.cardId})`);
  const { items } = await harness
    .as(harness.other.tokens.read)
    .good<{ items: Entry[] }>('GET', '/v1/audit?by=test&limit=2');
  expect(items.map((each) => each.about)).toEqual([null, null]);
});

test('a file of any size is read page by page, and one that breaks off does not look whole', async () => {
  const { db, other, url } = harness;
  const rows = 3_500;
  // Large rows, so that the reader's side of the connection is full long before the file is over.
  await db.execute(sql`
    insert into audit (organization_id, actor, action, subject_kind, subject_id, after)
    select ${other.organizationId}::uuid, 'test', 'test.large', 'test', n::text, to_jsonb(repeat('x', 8000))
      from generate_series(1, ${rows}) n`);
  const ask = () =>
    fetch(`${url}/v1/audit.csv?action=test`, { headers: { authorization: `Bearer ${other.tokens.read}` } });
  const whole: string[][] = parse(await (await ask()).text(), { bom: true });
  expect(whole.length).toBe(rows + 1);
  expect(new Set(whole.map(([id]) => id)).size).toBe(rows + 1);

  const reader = (await ask()).body?.getReader();
  await reader?.read();
  await db.execute(sql`alter table audit rename to audit_away`);
  try {
    const rest = async () => {
      for (;;) if ((await reader?.read())?.done !== false) return 'it looks whole';
    };
    await expect(rest()).rejects.toThrow('terminated');
  } finally {
    await db.execute(sql`alter table audit_away rename to audit`);
  }
});
