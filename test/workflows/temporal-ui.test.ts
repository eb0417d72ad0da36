import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { remindOfOnboarding } from '../../commands/onboarding.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import { blockStep, type ProcessRef } from '../../db/queries/process.ts';
import { viewLinks } from '../../dev/stack/views.ts';
import { onboardingOf, workflowIdOf } from '../../domain/process/ids.ts';
import { ensureSweep, sweepScheduleId } from '../../temporal/schedules.ts';
import { startHarness, type ProcessHarness } from '../kit/processHarness.ts';
import { until } from '../../dev/until.ts';

/** What the outside system answered, with what must never leave PostgreSQL. */
const vendorText = 'Contoso Dental Ltd. is not allowed to use key mp_live_51f0.';
let harness: ProcessHarness;
let waiting: ProcessRef;
let blocked: ProcessRef;
let needing: ProcessRef;
let psa: ProcessRef;
let lonePsa: ProcessRef;
let lone: ProcessRef;
let away: ProcessRef;
let paused: ProcessRef;
let customer: ProcessRef;
let held: ProcessRef;
let refused: ProcessRef;

beforeAll(async () => {
  harness = await startHarness();
  psa = { kind: 'refreshPsa', id: await harness.connection() };
  waiting = { kind: 'connect', id: await harness.integration(psa.id) };
  blocked = { kind: 'connect', id: await harness.integration(psa.id) };
  needing = { kind: 'sync', id: await harness.integration(psa.id) };
  const refuse = () =>
    Promise.reject(new ConnectorError({ kind: 'permanent', code: 'bad_credentials', detail: vendorText }));
  harness.works('verifyCredentials', refuse, blocked.id);
  harness.works('pullPsa', refuse, psa.id);
  await harness.fact(blocked, 'credentials');
  await harness.askSync(needing.id);
  lonePsa = { kind: 'refreshPsa', id: await harness.connection() };
  lone = { kind: 'sync', id: await harness.integration(lonePsa.id) };
  away = { kind: 'sync', id: await harness.integration(psa.id) };
  paused = { kind: 'sync', id: await harness.integration(psa.id) };
  customer = { kind: 'onboardCustomer', id: await harness.customer(psa.id) };
  harness.works('pullPsa', refuse, lonePsa.id);
  const fails = (kind: 'transient' | 'throttled', more: object) => () =>
    Promise.reject(
      new ConnectorError({ kind, code: kind === 'transient' ? 'network' : kind, detail: vendorText, ...more }),
    );
  harness.works('pullVendor', fails('transient', {}), away.id);
  harness.works('pullVendor', fails('throttled', { retryAfterMs: 3_600_000 }), paused.id);
  for (const { id } of [lone, away, paused]) await harness.askSync(id);
  await blockStep(harness.db, { ...customer, round: '1', step: 'mapCustomer' }, { code: 'not_mapped' });
  await harness.fact(customer);
  held = { kind: 'sync', id: await harness.integration(psa.id) };
  await harness.db.execute(
    sql`insert into sync_run (integration_id, state, finished_at) values (${held.id}, 'held', now())`,
  );
  refused = { kind: 'deliverAlert', id: await harness.alert(psa.id) };
  const reason = JSON.stringify({ code: 'refused', detail: vendorText, status: 400 });
  await harness.db.execute(sql`update alert set state = 'dead', reason = ${reason}::jsonb where id = ${refused.id}`);
  for (const ref of [waiting, blocked, needing, lone, away, paused, customer, held, refused]) await harness.wake(ref);
  await harness.untilStep(blocked, 'verifyCredentials', 'blocked');
  await harness.untilStep(psa, 'pullPsa', 'blocked');
  await harness.untilStep(needing, 'pullVendor', 'done');
  await harness.untilStep(lonePsa, 'pullPsa', 'blocked');
  for (const ref of [away, paused]) await harness.untilStep(ref, 'pullVendor', 'blocked');
  await until('all to show where they are', async () => {
    const shown = await Promise.all([waiting, blocked, needing, psa].map((ref) => harness.details(ref)));
    return (
      shown.slice(0, 1).every((text) => text.includes('waits for')) &&
      shown.slice(1).every((text) => text.includes('blocked'))
    );
  });
});
afterAll(() => harness?.close());

const describe = (ref: ProcessRef) => harness.client.workflow.getHandle(workflowIdOf(ref.kind, ref.id)).describe();

test('who waits for a person says for what, and what comes after', async () => {
  expect(await harness.details(waiting)).toMatchInlineSnapshot(`
    "**Test MSP** · Mailprotector · PSA "Test PSA"

    **Vendor credentials**: waits for a person to give the reseller id and API key

    - · Vendor credentials
    - · Try the vendor credentials
    - · Link customers
    - · Read the PSA
    - · Match equal names
    - · Map accounts
    - · Map services
    - · Review and finish
    - · First sync"
  `);
  const { searchAttributes, memo } = await describe(waiting);
  expect(searchAttributes).toMatchObject({
    OrganizationId: [harness.organizationId],
    IntegrationId: [waiting.id],
    IntegrationIds: [waiting.id],
    Process: ['connect'],
    Blocked: [false],
  });
  expect(searchAttributes).not.toHaveProperty('Problem');
  expect(memo).toEqual({ organization: 'Test MSP', vendor: 'Mailprotector', psa: 'Test PSA' });
});

test('who is blocked says at which step, why, and what to do', async () => {
  const text = (await harness.details(blocked)).replaceAll(blocked.id, '{id}');
  expect(text.replace(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/, '{time}')).toMatchInlineSnapshot(`
    "**Test MSP** · Mailprotector · PSA "Test PSA"

    **Try the vendor credentials**: blocked (bad_credentials) since {time}. Give new credentials of Mailprotector: \`PUT /v1/integrations/{id}/vendor-credentials\`, or \`/integrations/{id}\` in the console; the step then tries again by itself. The Signal \`wake\` tries it at once.

    - ✓ Vendor credentials
    - ✗ Try the vendor credentials
    - · Link customers
    - · Read the PSA
    - · Match equal names
    - · Map accounts
    - · Map services
    - · Review and finish
    - · First sync"
  `);
  const { searchAttributes, memo } = await describe(blocked);
  expect(searchAttributes).toMatchObject({ Blocked: [true], Problem: ['bad_credentials'] });
  expect(memo).toMatchObject({ problem: 'bad_credentials', organization: 'Test MSP' });
});

test('who needs another process names it, and why that is blocked', async () => {
  const text = (await harness.details(needing)).replace(psa.id, '{psaConnectionId}');
  expect(text).toMatchInlineSnapshot(`
    "**Test MSP** · Mailprotector · PSA "Test PSA"

    **Read the PSA afresh**: waits for workflow \`psa/{psaConnectionId}\`, which is **blocked (bad_credentials)**

    - ✓ Read usage from the vendor
    - · Read the PSA afresh
    - · List the customers again, and read who was missed
    - · Compare with the last run
    - · Make the counts visible
    - · Note that it is over"
  `);
});

test.for(['connect', 'refreshPsa', 'sync'] as const)(
  '%s says in one line what it is, and how it is used',
  async (kind) => {
    const ref = [blocked, needing, psa].find((candidate) => candidate.kind === kind);
    if (!ref) throw new Error('There is no such process.');
    const found = await describe(ref);
    expect(await found.staticSummary()).toMatch(/^[A-Z][^.]{20,}$/);
    expect(await found.staticDetails()).toContain('Signal `wake`');
  },
);

/** The queries of docs/operations.md, as its tables have them. */
const documented = [
  ...readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8').matchAll(
    /^\|[^|]+\| +`([^`]+)` +\|$/gm,
  ),
].map(([, query = '']) => query);

test('every search of docs/operations.md finds what it says, and no other', async () => {
  const workflowIds = (...refs: ProcessRef[]) => refs.map(({ kind, id }) => workflowIdOf(kind, id)).toSorted();
  const stuck = [blocked, psa, lonePsa, away, paused, customer, held, refused];
  const all = workflowIds(...stuck, needing, lone);
  const work = "ExecutionStatus = 'Running' and Blocked = false and Process in";
  const sweeping = "Process = 'sweep' and ExecutionStatus = 'Running'";
  const expected: Record<string, string[]> = {
    'Blocked = true': all,
    "ExecutionStatus = 'Running' and Blocked = true": all,
    "Blocked = true and Problem != 'waits_for_blocked'": workflowIds(...stuck),
    [`Blocked = true and OrganizationId = '${harness.organizationId}'`]: all,
    [`Blocked = true and IntegrationIds = '${lone.id}'`]: workflowIds(lone, lonePsa),
    "Problem = 'bad_credentials'": workflowIds(blocked, psa, lonePsa),
    "Problem = 'unreachable'": workflowIds(away),
    "Problem = 'throttled'": workflowIds(paused),
    "Problem = 'retrying'": [],
    "Problem = 'held'": workflowIds(held),
    "Problem = 'refused'": workflowIds(refused),
    "Process = 'onboardCustomer' and Problem = 'not_mapped'": workflowIds(customer),
    "Process = 'sync' and ExecutionStatus = 'Running'": workflowIds(needing, lone, away, paused, held),
    [`${work} ('connect', 'migrateToAlerts', 'onboardCustomer')`]: workflowIds(waiting),
    [`${work} ('sync', 'refreshPsa', 'approveUsage', 'deliverAlert')`]: [],
  };
  const filled = documented.map((query) =>
    query
      .replace("OrganizationId = '…'", `OrganizationId = '${harness.organizationId}'`)
      .replace("IntegrationIds = '…'", `IntegrationIds = '${lone.id}'`),
  );
  expect([...new Set(filled)].toSorted()).toEqual([...Object.keys(expected), sweeping].toSorted());
  const find = async (query: string) => {
    const found: string[] = [];
    for await (const run of harness.client.workflow.list({ query })) found.push(run.workflowId);
    return found.toSorted();
  };
  // What keeps one of several integrations that share a PSA.
  expected[`Blocked = true and IntegrationIds = '${needing.id}'`] = workflowIds(needing, psa);
  for (const [query, ids] of Object.entries(expected)) {
    await until('the index to follow', async () => (await find(query)).length >= ids.length);
    expect({ query, found: await find(query) }).toEqual({ query, found: ids });
  }
  // Last, because it wakes what the others find nothing of.
  await ensureSweep(harness.client);
  // The Schedule adds a time to the id of the workflow that it starts.
  const sweeps = await until('the sweep to be found', async () => (await find(sweeping)).length > 0 && find(sweeping));
  expect(sweeps).toEqual([expect.stringMatching(/^sweep/)]);
  await harness.client.schedule.getHandle(sweepScheduleId).delete();
  const links = viewLinks('http://127.0.0.1:8233').map((line) => new URL(line.trim().split(/ {2,}/)[1] ?? ''));
  for (const link of links) expect(documented).toContain(link.searchParams.get('query'));
});

test('nothing that an outside system said is in any history', async () => {
  for (const ref of [waiting, blocked, needing, psa, refused]) {
    for (const { events } of await harness.runs(ref)) {
      const bytes = events.flatMap((event) =>
        JSON.stringify(event, (_, value: unknown) =>
          value instanceof Uint8Array ? Buffer.from(value).toString() : value,
        ),
      );
      expect(bytes.join('\n')).not.toMatch(/Contoso|mp_live/);
    }
  }
});

test('the Signal `wake`, sent by hand, frees a blocked step', async () => {
  harness.works('verifyCredentials', async () => undefined, blocked.id);
  await harness.client.workflow.getHandle(workflowIdOf('connect', blocked.id)).signal('wake');
  await harness.untilStep(blocked, 'verifyCredentials', 'done');
  await until('it to be taken back', async () => {
    const { searchAttributes, memo } = await describe(blocked);
    return (
      searchAttributes['Blocked']?.[0] === false &&
      (searchAttributes['Problem']?.[0] ?? null) === null &&
      !memo?.['problem']
    );
  });
  expect(await harness.details(blocked)).toContain('✓ Try the vendor credentials');
});

test('a process that does not exist says so', async () => {
  const nobody = {
    kind: 'approveUsage' as const,
    id: randomUUID(),
    organizationId: harness.organizationId,
    integrationId: null,
  };
  await harness.deps.wake(nobody);
  const handle = harness.client.workflow.getHandle(workflowIdOf(nobody.kind, nobody.id));
  await expect(handle.result()).rejects.toMatchObject({ cause: { cause: { type: 'no_such_process' } } });
});

test('a new customer of an integration for alerts alone: its alerts wait, and of billing nothing is said', async () => {
  const alertsOnly = { kind: 'onboardCustomer' as const, id: await harness.customer(psa.id) };
  const key = onboardingOf(alertsOnly.id);
  await harness.db.execute(sql`update integration set modules = '{alerts}' where id = ${key.integrationId}`);
  const remind = () =>
    harness.db.transaction((tx) =>
      remindOfOnboarding(tx, { ...alertsOnly, round: '1', step: 'mapCustomer' }, key, {
        remindMs: 60_000,
        escalateMs: 0,
      }),
    );
  expect(await remind()).toMatchObject({ escalated: true });
  // It stays a problem: the next reminder does not say otherwise.
  expect(await remind()).toMatchObject({ escalated: true });
  await harness.fact(alertsOnly);
  await harness.wake(alertsOnly);
  const told = /until then its alerts are parked. `\/new-customers` in the console shows it./;
  await until('it to be shown', async () => (await harness.details(alertsOnly)).includes('blocked'));
  expect(await harness.details(alertsOnly)).toMatch(told);
});
