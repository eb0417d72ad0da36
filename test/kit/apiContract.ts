/** The API's contract (its OpenAPI document), with which answers are compared. */
import { z } from 'zod';

interface Media {
  schema: object;
  example?: unknown;
}
export interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  security: object[];
  parameters?: { name: string; in: string; schema: object; required?: boolean }[];
  requestBody?: { required: boolean; content: Record<string, Media> };
  /** `x-codes` are the codes of a problem that the operation may answer with this status. */
  responses: Record<string, { description: string; 'x-codes'?: string[]; content?: Record<string, Media> }>;
}
export interface Contract {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; securitySchemes: Record<string, object> };
}

export interface Route {
  method: string;
  path: string;
  operation: Operation;
}

export function routesOf(contract: Contract): Route[] {
  return Object.entries(contract.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

/** Finds the route of a request. */
export function findRoute(contract: Contract, method: string, url: string): Route | undefined {
  const path = url.split('?')[0] ?? '';
  return routesOf(contract).find(
    (route) => route.method === method && new RegExp(`^${route.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
  );
}

const parsers = new WeakMap<object, z.ZodType>();

/** Lists what is wrong with a value by a schema of the contract; empty when it fits. */
export function misfits(contract: Contract, schema: object, value: unknown): string[] {
  let parser = parsers.get(schema);
  if (!parser) {
    parser = z.fromJSONSchema({ ...schema, $defs: contract.components.schemas } as never);
    parsers.set(schema, parser);
  }
  const parsed = parser.safeParse(value);
  return parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
}

/** Parses the contract and turns references to `#/components/schemas/X` into `#/$defs/X`, as a schema by itself needs them. */
export function withDefinitions(text: string): Contract {
  return JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/')) as Contract;
}
