/** How many statements PostgreSQL is sent for a list: as many for 30 rows as for 3. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { insertPsaConnection } from '../../db/queries/psaConnection.ts';
import { routesOf, type Route } from '../kit/apiContract.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { addressOf, sampleOf } from '../kit/apiSamples.ts';
import { seedOnboarding, type Tenant } from '../kit/apiTenant.ts';

/** The lists of the organization whose rows are put together from several tables. */
const composed = ['listHealth', 'listIntegrations', 'listOnboardings', 'listPsaConnections'];

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
  // A tenant has one connection and one integration from the start.
  await addConnections(harness.other, 2);
  await addConnections(harness.one, 29);
});
afterAll(() => harness?.close());

/** Connects more PSAs, each with an integration that has a new customer who waits for a person. */
async function addConnections(tenant: Tenant, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const id = randomUUID();
    const credentials = tenant.encryption.encrypt({ site: 'na.myconnectwise.net' }, id);
    const connection = { id, kind: 'connectwise', name: `PSA ${n}`, settings: {}, credentials };
    await tenant.db.transaction((tx) => insertPsaConnection(tx, tenant.organizationId, connection));
    await seedOnboarding({ ...tenant, psaConnectionId: id });
  }
}

/** The statements for one list, and its number of rows. */
async function read(route: Route, tenant: Tenant): Promise<{ statements: number; rows: number }> {
  const isPaged = route.operation.parameters?.some(({ name }) => name === 'limit');
  const sample = { ...(await sampleOf(route, tenant)), query: isPaged ? 'limit=200' : '' };
  const sent = vi.spyOn(Client.prototype, 'query');
  try {
    const caller = harness.as(tenant.tokens.read);
    const { items } = await caller.good<{ items: unknown[] }>('GET', addressOf(route, sample));
    return { statements: sent.mock.calls.length, rows: items.length };
  } finally {
    sent.mockRestore();
  }
}

test('no list takes more statements for more rows', async () => {
  const lists = routesOf(harness.contract).filter(({ operation }) => operation.operationId.startsWith('list'));
  expect(lists.length).toBeGreaterThan(composed.length);
  const few: Record<string, number> = {};
  const many: Record<string, number> = {};
  for (const route of lists) {
    const { operationId } = route.operation;
    const [ofFew, ofMany] = [await read(route, harness.other), await read(route, harness.one)];
    expect(ofFew.statements, operationId).toBeGreaterThan(0);
    few[operationId] = ofFew.statements;
    many[operationId] = ofMany.statements;
    if (composed.includes(operationId)) {
      // Samples of other lists add some rows.
      expect(ofFew.rows, operationId).toBeLessThan(10);
      expect(ofMany.rows, operationId).toBeGreaterThanOrEqual(29);
    }
  }
  expect(many).toEqual(few);
});
