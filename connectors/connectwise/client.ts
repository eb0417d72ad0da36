/** ConnectWise's REST API (connectwise.md §1–3): codebase discovery, Basic + clientId, lists that follow `Link`. */
import { z } from 'zod';
import type { RateLimiter } from '../rateLimiter.ts';
import { ConnectorError } from '../errors.ts';
import { field } from '../fields.ts';
import { createHttpClient, type HttpAnswer, type HttpLogger, type HttpRequest } from '../http.ts';
import { asNobody } from '../readingStep.ts';
import { countDisagrees, ignoresPage, incomplete, type Disagreement } from '../incomplete.ts';
import { publicUrlOf } from '../publicHosts.ts';
import { handOver, readRows } from '../rows.ts';
import type { CallOptions } from '../vendor.ts';
import { companyInfoSchema, countSchema } from './schemas.ts';

const noSeparators = () =>
  z
    .string()
    .trim()
    .min(1)
    .max(200)
    .regex(/^[^+:\s]+$/, 'It contains neither +, : nor spaces.');

const keysAt = 'System > Members > API Members > the member > API Keys';

export const connectwiseCredentials = z.strictObject({
  site: field(z.string().trim().min(3).max(300), {
    label: 'Site',
    where: 'The host that you log in to, without https://. A server of your own has its own host name.',
    sample: 'na.myconnectwise.net',
  }),
  companyId: field(noSeparators(), {
    label: 'Company ID',
    where: 'The company that you type when you log in to ConnectWise, beside user name and password.',
    sample: 'acme',
  }),
  publicKey: field(noSeparators(), { label: 'Public Key', where: `${keysAt}: the public key.` }),
  privateKey: field(z.string().trim().min(1).max(200), {
    label: 'Private Key',
    where: `${keysAt}: ConnectWise shows it only once, when the key is made.`,
    secret: true,
  }),
});

export interface ConnectwiseClient {
  request<T>(request: HttpRequest<T>): Promise<HttpAnswer<T>>;
  /**
   * A whole list in batches, checked against `/count`. If it is not whole, that is an error, or passed to `call.accept`.
   *
   * @param path the path with its ids, if the route has names in their place
   */
  list<T extends { id: string }>(
    route: string,
    query: { conditions?: string; fields?: string },
    schema: z.ZodType<T>,
    call?: CallOptions,
    path?: string,
  ): AsyncIterable<T[]>;
  /** The address of a ticket in ConnectWise's own pages (§4.6). */
  ticketUrl(ticketId: string): string;
}

/** Rows that are asked for per page: ConnectWise's maximum (§2). */
export const rowsPerPage = 1000;
const acceptedVersion = 'application/vnd.connectwise.com+json; version=2025.16';

/**
 * The API's origin for a site. Cloud hosts answer only on a name with the prefix `api-` (§1.1).
 *
 * @param allowPrivate also accepts http://, private hosts and ports: for simulators and on-premises networks
 * @throws ConnectorError `bad_host` for a site that is not a public host name
 */
export function originOf(site: string, allowPrivate: boolean): string {
  const url = publicUrlOf(site, { allowPrivate, psa: 'ConnectWise', sample: 'na.myconnectwise.net' });
  if (/^(na|eu|au|aus|za|staging)\.(myconnectwise\.net|connectwisedev\.com)$/.test(url.hostname))
    url.hostname = `api-${url.hostname}`;
  return url.origin;
}

export function createConnectwiseClient(
  credentials: z.infer<typeof connectwiseCredentials>,
  options: {
    clientId: string;
    allowPrivateHosts: boolean;
    rateLimiter: RateLimiter;
    timeoutMs?: number | undefined;
    logger?: HttpLogger | undefined;
  },
): ConnectwiseClient {
  const origin = originOf(credentials.site, options.allowPrivateHosts);
  const pair = Buffer.from(`${credentials.companyId}+${credentials.publicKey}:${credentials.privateKey}`).toString(
    'base64',
  );
  const shared = {
    secrets: [credentials.privateKey, pair],
    rateLimiter: options.rateLimiter,
    logger: options.logger,
    requestIdHeader: 'x-cw-request-id',
    publicOnly: !options.allowPrivateHosts,
    ...(options.timeoutMs ? { timeoutMs: options.timeoutMs } : {}),
  };
  // Discovery is unauthenticated (§1.1), so it gets no credentials.
  const discovery = createHttpClient({ baseUrl: origin, headers: {}, ...shared });
  const http = createHttpClient({
    baseUrl: origin,
    headers: { authorization: `Basic ${pair}`, clientId: options.clientId, accept: acceptedVersion },
    ...shared,
  });
  let codebase: Promise<string> | undefined;

  async function discover(signal?: AbortSignal): Promise<string> {
    const { data } = await discovery.request({
      method: 'GET',
      route: '/login/companyinfo/{companyId}',
      path: `/login/companyinfo/${encodeURIComponent(credentials.companyId)}`,
      schema: companyInfoSchema,
      signal,
    });
    if (data === null) {
      throw new ConnectorError({
        kind: 'permanent',
        code: 'bad_credentials',
        detail: `ConnectWise knows no company "${credentials.companyId}" on this site. Check the company id and the site.`,
      });
    }
    return data.Codebase.replace(/^\/+|\/+$/g, '') || 'v4_6_release';
  }

  function currentCodebase(signal?: AbortSignal): Promise<string> {
    // Every step needs the codebase, so it is asked once and kept; the request belongs to no step.
    codebase ??= asNobody(() => discover(signal)).catch((error: unknown) => {
      codebase = undefined;
      throw error;
    });
    return codebase;
  }

  async function request<T>(wanted: HttpRequest<T>): Promise<HttpAnswer<T>> {
    const used = await currentCodebase(wanted.signal);
    const at = (base: string) => http.request({ ...wanted, path: `/${base}/apis/3.0${wanted.path}` });
    try {
      return await at(used);
    } catch (error) {
      // On cloud the codebase changes at upgrades, and a 404 may mean that. If it did change, the request is sent once more (§1.1).
      if (!(error instanceof ConnectorError) || error.code !== 'not_found') throw error;
      const found = await discover(wanted.signal);
      if (found === used) throw error;
      codebase = Promise.resolve(found);
      return at(found);
    }
  }

  return {
    request,

    ticketUrl(ticketId) {
      const query = new URLSearchParams({
        locale: 'en_US',
        companyName: credentials.companyId,
        recordType: 'ServiceFv',
        recid: ticketId,
      });
      // People log in at the host without the API's prefix.
      const site = origin.replace('//api-', '//');
      return `${site}/v4_6_release/services/system_io/router/openrecord.rails?${query.toString()}`;
    },

    /**
     * Pages forward-only (by id, so that rows which move between pages are not missed). Some endpoints do not support that
     * and number their pages: there a deleted row moves the others, so the rows are counted before and after. The end is a
     * page that is not full and whose `Link` has no next: a header may be lost, so after a full page one more is asked for.
     * The count at the end reveals a page that was cut short.
     */
    async *list(route, query, schema, call, path = route) {
      const seen = new Set<string>();
      const disagreements: Disagreement[] = [];
      const get = async (extra: Record<string, string | number>) => {
        const { data, headers } = await request({
          method: 'GET',
          route,
          path,
          query: { ...query, pageSize: rowsPerPage, ...extra },
          headers: { 'pagination-type': 'forward-only' },
          schema: z.array(z.unknown()),
          signal: call?.signal,
        });
        return { data: readRows(data, schema, path), headers };
      };
      const count = async () => {
        const { data } = await request({
          method: 'GET',
          route: `${route}/count`,
          path: `${path}/count`,
          query: { conditions: query.conditions },
          schema: countSchema,
          signal: call?.signal,
        });
        return data.count;
      };
      const nextOf = (answer: HttpAnswer<{ id: string }[]>, page: number) => {
        const last = answer.data.at(-1);
        if (!last) return undefined;
        const link = nextLink(answer.headers.get('link'), origin);
        if (link || answer.data.length < rowsPerPage) return link;
        // The header was lost, so it is not known by which of the two the endpoint pages; it ignores the other one.
        return { page: String(page + 1), pageId: last.id };
      };

      let answer = await get({});
      let before: number | undefined;
      const second = nextLink(answer.headers.get('link'), origin);
      if (answer.data.length > 0 && second && second['pageId'] === undefined) {
        before = await count();
        answer = await get({});
      }
      for (let page = 1; ; page++) {
        const fresh = answer.data.filter((row) => !seen.has(row.id));
        for (const row of fresh) seen.add(row.id);
        const rows = handOver(fresh, path, call);
        if (rows.length > 0) yield rows;
        if (fresh.length < answer.data.length)
          disagreements.push(fresh.length === 0 ? ignoresPage('a next page') : { why: 'a row came twice' });
        const next = nextOf(answer, page);
        // Stops when the server repeats itself, or when the list will be refused anyway.
        if (!next || (disagreements.length > 0 && (fresh.length === 0 || !call?.accept))) break;
        answer = await get(next);
      }
      const total = await count();
      if (before !== undefined && before !== total)
        disagreements.push({ why: 'the number of rows changed while they were read' });
      else if (seen.size !== total) disagreements.push(countDisagrees(seen.size, total));
      if (disagreements.length === 0) return;
      const error = incomplete(path, disagreements);
      if (!call?.accept) throw error;
      call.accept(error.detail);
    },
  };
}

/** The page parameters of `rel="next"`. Only its query is used: credentials are sent only to the site they were given for. */
function nextLink(header: string | null, origin: string): Record<string, string> | undefined {
  const target = header
    ?.split(/,\s*(?=<)/)
    .find((entry) => /;\s*rel="?next"?/.test(entry))
    ?.match(/<([^>]*)>/)?.[1];
  if (target === undefined) return undefined;
  const query = new URL(target, origin).searchParams;
  const next: Record<string, string> = {};
  for (const name of ['page', 'pageId']) {
    const value = query.get(name);
    if (value !== null) next[name] = value;
  }
  return Object.keys(next).length > 0 ? next : undefined;
}
