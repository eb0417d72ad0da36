/** Invariants 6 and 10: whatever is killed around the POST, an alert that was accepted becomes one ticket. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  connectAlerts,
  postAlert,
  sendAlert,
  ticketsOf,
  untilAlert,
  type Alerting,
  type Ticket,
} from '../kit/alerts.ts';
import { startOwnStack, type OwnStack } from '../kit/ownStack.ts';
import { killAndStart, parts } from '../kit/parts.ts';
import { pushEnv } from '../kit/push.ts';
import { startSystem, type System } from '../kit/system.ts';
import { until } from '../../dev/until.ts';

let stack: OwnStack;
let system: System;
let alerting: Alerting;
let account: string;
let n = 0;

beforeAll(async () => {
  stack = await startOwnStack();
  system = await startSystem({
    database: await stack.createDatabase(),
    temporalAddress: stack.temporalAddress,
    env: { ...pushEnv, CALL_TIMEOUT_MS: '1000', PSA_SEARCH_LAG_MS: '300', SWEEP_INTERVAL_MS: '2000' },
  });
  alerting = await connectAlerts(system);
}, 240_000);
afterAll(async () => {
  await system?.close();
  await stack?.close();
});
beforeEach(async () => {
  await system.connectwise.clearFaults();
  await system.connectwise.clearLog();
  account = alerting.mapped[n++]?.id ?? '';
});

const posts = async () => (await system.connectwise.log('POST', '/service/tickets$')).length;

async function ticketsOnceTold(id: string): Promise<Ticket[]> {
  await untilAlert(system, id, 'delivered');
  return ticketsOf(system, id);
}

test.each(parts)('%s killed while the POST was taken and not answered', async (part) => {
  await system.connectwise.fault({ kind: 'afterCommit', method: 'POST', path: '/service/tickets$', then: 'hang' });
  const id = await sendAlert(system, alerting.key, account, { alertId: `taken ${part}` });
  await until('the POST to arrive', async () => (await posts()) === 1);
  await killAndStart(part, system, stack);
  expect(await ticketsOnceTold(id)).toHaveLength(1);
  expect(await posts()).toBe(1);
});

test.each(parts)('%s killed while the ticket is still looked for, before the POST', async (part) => {
  await system.connectwise.fault({ kind: 'latency', method: 'GET', path: '/service/tickets$', ms: 600 });
  const id = await sendAlert(system, alerting.key, account, { alertId: `before ${part}` });
  await until('the search to arrive', async () => (await system.connectwise.log('GET', '/service/tickets')).length > 0);
  await killAndStart(part, system, stack);
  expect(await ticketsOnceTold(id)).toHaveLength(1);
});

test.each(parts)('%s killed as soon as the alert was accepted', async (part) => {
  const id = await sendAlert(system, alerting.key, account, { alertId: `accepted ${part}` });
  await killAndStart(part, system, stack);
  expect(await ticketsOnceTold(id)).toHaveLength(1);
});

test('with Temporal away an alert is accepted, and told when it is back', async () => {
  await stack.kill('temporal');
  const id = await sendAlert(system, alerting.key, account, { alertId: 'without Temporal' });
  await stack.start('temporal');
  expect(await ticketsOnceTold(id)).toHaveLength(1);
});

test('with PostgreSQL away it is refused clearly, and nothing is kept of it', async () => {
  await stack.kill('postgres');
  const refused = await postAlert(system, alerting.key, account, { alertId: 'without PostgreSQL' });
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).not.toBeNull();
  await stack.start('postgres');
  await until('the API to be ready', async () => (await fetch(`${system.api.url}/readyz`)).ok);
  const id = await sendAlert(system, alerting.key, account, { alertId: 'without PostgreSQL' });
  expect((await untilAlert(system, id, 'delivered')).revision).toBe(1);
});
