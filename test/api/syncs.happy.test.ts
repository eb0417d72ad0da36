import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from 'drizzle-orm';
import { beginStep, blockStep } from '../../db/queries/process.ts';
import { takeOverdue } from '../../db/queries/processOverdue.ts';
import { listStagedIds } from '../../db/queries/staging.ts';
import { claimSyncRun, updateRun } from '../../db/queries/sync.ts';
import { findRoute, misfits } from '../kit/apiContract.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { seedHeldRun, seedRun } from '../kit/apiTenant.ts';
import { until } from '../../dev/until.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

interface Run {
  id: string;
  state: string;
  process: { steps: { step: string; state: string }[] };
}

test('asking for a sync is accepted at once and wakes it; the sweep finds it should that be lost', async () => {
  harness.wakes.length = 0;
  const { integrationId: id } = harness.one;
  const answer = await harness.admin.call('POST', `/v1/integrations/${id}/syncs`);
  expect(answer).toMatchObject({
    status: 202,
    body: { integrationId: id, workflowId: `sync/${id}`, state: 'requested' },
  });
  expect(harness.wakes).toMatchObject([{ kind: 'sync', id }]);
  expect((await takeOverdue(harness.db, -1, 100)).map((due) => due.id)).toContain(id);
});

test('runs are listed newest first, and one is shown with its steps', async () => {
  const runId = await seedHeldRun(harness.one);
  const { items } = await harness.admin.good<{ items: Run[] }>(
    'GET',
    `/v1/integrations/${harness.one.integrationId}/syncs`,
  );
  expect(items[0]).toMatchObject({ id: runId, state: 'held' });
  const run = await harness.admin.good<Run>('GET', `/v1/syncs/${runId}`);
  expect(run.process.steps.map((step) => step.step)).toContain('guard');
});

test('releasing a held run asks once, however often it is sent, and wakes the sync', async () => {
  const runId = await seedHeldRun(harness.one);
  harness.wakes.length = 0;
  await Promise.all(Array.from({ length: 5 }, () => harness.admin.good('POST', `/v1/syncs/${runId}/release`)));
  const { rows: requests } = await harness.db.execute(sql`select 1 from sync_request where release_run_id = ${runId}`);
  expect(requests).toHaveLength(1);
  expect(harness.wakes[0]).toMatchObject({ kind: 'sync', id: harness.one.integrationId });
  expect(await claimSyncRun(harness.db, { kind: 'sync', id: harness.one.integrationId })).toBe(runId);
  await updateRun(harness.db, runId, { state: 'applied', finished: true });
});

test('discarding a held run drops what it had staged', async () => {
  const runId = await seedHeldRun(harness.one);
  const other = await seedHeldRun(harness.other);
  expect(await harness.admin.good('POST', `/v1/syncs/${runId}/discard`)).toMatchObject({ state: 'discarded' });
  expect(await listStagedIds(harness.db, runId, 'count')).toEqual([]);
  expect(await listStagedIds(harness.db, other, 'count')).toHaveLength(1);
});

async function follow(runId: string, signal?: AbortSignal) {
  const response = await fetch(`${harness.url}/v1/syncs/${runId}/events`, {
    headers: { authorization: `Bearer ${harness.one.tokens.read}` },
    ...(signal ? { signal } : {}),
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  return response;
}

function eventsIn(text: string): { event: string; data: Run }[] {
  return text
    .split('\n\n')
    .filter((block) => block.startsWith('event:'))
    .map((block) => {
      const [event = '', data = ''] = block.split('\n');
      return { event: event.slice('event: '.length), data: JSON.parse(data.slice('data: '.length)) as Run };
    });
}

test('the events of a run come as its steps move, fit the contract, and end when it is finished', async () => {
  const runId = await seedRun(harness.one);
  const step = { kind: 'sync', id: harness.one.integrationId, round: runId, step: 'pullVendor' } as const;
  const response = await follow(runId);
  let text = '';
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const readUntil = async (what: string) => {
    while (!text.includes(what)) {
      const next = await reader?.read();
      if (!next || next.done) throw new Error(`The stream ended before ${what}.`);
      text += next.value;
    }
  };
  await readUntil('"state":"waiting"');
  await beginStep(harness.db, step);
  await readUntil('"state":"running","problem"');
  await blockStep(harness.db, step, { code: 'unreachable' });
  await readUntil('"code":"unreachable"');
  await updateRun(harness.db, runId, { state: 'applied', finished: true });
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) text += next.value;
  const events = eventsIn(text);
  expect(events.at(-1)?.data.state).toBe('applied');
  const schema = findRoute(harness.contract, 'GET', `/v1/syncs/${runId}/events`)?.operation.responses[200]?.content?.[
    'text/event-stream'
  ]?.schema;
  for (const { event, data } of events) {
    expect(event).toBe('run');
    expect(misfits(harness.contract, schema ?? {}, data)).toEqual([]);
  }
});

test('the events of a finished run are one, and the stream ends', async () => {
  const events = eventsIn(await (await follow(await seedHeldRun(harness.one))).text());
  expect(events.map(({ data }) => data.state)).toEqual(['held']);
});

test('a follower who goes away ends the stream, though the run goes on', async () => {
  const runId = await seedRun(harness.one);
  const gone = new AbortController();
  const response = await follow(runId, gone.signal);
  await response.body?.getReader().read();
  const ended = () => harness.logs.some((line) => line.includes(runId) && line.includes('an event stream ended'));
  expect(ended()).toBe(false);
  gone.abort();
  await until('the stream to end', ended);
  expect(await harness.admin.good('GET', `/v1/syncs/${runId}`)).toMatchObject({ state: 'running' });
  await updateRun(harness.db, runId, { state: 'applied', finished: true });
});
