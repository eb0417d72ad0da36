/**
 * Whole syncs through a proxy that rewrites what the simulators answer: data nobody here wrote. A new report from the
 * field is one more entry of `examples`.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  connectAll,
  latestRun,
  syncNow,
  signOff,
  untilApprovalClosed,
  type ApprovalView,
  type CardView,
  type ClosedApproval,
  type StepView,
} from '../../dev/walkthrough/guide.ts';
import { until } from '../../dev/until.ts';
import { startRewritingProxy, type Answer, type Rewrite, type RewritingProxy } from '../kit/rewritingProxy.ts';
import { startSystem, type System } from '../kit/system.ts';

/** How a sync ended, or where it stands: blocked, with the problem a person reads. */
interface Outcome {
  state: string;
  problem: { code: string; what: string; todo: string } | null;
}

/** What there is to look at after the sync through the proxy. */
interface Seen {
  outcome: Outcome;
  cards: CardView[];
  /** The cards before anything was rewritten. */
  baseline: CardView[];
  /** The card of a PSA account's name and a Product ID. */
  card: (account: string, productId?: string) => CardView;
  system: System;
}

interface Example {
  name: string;
  /** Rewrites what Mailprotector answers. */
  mailprotector?: Rewrite;
  /** Rewrites what ConnectWise answers. */
  connectwise?: Rewrite;
  holds: (seen: Seen) => void | Promise<void>;
}

type Row = Record<string, unknown>;

/** The rows of a list whose path fits, as they come. */
const rowsOf =
  (path: RegExp, change: (rows: Row[]) => Row[]): Rewrite =>
  (answer, request) => {
    if (request.method === 'GET' && path.test(request.path) && Array.isArray(answer.json))
      answer.json = change(answer.json as Row[]);
  };

/** What Mailprotector says of the pages of a list. */
const pagination =
  (said: (rows: number, page: number) => object): Rewrite =>
  (answer, request) => {
    if (answer.headers['x-pagination'] === undefined || !Array.isArray(answer.json)) return;
    const page = Number(request.query.get('page') ?? 1);
    answer.headers['x-pagination'] = JSON.stringify(said(answer.json.length, page));
  };

/** What a biller reads of a card. */
const numbers = ({ psaAccountName, productId, kind, usage, target, current, bulkApprovable }: CardView) => ({
  psaAccountName,
  productId,
  kind,
  usage,
  target,
  current,
  bulkApprovable,
});

/** A customer whose agreement has one line; and the agreement that the check of rights looks into. */
const plain = { account: 'Plain & Simple Accounting', agreement: '', first: '' };
const agreementOf = (path: string) => /\/finance\/agreements\/(\d+)/.exec(path)?.[1];
interface CardDetail {
  write: { lineId: string } | null;
  leftOut: { reason: string; effectiveTo: string | null }[];
}

/** A day as ConnectWise writes it, so many days from today. */
const daysFrom = (days: number) => `${new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)}T00:00:00Z`;

/** The simulated agreements are invoiced on the first of next month: a day within the month that is billed then. */
const midPeriod = (() => {
  const today = new Date();
  return `${new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + 1, 15)).toISOString().slice(0, 10)}T00:00:00Z`;
})();
const successorOf = (row: Row): Row => ({
  ...row,
  id: Number(row['id']) + 1_000_000,
  effectiveDate: midPeriod,
});

/** Shows every quantity as a PSA that keeps so many decimals does, whatever it was given. */
const roundedTo = (decimals: number): Rewrite => {
  const rounded = (row: Row): Row => ({ ...row, quantity: Number(Number(row['quantity']).toFixed(decimals)) });
  return (answer, { path }) => {
    if (!/\/additions/.test(path) || answer.status !== 200) return;
    answer.json = Array.isArray(answer.json) ? (answer.json as Row[]).map(rounded) : rounded(answer.json as Row);
  };
};

/** Bills a fraction more than is used by a rule of one card, and approves that with writing on. */
async function approveFraction(cards: CardView[], offset: number): Promise<ClosedApproval> {
  const { api } = system;
  const id = cards.find((each) => each.bulkApprovable)?.id;
  await api.put(`/v1/cards/${id}/rule`, { rule: { offset, reason: 'A part of a seat' } });
  await api.put(`/v1/psa-connections/${ids.psaConnectionId}/writes`, { enabled: true });
  const { approval } = await signOff(system, [await api.get<CardView>(`/v1/cards/${id}`)]);
  return untilApprovalClosed(system, approval.id);
}

const examples: Example[] = [
  {
    name: 'fields that nobody knows, and rows without those that nobody needs',
    mailprotector: rowsOf(/\/domains\?/, (rows) =>
      rows.map(({ created_at: _created, ...row }) => ({ ...row, nobody: {} })),
    ),
    connectwise: rowsOf(/additions/, (rows) =>
      rows.map(({ description: _description, ...row }) => ({ ...row, nobody: [1] })),
    ),
    holds: ({ outcome, cards, baseline }) => {
      expect(outcome.state).toBe('applied');
      expect(cards.map(numbers)).toEqual(baseline.map(numbers));
    },
  },
  {
    name: 'a count that is the number of the page\u2019s own rows ends no list',
    mailprotector: pagination((rows, page) => ({ count: rows, page })),
    holds: ({ outcome, cards, baseline }) => {
      expect(outcome.state).toBe('applied');
      expect(cards.map(numbers)).toEqual(baseline.map(numbers));
    },
  },
  {
    name: 'a vendor whose total is always one more than its rows is named as that, and nothing changes',
    mailprotector: pagination((rows, page) => ({ total: rows + 1, page, per_page: 50 })),
    holds: ({ outcome, cards, baseline }) => {
      expect(outcome).toMatchObject({ state: 'blocked', problem: { code: 'contradictory' } });
      expect(outcome.problem?.what).toMatch(/counts one row more than it shows/);
      expect(cards.map(numbers)).toEqual(baseline.map(numbers));
    },
  },
  {
    name: 'a PSA that counts more companies than it lists is named as that, and nothing changes',
    connectwise: (answer, { path }) => {
      if (/\/company\/companies\/count/.test(path))
        answer.json = { count: (answer.json as { count: number }).count + 1 };
    },
    holds: ({ outcome, cards, baseline }) => {
      expect(outcome).toMatchObject({ state: 'blocked', problem: { code: 'contradictory' } });
      expect(cards.map(numbers)).toEqual(baseline.map(numbers));
    },
  },
  {
    name: 'an agreement that was deleted after it was listed: nothing of it is kept, and all else is as it was',
    connectwise: (answer, { path }) => {
      if (agreementOf(path) === plain.agreement) Object.assign(answer, { status: 404, json: { message: 'Not found' } });
    },
    holds: ({ outcome, cards, baseline, card }) => {
      expect(outcome.state).toBe('applied');
      expect(card(plain.account)).toMatchObject({ kind: 'new_revenue', current: 0 });
      const others = (all: CardView[]) => all.filter((row) => row.psaAccountName !== plain.account).map(numbers);
      expect(others(cards)).toEqual(others(baseline));
    },
  },
  {
    name: 'a refresh that ended with a permanent error reads everything anew when it is tried again',
    connectwise: (answer, { path }) => {
      if (/\/company\/companies\?/.test(path))
        answer.json = (answer.json as Row[]).map((row) => ({ ...row, name: `${String(row['name'])} (old)` }));
      if (/\/additions/.test(path) && agreementOf(path) !== plain.first)
        Object.assign(answer, { status: 401, json: { message: 'The key has expired.' } });
    },
    holds: async ({ outcome, baseline, system }) => {
      expect(outcome).toMatchObject({ state: 'blocked', problem: { code: 'bad_credentials' } });
      connectwise.rewrites = [];
      await system.api.post(`/v1/psa-connections/${ids.psaConnectionId}/check`);
      await until('the run to be over', async () => (await latestRun(system, ids.integrationId))?.finishedAt != null);
      expect((await cardsNow()).map(numbers)).toEqual(baseline.map(numbers));
    },
  },
  {
    name: 'a discount line beside every line is no seats: no sum moves, and nothing is approved in bulk',
    connectwise: rowsOf(/additions\?/, (rows) => [
      ...rows,
      ...rows.map((row) => ({ ...row, id: Number(row['id']) + 1_000_000, quantity: 14, unitPrice: -0.5 })),
    ]),
    holds: ({ cards, baseline }) => {
      expect(cards.map(({ id, kind, current }) => [id, kind, current])).toEqual(
        baseline.map(({ id, kind, current }) => [id, kind, current]),
      );
      expect(cards.filter((card) => card.kind === 'reconcile' && card.bulkApprovable)).toEqual([]);
    },
  },
  {
    name: 'only credits are neither new revenue nor anything to write',
    connectwise: rowsOf(/additions\?/, (rows) => rows.map((row) => ({ ...row, quantity: -5 }))),
    holds: ({ cards, baseline }) => {
      const billed = baseline.filter((card) => card.kind === 'reconcile');
      for (const card of cards.filter((each) => billed.some(({ id }) => id === each.id)))
        expect(card).toMatchObject({ kind: 'only_credits', current: 0, money: [], approvable: false });
    },
  },
  {
    name: 'a successor within the period is what usage is compared with, and the line that ends is not written',
    connectwise: rowsOf(/additions\?/, (rows) =>
      rows.flatMap((row) =>
        row['cancelledDate'] ? [row] : [{ ...row, quantity: 4, cancelledDate: midPeriod }, successorOf(row)],
      ),
    ),
    holds: async ({ cards, baseline, system: { api } }) => {
      expect(cards.map(({ id, current }) => [id, current])).toEqual(baseline.map(({ id, current }) => [id, current]));
      const bulk = cards.filter((card) => card.bulkApprovable);
      expect(bulk.length).toBeGreaterThan(0);
      for (const { id } of bulk) {
        const { write, leftOut } = await api.get<CardDetail>(`/v1/cards/${id}`);
        expect(leftOut).toContainEqual(
          expect.objectContaining({ reason: 'succeeded', effectiveTo: midPeriod.slice(0, 10) }),
        );
        expect(Number(write?.lineId)).toBeGreaterThan(1_000_000);
      }
    },
  },
  {
    name: 'a next invoice date that has passed is said, and nothing is approved in bulk',
    connectwise: rowsOf(/agreements\?/, (rows) => rows.map((row) => ({ ...row, nextInvoiceDate: daysFrom(-40) }))),
    holds: ({ cards }) => {
      expect(cards.filter((card) => card.bulkApprovable)).toEqual([]);
      const billed = cards.filter((card) => card.kind === 'reconcile');
      expect(billed.length).toBeGreaterThan(0);
      for (const { flags } of billed) expect(flags.map((flag) => flag.reason)).toContain('next_invoice_passed');
    },
  },
  {
    name: 'a PSA that rounds to two decimals: the target is rounded before it is shown, and is there when it is read again',
    connectwise: roundedTo(2),
    holds: async ({ cards, system: { api } }) => {
      const closed = await approveFraction(cards, 0.3457);
      expect(closed.lines).toMatchObject([{ state: 'applied' }]);
      const [{ cardId, from, to }] = closed.lines as [ClosedApproval['lines'][number]];
      expect(Math.round((to % 1) * 10_000)).toBe(3500);
      await syncNow(system, ids.integrationId);
      expect(await api.get(`/v1/cards/${cardId}`)).toMatchObject({ kind: 'no_change', current: to, difference: 0 });
      await api.put(`/v1/cards/${cardId}/rule`, { rule: null });
      const { approval } = await api.post<{ approval: ApprovalView }>(`/v1/approvals/${closed.id}/undo`);
      expect((await untilApprovalClosed(system, approval.id)).lines).toMatchObject([{ state: 'applied', to: from }]);
    },
  },
  {
    name: 'a PSA that keeps fewer decimals than its setting says is named as that, and not as somebody who changed the line',
    connectwise: roundedTo(0),
    holds: async ({ cards, system: { api, connectwise: psa } }) => {
      const closed = await approveFraction(cards, 0.3457);
      expect(closed.lines).toMatchObject([{ state: 'conflict', problem: { code: 'fewer_decimals' } }]);
      const [{ cardId, lineId, agreementId, from }] = closed.lines as [ClosedApproval['lines'][number]];
      const settings = `/v1/psa-connections/${ids.psaConnectionId}/settings`;
      await api.put(settings, { quantityDecimals: 0 });
      expect(await api.get(`/v1/cards/${cardId}`)).toMatchObject({ kind: 'no_change', difference: 0 });
      await api.put(settings, {});
      await api.put(`/v1/cards/${cardId}/rule`, { rule: null });
      const line = { agreementId: Number(agreementId), lineId: Number(lineId) };
      await psa.change({ change: 'setQuantity', ...line, quantity: from });
    },
  },
];

const unholdable = ' \0 and \ud83d';
examples.push({
  name: 'names that PostgreSQL cannot hold, of companies, products, agreements, domains and groups',
  mailprotector: rowsOf(/domains\?|user_groups\?/, (rows) =>
    rows.map((row) => ({ ...row, name: String(row['name']) + unholdable })),
  ),
  connectwise: rowsOf(/./, (rows) =>
    rows.map((row) => ({
      ...row,
      ...('name' in row ? { name: String(row['name']) + unholdable } : {}),
      ...('description' in row ? { description: String(row['description']) + unholdable } : {}),
    })),
  ),
  holds: async ({ outcome, cards, baseline, system: { api } }) => {
    expect(outcome.state).toBe('applied');
    const seen = ' \uFFFD and \uFFFD';
    expect(cards.map(numbers)).toEqual(
      baseline.map((card) => ({ ...numbers(card), psaAccountName: card.psaAccountName + seen })),
    );
    const { explanation } = await api.get<{ explanation: { counts: { parts: Row[] }[] } }>(`/v1/cards/${cards[0]?.id}`);
    const [part] = explanation.counts.flatMap(({ parts }) => parts);
    expect([part?.['domain'], part?.['group']].every((name) => String(name).endsWith(seen))).toBe(true);
  },
});

/** The same answer in ISO-8859-1, which says so; what that has no character for is escaped, as JSON allows. */
const inLatin: Rewrite = (answer) => {
  if (answer.json === undefined) return;
  const text = JSON.stringify(answer.json);
  const escaped = text.replace(/[^\0-\xff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  answer.bytes = Buffer.from(escaped, 'latin1');
  answer.headers['content-type'] = 'application/json; charset=iso-8859-1';
};
const marked: Rewrite = (answer) => {
  if (answer.json !== undefined) answer.bytes = `\ufeff${JSON.stringify(answer.json)}`;
};
/** Every fifth answer is something else, the first two times. */
const nowAndThen = (otherwise: Partial<Answer>): Rewrite => {
  let calls = 0;
  return (answer) => {
    if (++calls % 5 === 0 && calls <= 10)
      Object.assign(answer, { headers: { 'content-type': 'text/html' } }, structuredClone(otherwise));
  };
};
const page = { status: 200, bytes: '<html><head><title>Back soon</title></head></html>' };
/** However often it was tried, and if no attempt got through for a while: it goes on by itself, and no number moved. */
const unchanged: Example['holds'] = async ({ outcome, baseline }) => {
  if (outcome.problem) expect(outcome.problem.code).toBe('unreachable');
  await until('the run to be over', async () => (await latestRun(system, ids.integrationId))?.finishedAt != null);
  expect((await latestRun(system, ids.integrationId))?.state).toBe('applied');
  expect((await cardsNow()).map(numbers)).toEqual(baseline.map(numbers));
};

examples.push(
  { name: 'a byte order mark, and ISO-8859-1', mailprotector: inLatin, connectwise: marked, holds: unchanged },
  { name: 'ISO-8859-1, and a byte order mark', mailprotector: marked, connectwise: inLatin, holds: unchanged },
  {
    name: 'maintenance pages with 200 in between',
    mailprotector: nowAndThen(page),
    connectwise: nowAndThen(page),
    holds: unchanged,
  },
  {
    name: 'empty bodies with 200 in between',
    mailprotector: nowAndThen({ status: 200, bytes: '' }),
    connectwise: nowAndThen({ status: 200, bytes: '' }),
    holds: unchanged,
  },
  {
    name: 'challenge pages in between: no right is missing, and no key is bad',
    mailprotector: nowAndThen({ ...page, status: 403 }),
    connectwise: nowAndThen({ status: 401, json: {}, headers: { 'cf-mitigated': 'challenge' } }),
    holds: unchanged,
  },
);

let system: System;
let mailprotector: RewritingProxy;
let connectwise: RewritingProxy;
let ids: { psaConnectionId: string; integrationId: string };
let baseline: CardView[];

const cardsNow = () => system.api.all<CardView>('/v1/cards?sort=account');

beforeAll(async () => {
  [mailprotector, connectwise] = await Promise.all([startRewritingProxy(), startRewritingProxy()]);
  system = await startSystem({ env: { MAILPROTECTOR_URL: mailprotector.url } });
  mailprotector.target = system.mailprotector.url;
  connectwise.target = system.connectwise.url;
  ids = await connectAll({ ...system, psa: { ...system.psa, url: connectwise.url } });
  baseline = await cardsNow();
  const { companies } = await system.connectwise.state<{
    companies: { name: string; agreements: { id: number }[] }[];
  }>();
  plain.agreement = String(companies.find(({ name }) => name === plain.account)?.agreements[0]?.id);
  plain.first = String(companies.flatMap(({ agreements }) => agreements)[0]?.id);
});
afterAll(async () => {
  await system?.close();
  await Promise.all([mailprotector?.close(), connectwise?.close()]);
});

/** Asks for a sync and waits until it is over, or until a person is needed: for itself, or for the PSA's refresh. */
async function syncOrStuck(): Promise<Outcome> {
  const before = await latestRun(system, ids.integrationId);
  await system.api.post(`/v1/integrations/${ids.integrationId}/syncs`);
  return until('the sync to be over or blocked', async () => {
    const run = await latestRun(system, ids.integrationId);
    if (!run || run.id === before?.id) return undefined;
    if (run.finishedAt !== null) return { state: run.state, problem: null };
    const [{ process: sync }, { process: refresh }] = await Promise.all([
      system.api.get<{ process: { steps: StepView[] } }>(`/v1/syncs/${run.id}`),
      system.api.get<{ process: { steps: StepView[] } }>(`/v1/psa-connections/${ids.psaConnectionId}`),
    ]);
    const blocked = [...sync.steps, ...refresh.steps].find((step) => step.state === 'blocked');
    return blocked ? { state: 'blocked', problem: blocked.problem } : undefined;
  });
}

/** Rows that an example made up are gone again: a person knows why, and releases the refresh that is held for it. */
async function releaseHeldRefresh(): Promise<void> {
  const path = `/v1/psa-connections/${ids.psaConnectionId}`;
  const { heldRefresh } = await system.api.get<{ heldRefresh: { id: string } | null }>(path);
  if (heldRefresh) await system.api.call('POST', `${path}/refreshes/${heldRefresh.id}/release`);
}

/** The other side answers as it should again: everything goes on by itself, and every number is what it was. */
async function backToNormal(): Promise<void> {
  mailprotector.rewrites = [];
  connectwise.rewrites = [];
  // A person frees what does not try again by itself; where nothing is blocked the answer is a 409.
  await system.api.call('POST', `/v1/psa-connections/${ids.psaConnectionId}/check`);
  await system.api.call('POST', `/v1/integrations/${ids.integrationId}/steps/pullVendor/retry`);
  await until('what was under way to be over', async () => {
    await releaseHeldRefresh();
    const run = await latestRun(system, ids.integrationId);
    return run !== undefined && run.finishedAt !== null;
  });
  const held = await latestRun(system, ids.integrationId);
  if (held?.state === 'held') await system.api.post(`/v1/syncs/${held.id}/discard`);
  const before = await latestRun(system, ids.integrationId);
  await system.api.post(`/v1/integrations/${ids.integrationId}/syncs`);
  const run = await until('a sync of what is there to be over', async () => {
    await releaseHeldRefresh();
    const newest = await latestRun(system, ids.integrationId);
    return newest && newest.id !== before?.id && newest.finishedAt !== null ? newest : undefined;
  });
  if (run.state === 'held') await system.api.post(`/v1/syncs/${run.id}/release`);
  await until('the numbers to be as they were', async () => {
    const now = await cardsNow();
    return now.length === baseline.length && now.every((card, at) => card.current === baseline[at]?.current);
  });
}

test.each(examples)('$name', async ({ holds, ...rewrites }) => {
  mailprotector.rewrites = rewrites.mailprotector ? [rewrites.mailprotector] : [];
  connectwise.rewrites = rewrites.connectwise ? [rewrites.connectwise] : [];
  const outcome = await syncOrStuck();
  const cards = await cardsNow();
  expect(cards.length).toBeGreaterThan(0);
  const card = (account: string, productId?: string) => {
    const found = cards.find(
      (row) => row.psaAccountName === account && (productId === undefined || row.productId === productId),
    );
    if (!found) throw new Error(`There is no card of "${account}".`);
    return found;
  };
  try {
    await holds({ outcome, cards, baseline, card, system });
  } finally {
    await backToNormal();
  }
});
