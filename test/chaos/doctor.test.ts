/** `npm run doctor`, against an installation that works and one that does not. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  connectAll,
  createPsaConnection,
  createIntegration,
  goodCredentials,
  person,
} from '../../dev/walkthrough/guide.ts';
import { until } from '../../dev/until.ts';
import { startSystem, type System } from '../kit/system.ts';

let system: System;
let id: string;
beforeAll(async () => {
  system = await startSystem({ customers: 26 });
  ({ integrationId: id } = await connectAll(system));
});
afterAll(() => system?.close());

const doctor = (env?: Record<string, string>) => system.run('cli/doctor.js', env);

test('where everything works it says so, and of what', async () => {
  const { code, said } = await doctor();
  expect(said).toMatch(/^✓ configuration/m);
  expect(said).toMatch(/^✓ database .* migrations/m);
  expect(said).toMatch(/^✓ Temporal/m);
  expect(said).toMatch(/^✓ worker +1 at work/m);
  expect(said).toMatch(/^✓ sweep/m);
  expect(said).toMatch(/^✓ last sweep/m);
  expect(said).toMatch(/^✓ workflows +every process/m);
  expect(said).toContain(`✓ integration    ${id}: mailprotector, pull, billing`);
  expect(said).toMatch(/^✓ {3}vendor +the credentials work/m);
  expect(said).toMatch(/^✓ {3}PSA +the credentials work/m);
  expect(said).toContain('Nothing is wrong.');
  expect(code).toBe(0);
});

test.each([
  ['a setting that does not fit', { CALLS_PER_SECOND: 'many' }, /✗ configuration.*\n.*CALLS_PER_SECOND/],
  [
    'a database that is away',
    { DATABASE_URL: 'postgres://nobody:none@127.0.0.1:1/none' },
    /✗ database[^]*Check DATABASE_URL/,
  ],
  ['a Temporal server that is away', { TEMPORAL_ADDRESS: '127.0.0.1:1' }, /✗ Temporal[^]*Check TEMPORAL_ADDRESS/],
  ['a namespace that nobody prepared', { TEMPORAL_NAMESPACE: 'default' }, /✗ worker +No worker asks for work/],
  [
    'another encryption key',
    { ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 1).toString('base64')}` },
    /✗ {3}vendor[^]*Give new credentials/,
  ],
])('%s is wrong, with what to do', async (_what, env: Record<string, string>, words) => {
  const { code, said } = await doctor(env);
  expect(said).toMatch(words);
  expect(code).toBe(1);
  for (const secret of system.secrets) expect(said).not.toContain(secret);
});

test.each([
  ['api/main.js', 'API_PORT'],
  ['worker/main.js', 'METRICS_PORT'],
])('%s says that its port is taken, and ends', async (file, variable) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  try {
    const { code, said } = await system.run(file, { [variable]: String(port) });
    expect(said).toContain(`and ${variable} cannot be had: choose another`);
    expect(code).toBe(1);
  } finally {
    taken.close();
  }
});

test('a new encryption key: all is encrypted with it while everything runs, and the old one is not needed any more', async () => {
  const old = `k1:${system.secrets[1]}`;
  const { key: fresh } = JSON.parse((await system.run('cli/admin.js', {}, ['key'])).said) as { key: string };
  const reencrypt = (keys: string) => system.run('cli/admin.js', { ENCRYPTION_KEYS: keys }, ['reencrypt']);
  expect((await doctor({ ENCRYPTION_KEYS: fresh })).code).toBe(1);
  // Without the old key nothing can be read, and nothing is changed.
  const blind = await reencrypt(fresh);
  expect(JSON.parse(blind.said)).toMatchObject({ reencrypted: 0, unreadable: [{}, {}] });
  expect(blind.code).toBe(1);
  const done = await reencrypt(`${fresh},${old}`);
  expect(JSON.parse(done.said)).toEqual({ reencrypted: 2, already: 0, unreadable: [] });
  expect(JSON.parse((await reencrypt(`${fresh},${old}`)).said)).toEqual({ reencrypted: 0, already: 2, unreadable: [] });
  expect((await doctor({ ENCRYPTION_KEYS: fresh })).said).toContain('Nothing is wrong.');
  // Back, for the processes that run and know the old one only.
  expect((await reencrypt(`${old},${fresh}`)).code).toBe(0);
  expect((await doctor()).said).toContain('Nothing is wrong.');
});

test('a worker that was killed does not count for the minutes that Temporal still lists it, nor does /readyz say that all works', async () => {
  const ready = () => system.api.get<{ temporal: string; words: string }>('/readyz');
  expect((await ready()).temporal).toBe('ready');
  await system.killWorker();
  await until('the worker to be missed', async () => (await ready()).temporal === 'no worker', 150_000);
  expect((await ready()).words).toContain('start one (npm run worker)');
  const { code, said } = await doctor();
  expect(said).toMatch(/✗ worker +No worker asks for work/);
  expect(code).toBe(1);
  await system.startWorker();
  expect((await doctor()).said).toMatch(/^✓ worker +1 at work/m);
  expect((await ready()).words).toBe('Everything works.');
}, 240_000);

test('a workflow that waits for a person and was terminated is said to be missing, and started again at once with --wake', async () => {
  const psaConnectionId = await createPsaConnection(system, goodCredentials.psa(system.connectwise.url), 'Another');
  const waiting = await createIntegration(system, psaConnectionId);
  const workflow = system.temporal.workflow.getHandle(`connect/${waiting}`);
  await until('it to wait for credentials', async () => {
    const { rows } = await system.database.db.execute(
      sql`select 1 from process where id = ${waiting} and due_at > now() + interval '1 hour'`,
    );
    return rows.length > 0;
  });
  await workflow.terminate();
  expect((await doctor()).said).toMatch(new RegExp(`✗ workflows +1 are not there: connect/${waiting}`));
  expect((await system.run('cli/doctor.js', {}, ['--wake'])).said).toMatch(/✓ workflows +1 were not there/);
  expect((await workflow.describe()).status.name).toBe('RUNNING');
});

test('credentials that were revoked and rights that are missing are found, each with the setting to change', async () => {
  const limited = goodCredentials.psa(system.connectwise.url, 'noAgreements');
  const psaConnectionId = await createPsaConnection(system, limited, 'Limited');
  const other = await createIntegration(system, psaConnectionId);
  await person.credentials(system, other, { ...goodCredentials.vendor, apiKey: 'a-key-that-was-revoked' });
  await until('it to be stuck', async () => {
    const health = await system.api.get<{ state: string }>(`/v1/integrations/${other}/health`);
    return health.state === 'failing';
  });
  const { code, said } = await doctor();
  expect(said).toMatch(/✗ {3}vendor/);
  expect(said).toMatch(/✗ {3}PSA .*Agreements/);
  expect(said).toMatch(
    /✗ {3}waits +Try the vendor credentials: blocked \(bad_credentials\) since .* Give new credentials/,
  );
  expect(code).toBe(1);
});
