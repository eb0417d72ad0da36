import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConnectorError } from '../../connectors/errors.ts';
import type { ProcessRef } from '../../db/queries/process.ts';
import { workflowIdOf } from '../../domain/process/ids.ts';
import { startHarness, type ProcessHarness } from '../kit/processHarness.ts';
import { until } from '../../dev/until.ts';

/** What the outside system answered, with what must never leave PostgreSQL. */
const vendorText = 'Contoso Dental Ltd. is not allowed to use key mp_live_51f0.';
let harness: ProcessHarness;
let waiting: ProcessRef;
let blocked: ProcessRef;
let needing: ProcessRef;
let psa: ProcessRef;

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
  for (const ref of [waiting, blocked, needing]) await harness.wake(ref);
  await harness.untilStep(blocked, 'verifyCredentials', 'blocked');
  await harness.untilStep(psa, 'pullPsa', 'blocked');
  await harness.untilStep(needing, 'pullVendor', 'done');
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
    Process: ['connect'],
    Blocked: [false],
  });
  expect(searchAttributes).not.toHaveProperty('Problem');
  expect(memo).toEqual({ organization: 'Test MSP', vendor: 'Mailprotector', psa: 'Test PSA' });
});

test('who is blocked says at which step, why, and what to do', async () => {
  expect((await harness.details(blocked)).replaceAll(blocked.id, '{id}')).toMatchInlineSnapshot(`
    "**Test MSP** · Mailprotector · PSA "Test PSA"

    **Try the vendor credentials: blocked (bad_credentials)**. Give new credentials of Mailprotector: \`PUT /v1/integrations/{id}/vendor-credentials\`, or \`/integrations/{id}\` in the console; the step then tries again by itself. The Signal \`wake\` tries again.

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
    - · Close"
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

test('the query for what is blocked finds exactly that', async () => {
  const ids = async () => {
    const found: string[] = [];
    for await (const run of harness.client.workflow.list({ query: 'Blocked = true' })) found.push(run.workflowId);
    return found.toSorted();
  };
  const expected = [workflowIdOf('connect', blocked.id), workflowIdOf('refreshPsa', psa.id)].toSorted();
  await until('the index to follow', async () => (await ids()).length >= expected.length);
  expect(await ids()).toEqual(expected);
});

test('nothing that an outside system said is in any history', async () => {
  for (const ref of [waiting, blocked, needing, psa]) {
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
