import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { integration } from '../../db/schema/index.ts';
import { stepsOf } from '../../domain/process/steps.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { customers, seedIntegration } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface View {
  intake: string;
  process: { steps: { step: string; state: string }[] };
}
interface CardView {
  id: string;
  usage: number | null;
  bulkApprovable: boolean;
  flags: { code: string }[];
  explanation: { counts: { source: string }[] };
}

const put = (id: string, intake: string) =>
  harness.admin.good<View>('PUT', `/v1/integrations/${id}/intake`, { intake });
const stateOf = (view: View, name: string) => view.process.steps.find(({ step }) => step === name)?.state;

test('a switch keeps mappings and numbers, marks what the former way brought, and asks for a sync', async () => {
  const { integrationId: id } = harness.one;
  const { items } = await harness.admin.good<{ items: CardView[] }>('GET', '/v1/cards?limit=100');
  expect(items.length).toBeGreaterThanOrEqual(customers);
  // Their order is that of their ids, which are random: not the one with two lines, nor the one without.
  const usual = items.find((item) => item.usage !== null && item.bulkApprovable);
  const read = () => harness.admin.good<CardView>('GET', `/v1/cards/${usual?.id}`);
  const mappings = async () => {
    const dump = await harness.dump();
    return [dump['account_mapping'], dump['service_mapping']];
  };
  const [card, mapped] = [await read(), await mappings()];
  expect(card.explanation.counts.map((count) => count.source)).toEqual(['pull']);
  expect(card.bulkApprovable).toBe(true);

  const view = await put(id, 'push');
  expect(view.intake).toBe('push');
  // Nobody has made a key: connect waits for that again, and for nothing else.
  expect(view.process.steps.filter(({ state }) => state === 'waiting').map(({ step }) => step)).toEqual([
    'issueKey',
    'enable',
  ]);
  expect(await mappings()).toEqual(mapped);
  const marked = await read();
  expect(marked).toMatchObject({ id: card.id, usage: card.usage, bulkApprovable: false });
  expect(marked.flags.map((flag) => flag.code)).toContain('no_longer_reported');
  const { rows: asked } = await harness.db.execute(
    sql`select 1 from sync_request where integration_id = ${id} and run_id is null`,
  );
  expect(asked).toHaveLength(1);
  expect(harness.wakes.map((wake) => wake.kind)).toEqual(expect.arrayContaining(['connect', 'sync']));

  // Once more changes nothing, not even in the audit.
  const before = await harness.dump();
  await put(id, 'push');
  expect(await harness.dump()).toEqual(before);

  const back = await put(id, 'pull');
  expect([stateOf(back, 'issueKey'), stateOf(back, 'enable')]).toEqual(['skipped', 'skipped']);
  expect(await mappings()).toEqual(mapped);
});

test('a vendor that has its key and has accepted it is waited for no more', async () => {
  const id = await seedIntegration(harness.one, stepsOf.connect);
  await harness.admin.good('POST', `/v1/integrations/${id}/key`, {});
  await harness.db.update(integration).set({ pushStatus: 'active' }).where(eq(integration.id, id));
  const view = await put(id, 'push');
  expect([stateOf(view, 'issueKey'), stateOf(view, 'enable')]).toEqual(['done', 'done']);
});
