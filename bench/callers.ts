/**
 * A vendor program: posts counts or alerts over connections that it keeps. A process of its own, so that its work does not hold up
 * whoever measures; its parent tells it a turn, and it answers how the turn went.
 */
import { Pool } from 'undici';

export interface Posted {
  /** Below the turn's URL. */
  path: string;
  body: unknown;
}

export interface Turn {
  /** Base of the routes, without a slash at the end. */
  url: string;
  headers: Record<string, string>;
  requests: Posted[];
  /** How many post at once, each over one connection. */
  callers: number;
}
export interface TurnReport {
  seconds: number;
  /** Answers that were not 201, and how many of each. */
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
