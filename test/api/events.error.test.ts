import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashSecret } from '../../db/encryption.ts';
import { until } from '../../dev/until.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { openEvents, type EventStream } from '../kit/eventStream.ts';

let harness: ApiHarness;
const stopping = new AbortController();
beforeAll(async () => {
  harness = await startApi({ env: { EVENT_STREAMS: '3' }, stopping: stopping.signal });
});
afterAll(() => harness?.close());

const follow = (token: string) => openEvents(`${harness.url}/v1/events`, { authorization: `Bearer ${token}` });
const isOpen = (stream: EventStream) => until('the stream to be open', () => stream.events().length > 0);

test('a stream does not outlive its token: it says why it ends', async () => {
  const { operate } = harness.one.tokens;
  const stream = await follow(operate);
  await isOpen(stream);
  await harness.db.execute(sql`update api_token set revoked_at = now() where token_hash = ${hashSecret(operate)}`);
  const { data } = await stream.event('the reason', ({ event }) => event === 'problem');
  expect(data).toMatchObject({ status: 401, code: 'bad-token' });
  await until('it to end', () => stream.isOver());
});

test('an organization may have so many streams and no more; one that was closed makes place, and others have their own', async () => {
  const { read } = harness.one.tokens;
  const streams = await Promise.all([follow(read), follow(read), follow(read)]);
  await Promise.all(streams.map(isOpen));
  const refused = await harness.as(read).problem(429, 'too-many-streams', 'GET', '/v1/events');
  expect(refused.detail).toContain('3 event streams');
  const other = await follow(harness.other.tokens.read);
  await isOpen(other);
  streams[0]?.close();
  const next = await until('the place to be free', async () => {
    const stream = await follow(read);
    return stream.response.status === 200 ? stream : undefined;
  });
  await isOpen(next);
  for (const stream of [...streams, other, next]) stream.close();
});

test('a query that it does not know is refused before anything is sent', async () => {
  await harness.admin.problem(400, 'invalid-request', 'GET', '/v1/events?once=perhaps');
});

test('an api that is about to end says so at once, so that its pages ask another one', async () => {
  const stream = await follow(harness.one.tokens.admin);
  await isOpen(stream);
  stopping.abort();
  const { data } = await stream.event('the reason', ({ event }) => event === 'problem');
  expect(data).toMatchObject({ status: 503, code: 'stopping' });
  await until('it to end', () => stream.isOver());
});
