/** Answers as Gradient's Vendor API does (reference/gradient.md §3): JSON errors with a status and a message. */
import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { readingsOf } from '../../domain/idReadings.ts';
import type { IntegrationRow } from '../../db/queries/integration.ts';
import type { ApiDependencies } from '../context.ts';
import type { BodyLimit } from '../middleware/bodyLimit.ts';
import { bodyText } from '../middleware/body.ts';
import { isBad } from '../middleware/text.ts';

export interface VendorApiEnv {
  Variables: { requestId: string; deps: ApiDependencies; integration: IntegrationRow; bodyLimit?: BodyLimit };
}
export type VendorContext = Context<VendorApiEnv>;

const names: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** An error in the form of the Vendor API. @param detail the text of `message` */
export class VendorApiError extends Error {
  override readonly name = 'VendorApiError';
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(status: number, detail: string, headers: Record<string, string> = {}) {
    super(detail);
    this.status = status;
    this.headers = headers;
  }

  toResponse(): Response {
    // "No account map found" comes without `error` (seen in a client's test); other errors are as Gradient's framework makes them.
    const body = { statusCode: this.status, message: this.message };
    const error = this.status === 404 ? {} : { error: names[this.status] };
    return Response.json({ ...body, ...error }, { status: this.status, headers: this.headers });
  }
}

/** Answers `{data, message, status}`. The table of routes in docs/vendor-api.md says which routes wrap and which answer bare. */
export function wrapped(c: VendorContext, data: unknown, message: string): Response {
  return c.json({ data, message, status: 200 });
}

/** Reads the body as JSON. @throws VendorApiError 400 when it is not JSON, 415 when its charset is unknown */
export async function jsonOf(c: VendorContext): Promise<unknown> {
  const text = await bodyText(c, ({ status, detail }) => new VendorApiError(status, detail));
  try {
    return JSON.parse(text);
  } catch {
    throw new VendorApiError(400, 'The body is not valid JSON');
  }
}

/**
 * Refuses a NUL in the URL, which PostgreSQL cannot store, and a query that is not properly encoded; bodies are checked where
 * they are read. The path is decoded leniently, because an id may hold text that only looks encoded.
 */
export const refuseNul = createMiddleware<VendorApiEnv>(async (c, next) => {
  let text = readingsOf(c.req.path).readings.join();
  try {
    text += decodeURIComponent(new URL(c.req.url).search);
  } catch {
    throw badAddress();
  }
  if (isBad(text)) throw badAddress();
  await next();
});

export const badAddress = () => new VendorApiError(400, 'The address is not valid');
