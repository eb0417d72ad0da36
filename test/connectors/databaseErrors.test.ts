/**
 * An error of our own database while an outside system is asked (no permit, no claim) is no answer of that system: every
 * call of every adapter throws it on, and a write that nobody claimed was not sent (invariants 5 and 6).
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { writeTiming } from '../../activities/writeTiming.ts';
import { createConnectwiseAdapter } from '../../connectors/connectwise/adapter.ts';
import { createConnectwiseClient } from '../../connectors/connectwise/client.ts';
import { createMailprotectorAdapter, mailprotectorSettings } from '../../connectors/mailprotector/adapter.ts';
import type { Claim, PsaAdapter, PsaLine } from '../../connectors/psa.ts';
import { unlimited, type RateLimiter } from '../../connectors/rateLimiter.ts';
import type { VendorAdapter } from '../../connectors/vendor.ts';
import { clientId, members } from '../../simulators/connectwise/members.ts';
import { startConnectwise } from '../../simulators/connectwise/start.ts';
import type { RunningSimulator } from '../../simulators/kit/simulator.ts';
import { keys } from '../../simulators/mailprotector/keys.ts';
import { startMailprotector } from '../../simulators/mailprotector/start.ts';
import { simulatorAdmin } from '../../dev/walkthrough/simulatorAdmin.ts';

const away = new Error('PostgreSQL is away.');
const { writeOnce } = writeTiming({ CALL_TIMEOUT_MS: 10_000 });
let connectwise: RunningSimulator;
let mailprotector: RunningSimulator;
/** One customer of the vendor. */
let accountIds: string[];

beforeAll(async () => {
  connectwise = await startConnectwise({ customers: 3 });
  mailprotector = await startMailprotector({ customers: 3 });
  accountIds = (await vendorWith(unlimited).listAccounts()).slice(0, 1).map(({ id }) => id);
});
afterAll(() => Promise.all([connectwise?.close(), mailprotector?.close()]));
beforeEach(async () => {
  await fetch(`${connectwise.url}/__admin/reset`, { method: 'POST', body: '{}' });
  await simulatorAdmin(connectwise.url).clearFaults();
});

/** A rate limiter whose database fails when the given permit is taken; counts the permits. @param at from 1; 0 = never */
function limiterFailing(at: number): RateLimiter & { taken: number } {
  return {
    taken: 0,
    async take() {
      if (++this.taken === at) throw away;
    },
    throttled: async () => undefined,
  };
}

const psaWith = (rateLimiter: RateLimiter): PsaAdapter =>
  createConnectwiseAdapter(
    createConnectwiseClient(
      {
        site: connectwise.url,
        companyId: 'acme',
        publicKey: members['full']?.publicKey ?? '',
        privateKey: members['full']?.privateKey ?? '',
      },
      { clientId, allowPrivateHosts: true, rateLimiter, timeoutMs: 10_000 },
    ),
  );
const vendorWith = (rateLimiter: RateLimiter): VendorAdapter =>
  createMailprotectorAdapter({ resellerId: '500', apiKey: keys.reseller }, mailprotectorSettings.parse({}), {
    baseUrl: mailprotector.url,
    rateLimiter,
    concurrency: 8,
    timeoutMs: 10_000,
  });

async function drain(batches: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of batches);
}

/** A line of the simulated ConnectWise. */
async function aLine(): Promise<PsaLine> {
  const psa = psaWith(unlimited);
  for await (const agreements of psa.listAgreements()) {
    for (const { id } of agreements) {
      const [line] = await psa.listLines({ agreementIds: [id] });
      if (line) return line;
    }
  }
  throw new Error('There is no line.');
}
const search = { accountId: '1', summary: 'Mail is delayed', reference: 'CS-1' };
async function newTicket() {
  const { companies } = await simulatorAdmin(connectwise.url).state<{ companies: { id: number }[] }>();
  return { ...search, accountId: String(companies[0]?.id), boardId: '2', body: 'The queue is long.' };
}
async function aTicket(): Promise<string> {
  const made = await psaWith(unlimited).createTicket({
    ...(await newTicket()),
    reference: 'CS-0',
    claim: async () => Date.now() + 60_000,
  });
  if (!('ticket' in made)) throw new Error('There is no ticket.');
  return made.ticket.id;
}

const psaReads = {
  checkPermissions: (psa) => psa.checkPermissions(),
  checkAlertPermissions: (psa) => psa.checkAlertPermissions(),
  listAccounts: (psa) => drain(psa.listAccounts()),
  listProducts: (psa) => drain(psa.listProducts()),
  listAgreements: (psa) => drain(psa.listAgreements()),
  listBoards: (psa) => drain(psa.listBoards()),
  readTicketOptions: (psa) => psa.readTicketOptions(),
  getAgreement: (psa, line) => psa.getAgreement(line),
  listLines: (psa, line) => psa.listLines({ agreementIds: [line.agreementId] }),
  getLine: (psa, line) => psa.getLine({ ...line, lineId: line.id }),
  findTickets: (psa) => psa.findTickets(search),
  getTicket: (psa, _, ticketId) => psa.getTicket({ ticketId }),
  findNote: (psa, _, ticketId) => psa.findNote({ ticketId, marker: '[x]' }),
  setTicketStatus: (psa, _, ticketId) => psa.setTicketStatus({ ticketId, statusId: '201' }),
  // What is gone is asked for twice: by its id, and whether the credentials still work.
  goneAgreement: (psa) => psa.getAgreement({ agreementId: '999999' }),
  goneLine: (psa, line) => psa.getLine({ ...line, lineId: '999999' }),
  goneTicket: (psa) => psa.getTicket({ ticketId: '999999' }),
} satisfies Record<string, (psa: PsaAdapter, line: PsaLine, ticketId: string) => Promise<unknown>>;

test.for(Object.entries(psaReads))('ConnectWise, %s: no failing permit is taken for an answer', async ([, ask]) => {
  const [line, ticketId] = [await aLine(), await aTicket()];
  const good = limiterFailing(0);
  await ask(psaWith(good), line, ticketId);
  expect(good.taken).toBeGreaterThan(0);
  for (let at = 1; at <= good.taken; at++)
    await expect(ask(psaWith(limiterFailing(at)), line, ticketId), `permit ${at}`).rejects.toBe(away);
});

const vendorReads = {
  verifyCredentials: (vendor) => vendor.verifyCredentials(),
  listAccounts: (vendor) => vendor.listAccounts(),
  readUsage: (vendor) => drain(vendor.readUsage({})),
  readUsageOfOne: (vendor) => drain(vendor.readUsage({ accountIds })),
  readSignals: (vendor) =>
    vendor.readSignals({ accountIds, pendingDomains: true, deadSyncs: true, openStatements: true }),
} satisfies Record<string, (vendor: VendorAdapter) => Promise<unknown>>;

test.for(Object.entries(vendorReads))(
  'Mailprotector, %s: no failing permit is taken for an answer',
  async ([, ask]) => {
    const good = limiterFailing(0);
    await ask(vendorWith(good));
    expect(good.taken).toBeGreaterThan(0);
    for (let at = 1; at <= good.taken; at++)
      await expect(ask(vendorWith(limiterFailing(at))), `permit ${at}`).rejects.toBe(away);
  },
);

describe('a write', () => {
  const sent = async () => {
    const admin = simulatorAdmin(connectwise.url);
    return [...(await admin.log('POST')), ...(await admin.log('PATCH'))].length;
  };
  type Write = (psa: PsaAdapter, line: PsaLine, ticketId: string, claim: Claim) => Promise<{ outcome: string }>;
  const writes: Record<string, Write> = {
    setQuantity: (psa, line, _, claim) =>
      psa.setQuantity({
        ...line,
        operationId: 'line-1',
        attempt: 1,
        lineId: line.id,
        from: line.quantity,
        to: line.quantity + 1,
        decimals: 2,
        claim,
      }),
    createTicket: async (psa, _, __, claim) => psa.createTicket({ ...(await newTicket()), claim }),
    addNote: (psa, _, ticketId, claim) =>
      psa.addNote({ ticketId, marker: '[x]', text: 'More. [x]', first: true, claim }),
  };

  test.for(Object.entries(writes))(
    '%s: without its permit it is not sent; after it, it is uncertain',
    async ([, write]) => {
      const [line, ticketId] = [await aLine(), await aTicket()];
      for (let at = 1; ; at++) {
        const before = await sent();
        const limiter = limiterFailing(at);
        let claims = 0;
        const outcome = await writeOnce(
          async () => ++claims,
          (claim) => write(psaWith(limiter), line, ticketId, claim),
        ).catch((error: unknown) => error);
        const posted = (await sent()) - before;
        if (limiter.taken < at) return expect(at).toBeGreaterThan(3);
        if (outcome === away) expect({ claims, posted }).toEqual({ claims: 0, posted: 0 });
        else {
          // Read back without an answer: only a later look can tell.
          expect(outcome).toMatchObject({ result: { outcome: 'uncertain' }, claimed: 1, lost: false });
          expect(posted).toBe(1);
          return;
        }
      }
    },
  );

  test.for(Object.entries(writes))('%s: without its claim it is not sent', async ([, write]) => {
    const [line, ticketId] = [await aLine(), await aTicket()];
    const before = await sent();
    const writing = writeOnce(
      () => Promise.reject(away),
      (claim) => write(psaWith(unlimited), line, ticketId, claim),
    );
    await expect(writing).rejects.toBe(away);
    expect(await sent()).toBe(before);
  });

  test.for(Object.entries(writes))('%s: a refusal that could not be noted leaves it uncertain', async ([, write]) => {
    const [line, ticketId] = [await aLine(), await aTicket()];
    for (const method of ['POST', 'PATCH'])
      await simulatorAdmin(connectwise.url).fault({ kind: 'status', status: 429, method, times: null });
    const limiter: RateLimiter = { ...unlimited, throttled: () => Promise.reject(away) };
    const written = await writeOnce(
      async () => 'claimed',
      (claim) => write(psaWith(limiter), line, ticketId, claim),
    );
    expect(written).toMatchObject({ result: { outcome: 'uncertain' }, claimed: 'claimed', lost: false });
  });
});

test('an adapter that calls a write uncertain which nobody claimed is not believed', async () => {
  const uncertain = async () => ({ outcome: 'uncertain', detail: 'No answer.' });
  await expect(writeOnce(async () => 'row', uncertain)).rejects.toThrow('before it was claimed');
});
