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

const patterns = new WeakMap<Contract, [RegExp, Route][]>();

/** Finds the route of a request. */
export function findRoute(contract: Contract, method: string, url: string): Route | undefined {
  const known =
    patterns.get(contract) ?? routesOf(contract).map((route) => [patternOf(route), route] as [RegExp, Route]);
  patterns.set(contract, known);
  const asked = `${method} ${url.split('?')[0]}`;
  return known.find(([pattern]) => pattern.test(asked))?.[1];
}

const patternOf = ({ method, path }: Route) => new RegExp(`^${method} ${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`);

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

const contracts = new Map<string, Contract>();

/**
 * Parses the contract and turns references to `#/components/schemas/X` into `#/$defs/X`, as a schema by itself needs them. The same text
 * is the same contract, so that the test files of a process share what is made of its schemas.
 */
export function withDefinitions(text: string): Contract {
  const known = contracts.get(text) ?? (JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/')) as Contract);
  contracts.set(text, known);
  return known;
}
