/** What all simulators share: a server on loopback, the admin endpoint, faults, a request log, a journal of changes. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Faults, type Fault } from './faults.ts';

export interface SimRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  /** Parsed JSON, or undefined. */
  body: unknown;
  /** The fields of a page's form. Not in the log: they may be a password. */
  form?: URLSearchParams;
}

export interface SimAnswer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
  /** Sent unchanged instead of `body`. */
  text?: string;
}

/** One outside system. Its state changes only in `apply`, so that a journal can replay it. */
export interface Simulation {
  handle(request: SimRequest): SimAnswer | Promise<SimAnswer>;
  /** Applies a change of data: one of the admin endpoint, or an entry of the journal. */
  apply(change: Record<string, unknown>): unknown;
  state(query: URLSearchParams): unknown;
  settings: Record<string, unknown>;
  /** The answer to a body that is not JSON; absent: 400 with a message. */
  invalidJson?: SimAnswer;
}

export interface SimulatorOptions {
  seed?: number;
  customers?: number;
  port?: number;
  /** Address to listen on; loopback unless another machine or container has to reach the simulator. */
  host?: string;
  /** Folder of the journal; without it no change survives a restart. */
  data?: string | undefined;
  /** In force from the start, and again after a reset; the rest as they are. */
  settings?: Record<string, unknown>;
}

export interface RunningSimulator {
  url: string;
  close(): Promise<void>;
}

export type CreateSimulation = (options: {
  seed: number;
  customers: number;
  record: (change: Record<string, unknown>) => void;
}) => Simulation;

interface LogEntry {
  n: number;
  at: string;
  method: string;
  path: string;
  body?: unknown;
  status?: number;
  faults?: string[];
}

export async function startSimulator(
  name: string,
  create: CreateSimulation,
  options: SimulatorOptions,
): Promise<RunningSimulator> {
  let size = { seed: options.seed ?? 7, customers: options.customers ?? 40 };
  const journal = options.data ? join(options.data, `${name}.jsonl`) : undefined;
  if (options.data) mkdirSync(options.data, { recursive: true });
  const record = (change: Record<string, unknown>) => {
    if (journal) appendFileSync(journal, `${JSON.stringify(change)}\n`);
  };
  const make = () => {
    const made = create({ ...size, record });
    Object.assign(made.settings, options.settings);
    return made;
  };
  let simulation = make();
  if (journal && existsSync(journal)) {
    // A last line that a kill cut short was never answered. It is removed, so that the next line is not appended to it.
    const good: string[] = [];
    for (const line of readFileSync(journal, 'utf8').split('\n')) {
      try {
        if (line) simulation.apply(JSON.parse(line) as Record<string, unknown>);
      } catch {
        break;
      }
      if (line) good.push(`${line}\n`);
    }
    writeFileSync(journal, good.join(''));
  }
  const faults = new Faults();
  let log: LogEntry[] = [];
  let n = 0;
  let concurrent = 0;
  let maxConcurrent = 0;

  const server = createServer((request, response) => {
    void serve(request, response).catch((error: unknown) => {
      if (!response.headersSent) send(response, { status: 500, body: { message: String(error) } });
      else response.destroy();
    });
  });

  // A client that was busy for longer than Node's 5 s meets no connection that is just being closed.
  server.keepAliveTimeout = 75_000;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://simulator');
    const text = await readBody(request);
    const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
    let body: unknown;
    try {
      body = text === '' || isForm ? undefined : JSON.parse(text);
    } catch {
      return send(response, simulation.invalidJson ?? { status: 400, body: { message: 'The body is not JSON.' } });
    }
    const wanted: SimRequest = {
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body,
      ...(isForm ? { form: new URLSearchParams(text) } : {}),
    };
    if (url.pathname.startsWith('/__admin')) return send(response, admin(wanted));
    concurrent++;
    maxConcurrent = Math.max(maxConcurrent, concurrent);
    try {
      await answer(wanted, url, response);
    } finally {
      concurrent--;
    }
  }

  async function answer(wanted: SimRequest, url: URL, response: ServerResponse): Promise<void> {
    const met = faults.meet(wanted.method, url.pathname);
    const entry: LogEntry = {
      n: ++n,
      at: new Date().toISOString(),
      method: wanted.method,
      path: url.pathname + url.search,
    };
    if (wanted.body !== undefined) entry.body = wanted.body;
    if (met.length > 0) entry.faults = met.map((fault) => fault.kind);
    log.push(entry);
    if (log.length > 200_000) log.shift();
    const faultOf = (kind: Fault['kind']) => met.find((fault) => fault.kind === kind);

    const latency = met.filter((fault) => fault.kind === 'latency').reduce((sum, fault) => sum + (fault.ms ?? 0), 0);
    if (latency > 0) await delay(latency);
    if (faultOf('drop')) return void response.socket?.destroy();
    if (faultOf('hang')) return;
    const limiter = faultOf('window');
    const closedForMs = limiter && faults.overLimit(limiter);
    if (limiter && closedForMs !== undefined) {
      const headers = limiter.tells ? { 'retry-after': String(Math.ceil(closedForMs / 1000)) } : {};
      return finish(entry, response, { status: 429, body: { message: 'Too many requests.' }, headers });
    }
    const status = faultOf('status');
    if (status) return finish(entry, response, faulty(status));

    let result = await simulation.handle(wanted);
    const after = faultOf('afterCommit');
    if (after?.then === 'drop') return void response.socket?.destroy();
    if (after?.then === 'hang') return;
    if (after) return finish(entry, response, faulty(after));
    if (faultOf('malformed'))
      result = { status: 200, body: Array.isArray(result.body) ? [{ id: 'x' }] : { nothing: true } };
    if (faultOf('truncate') && Array.isArray(result.body)) result = truncated(result);
    for (const { headers = {} } of met.filter((fault) => fault.kind === 'headers'))
      result = withHeaders(result, headers);
    if (faultOf('cut')) {
      const whole = JSON.stringify(result.body);
      entry.status = result.status;
      response.writeHead(result.status, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(whole),
      });
      response.write(whole.slice(0, Math.floor(whole.length / 2)));
      return void setImmediate(() => response.socket?.destroy());
    }
    const encoded = faultOf('encoded');
    if (encoded) {
      entry.status = result.status;
      return sendEncoded(response, result, encoded);
    }
    finish(entry, response, result);
  }

  function finish(entry: LogEntry, response: ServerResponse, result: SimAnswer): void {
    entry.status = result.status;
    send(response, result);
  }

  function admin(wanted: SimRequest): SimAnswer {
    const [, , verb, id] = wanted.path.split('/');
    const given = (wanted.body ?? {}) as Record<string, unknown>;
    switch (`${wanted.method} ${verb ?? ''}`) {
      case 'POST reset':
        size = { seed: Number(given['seed'] ?? size.seed), customers: Number(given['customers'] ?? size.customers) };
        if (journal) rmSync(journal, { force: true });
        simulation = make();
        faults.remove();
        log = [];
        maxConcurrent = 0;
        return { status: 200, body: size };
      case 'GET state':
        return { status: 200, body: simulation.state(wanted.query) };
      case 'POST faults':
        return { status: 201, body: faults.add(wanted.body as Omit<Fault, 'id'>) };
      case 'GET faults':
        return { status: 200, body: faults.all() };
      case 'DELETE faults':
        faults.remove(id === undefined ? undefined : Number(id));
        return { status: 204 };
      case 'GET log': {
        const method = wanted.query.get('method');
        const path = wanted.query.get('path');
        const found = log.filter(
          (entry) => (!method || entry.method === method) && (!path || new RegExp(path).test(entry.path)),
        );
        return { status: 200, body: found };
      }
      case 'DELETE log':
        log = [];
        maxConcurrent = 0;
        return { status: 204 };
      case 'GET stats':
        return { status: 200, body: { requests: log.length, maxConcurrent } };
      case 'POST change': {
        const result = simulation.apply(given);
        record(given);
        return { status: 200, body: result ?? {} };
      }
      case 'POST settings':
        Object.assign(simulation.settings, given);
        return { status: 200, body: simulation.settings };
      default:
        return { status: 404, body: { message: 'The admin endpoint knows no such verb.' } };
    }
  }

  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, host, resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://${host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Cuts off a list's last rows and the link to the next page; a header with the total number of rows stays true. */
function truncated(result: SimAnswer): SimAnswer {
  const rows = result.body as unknown[];
  const { link: _link, ...headers } = result.headers ?? {};
  return { ...result, body: rows.slice(0, Math.floor(rows.length / 2)), headers };
}

/** The true answer with other headers; null = without one. */
function withHeaders(result: SimAnswer, changed: Record<string, string | null>): SimAnswer {
  const headers = Object.entries({ ...result.headers, ...lowerCase(changed) }).flatMap(([name, value]) =>
    value === null ? [] : [[name, value] as const],
  );
  return { ...result, headers: Object.fromEntries(headers) };
}

const lowerCase = <T>(headers: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

function faulty(fault: Fault): SimAnswer {
  return {
    status: fault.status ?? 500,
    body: fault.body ?? { code: 'Fault', message: 'timeout' },
    ...(fault.text === undefined ? {} : { text: fault.text }),
    headers: {
      ...(fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) }),
      ...withHeaders({ status: 0 }, fault.headers ?? {}).headers,
    },
  };
}

/** Sends the true answer in another encoding; characters that ISO-8859-1 lacks are escaped, as JSON allows. */
function sendEncoded(response: ServerResponse, result: SimAnswer, fault: Fault): void {
  const { charset = 'utf-8', declared = true, bom = false } = fault;
  const text = JSON.stringify(result.body);
  const escaped = text.replace(/[^\u0000-\u00ff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const bytes = charset === 'utf-8' ? Buffer.from(`${bom ? '\ufeff' : ''}${text}`) : Buffer.from(escaped, 'latin1');
  const contentType = `application/json${declared ? `; charset=${charset}` : ''}`;
  response.writeHead(result.status, { ...result.headers, 'content-type': contentType });
  response.end(bytes);
}

function send(response: ServerResponse, result: SimAnswer): void {
  const text = result.text ?? (result.body === undefined ? '' : JSON.stringify(result.body));
  response.writeHead(result.status, {
    'content-type': result.text === undefined ? 'application/json' : 'text/html',
    ...result.headers,
  });
  response.end(text);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Runs a simulator as a program: it prints one line when it is ready, and ends at SIGINT or SIGTERM. */
export async function runSimulator(name: string, create: CreateSimulation): Promise<void> {
  const given = (flag: string) => {
    const at = process.argv.indexOf(`--${flag}`);
    return at > 0 ? process.argv[at + 1] : undefined;
  };
  const running = await startSimulator(name, create, {
    port: Number(given('port') ?? 0),
    host: given('host') ?? '127.0.0.1',
    seed: Number(given('seed') ?? 7),
    customers: Number(given('customers') ?? 40),
    data: given('data'),
    settings: JSON.parse(given('settings') ?? '{}') as Record<string, unknown>,
  });
  process.stdout.write(`${JSON.stringify({ ready: true, name, url: running.url, pid: process.pid })}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void running.close().then(() => process.exit(0)));
}
