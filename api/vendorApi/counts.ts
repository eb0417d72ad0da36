/** Route 8: one account × one service, absolute (reference/gradient.md §5.2). */
import { syncProcess } from '../../domain/process/ids.ts';
import { Hono } from 'hono';
import { storePushStatus } from '../../db/queries/push.ts';
import { wakeAll } from '../context.ts';
import { isBad } from '../middleware/text.ts';
import { ambiguous, idIn } from './address.ts';
import { jsonOf, VendorApiError, type VendorApiEnv, type VendorContext } from './responses.ts';
import type { VendorGate } from './authenticate.ts';
import { takeAccountMapping } from './accountMapping.ts';
import type { CountAcceptor } from './countAcceptor.ts';
import { countOf, fieldsOf, optionalText, requiredText } from './fields.ts';
import { notingRefusals } from './refused.ts';

/** @param gate the keys are looked at and the count is kept by one statement: a vendor posts a hundred thousand of them */
export function createCountRoutes(gate: VendorGate, acceptCount: CountAcceptor): Hono<VendorApiEnv> {
  const routes = new Hono<VendorApiEnv>();
  // Of any length: an id may hold a slash, and be sent with it.
  routes.post('/service/:serviceId{.+}/count', async (c) => {
    const deps = c.get('deps');
    const [serviceId, ...otherReadings] = idIn(c, '/service/', '/count').readings;
    const count = await readCount(c).catch(async (error: unknown) => {
      // Who has no key is told that, and nothing of what it has sent.
      c.set('integration', await gate.authenticate(c));
      const post = { kind: 'count', vendorAccountId: await accountIn(c), serviceId, code: 'invalid' } as const;
      return notingRefusals(c, post, () => {
        throw error;
      });
    });
    const kept = await gate.enter(c, (keys) => acceptCount(keys, { ...count, serviceId, otherReadings }));
    const { integration } = kept;
    if (kept.first) {
      // The platform itself makes it active: usage has come.
      if (integration.pushStatus === 'inactive' || integration.pushStatus === 'pending')
        await storePushStatus(deps.db, integration.id, { pushStatus: 'active' });
      wakeAll(deps, [syncProcess(integration)]);
    }
    // 404 is normal here, and no failure: what is known is kept, and counts as soon as it is mapped.
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
    return c.json({ status: 201, message: 'Count accepted' }, 201);
  });
  return routes;
}

interface Count {
  accountId: string;
  quantity: number;
  build: boolean;
  /** Deprecated, and a string when it is there at all: the client that was picked for the customer. */
  clientOId: string | undefined;
}

async function readCount(c: VendorContext): Promise<Count> {
  const fields = fieldsOf(await jsonOf(c));
  const accountId = requiredText(fields, 'accountId', 200);
  const quantity = countOf(fields, 'unitCount');
  const clientOId = optionalText(fields, 'clientOId') || undefined;
  return { accountId, quantity, clientOId, build: c.req.query('no_build') !== 'true' };
}

/** Of a body that is refused: whose count it would have been, as far as can be told. */
async function accountIn(c: VendorContext): Promise<string> {
  const said: unknown = await jsonOf(c).catch(() => undefined);
  const accountId = typeof said === 'object' && said !== null && 'accountId' in said ? said.accountId : undefined;
  return typeof accountId === 'string' && !isBad(accountId) ? accountId : '';
}
