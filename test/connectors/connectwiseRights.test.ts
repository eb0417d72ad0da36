/** What the ConnectWise adapter says of credentials and rights, against the simulated ConnectWise. */
import { describe, expect, test } from 'vitest';
import { json, recordingLogger, startHttpServer } from './httpServer.ts';
import { adapter, admin, agreementsOf, all, failureOf, simulateConnectwise, state } from './simulatedConnectwise.ts';

simulateConnectwise();

describe('credentials and rights', () => {
  test.each([
    ['a wrong company', { companyId: 'nobody' }, /knows no company "nobody"/],
    ['a wrong key', { privateKey: 'wrong' }, /401/],
  ])('%s', async (_what, over, evidence) => {
    const report = await adapter(over).checkPermissions();
    expect(report).toMatchObject({ ok: false, auth: 'bad_credentials' });
    for (const finding of Object.values(report.capabilities)) {
      expect(finding.state).toBe('unknown');
      expect(finding.evidence).toMatch(evidence);
    }
  });

  test('on cloud a wrong key is a 404, and still said to be the credentials', async () => {
    await admin.settings({ cloudAuth: true });
    expect(await adapter({ privateKey: 'wrong' }).checkPermissions()).toMatchObject({
      ok: false,
      auth: 'bad_credentials',
    });
  });

  test('on cloud, credentials that stopped working do not make lines look removed', async () => {
    const [agreement] = agreementsOf(await state());
    const line = { agreementId: String(agreement?.id), lineId: String(agreement?.lines[0]?.id) };
    await admin.settings({ cloudAuth: true });
    const revoked = adapter({ privateKey: 'revoked' });
    expect(await failureOf(revoked.getLine(line))).toMatchObject({ kind: 'permanent', code: 'bad_credentials' });
    const write = await revoked.setQuantity({
      operationId: 'line-1',
      attempt: 1,
      ...line,
      from: 4,
      to: 5,
      decimals: 2,
      claim: async () => Date.now() + 60_000,
    });
    expect(write).toMatchObject({ outcome: 'not_sent', error: { code: 'bad_credentials' } });
  });

  test.each([
    ['the first question', {}],
    ['a question about one right', { path: '/procurement/catalog$' }],
  ])('a challenge page in answer to %s is no missing right and no bad credentials', async (_what, where) => {
    const text = '<html><title>Just a moment...</title></html>';
    await admin.fault({ kind: 'status', times: null, status: 403, text, ...where });
    expect(await failureOf(adapter().checkPermissions())).toMatchObject({ kind: 'transient', code: 'not_json' });
  });

  test('what answers 404 with a page has not said that a line is gone', async () => {
    const [agreement] = agreementsOf(await state());
    const line = { agreementId: String(agreement?.id), lineId: String(agreement?.lines[0]?.id) };
    const page = { kind: 'status', times: null, status: 404, text: '<html>Not Found</html>' };
    for (const path of ['/additions/', '/apis/']) {
      await admin.clearFaults();
      await admin.fault({ ...page, path });
      expect(await failureOf(adapter().getLine(line))).toMatchObject({ kind: 'transient', code: 'not_json' });
    }
  });

  test('another row than the one that was asked for is not taken for it', async () => {
    const server = await startHttpServer((asked, response) =>
      json(
        response,
        200,
        asked.url.startsWith('/login') ? { Codebase: 'v1/' } : { id: 20, product: { id: 1 }, quantity: 5 },
      ),
    );
    try {
      const asking = adapter({ url: server.url }).getLine({ agreementId: '1', lineId: '19' });
      expect(await failureOf(asking)).toMatchObject({ kind: 'transient', code: 'bad_shape' });
    } finally {
      await server.close();
    }
  });

  test('with every right: all granted with evidence, but for writing, which reads cannot show', async () => {
    const report = await adapter().checkPermissions();
    expect(report).toMatchObject({ ok: true, auth: 'ok', serverVersion: expect.stringMatching(/^v\d/) });
    const states = Object.entries(report.capabilities).map(([name, finding]) => [name, finding.state]);
    expect(Object.fromEntries(states)).toEqual({
      'accounts.read': 'granted',
      'products.read': 'granted',
      'agreements.read': 'granted',
      'lines.read': 'granted',
      'boards.read': 'granted',
      'lines.write': 'unknown',
    });
    expect(report.capabilities['accounts.read'].evidence).toBe('GET /company/companies answered with 5 row(s).');
    expect(report.capabilities['lines.write'].evidence).toContain('Finance > Agreements: Edit = All');
  });

  test.each([
    ['noCatalog', ['products.read'], 'Procurement > Product Catalog: Inquire = All'],
    ['noAgreements', ['agreements.read', 'lines.read'], 'Finance > Agreements: Inquire = All'],
  ] as const)('%s: what is missing is denied, with the exact setting to change', async (member, missing, setting) => {
    const report = await adapter({ member }).checkPermissions();
    expect(report).toMatchObject({ ok: false, auth: 'ok' });
    const denied = Object.entries(report.capabilities).filter(([, finding]) => finding.state === 'denied');
    expect(denied.map(([name]) => name).sort()).toEqual([...missing]);
    for (const [, finding] of denied) expect(finding.evidence).toContain(setting);
  });

  test('the check costs seven reads and no write', async () => {
    await adapter().checkPermissions();
    const log = await admin.log('GET');
    expect(log.map((entry) => entry.path.replace(/.*\/apis\/3.0/, '').replace(/\d+/g, 'N')).sort()).toEqual([
      '/company/companies?pageSize=N&fields=id',
      '/finance/agreements/N/additions?pageSize=N&fields=id',
      '/finance/agreements?pageSize=N&fields=id',
      '/login/companyinfo/acme',
      '/procurement/catalog?pageSize=N&fields=id',
      '/service/info/boards?pageSize=N&fields=id',
      '/system/info',
    ]);
    for (const method of ['POST', 'PATCH', 'PUT', 'DELETE']) expect(await admin.log(method)).toEqual([]);
  });

  test('neither key nor pair is in any error or log line', async () => {
    const logger = recordingLogger();
    const psa = adapter({ privateKey: 'wrongPrivateKey', logger });
    const report = await psa.checkPermissions();
    const error = await failureOf(all(psa.listAccounts()));
    const text = JSON.stringify([report, error, error.message, error.stack, logger.lines]);
    expect(text).not.toContain('wrongPrivateKey');
    expect(text).not.toContain(Buffer.from('acme+simPublicFull:wrongPrivateKey').toString('base64'));
    expect(error.requestId).toMatch(/^sim-/);
    expect(logger.lines.some(({ fields }) => /^sim-/.test(String(fields['requestId'])))).toBe(true);
  });
});
