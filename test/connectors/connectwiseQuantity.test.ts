/** How the ConnectWise adapter sets a quantity (invariant 5), against the simulated ConnectWise. */
import { describe, expect, test } from 'vitest';
import type { PsaAdapter, PsaLine, SetQuantityResult } from '../../connectors/psa.ts';
import { json, startHttpServer } from './httpServer.ts';
import { adapter, admin, agreementsOf, all, simulateConnectwise, state, type State } from './simulatedConnectwise.ts';

simulateConnectwise();

describe('setting a quantity (invariant 5)', () => {
  async function aLine(): Promise<{ agreementId: string; line: PsaLine }> {
    for (const agreement of agreementsOf(await state())) {
      const [line] = await adapter().listLines({ agreementIds: [String(agreement.id)] });
      if (line) return { agreementId: String(agreement.id), line };
    }
    throw new Error('There is no line.');
  }

  async function set(
    over: {
      psa?: PsaAdapter;
      target?: number;
      expected?: number;
      decimals?: number;
      writeBefore?: number;
      prepare?: () => Promise<unknown>;
    } = {},
  ) {
    const { agreementId, line } = await aLine();
    const psa = over.psa ?? adapter();
    await over.prepare?.();
    const result = await psa.setQuantity({
      operationId: 'line-1',
      attempt: 1,
      agreementId,
      lineId: line.id,
      from: over.expected ?? line.quantity,
      to: over.target ?? line.quantity + 3,
      decimals: over.decimals ?? 2,
      claim: async () => over.writeBefore ?? Date.now() + 60_000,
    });
    const { writes } = await state();
    const now = await adapter().getLine({ agreementId, lineId: line.id });
    return { result, line, now, writes, agreementId, patches: await admin.log('PATCH') };
  }

  /** Where there will be no answer, nobody waits long for it. */
  const impatient = (fault: { kind: string; then?: string }) =>
    adapter(fault.kind === 'hang' || fault.then === 'hang' ? { timeoutMs: 1_500 } : {});

  test('applied: one PATCH, read back, and nothing else moved', async () => {
    const before = await state();
    const { result, line, now, writes, patches } = await set();
    expect(result).toEqual({
      outcome: 'applied',
      before: line.quantity,
      after: line.quantity + 3,
      version: now?.version,
    });
    expect(now?.version).not.toBe(line.version);
    expect(patches.map((entry) => entry.body)).toEqual([
      [{ op: 'replace', path: 'quantity', value: line.quantity + 3 }],
    ]);
    expect(writes).toHaveLength(1);
    const quantities = (of: State) =>
      agreementsOf(of).flatMap(({ lines }) => lines.map(({ id, quantity }) => `${id}=${quantity}`));
    const moved = quantities(await state()).filter((entry) => !quantities(before).includes(entry));
    expect(moved).toEqual([`${line.id}=${line.quantity + 3}`]);
  });

  test('a fraction arrives as it is', async () => {
    expect((await set({ target: 12.25 })).now?.quantity).toBe(12.25);
  });

  test('already: the target is there, nothing is sent', async () => {
    const { line } = await aLine();
    const { result, patches } = await set({ target: line.quantity, expected: line.quantity - 1 });
    expect(result).toMatchObject({ outcome: 'already', before: line.quantity, after: line.quantity });
    expect(patches).toEqual([]);
  });

  test('quantities are compared at the decimals that the PSA keeps', async () => {
    const { line } = await aLine();
    const kept = await set({ target: line.quantity + 0.004, expected: line.quantity - 1 });
    expect(kept).toMatchObject({ result: { outcome: 'already' }, patches: [] });
    const target = line.quantity + 0.02;
    expect((await set({ target, expected: line.quantity + 0.004 })).result).toMatchObject({ outcome: 'applied' });
    const finer = await set({ target: target + 0.004, expected: target, decimals: 4 });
    expect(finer.result).toMatchObject({ outcome: 'applied', after: target + 0.004 });
  });

  test('conflict: a third value, which is left alone and handed back', async () => {
    const { line } = await aLine();
    const { result, patches, now } = await set({ expected: line.quantity - 1 });
    expect(result).toMatchObject({ outcome: 'conflict', current: { id: line.id, quantity: line.quantity } });
    expect(patches).toEqual([]);
    expect(now?.quantity).toBe(line.quantity);
  });

  test('conflict: somebody changed the line a moment before', async () => {
    const { agreementId, line } = await aLine();
    const { result, patches } = await set({
      prepare: () =>
        admin.change({
          change: 'setQuantity',
          agreementId: Number(agreementId),
          lineId: Number(line.id),
          quantity: 99,
        }),
    });
    expect(result).toMatchObject({ outcome: 'conflict', current: { quantity: 99 } });
    expect(patches).toEqual([]);
  });

  test('conflict: the line is gone', async () => {
    const { agreementId, line } = await aLine();
    const { result, patches } = await set({
      prepare: () => admin.change({ change: 'removeLine', agreementId: Number(agreementId), lineId: Number(line.id) }),
    });
    expect(result).toEqual({ outcome: 'conflict', current: null });
    expect(patches).toEqual([]);
  });

  test('not sent: without the right to edit, with the setting to change', async () => {
    const { result, line, now } = await set({ psa: adapter({ member: 'readOnly' }) });
    expect(result).toMatchObject({ outcome: 'not_sent', error: { code: 'forbidden' } });
    expect(result).toHaveProperty('error.detail', expect.stringContaining('Finance > Agreements: Edit = All'));
    expect(now?.quantity).toBe(line.quantity);
  });

  test('rejected: a 400 says that nothing happened', async () => {
    const { result, patches } = await set({
      prepare: () =>
        admin.fault({ kind: 'status', status: 400, method: 'PATCH', body: { code: 'InvalidObject', message: 'No.' } }),
    });
    expect(result).toMatchObject({ outcome: 'rejected', code: 'invalid_request' });
    expect(patches).toHaveLength(1);
  });

  test.each([409, 423, 425])('not sent: a %d says that somebody has the line in use', async (status) => {
    const { result, line, now } = await set({
      prepare: () => admin.fault({ kind: 'status', status, method: 'PATCH', body: { message: 'In use.' } }),
    });
    expect(result).toMatchObject({ outcome: 'not_sent', error: { kind: 'transient', code: 'locked' } });
    expect(now?.quantity).toBe(line.quantity);
  });

  const pages = [
    ['a maintenance page', { status: 200, text: '<html><title>Back soon</title></html>' }],
    ['an empty body', { status: 200, text: '' }],
    ['a message in place of the row', { status: 200, body: { message: 'Down for maintenance.' } }],
    ['a challenge page', { status: 403, text: '<html>Just a moment...</html>' }],
    ['a challenge', { status: 403, body: {}, headers: { 'cf-mitigated': 'challenge' } }],
  ] as const;

  test.each(pages)('not sent: the read before the write meets %s', async (_what, page) => {
    const { result, line, now, patches } = await set({
      prepare: () => admin.fault({ kind: 'status', method: 'GET', path: '/additions/', ...page }),
    });
    expect(result).toMatchObject({ outcome: 'not_sent', error: { kind: 'transient' } });
    expect(patches).toEqual([]);
    expect(now?.quantity).toBe(line.quantity);
  });

  test.each(pages)('the write meets %s: uncertain where it may have passed it, else not sent', async (_what, page) => {
    const { result, patches } = await set({
      prepare: () => admin.fault({ kind: 'status', method: 'PATCH', ...page }),
    });
    expect(result.outcome).toBe(page.status === 200 ? 'uncertain' : 'not_sent');
    expect(patches).toHaveLength(1);
  });

  test('applied: with a byte order mark before every answer', async () => {
    const { result } = await set({ prepare: () => admin.fault({ kind: 'encoded', bom: true, times: null }) });
    expect(result.outcome).toBe('applied');
  });

  test('not sent: the time to write has passed', async () => {
    const { result, patches } = await set({ writeBefore: Date.now() - 1 });
    expect(result).toMatchObject({ outcome: 'not_sent', error: { code: 'too_late' } });
    expect(patches).toEqual([]);
  });

  test('not sent: the time passed while the line was read', async () => {
    const { result, patches } = await set({
      writeBefore: Date.now() + 100,
      prepare: () => admin.fault({ kind: 'latency', ms: 300, method: 'GET', path: '/additions/' }),
    });
    expect(result).toMatchObject({ outcome: 'not_sent', error: { code: 'too_late' } });
    expect(patches).toEqual([]);
  });

  test.each([
    ['a failing read', { kind: 'status', status: 503, method: 'GET', path: '/additions/' }, 'upstream'],
    ['a read without an answer', { kind: 'hang', method: 'GET', path: '/additions/' }, 'timeout'],
    ['a read that is throttled', { kind: 'status', status: 429, method: 'GET', path: '/additions/' }, 'throttled'],
    ['a write that is throttled', { kind: 'status', status: 429, method: 'PATCH' }, 'throttled'],
  ])('not sent: %s', async (_what, fault, code) => {
    const { result, line, now } = await set({ psa: impatient(fault), prepare: () => admin.fault(fault) });
    expect(result).toMatchObject({ outcome: 'not_sent', error: { code } });
    expect(now?.quantity).toBe(line.quantity);
  });

  test('not sent: nobody listens any more', async () => {
    const server = await startHttpServer(() => undefined);
    await server.close();
    const { result } = await set({ psa: adapter({ url: server.url }) });
    expect(result).toMatchObject({ outcome: 'not_sent', error: { code: 'network' } });
  });

  test.each([
    ['500 after commit', { kind: 'afterCommit', status: 500 }, true],
    ['the connection dropped after commit', { kind: 'afterCommit', then: 'drop' }, true],
    ['no answer after commit', { kind: 'afterCommit', then: 'hang' }, true],
    ['half an answer', { kind: 'cut' }, true],
    ['an answer nobody understands', { kind: 'malformed' }, true],
    ['500 before anything happened', { kind: 'status', status: 500 }, false],
    ['the connection dropped before anything happened', { kind: 'drop' }, false],
    ['no answer and nothing done', { kind: 'hang' }, false],
  ])('uncertain: %s. It is never sent again, and only a later read can tell', async (_what, fault, acted) => {
    const { result, line, now, patches } = await set({
      psa: impatient(fault),
      prepare: () => admin.fault({ ...fault, method: 'PATCH' }),
    });
    expect(result.outcome).toBe('uncertain');
    expect(patches).toHaveLength(1);
    expect(now?.quantity).toBe(acted ? line.quantity + 3 : line.quantity);
  });

  test.each([
    ['the read back fails', { kind: 'status', status: 503, method: 'GET', path: '/additions/', skip: 1 }],
    ['the read back hangs', { kind: 'hang', method: 'GET', path: '/additions/', skip: 1 }],
  ])('uncertain: the write was answered, but %s', async (_what, fault) => {
    const { result, patches } = await set({ psa: impatient(fault), prepare: () => admin.fault(fault) });
    expect(result.outcome).toBe('uncertain');
    expect(patches).toHaveLength(1);
  });

  test('uncertain: a 200 without effect is not taken for a write', async () => {
    const { agreementId, line } = await aLine();
    const addition = { id: Number(line.id), product: { id: 1 }, quantity: line.quantity };
    const server = await startHttpServer((asked, response) =>
      json(response, 200, asked.url.startsWith('/login') ? { Codebase: 'v1/' } : addition),
    );
    try {
      const result: SetQuantityResult = await adapter({ url: server.url }).setQuantity({
        operationId: 'line-1',
        attempt: 1,
        agreementId,
        lineId: line.id,
        from: line.quantity,
        to: line.quantity + 1,
        decimals: 2,
        claim: async () => Date.now() + 60_000,
      });
      expect(result.outcome).toBe('uncertain');
      expect(server.asked.filter((asked) => asked.method === 'PATCH')).toHaveLength(1);
    } finally {
      await server.close();
    }
  });

  test('the codebase that moved between read and write: still one write', async () => {
    const { result, writes } = await set({
      psa: await (async () => {
        const psa = adapter();
        await all(psa.listBoards());
        await admin.change({ change: 'rotateCodebase', codebase: 'v2027_1' });
        return psa;
      })(),
    });
    expect(result.outcome).toBe('applied');
    expect(writes).toHaveLength(1);
  });
});
