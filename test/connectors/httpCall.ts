/** Calls of the HTTP client that the connectors share, for its tests. */
import type { ServerResponse } from 'node:http';
import { expect, onTestFinished } from 'vitest';
import { z } from 'zod';
import type { RateLimiter } from '../../connectors/rateLimiter.ts';
import { ConnectorError } from '../../connectors/errors.ts';
import { createHttpClient, type HttpClientOptions, type HttpRequest } from '../../connectors/http.ts';
import { startHttpServer, type Asked, type HttpServer } from './httpServer.ts';

export const secret = 'sk-very-secret-key';
export const schema = z.looseObject({ ok: z.boolean() });

/** A server of the test that calls this. */
export async function serve(answer: (asked: Asked, response: ServerResponse) => void): Promise<HttpServer> {
  const server = await startHttpServer(answer);
  onTestFinished(() => server.close());
  return server;
}

export function recordingRateLimiter(): RateLimiter & { taken: number; waits: number[] } {
  const rateLimiter = {
    taken: 0,
    waits: [] as number[],
    take: async () => void rateLimiter.taken++,
    throttled: async (ms: number) => void rateLimiter.waits.push(ms),
  };
  return rateLimiter;
}

export function client(baseUrl: string, over: Partial<HttpClientOptions> = {}) {
  return createHttpClient({
    baseUrl,
    headers: { authorization: `Bearer ${secret}` },
    secrets: [secret],
    rateLimiter: recordingRateLimiter(),
    ...over,
  });
}

/** One request, and the error it ends with. */
export async function failure(
  baseUrl: string,
  over: Partial<HttpClientOptions> = {},
  wanted: Partial<HttpRequest<unknown>> = {},
): Promise<ConnectorError> {
  const outcome = await client(baseUrl, over)
    .request({ method: 'GET', path: '/customers/7', route: '/customers/{id}', schema, ...wanted })
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  expect(outcome).toBeInstanceOf(ConnectorError);
  return outcome as ConnectorError;
}
