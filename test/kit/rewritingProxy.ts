/**
 * A proxy between the worker and a simulator that rewrites the simulator's answers, to make data that no simulator has. It
 * knows only HTTP.
 */
import { createServer, type IncomingMessage } from 'node:http';

export interface Answer {
  status: number;
  headers: Record<string, string>;
  /** The body's JSON; undefined if the body is not JSON. */
  json: unknown;
  /** Sent instead of `json`, if a rewrite sets it. */
  bytes?: Buffer | string | undefined;
}

export interface Request {
  method: string;
  /** The path with its query. */
  path: string;
  query: URLSearchParams;
}

/** Changes an answer in place, or leaves it as it is. */
export type Rewrite = (answer: Answer, request: Request) => void;

export interface RewritingProxy {
  url: string;
  /** The simulator's address; set before the first call. */
  target: string;
  /** Applied to every answer in this order, until they are cleared. */
  rewrites: Rewrite[];
  close(): Promise<void>;
}

export async function startRewritingProxy(): Promise<RewritingProxy> {
  const server = createServer((incoming, outgoing) => {
    void forward(incoming)
      .then(({ status, headers, json, bytes }) => {
        outgoing.writeHead(status, headers);
        outgoing.end(bytes ?? (json === undefined ? '' : JSON.stringify(json)));
      })
      .catch(() => outgoing.destroy());
  });
  const proxy: RewritingProxy = {
    url: '',
    target: '',
    rewrites: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  async function forward(incoming: IncomingMessage): Promise<Answer> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const path = incoming.url ?? '/';
    const method = incoming.method ?? 'GET';
    const asked = new Headers();
    for (const [name, value] of Object.entries(incoming.headers))
      if (!['host', 'connection', 'content-length'].includes(name)) asked.set(name, String(value));
    const response = await fetch(proxy.target + path, {
      method,
      headers: asked,
      body: chunks.length > 0 ? Buffer.concat(chunks) : null,
    });
    const text = await response.text();
    // The simulator's links name its own address; they are rewritten, so that a client that follows one stays behind the proxy.
    const headers = Object.fromEntries(
      [...response.headers]
        .filter(([name]) => !['content-length', 'transfer-encoding', 'connection', 'keep-alive'].includes(name))
        .map(([name, value]) => [name, value.replaceAll(proxy.target, proxy.url)]),
    );
    const answer: Answer = { status: response.status, headers, json: parsed(text) };
    if (answer.json === undefined) answer.bytes = text;
    const query = new URL(path, 'http://proxy').searchParams;
    for (const rewrite of proxy.rewrites) rewrite(answer, { method, path, query });
    return answer;
  }

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  proxy.url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  return proxy;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
