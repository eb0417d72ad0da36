import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { createApp } from '../../api/app.ts';
import type { ApiDependencies } from '../../api/context.ts';
import { vendorApiPath } from '../../api/vendorApi/address.ts';
import { categories, subcategories } from '../../api/vendorApi/categories.ts';
import { readEnvironment } from '../../environment.ts';
import { routesOf, type Contract } from '../kit/apiContract.ts';

interface Document extends Contract {
  paths: Record<string, Contract['paths'][string] & { parameters?: never }>;
  components: Contract['components'] & { schemas: Record<string, { enum?: string[] }> };
}
const document = parse(
  readFileSync(new URL('../../docs/vendor-api.openapi.yaml', import.meta.url), 'utf8'),
) as Document;
const isMethod = (name: string) => !['PARAMETERS', 'ALL'].includes(name);

test('the operations of the document are the routes that are mounted, and no other', () => {
  const environment = readEnvironment({
    DATABASE_URL: 'postgres://nowhere',
    ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
  });
  // Nothing else of it is touched before a request comes.
  const app = createApp({ environment, metrics: new Registry() } as ApiDependencies);
  const mounted = app.routes
    .filter(({ method, path }) => path.startsWith(vendorApiPath) && isMethod(method))
    .map(({ method, path }) => `${method} ${path.replaceAll(/:\w+(\{[^}]*\})?/g, '{}')}`);
  const documented = routesOf(document)
    .filter(({ method }) => isMethod(method))
    .map(({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`);
  expect(mounted.length).toBeGreaterThan(15);
  expect(documented.toSorted()).toEqual([...new Set(mounted)].toSorted());
});

test('the words a service is filed under are those of the code', () => {
  const { Category, Subcategory } = document.components.schemas;
  expect(Category?.enum).toEqual(categories);
  expect(Subcategory?.enum).toEqual(subcategories);
});
