/** Temporal behind TLS with client certificates, and PostgreSQL with a CA of one's own. */
import { randomUUID } from 'node:crypto';
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { openDatabase } from '../../db/client.ts';
import { migrateDatabase } from '../../db/migrate.ts';
import { freePort } from '../../dev/stack/ports.ts';
import { awaitPostgres, prepareCluster, type Cluster } from '../../dev/stack/postgres.ts';
import { Processes } from '../../dev/stack/processes.ts';
import { until } from '../../dev/until.ts';
import { prepareTemporal } from '../../temporal/prepare.ts';
import { temporalOptions } from '../../temporal/profile.ts';
import { createAuthority } from '../kit/certificates.ts';
import { startSystem, type System } from '../kit/system.ts';
import { startMutualTls, startRefusing, type Proxy } from '../kit/temporalProxies.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-tls-'));
// PostgreSQL may run as another user, who must be able to enter the folder.
chmodSync(folder, 0o755);
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
};

const ours = createAuthority('Our CA');
const theirs = createAuthority('Their CA');
const caFile = file('ca.pem', ours.cert);
const otherCaFile = file('other-ca.pem', theirs.cert);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('Temporal', () => {
  let system: System;
  let proxy: Proxy;
  /** Of the server at `proxy`: a client certificate is made for each case. */
  const client = (by = ours, days = 30) => by.issue(['client'], days);
  const reach = (mine = client(), more: Record<string, string> = {}) => ({
    TEMPORAL_ADDRESS: proxy.address,
    TEMPORAL_TLS_CLIENT_CERT_DATA: mine.cert,
    TEMPORAL_TLS_CLIENT_KEY_DATA: mine.key,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: caFile,
    TEMPORAL_TLS_SERVER_NAME: 'temporal.internal',
    ...more,
  });
  const refusal = async (variables: { TEMPORAL_ADDRESS: string }): Promise<string> => {
    try {
      await prepareTemporal(temporalOptions(variables), 'default');
      return 'It was reached.';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };

  beforeAll(async () => {
    const temporal = inject('temporalAddress');
    proxy = await startMutualTls(temporal, ours.issue(['temporal.internal']), ours.cert);
    system = await startSystem({ customers: 3, env: reach() });
  });
  afterAll(async () => {
    await system?.close();
    await proxy?.close();
  });

  test('api, worker, migrate and doctor reach a server that wants client certificates, by variables or by a profile', async () => {
    await until('the api to find Temporal, and the worker there', async () => {
      const ready = await (await fetch(`${system.api.url}/readyz`)).text();
      return ready.includes('"temporal":"ready"');
    });
    const mine = client();
    const toml = `[profile.prod]
address = "${proxy.address}"
namespace = "${system.namespace}"
[profile.prod.tls]
client_cert_path = "${file('client.pem', mine.cert)}"
client_key_path = "${file('client.key', mine.key)}"
server_ca_cert_path = "${caFile}"
server_name = "temporal.internal"
`;
    const unset = Object.fromEntries(Object.keys(reach()).map((name) => [name, '']));
    const byProfile = {
      ...unset,
      TEMPORAL_NAMESPACE: '',
      TEMPORAL_CONFIG_FILE: file('temporal.toml', toml),
      TEMPORAL_PROFILE: 'prod',
    };
    for (const env of [{}, byProfile]) {
      const migrated = await system.run('cli/migrate.js', env);
      expect(migrated.said).toContain('are up to date');
      const { said, code } = await system.run('cli/doctor.js', env);
      expect(said).toContain(`✓ Temporal       answers at ${proxy.address}, and has the namespace ${system.namespace}`);
      expect(said).toContain('✓ worker         1 at work');
      expect(code, said).toBe(0);
    }
  });

  test('what is wrong with a certificate is said in words, and what to do', async () => {
    const expiredServer = await startMutualTls(
      inject('temporalAddress'),
      ours.issue(['temporal.internal'], -1),
      ours.cert,
    );
    const [good, other] = [client(), client()];
    const { TEMPORAL_ADDRESS, TEMPORAL_TLS_SERVER_CA_CERT_PATH, TEMPORAL_TLS_SERVER_NAME } = reach();
    const noClient = { TEMPORAL_ADDRESS, TEMPORAL_TLS_SERVER_CA_CERT_PATH, TEMPORAL_TLS_SERVER_NAME };
    const cases = [
      [reach(client(ours, -1)), /client certificate for Temporal has expired on .*Give a new one/],
      [reach({ cert: good.cert, key: other.key }), /client key for Temporal does not belong to the client certificate/],
      [reach({ cert: 'rubbish', key: good.key }), /no certificate in PEM/],
      [reach(client(theirs)), /refuses the client certificate/],
      [noClient, /wants a client certificate.*TEMPORAL_TLS_CLIENT_CERT_PATH/],
      [reach(good, { TEMPORAL_TLS_SERVER_CA_CERT_PATH: otherCaFile }), /not signed by a CA that is known here/],
      [reach(good, { TEMPORAL_TLS_SERVER_NAME: 'another.internal' }), /for another name than another\.internal/],
      [
        reach(good, { TEMPORAL_ADDRESS: expiredServer.address }),
        /certificate of the Temporal server at .* has expired/,
      ],
      [reach(good, { TEMPORAL_ADDRESS: inject('temporalAddress') }), /does not speak TLS there/],
      [reach(good, { TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere.pem' }), /cannot be read: .*\/nowhere\.pem/],
      [{ TEMPORAL_ADDRESS, TEMPORAL_TLS_CLIENT_CERT_DATA: good.cert }, /client certificate without its key/],
      [{ TEMPORAL_ADDRESS, TEMPORAL_PROFILE: 'prod' }, /TEMPORAL_PROFILE is set, but TEMPORAL_CONFIG_FILE is not/],
      [{ TEMPORAL_ADDRESS, TEMPORAL_CONFIG_FILE: '/nowhere.toml' }, /TEMPORAL_CONFIG_FILE names \/nowhere\.toml/],
    ] as const;
    const said = await Promise.all(cases.map(([variables]) => refusal(variables)));
    await expiredServer.close();
    for (const [at, [, words]] of cases.entries()) expect(said[at]).toMatch(words);
    // The programs say so, too, and tell no key.
    const expired = reach(client(ours, -1));
    for (const program of ['cli/migrate.js', 'cli/doctor.js']) {
      const { code, said: words } = await system.run(program, expired);
      expect(code).toBe(1);
      expect(words).toMatch(/client certificate for Temporal has expired on/);
      expect(words).not.toContain('PRIVATE KEY');
    }
  });

  test('migrate says what to do where a client may not register search attributes', async () => {
    const namespace = `bare-${randomUUID()}`;
    const connection = await Connection.connect({ address: inject('temporalAddress') });
    const refusing = await startRefusing(inject('temporalAddress'), /AddSearchAttributes$/);
    try {
      await connection.workflowService.registerNamespace({
        namespace,
        workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
      });
      await until('the namespace to be there', async () => {
        await connection.operatorService.listSearchAttributes({ namespace });
        return true;
      });
      const { code, said } = await system.run('cli/migrate.js', {
        ...Object.fromEntries(Object.keys(reach()).map((name) => [name, ''])),
        TEMPORAL_ADDRESS: refusing.address,
        TEMPORAL_NAMESPACE: namespace,
      });
      expect(code).toBe(1);
      expect(said).toMatch(/may not register search attributes in the namespace bare-.*OrganizationId \(Keyword\)/);
      expect(said).toContain(
        `temporal operator search-attribute create --namespace ${namespace} --name Blocked --type Bool`,
      );
    } finally {
      await refusing.close();
      await connection.close();
    }
  });
});

describe('PostgreSQL', () => {
  const processes = new Processes(folder, () => undefined);
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await prepareCluster(folder, await freePort(0), true);
    const data = cluster.spec.args[cluster.spec.args.indexOf('-D') + 1] ?? '';
    const { uid, gid } = statSync(data);
    const own = ours.issue(['127.0.0.1']);
    for (const [name, text] of Object.entries({ 'server.crt': own.cert, 'server.key': own.key })) {
      writeFileSync(join(data, name), text, { mode: 0o600 });
      chownSync(join(data, name), uid, gid);
    }
    processes.start({ ...cluster.spec, args: [...cluster.spec.args, '-c', 'ssl=on'] });
    await processes.untilReady('postgres', () => awaitPostgres(cluster.url));
  });
  afterAll(async () => {
    await processes.stopAll();
    cluster?.remove();
  });

  const ask = async (url: string) => {
    const { db, close } = openDatabase(url, 1);
    try {
      const { rows } = await db.execute(sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`);
      return rows;
    } finally {
      await close();
    }
  };

  test('sslmode=verify-full takes a server that the given CA has signed for its address, and no other', async () => {
    const verified = (url: string, ca: string) => `${url}?sslmode=verify-full&sslrootcert=${ca}`;
    const good = verified(cluster.url, caFile);
    expect(await ask(good)).toEqual([{ ssl: true }]);
    await migrateDatabase(good);
    await expect(ask(verified(cluster.url, otherCaFile))).rejects.toMatchObject({
      cause: { cause: { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' } },
    });
    const byName = cluster.url.replace('127.0.0.1', 'localhost');
    await expect(ask(verified(byName, caFile))).rejects.toMatchObject({
      cause: { cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' } },
    });
  });
});
