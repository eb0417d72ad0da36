/**
 * The server with which the Vendor API is compared: the same Hono, the same driver and as many connections. It stores one row
 * per request and checks nothing.
 *
 *   DATABASE_URL, PORT   where it stores, where it listens
 */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { Pool } from 'pg';

const integrationId = '00000000-0000-4000-8000-000000000000';
const pool = new Pool({ connectionString: process.env['DATABASE_URL'], max: 10 });

await pool.query(`
  create table if not exists bare_count (
    integration_id uuid not null, vendor_account_id text not null, service_id text not null,
    quantity double precision not null, received_at timestamptz not null default now(), build boolean not null, run_id uuid,
    primary key (integration_id, vendor_account_id, service_id))`);

await pool.query(`
  create table if not exists bare_alert (
    id uuid primary key default gen_random_uuid(), integration_id uuid not null, account_id text not null,
    alert_id text not null, title text not null, description text not null, received_at timestamptz not null default now())`);

const app = new Hono();
app.get('/', (c) => c.text('ready'));
app.post('/service/:serviceId/count', async (c) => {
  const { accountId, unitCount } = await c.req.json<{ accountId: string; unitCount: number }>();
  await pool.query({
    name: 'keep',
    text: `
      insert into bare_count (integration_id, vendor_account_id, service_id, quantity, received_at, build)
      values ($1, $2, $3, $4, now(), true)
      on conflict (integration_id, vendor_account_id, service_id) do update
         set quantity = excluded.quantity, received_at = excluded.received_at, build = excluded.build`,
    values: [integrationId, accountId, c.req.param('serviceId'), unitCount],
  });
  return c.json({ status: 201, message: 'Count accepted' }, 201);
});
app.post('/alerting/:accountId', async (c) => {
  const { alertId, title, description } = await c.req.json<{ alertId: string; title: string; description: string }>();
  const { rows } = await pool.query<{ id: string }>({
    name: 'keep-alert',
    text: 'insert into bare_alert (integration_id, account_id, alert_id, title, description) values ($1, $2, $3, $4, $5) returning id',
    values: [integrationId, c.req.param('accountId'), alertId, title, description],
  });
  return c.json({ messageId: rows[0]?.id, alertId }, 201);
});
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env['PORT']) });
process.once('SIGTERM', () => process.exit(0));
