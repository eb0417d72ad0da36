import { parse } from 'csv-parse/sync';
import { sql } from 'drizzle-orm';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withoutSecrets } from '../../api/middleware/idempotency.ts';
import { misfits, routesOf } from '../kit/apiContract.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { addressOf, sampleOf, samples } from '../kit/apiSamples.ts';

let harness: ApiHarness;
beforeAll(async () => {
  harness = await startApi();
});
afterAll(() => harness?.close());

test('the contract is OpenAPI 3.1 and every reference in it leads somewhere', () => {
  const { contract } = harness;
  expect(contract.openapi).toBe('3.1.0');
  expect(contract.components.securitySchemes).toHaveProperty('bearer');
  const references = [...JSON.stringify(contract).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? '');
  expect(references.length).toBeGreaterThan(10);
  for (const reference of references) {
    expect(Object.keys(contract.components.schemas)).toContain(reference.replace('#/$defs/', ''));
  }
});

test('every operation has an id of its own, a summary, a tag and security', () => {
  const routes = routesOf(harness.contract);
  expect(new Set(routes.map(({ operation }) => operation.operationId)).size).toBe(routes.length);
  for (const { method, path, operation } of routes) {
    expect(operation.summary.length, path).toBeGreaterThan(5);
    expect(operation.tags, path).toHaveLength(1);
    expect(operation.security, path).toEqual([{ bearer: [] }]);
    for (const [, name] of path.matchAll(/\{(\w+)\}/g)) {
      expect(operation.parameters, path).toContainEqual(expect.objectContaining({ name, in: 'path', required: true }));
    }
    const headers = (operation.parameters ?? []).filter((parameter) => parameter.in === 'header');
    // A follower of the events says which it knows; a POST, which request it repeats.
    const read = path === '/v1/events' ? ['last-event-id'] : method === 'POST' ? ['idempotency-key'] : [];
    expect(
      headers.map(({ name }) => name),
      path,
    ).toEqual(read);
  }
});

test('the contract says what an Idempotency-Key looks like, and an answer that is sent again without its secret fits', () => {
  const posts = routesOf(harness.contract).filter(({ method }) => method === 'POST');
  for (const { operation } of posts) {
    const header = operation.parameters?.find(({ name }) => name === 'idempotency-key');
    expect(header?.schema, operation.operationId).toMatchObject({ pattern: '^[!-~]{1,200}$' });
    const answer = Object.entries(operation.responses).find(([status]) => Number(status) < 300)?.[1];
    for (const { schema, example } of Object.values(answer?.content ?? {}))
      expect(misfits(harness.contract, schema, withoutSecrets(example)), operation.operationId).toEqual([]);
  }
});

test('every operation has an example of its body and its answer, and each fits its schema', () => {
  const { contract } = harness;
  for (const { path, operation } of routesOf(contract)) {
    const media = [operation.requestBody, ...Object.values(operation.responses)].flatMap((part) =>
      Object.entries(part?.content ?? {}),
    );
    for (const [type, { schema, example }] of media) {
      if (type === 'text/event-stream') continue;
      expect(example, `${operation.operationId} has no example (${type})`).toBeDefined();
      expect(misfits(contract, schema, example), `${path} ${JSON.stringify(example)}`).toEqual([]);
    }
  }
});

test('every operation documents the problems that it may answer, each with its codes', () => {
  for (const { method, path, operation } of routesOf(harness.contract)) {
    // Node itself answers 431, without a body.
    const problems = Object.entries(operation.responses).filter(
      ([status]) => Number(status) >= 300 && status !== '431',
    );
    for (const [status, { content, description, 'x-codes': codes = [] }] of problems) {
      const where = `${operation.operationId} ${status}`;
      expect(content?.['application/problem+json']?.schema, where).toEqual({ $ref: '#/$defs/Problem' });
      expect(codes.length, where).toBeGreaterThan(0);
      expect(new Set(codes).size, where).toBe(codes.length);
      for (const code of codes) expect(description, where).toContain(`\`${code}\``);
    }
    const statuses = problems.map(([status]) => Number(status));
    const bodyProblems = method === 'GET' ? [] : [413, 415];
    expect(statuses, operation.operationId).toEqual(expect.arrayContaining([400, 401, 403, 429, 500, 503]));
    expect(statuses.filter((status) => status === 413 || status === 415)).toEqual(bodyProblems);
    if (path.includes('{')) expect(statuses, operation.operationId).toContain(404);
  }
});

test('an operation documents no problem that it cannot answer', () => {
  const problemsOf = (operationId: string) => {
    const route = routesOf(harness.contract).find(({ operation }) => operation.operationId === operationId);
    const responses = Object.entries(route?.operation.responses ?? {});
    return responses.flatMap(([status, { 'x-codes': codes = [] }]) => codes.map((code) => `${status} ${code}`));
  };
  const anybody = ['401 no-token', '401 bad-token', '401 no-session', '403 missing-scope', '429 too-many-requests'];
  const broken = ['500 internal', '500 bad-answer', '503 database-unavailable'];
  expect(problemsOf('getMe').toSorted()).toEqual(['400 invalid-text', ...anybody, ...broken].toSorted());
  expect(problemsOf('putSchedule').filter((problem) => /^4(04|09|22)/.test(problem))).toEqual([
    '404 not-found',
    '409 disconnected',
    '422 unknown-time-zone',
    '422 bad-cron',
  ]);
});

test('every code that an operation documents stands where a problem is made', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const sources = ['api', 'commands', 'domain'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('problemResponses.ts'))
      .map((file) => readFileSync(join(root, folder, file), 'utf8').replaceAll(/\bproblems: \{[^}]*\}/g, '')),
  );
  const all = sources.join('\n');
  for (const { operation } of routesOf(harness.contract)) {
    for (const code of Object.values(operation.responses).flatMap((response) => response['x-codes'] ?? []))
      expect(all.includes(`'${code}'`), `${operation.operationId}: nothing makes a problem \`${code}\``).toBe(true);
  }
});

test('every operation has a sample, by which security.test.ts proves it, and every sample has an operation', () => {
  const routes = routesOf(harness.contract);
  expect(Object.keys(samples).toSorted()).toEqual(routes.map(({ operation }) => operation.operationId).toSorted());
});

test('every resource has its two test files', () => {
  const files = readdirSync(fileURLToPath(new URL('.', import.meta.url)));
  const resources = readdirSync(fileURLToPath(new URL('../../api/routes/', import.meta.url)));
  for (const resource of resources.map((file) => file.replace('.ts', ''))) {
    for (const kind of ['happy', 'error']) expect(files).toContain(`${resource}.${kind}.test.ts`);
  }
});

test('every file holds what the list at its address holds, and no secret', async () => {
  const { admin, one, db } = harness;
  const { link = '' } = await admin.good<{ link?: string }>('POST', '/v1/invitations', {
    email: 'ada@example.com',
    role: 'viewer',
  });
  await db.execute(sql`
    insert into refused_post (integration_id, kind, vendor_account_id, service_id, code, detail, times)
    values (${one.integrationId}, 'count', '=1+1', 'CloudFilter', 'unknown-account', 'Nobody has this id.', 3)`);
  const routes = routesOf(harness.contract);
  const files = routes.filter(({ path }) => path.endsWith('.csv'));
  const rowsOf = new Map<string, number>();
  for (const file of files) {
    const list = routes.find(({ method, path }) => method === 'GET' && `${path}.csv` === file.path);
    // The file of the mappings is for editing, and no list's.
    if (!list) continue;
    const address = addressOf(file, await sampleOf(file, one));
    const { body } = await admin.call<string>('GET', address);
    const listed = `${address.replace('.csv', '')}${address.includes('?') ? '&' : '?'}limit=200`;
    const { items } = await admin.good<{ items: object[] }>('GET', listed);
    const rows = parse(body, { bom: true, columns: true });
    expect(rows, file.path).toHaveLength(items.length);
    expect(body, file.path).not.toMatch(/cs[li]?_[\w-]{40}/);
    expect(body, file.path).not.toContain(link.split('#')[1]);
    rowsOf.set(file.path, rows.length);
  }
  for (const path of ['/v1/tokens.csv', '/v1/invitations.csv', '/v1/integrations/{id}/intake.csv'])
    expect(rowsOf.get(path), path).toBeGreaterThan(0);
});
