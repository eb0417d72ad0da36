/**
 * A vendor program that posts counts or alerts over kept connections. It is a process of its own, so that its work does not
 * slow down the measuring process. Its parent sends it one turn at a time, and it answers with a report of the turn.
 */
import { Pool } from 'undici';

export interface Posted {
  /** The path below the turn's URL. */
  path: string;
  body: unknown;
}

export interface Turn {
  /** The base of all paths, without a slash at the end. */
  url: string;
  headers: Record<string, string>;
  requests: Posted[];
  /** How many callers post at once, each over one connection. */
  callers: number;
}
export interface TurnReport {
  seconds: number;
  /** Answers that were not 201, each with how often it came. */
  refused: Record<string, number>;
}

const pools = new Map<string, Pool>();

process.on('message', (turn: Turn) => {
  void post(turn).then((report) => process.send?.(report));
});

async function post({ url, headers, requests, callers }: Turn): Promise<TurnReport> {
  const { origin, pathname } = new URL(url);
  const pool = pools.get(origin) ?? new Pool(origin, { connections: callers, pipelining: 1 });
  pools.set(origin, pool);
  const base = pathname === '/' ? '' : pathname;
  const refused: TurnReport['refused'] = {};

  async function caller(from: number): Promise<void> {
    for (let at = from; at < requests.length; at += callers) {
      const { path, body: sent } = requests[at] as Posted;
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: `${base}${path}`,
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(sent),
      });
      const answer = await body.text();
      if (statusCode === 201) continue;
      const what = `${statusCode} ${answer}`.slice(0, 200);
      refused[what] = (refused[what] ?? 0) + 1;
    }
  }

  const began = performance.now();
  await Promise.all(Array.from({ length: callers }, (_, from) => caller(from)));
  return { seconds: (performance.now() - began) / 1000, refused };
}
