import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from 'drizzle-orm';
import { updateRun } from '../../db/queries/sync.ts';
import { hashSecret } from '../../db/encryption.ts';
import { until } from '../../dev/until.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { openEvents } from '../kit/eventStream.ts';
import { seedHeldRun, seedIntegration, seedRun, stepsBefore } from '../kit/apiTenant.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test('a sync is refused before the integration is finished', async () => {
  const id = await seedIntegration(harness.one, stepsBefore('finish'));
  const before = await harness.dump();
  await harness.admin.problem(409, 'not-finished', 'POST', `/v1/integrations/${id}/syncs`);
  expect(await harness.dump()).toEqual(before);
});

test('only a held run is released or discarded', async () => {
  const runId = await seedRun(harness.one);
  const before = await harness.dump();
  const problem = await harness.admin.problem(409, 'not-held', 'POST', `/v1/syncs/${runId}/release`);
  expect(problem.detail).toContain('running');
  await harness.admin.problem(409, 'not-held', 'POST', `/v1/syncs/${runId}/discard`);
  expect(await harness.dump()).toEqual(before);
  await updateRun(harness.db, runId, { state: 'applied', finished: true });
});

test('a run is discarded once, by one of those who try at once', async () => {
  const runId = await seedHeldRun(harness.one);
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => harness.admin.call('POST', `/v1/syncs/${runId}/discard`)),
  );
  expect(answers.map((answer) => answer.status).toSorted()).toEqual([200, 409, 409, 409, 409, 409]);
});

test('a stream that breaks says so in an event, with nothing of the inside', async () => {
  const runId = await seedRun(harness.other);
  const response = await fetch(`${harness.url}/v1/syncs/${runId}/events`, {
    headers: { authorization: `Bearer ${harness.other.tokens.read}` },
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = (await reader?.read())?.value ?? '';
  await harness.db.execute(sql`alter table process_step rename to process_step_away`);
  try {
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) text += next.value;
  } finally {
    await harness.db.execute(sql`alter table process_step_away rename to process_step`);
  }
  expect(text).toContain('event: problem');
  expect(text).toContain('"code":"internal"');
  expect(text).not.toMatch(/process_step|relation/);
});

test('the stream of a run does not outlive its token: it says why it ends', async () => {
  const runId = await seedRun(harness.other);
  const { operate } = harness.other.tokens;
  const stream = await openEvents(`${harness.url}/v1/syncs/${runId}/events`, { authorization: `Bearer ${operate}` });
  await until('the run to be told', () => stream.events().length > 0);
  await harness.db.execute(sql`update api_token set revoked_at = now() where token_hash = ${hashSecret(operate)}`);
  const { data } = await stream.event('the reason', ({ event }) => event === 'problem');
  expect(data).toMatchObject({ status: 401, code: 'bad-token' });
  await until('it to end', () => stream.isOver());
});
