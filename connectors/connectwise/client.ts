/** ConnectWise's REST API (connectwise.md §1–3): codebase discovery, Basic + clientId, lists that follow `Link`. */
import { z } from 'zod';
import type { RateLimiter } from '../rateLimiter.ts';
import { ConnectorError } from '../errors.ts';
import { createHttpClient, type HttpAnswer, type HttpLogger, type HttpRequest } from '../http.ts';
import { asNobody } from '../readingStep.ts';
import { countDisagrees, ignoresPage, incomplete, type Disagreement } from '../incomplete.ts';
import { handOver, readRows } from '../rows.ts';
import type { CallOptions } from '../vendor.ts';
import { companyInfoSchema, countSchema } from './schemas.ts';

const noSeparators = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^[^+:\s]+$/, 'It contains neither +, : nor spaces.');

export const connectwiseCredentials = z.strictObject({
  /** Host of the site people log in to, e.g. `na.myconnectwise.net`, or an on-premises host. */
  site: z.string().trim().min(3).max(300),
  companyId: noSeparators,
  publicKey: noSeparators,
  privateKey: z.string().trim().min(1).max(200),
});

export interface ConnectwiseClient {
  request<T>(request: HttpRequest<T>): Promise<HttpAnswer<T>>;
  /**
   * A whole list in batches, checked against `/count`; or an error, unless the caller takes what came (`call.accept`).
   *
   * @param path where the route has names for ids
   */
  list<T extends { id: string }>(
    route: string,
    query: { conditions?: string; fields?: string },
    schema: z.ZodType<T>,
    call?: CallOptions,
    path?: string,
  ): AsyncIterable<T[]>;
  /** A ticket in ConnectWise's own pages (§4.6). */
  ticketUrl(ticketId: string): string;
}

/** Rows asked for in a page: the most there can be (§2). */
export const rowsPerPage = 1000;
const acceptedVersion = 'application/vnd.connectwise.com+json; version=2025.16';

/**
 * The API's origin for a site. Cloud hosts answer on a name with an `api-` prefix only (§1.1).
 *
 * @param allowPrivate also takes http:// and an address with a port: simulators, on-premises networks
 * @throws ConnectorError `bad_host` for what is no public host name
 */
export function originOf(site: string, allowPrivate: boolean): string {
  // Somebody may have typed a password in front of the host: that is not said back.
  const said = site.includes('@') ? 'The site' : `"${site}"`;
  const refuse = (why: string) => new ConnectorError({ kind: 'permanent', code: 'bad_host', detail: `${said} ${why}` });
  let url: URL;
  try {
    url = new URL(/^https?:\/\//i.test(site) ? site : `https://${site}`);
  } catch {
    throw refuse('is not a host name. Give the site you log in to, for example na.myconnectwise.net.');
  }
  if (url.username || url.password || url.pathname !== '/' || url.search || url.hash)
    throw refuse('is more than a host name.');
  if (!allowPrivate) {
    if (url.protocol !== 'https:') throw refuse('is not an https address.');
    if (url.port !== '') throw refuse('names a port. ConnectWise answers on the usual one.');
    if (!isPublicName(url.hostname))
      throw refuse('is not a public host name. Set ALLOW_PRIVATE_HOSTS for a server in your own network.');
  }
  if (/^(na|eu|au|aus|za|staging)\.(myconnectwise\.net|connectwisedev\.com)$/.test(url.hostname))
    url.hostname = `api-${url.hostname}`;
  return url.origin;
}

/** Top-level names that no public server has: RFC 6761, RFC 8375, and what networks of one's own are commonly called. */
const privateNames = new Set([
  'local', 'localhost', 'localdomain', 'internal', 'intranet', 'private', 'corp', 'home', 'lan', 'arpa', 'test', 'example', 'invalid', 'onion',
]); // prettier-ignore

/** A dotted name that ends in a top-level name: no address (its last part is a number), nothing that only a resolver of our own knows. */
function isPublicName(hostname: string): boolean {
  const top = /^(?:[a-z0-9_-]+\.)+(xn--[a-z0-9-]+|[a-z]{2,})$/.exec(hostname)?.[1];
  return top !== undefined && !privateNames.has(top);
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
    // Every step rests on it, and none asks for it again.
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
      // On cloud the codebase moves at upgrades; a 404 may mean just that. Once, and only if it did move (§1.1).
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
      // People's host is the one without the API's prefix.
      const site = origin.replace('//api-', '//');
      return `${site}/v4_6_release/services/system_io/router/openrecord.rails?${query.toString()}`;
    },

    /**
     * Forward-only paging (by id, so rows that move between pages are not missed); where an endpoint does not support it
     * and numbers its pages, page by page: then a row that goes moves the others, so the rows are counted before and
     * after. The end is where `Link` has no next and the page is not a full one: a header may be lost, and then one more
     * is asked for. The count afterwards shows a page that was cut short.
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
        // Which of the two an endpoint that lost its header goes by is not known; it ignores the other.
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
        // What came twice goes on coming: a list that is refused anyway is not read further.
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

/** Page parameters of `rel="next"`. Only its query is used: credentials go nowhere but to the site they were given for. */
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
