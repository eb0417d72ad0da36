/** Routes 17 and 18: send an alert, and ask for its state by the message id (reference/gradient.md §4.1–4.2, §5.3). */
import { Hono } from 'hono';
import { takeAlert } from '../../commands/alertAdmission.ts';
import { activate } from '../../commands/vendorPush.ts';
import { meantBy, type IdReadings } from '../../domain/idReadings.ts';
import { findAlertOf, readAlert, type AlertRow, type PostedAlert } from '../../db/queries/alerts.ts';
import type { IntegrationRow } from '../../db/queries/integration.ts';
import { listIdentified, listKnownIds } from '../../db/queries/pushCatalogue.ts';
import { wakeAll, type ApiDependencies } from '../context.ts';
import { idIn, meantIn } from './address.ts';
import { badAddress, jsonOf, VendorApiError, type VendorApiEnv, type VendorContext } from './responses.ts';
import { fieldsOf, givenText, isLonger, optionalDate, optionalText, requiredText, wholeNumber } from './fields.ts';
import { notingRefusals } from './refused.ts';
import { migrate } from './vendor.ts';

export const alertRoutes = new Hono<VendorApiEnv>();

// The rest of the path, because an id may hold a slash and be sent with it.
alertRoutes.post('/alerting/:accountId{.+}', async (c) => {
  const deps = c.get('deps');
  const row = c.get('integration');
  const account = idIn(c, '/alerting/');
  const [asPosted] = account.readings;
  const post = { kind: 'alert', vendorAccountId: asPosted, serviceId: '' } as const;
  const posted = await notingRefusals(c, { ...post, code: 'invalid' }, () => readPosted(c));
  const vendorAccountId = await notingRefusals(c, { ...post, code: 'ambiguous-id' }, () => accountOf(c, account));
  await notingRefusals(c, { ...post, code: 'no-alerts' }, () => acceptAlerts(deps, row));
  const slots = deps.environment.ALERTS_IN_FLIGHT;
  const { id, toWake } = await takeAlert(deps.db, row, { ...posted, vendorAccountId, asPosted, slots });
  wakeAll(deps, toWake);
  await activate(deps.db, row);
  return c.json({ messageId: id, alertId: posted.alertId, correlationID: c.get('requestId') }, 201);
});

async function readPosted(c: VendorContext): Promise<Omit<PostedAlert, 'vendorAccountId'>> {
  const fields = fieldsOf(await jsonOf(c));
  const posted = {
    source: 'vendor' as const,
    alertId: requiredText(fields, 'alertId', 200),
    title: requiredText(fields, 'title', 1_000),
    description: givenText(fields, 'description', 50_000),
    priority: wholeNumber(fields, 'priority', { from: 1, to: 4, otherwise: 1 }),
    status: wholeNumber(fields, 'status', { from: 1, to: 6, otherwise: 1 }),
    dueAt: optionalDate(fields, 'dueDateTime'),
    serviceId: optionalText(fields, 'serviceId', 200),
  };
  if (ownIds.test(posted.alertId))
    throw new VendorApiError(400, 'alertId must not begin with "storm:", "rule:" or "test:"');
  if (posted.serviceId === undefined) return posted;
  const services = await listIdentified(c.get('deps').db, c.get('integration').id, [posted.serviceId]);
  const service = meantBy([posted.serviceId], services);
  // An unknown or ambiguous service id stays as it was sent, because it only appears in the ticket's text.
  return typeof service === 'object' ? { ...posted, serviceId: service.id } : posted;
}

/**
 * Finds the account that is meant. An unknown id is accepted, since the vendor may create the account later.
 *
 * @throws VendorApiError when several accounts may be meant, or when an unknown id is not properly encoded
 */
async function accountOf(c: VendorContext, account: IdReadings): Promise<string> {
  const [asPosted] = account.readings;
  if (isLonger(asPosted, 200))
    throw new VendorApiError(400, 'accountId must be shorter than or equal to 200 characters');
  const known = meantIn(
    account,
    await listKnownIds(c.get('deps').db, 'accounts', c.get('integration').id, account.readings),
  );
  if (!known && !account.proper) throw badAddress();
  return known?.id ?? asPosted;
}

alertRoutes.get('/alerting/debug/:messageId', async (c) => {
  const { db } = c.get('deps');
  const messageId = c.req.param('messageId');
  const row = uuid.test(messageId) ? await findAlertOf(db, c.get('integration').id, messageId) : undefined;
  if (!row) throw new VendorApiError(404, `No message found with id: ${messageId}`);
  const shownAs = row.gatheredInto === null ? row : await readAlert(db, row.gatheredInto);
  return c.json({
    messageId: row.id,
    createdAt: row.firstReceivedAt.toISOString(),
    ...(shownAs.ticketId === null ? {} : { ticketId: shownAs.ticketId }),
    ...stateOf(row, shownAs),
  });
});

/** Ids that are reserved for Countersign's own alerts. */
const ownIds = /^(storm|rule|test):/;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @throws VendorApiError when the integration carries no alerts, and an alert does not begin the migration */
async function acceptAlerts(deps: ApiDependencies, row: IntegrationRow): Promise<void> {
  if (row.modules.includes('alerts')) return;
  if (deps.environment.MIGRATION_SIGNAL !== 'alert')
    throw new VendorApiError(403, 'Alerts are not connected for this integration. Migrate to Alerts first');
  await migrate(deps, row);
}

function stateOf(row: AlertRow, shownAs: AlertRow): { status: string; message: string; errors?: string[] } {
  if (row.state === 'dead' || row.state === 'dismissed') {
    const message = row.reason?.detail ?? 'It was dismissed.';
    return { status: 'failed', message, errors: [message] };
  }
  if (shownAs.deliveredRevision > 0 && (row.state === 'delivered' || row.state === 'gathered'))
    return { status: 'success', message: shownAs === row ? 'Ticket created' : 'Told by a ticket for many alerts' };
  return {
    status: 'pending',
    message:
      row.state === 'parked' ? 'Waits until its account is mapped and a board is chosen' : 'On its way to the PSA',
  };
}
