/** Methods that an address does not take: 405, with those that it takes. */
import { createMiddleware } from 'hono/factory';
import type { ApiEnv } from '../context.ts';
import { ApiProblem } from '../problem.ts';
import { vendorApiPath } from '../vendorApi/address.ts';
import { VendorApiError } from '../vendorApi/responses.ts';

/** TRACE would send a request's headers back, with the token in them; nothing here takes it. */
export const refuseTrace = createMiddleware<ApiEnv>(async (c, next) => {
  if (c.req.method === 'TRACE') {
    const allowed = 'GET, POST, PUT, PATCH, DELETE';
    if (c.req.path.startsWith(vendorApiPath)) throw new VendorApiError(405, 'Cannot TRACE', { allow: allowed });
    throw wrongMethod('TRACE', [allowed]);
  }
  await next();
});

export const wrongMethod = (method: string, allowed: readonly string[]) =>
  new ApiProblem(405, 'method-not-allowed', `This address does not take ${method}. It takes: ${allowed.join(', ')}.`, {
    headers: { allow: allowed.join(', ') },
  });

/** @returns a function that lists the methods which an address below /v1 takes; none if there is no such address */
export function methodsOf(routes: readonly { method: string; path: string }[]): (path: string) => string[] {
  const known = routes.filter(({ method, path }) => method !== 'ALL' && path.startsWith('/v1/'));
  return (path) => {
    const taken = known.filter((route) => new RegExp(`^${route.path.replaceAll(/:\w+/g, '[^/]+')}$`).test(path));
    return [...new Set(taken.map(({ method }) => method))].toSorted();
  };
}
