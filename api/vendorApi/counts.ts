/** Route 8: the absolute count of one account × one service (reference/gradient.md §5.2). */
import { syncProcess } from '../../domain/process/ids.ts';
import { Hono } from 'hono';
import { activate } from '../../commands/vendorPush.ts';
import { wakeAll } from '../context.ts';
import { isBad } from '../middleware/text.ts';
import { ambiguous, idIn } from './address.ts';
import { jsonOf, VendorApiError, type VendorApiEnv, type VendorContext } from './responses.ts';
import type { VendorGate } from './authenticate.ts';
import { takeAccountMapping } from './accountMapping.ts';
import type { CountAcceptor } from './countAcceptor.ts';
import { countOf, fieldsOf, optionalText, requiredText } from './fields.ts';
import { notingRefusals } from './refused.ts';

/** Creates the route. One statement checks the keys and stores the count, because a vendor posts a hundred thousand of them. */
export function createCountRoutes(gate: VendorGate, acceptCount: CountAcceptor): Hono<VendorApiEnv> {
  const routes = new Hono<VendorApiEnv>();
  // The rest of the path, because an id may hold a slash and be sent with it.
  routes.post('/service/:serviceId{.+}/count', async (c) => {
    const deps = c.get('deps');
    await gate.beforeBody(c);
    const [serviceId, ...otherReadings] = idIn(c, '/service/', '/count').readings;
    const count = await readCount(c).catch(async (error: unknown) => {
      // A caller without a valid key gets a 401, and learns nothing about its body.
      if (!c.get('integration')) c.set('integration', await gate.authenticate(c));
      const post = { kind: 'count', vendorAccountId: await accountIn(c), serviceId, code: 'invalid' } as const;
      return notingRefusals(c, post, () => {
        throw error;
      });
    });
    const kept = await gate.enter(c, (keys) => acceptCount(keys, { ...count, serviceId, otherReadings }));
    const { integration } = kept;
    if (kept.first) wakeAll(deps, [syncProcess(integration)]);
    // 404 is normal here: a count of a known account and service is stored, and counts as soon as both are mapped.
    const { clientOId } = count;
    const chosen =
      clientOId !== undefined && kept.accountKnown && kept.psaAccountId !== clientOId
        ? await takeAccountMapping(deps, integration.id, count.accountId, clientOId)
        : false;
    if (kept.ambiguous) throw ambiguous(serviceId);
    if (!kept.accountKnown || (kept.psaAccountId === null && !chosen))
      throw new VendorApiError(404, `No account map found with id: ${count.accountId}`);
    if (kept.serviceId === null || !kept.serviceMapped)
      throw new VendorApiError(404, `No service map found with id: ${serviceId}`);
    await activate(deps.db, integration);
    return c.json({ status: 201, message: 'Count accepted' }, 201);
  });
  return routes;
}

interface Count {
  accountId: string;
  quantity: number;
  build: boolean;
  /** The client that was picked for the customer; a deprecated field, and a string if it is there. */
  clientOId: string | undefined;
}

async function readCount(c: VendorContext): Promise<Count> {
  const fields = fieldsOf(await jsonOf(c));
  const accountId = requiredText(fields, 'accountId', 200);
  const quantity = countOf(fields, 'unitCount');
  const clientOId = optionalText(fields, 'clientOId') || undefined;
  return { accountId, quantity, clientOId, build: c.req.query('no_build') !== 'true' };
}

/** The account in a body that is refused; empty if it cannot be read. */
async function accountIn(c: VendorContext): Promise<string> {
  const body: unknown = await jsonOf(c).catch(() => undefined);
  const accountId = typeof body === 'object' && body !== null && 'accountId' in body ? body.accountId : undefined;
  return typeof accountId === 'string' && !isBad(accountId) ? accountId : '';
}
