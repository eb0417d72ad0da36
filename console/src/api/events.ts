/** Follows the organization's stream of events, and opens it again whenever it ends, until nobody wants it any more. */
import { api, ask } from './client.ts';
import { isProblem, Problem } from './problem.ts';
import { endSession } from './session.ts';
import type { Schema } from './types.ts';

/** The api says something every 15 seconds; a connection that has been silent for so long is dead. */
const silentMs = 40_000;
const firstRetryMs = 300;
const longestRetryMs = 5_000;
/** A page that nobody sees gives its connection back: a browser has only six for all pages of one address. */
const hiddenMs = 60_000;

interface Followed {
  onLive: (live: Schema<'Live'>) => void;
  /** Why there is no news; undefined = there is again. */
  onTrouble: (problem: Problem | undefined) => void;
}

/** @param signal ends it */
export async function follow({ onLive, onTrouble }: Followed, signal: AbortSignal): Promise<void> {
  let known: string | undefined;
  for (let waitMs = firstRetryMs; !signal.aborted; ) {
    await seen(signal);
    try {
      for await (const event of events(known, signal)) {
        waitMs = firstRetryMs;
        onTrouble(undefined);
        if (event.name === 'problem') throw new Problem(JSON.parse(event.data) as Schema<'Problem'>);
        if (event.name !== 'live') continue;
        known = event.id;
        onLive(JSON.parse(event.data) as Schema<'Live'>);
      }
    } catch (error) {
      if (signal.aborted) return;
      // So a stream ends that was open when its session did.
      if (isProblem(error) && error.status === 401) {
        endSession();
        return;
      }
      // That nobody answers is told by api/connection.ts, and that an api is being stopped is no trouble: another one answers.
      if (isProblem(error) && error.status !== 0 && error.code !== 'stopping') onTrouble(error);
    }
    // Not all pages at the same moment.
    await pause(waitMs * (0.5 + Math.random()), signal);
    waitMs = Math.min(waitMs * 2, longestRetryMs);
  }
}

interface Event {
  name: string;
  id: string | undefined;
  data: string;
}

/** The events of one connection, and '' as a name for each sign of life; it ends when the connection does. */
async function* events(known: string | undefined, signal: AbortSignal): AsyncGenerator<Event> {
  const cut = new AbortController();
  const cutOff = () => cut.abort();
  signal.addEventListener('abort', cutOff);
  let hidden = 0;
  const onVisibility = () => {
    window.clearTimeout(hidden);
    if (document.hidden) hidden = window.setTimeout(cutOff, hiddenMs);
  };
  document.addEventListener('visibilitychange', onVisibility);
  let silent = window.setTimeout(cutOff, silentMs);
  try {
    const body = await ask(
      api.GET('/v1/events', {
        params: { header: known === undefined ? {} : { 'last-event-id': known } },
        parseAs: 'stream',
        signal: cut.signal,
      }),
    );
    const reader = (body as ReadableStream<BufferSource>).pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      window.clearTimeout(silent);
      silent = window.setTimeout(cutOff, silentMs);
      const blocks = (text + chunk.value).split('\n\n');
      text = blocks.pop() ?? '';
      yield* blocks.map(parse);
    }
  } finally {
    window.clearTimeout(silent);
    window.clearTimeout(hidden);
    document.removeEventListener('visibilitychange', onVisibility);
    signal.removeEventListener('abort', cutOff);
    cut.abort();
  }
}

function parse(block: string): Event {
  const fields = new Map(
    block.split('\n').map((line) => {
      const at = line.indexOf(': ');
      return [line.slice(0, at), line.slice(at + 2)] as const;
    }),
  );
  return { name: fields.get('event') ?? '', id: fields.get('id'), data: fields.get('data') ?? '' };
}

/** Waits until somebody sees the page. */
function seen(signal: AbortSignal): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener('visibilitychange', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    document.addEventListener('visibilitychange', done);
    signal.addEventListener('abort', done);
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = window.setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      window.clearTimeout(timer);
      resolve();
    });
  });
}
