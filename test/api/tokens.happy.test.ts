import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedPerson, signedIn } from '../kit/people.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface View {
  id: string;
  name: string;
  scopes: string[];
  createdBy: string | null;
  lastUsedAt: string | null;
  expiresAt: string | null;
}
interface Made {
  apiToken: View;
  secret: string;
}
const list = async () => (await harness.admin.good<{ items: View[] }>('GET', '/v1/tokens?limit=200')).items;
const shown = async (id: string) => (await list()).find((each) => each.id === id);

test('an admin makes one in the browser, a program uses it with its scope, and it ends when it is revoked', async () => {
  const ada = await seedPerson(harness.db, harness.one.organizationId, 'admin', 'Ada Lovelace');
  const browser = await signedIn(harness.url, ada);
  const made = await browser.ask('POST', '/v1/tokens', { name: 'Nightly export', scope: 'operate', lifeDays: 30 });
  expect(made.status).toBe(201);
  const { apiToken, secret } = made.body as unknown as Made;
  expect(apiToken).toMatchObject({ name: 'Nightly export', scopes: ['operate'], createdBy: 'Ada Lovelace' });
  expect(apiToken.lastUsedAt).toBeNull();
  const days = (Date.parse(apiToken.expiresAt ?? '') - Date.now()) / 86_400_000;
  expect(Math.round(days)).toBe(30);

  const program = harness.as(secret);
  expect(await program.good('GET', '/v1/me')).toMatchObject({ person: null, scopes: ['read', 'operate'] });
  await program.problem(403, 'missing-scope', 'POST', '/v1/tokens', { name: 'More', scope: 'admin', lifeDays: null });
  expect((await shown(apiToken.id))?.lastUsedAt).not.toBeNull();

  await harness.admin.good('DELETE', `/v1/tokens/${apiToken.id}`);
  await program.problem(401, 'bad-token', 'GET', '/v1/me');
  expect(await shown(apiToken.id)).toBeUndefined();
  const { items } = await harness.admin.good<{ items: object[] }>('GET', '/v1/audit?limit=2');
  expect(items).toMatchObject([
    { action: 'token.revoke', subjectId: apiToken.id, before: { name: 'Nightly export' } },
    { action: 'token.create', subjectId: apiToken.id, actorName: 'Ada Lovelace', after: { scope: 'operate' } },
  ]);
});

test('its secret is in no table, no log, and no answer but the first', async () => {
  const body = { name: 'Once', scope: 'read', lifeDays: null };
  const headers = { 'idempotency-key': 'make-once' };
  const first = await harness.admin.call<Made>('POST', '/v1/tokens', body, headers);
  const again = await harness.admin.call<Partial<Made>>('POST', '/v1/tokens', body, headers);
  expect(first.body.apiToken.expiresAt).toBeNull();
  expect(again.body).toEqual({ apiToken: first.body.apiToken });
  const { secret } = first.body;
  expect(secret).toMatch(/^cs_.{40,}$/);
  for (const text of [JSON.stringify(await harness.dump()), harness.logs.join('\n'), JSON.stringify(await list())])
    expect(text).not.toContain(secret);
});

test('the list goes on page by page', async () => {
  const first = await harness.admin.good<{ items: View[]; nextCursor: string }>('GET', '/v1/tokens?limit=2');
  const rest = await harness.admin.good<{ items: View[]; nextCursor: null }>(
    'GET',
    `/v1/tokens?limit=200&cursor=${first.nextCursor}`,
  );
  expect([...first.items, ...rest.items]).toEqual(await list());
  // Seeded without a maker, as those of an earlier version.
  expect(first.items.length + rest.items.length).toBeGreaterThan(4);
});
