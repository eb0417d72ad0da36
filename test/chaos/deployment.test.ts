/**
 * No container engine is here, so the image's files are built in a folder as the Dockerfile says, and the compose file's
 * commands run there one by one, with the variables it gives them and none of this shell's.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { openConnection } from '../../db/client.ts';
import { freePort } from '../../dev/stack/ports.ts';
import { findTemporal } from '../../dev/stack/temporalBinary.ts';
import { readCompose, readEnvFile, type Service } from '../dev/compose.ts';
import { execForm, imageEnvironment, readDockerfile, textsOf } from '../dev/dockerfile.ts';
import { buildImage } from '../dev/image.ts';
import { createApiClient } from '../../dev/walkthrough/apiClient.ts';
import { simulatorAdmin } from '../../dev/walkthrough/simulatorAdmin.ts';
import { missingSearchAttributes } from '../../temporal/searchAttributes.ts';
import { goodCredentials } from '../../dev/walkthrough/guide.ts';
import { until } from '../../dev/until.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const image = readDockerfile(root).at(-1);
const password = 'not-the-real-one';
const { services } = readCompose(root, {
  ...readEnvFile(root, 'docker/demo.env'),
  POSTGRES_PASSWORD: password,
  ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  CALLS_PER_SECOND: '100',
});
const database = `deployment_${randomUUID().replaceAll('-', '')}`;
const namespace = `deployment-${randomUUID()}`;
const running: Container[] = [];

let work: string;
let app: string;
let databaseUrl: string;
let admin: Client;

interface Container {
  name: string;
  child: ChildProcess;
  env: Record<string, string>;
  port: number;
  said: () => string;
}

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'countersign-image-'));
  app = await buildImage(root, work);
  admin = await openConnection(inject('postgresUrl'));
  await admin.query(`create database ${database}`);
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${database}`;
  databaseUrl = url.href;
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  await connection.close();
}, 240_000);

afterEach(async () => {
  for (const { child } of running.splice(0)) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
});

afterAll(async () => {
  await admin.query(`drop database if exists ${database} with (force)`);
  await admin.end();
  rmSync(work, { recursive: true, force: true });
});

function serviceOf(name: string): Service {
  const service = services[name];
  if (!service) throw new Error(`There is no service ${name}.`);
  return service;
}

/** What a service's container has in its environment, with the network's names as addresses of this machine. */
function environmentOf(name: string, more: Record<string, string> = {}): Record<string, string> {
  const given = { ...imageEnvironment(image), ...serviceOf(name).environment };
  const here: Record<string, string> = {
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
  };
  return {
    ...Object.fromEntries(Object.entries(given).map(([variable, value]) => [variable, here[variable] ?? value])),
    TEMPORAL_NAMESPACE: namespace,
    ...more,
  };
}

/** Starts a service as its container would; in a container every port is free, here each gets one of its own. */
async function start(name: string, more: Record<string, string> = {}): Promise<Container> {
  const port = await freePort(0);
  const own =
    name === 'worker' ? { API_PORT: '1', METRICS_PORT: `${port}` } : { API_PORT: `${port}`, METRICS_PORT: '1' };
  const env = environmentOf(name, { ...own, ...more });
  const [, ...args] = [...(serviceOf(name).command ?? [])];
  const at = args.indexOf('--port') + 1;
  if (at > 0) args[at] = String(port);
  const child = spawn(process.execPath, args, { cwd: app, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const container = { name, child, env, port, said: () => output };
  running.push(container);
  return container;
}

/** @returns the exit status */
async function ended({ name, child, said }: Container, limitMs = 60_000): Promise<number | null> {
  await until(`${name} to end`, () => child.exitCode !== null || child.signalCode !== null, limitMs).catch(
    (error: unknown) => {
      throw new Error(`${name} goes on:\n${said()}`, { cause: error });
    },
  );
  return child.exitCode;
}

/** Stops a container as compose does, in the time after which compose kills it. */
function stop(container: Container): Promise<number | null> {
  container.child.kill('SIGTERM');
  return ended(container, Number.parseInt(serviceOf(container.name).stop_grace_period ?? '10', 10) * 1000);
}

/** Runs the container's own healthcheck. */
async function isHealthy({ name, env, port }: Container): Promise<boolean> {
  const [, ...own] = serviceOf(name).healthcheck?.test ?? [];
  const [, ...args] = own.length > 0 ? own : execForm(textsOf(image, 'HEALTHCHECK')[0]);
  const here = args.map((argument) => argument.replace(/:840[12]\//, `:${port}/`));
  return run(process.execPath, here, { cwd: app, env }).then(
    () => true,
    () => false,
  );
}

function becomesHealthy(container: Container): Promise<boolean> {
  return until(`${container.name} to be healthy`, () => {
    if (container.child.exitCode !== null) throw new Error(`${container.name} ended:\n${container.said()}`);
    return isHealthy(container);
  });
}

test('compiled files import nothing but production dependencies and each other', () => {
  const { dependencies } = JSON.parse(readFileSync(join(app, 'package.json'), 'utf8')) as { dependencies: object };
  const files = readdirSync(join(app, 'dist'), { recursive: true, encoding: 'utf8' });
  const imported = files
    .filter((file) => file.endsWith('.js') && file !== 'workflows.bundle.js')
    .flatMap((file) => [
      ...readFileSync(join(app, 'dist', file), 'utf8').matchAll(
        /\b(?:from |import |import\(|resolve\()'([@\w][^'\n]*)'/g,
      ),
    ])
    .map(([, name = '']) => name)
    .filter((name) => !name.startsWith('node:'))
    .map((name) => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name);
  expect(imported).toContain('@temporalio/worker');
  expect(imported.filter((name) => !(name in dependencies))).toEqual([]);
});

test('a worker refuses to start before migrate has run, and says so', async () => {
  const worker = await start('worker');
  expect(await ended(worker)).toBe(1);
  expect(worker.said()).toContain('run migrate first');
});

test('a service with a variable that is missing ends, and names it', async () => {
  const api = await start('api', { ENCRYPTION_KEYS: '' });
  expect(await ended(api)).not.toBe(0);
  expect(api.said()).toContain('ENCRYPTION_KEYS is not set');
});

test('migrate, api, two workers and the simulators come up in turn, do the work, and stop when they are told', async () => {
  // Two at once, as two deployments may.
  const migrations = [await start('migrate'), await start('migrate')];
  expect(await Promise.all(migrations.map((migration) => ended(migration)))).toEqual([0, 0]);

  const api = await start('api');
  const workers = [await start('worker'), await start('worker')];
  const simulators = [await start('mailprotector'), await start('connectwise')];
  for (const container of [api, ...workers, ...simulators]) await becomesHealthy(container);

  const { stdout } = await run(process.execPath, ['dist/cli/admin.js', 'init'], {
    cwd: app,
    env: environmentOf('migrate'),
  });
  const { token } = JSON.parse(stdout) as { token: string };
  const client = createApiClient(`http://127.0.0.1:${api.port}`, token);
  expect(await client.get('/readyz')).toMatchObject({ database: 'ready', temporal: 'ready' });
  const page = await fetch(`${client.url}/docs`).then((response) => response.text());
  expect(page).toContain('/docs/scalar.js');
  expect((await fetch(`${client.url}/docs/scalar.js`)).status).toBe(200);

  // The prebuilt workflows read a PSA.
  const connectwise = `http://127.0.0.1:${simulators[1]?.port}`;
  const { id } = await client.post<{ id: string }>('/v1/psa-connections', {
    kind: 'connectwise',
    name: 'Demo',
    credentials: goodCredentials.psa(connectwise),
  });
  await until('the PSA to be read', async () => {
    const { status, body } = await client.call<{ items: unknown[] }>('GET', `/v1/psa-connections/${id}/accounts`);
    return status === 200 && body.items.length > 0;
  });

  // Told to stop in the middle of a slow read, a worker finishes it.
  const psa = simulatorAdmin(connectwise);
  await psa.clearLog();
  await psa.fault({ kind: 'latency', ms: 1_500 });
  await client.post(`/v1/psa-connections/${id}/check`);
  await until('a worker to ask the PSA', async () => (await psa.log('GET')).length > 0);
  expect(await Promise.all(workers.map(stop))).toEqual([0, 0]);
  for (const worker of workers) expect(worker.said()).toContain('"msg":"stopped"');
  expect((await psa.log('GET'))[0]).toMatchObject({ status: 200 });

  // Told to stop in the middle of a request, the api answers it first.
  expect(await isHealthy(api)).toBe(true);
  const half = await beginPost(`${client.url}/v1/psa-connections`, token);
  const stopped = Promise.all([api, ...simulators].map(stop));
  await until('the api to know that it stops', () => api.said().includes('"msg":"stopping"'));
  expect(await half.finish('{}')).toBe(400);
  expect(await stopped).toEqual([0, 0, 0]);
  for (const container of [api, ...workers, ...simulators]) expect(await isHealthy(container)).toBe(false);
  for (const container of [api, ...workers]) expect(container.said()).not.toContain(token);
}, 240_000);

test('a worker that waits for Temporal stops when it is told', async () => {
  const silent = await listenInSilence();
  try {
    const worker = await start('worker', { TEMPORAL_ADDRESS: `127.0.0.1:${silent.port}` });
    await until('the worker to look for Temporal', () => silent.connections() > 0);
    expect(await isHealthy(worker)).toBe(false);
    expect(await stop(worker)).toBe(0);
  } finally {
    silent.server.close();
  }
});

test('the script that makes the namespace makes it with every search attribute, and changes nothing when it runs again', async () => {
  const fresh = `made-${randomUUID()}`;
  const { PATH = '' } = process.env;
  const env = {
    PATH: `${dirname(await findTemporal(() => undefined))}:${PATH}`,
    // Where Temporal's program looks for its settings; there are none.
    HOME: tmpdir(),
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: fresh,
  };
  for (let time = 0; time < 2; time++) await run('sh', ['docker/temporal-namespace.sh'], { cwd: root, env });
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  expect(await missingSearchAttributes(connection, fresh)).toEqual([]);
  await connection.close();
});

/** A request whose head the server has taken and whose body is still to come. */
async function beginPost(url: string, token: string): Promise<{ finish: (body: string) => Promise<number> }> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', expect: '100-continue' };
  const begun = request(url, { method: 'POST', headers });
  begun.flushHeaders();
  await once(begun, 'continue');
  return {
    async finish(body) {
      begun.end(body);
      const [response] = (await once(begun, 'response')) as [IncomingMessage];
      response.resume();
      return response.statusCode ?? 0;
    },
  };
}

/** Takes connections and never answers, as a machine that hangs does. */
async function listenInSilence(): Promise<{ server: Server; port: number; connections: () => number }> {
  let connections = 0;
  const server = createServer(() => void connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { server, port: typeof address === 'object' && address ? address.port : 0, connections: () => connections };
}
