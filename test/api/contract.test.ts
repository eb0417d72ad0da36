import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { misfits, routesOf } from '../kit/apiContract.ts';
import { startApi, type ApiHarness } from '../kit/apiHarness.ts';
import { samples } from '../kit/apiSamples.ts';

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
    expect(
      headers.map(({ name }) => name),
      path,
    ).toEqual(method === 'POST' ? ['idempotency-key'] : []);
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

test('every operation documents its problems', () => {
  for (const { operation } of routesOf(harness.contract)) {
    for (const status of [400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503]) {
      const content = operation.responses[status]?.content?.['application/problem+json'];
      expect(content?.schema, `${operation.operationId} ${status}`).toEqual({ $ref: '#/$defs/Problem' });
    }
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
