/** Deltadesk's API: signing in with a form, tokens that hold for 30 seconds, pages, and business faults with status 500. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ConnectorError, type ConnectorErrorCode } from '../../../../connectors/errors.ts';
import { field } from '../../../../connectors/fields.ts';
import {
  createHttpClient,
  type Classified,
  type HttpAnswer,
  type HttpRequest,
  type ReceivedAnswer,
} from '../../../../connectors/http.ts';
import { countDisagrees, ignoresPage, incomplete, type Disagreement } from '../../../../connectors/incomplete.ts';
import type { PsaOptions } from '../../../../connectors/psaEntry.ts';
import { publicUrlOf } from '../../../../connectors/publicHosts.ts';
import { unlimited } from '../../../../connectors/rateLimiter.ts';
import { handOver, readRows } from '../../../../connectors/rows.ts';
import { createSecrets } from '../../../../connectors/secrets.ts';
import { createTokens, type Token } from '../../../../connectors/tokens.ts';
import type { CallOptions } from '../../../../connectors/vendor.ts';

export const differencesCredentials = z.strictObject({
  site: field(z.string().trim().min(3).max(300), {
    label: 'Address',
    where: 'The host at which you open Deltadesk.',
    sample: 'acme.deltadesk.com',
  }),
  key: field(z.string().trim().min(1).max(200), { label: 'Key', where: 'Office > Programs > the program.' }),
  secret: field(z.string().trim().min(1).max(200), {
    label: 'Secret',
    where: 'Office > Programs > the program: Deltadesk shows it once.',
    secret: true,
  }),
});

type Wanted<T> = Pick<HttpRequest<T>, 'route' | 'path' | 'query' | 'body' | 'schema' | 'signal' | 'sendBefore'>;

export interface DifferencesClient {
  ask<T>(method: HttpRequest<T>['method'], request: Wanted<T>): Promise<HttpAnswer<T>>;
  /** A whole list in batches. If it is not whole, that is an error, or passed to `call.accept`. */
  list<T extends { id: string }>(
    path: string,
    schema: z.ZodType<T>,
    call?: CallOptions,
    query?: Record<string, string>,
  ): AsyncIterable<T[]>;
  /** The address of a case in Deltadesk's own pages. */
  caseUrl(no: string): string;
}

const faultSchema = z.looseObject({ fault: z.looseObject({ code: z.string(), text: z.string() }) });
const codes: Readonly<Record<string, ConnectorErrorCode>> = {
  SIGN_IN: 'bad_credentials',
  NO_RIGHT: 'forbidden',
  GONE: 'not_found',
  REFUSED: 'invalid_request',
  UNKNOWN: 'not_found',
};

/** A business fault comes with status 500, and nothing was done; a 500 without one is a failure of the server. */
function classify({ status, text }: ReceivedAnswer): Classified | undefined {
  const parsed = faultSchema.safeParse(jsonIn(text));
  if (!parsed.success) return undefined;
  const { code, text: detail } = parsed.data.fault;
  if (status === 401) return undefined;
  return { kind: 'permanent', code: codes[code] ?? 'invalid_request', detail };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const tokenSchema = z.looseObject({ token: z.string().min(1), holdsForSeconds: z.number().positive() });
const pageSchema = z.looseObject({ rows: z.array(z.unknown()), of: z.int().min(0) });

/** @throws ConnectorError `bad_host` for an address that is not a public host name */
export function originOf(site: string, allowPrivate: boolean): string {
  return publicUrlOf(site, { allowPrivate, psa: 'Deltadesk', sample: 'acme.deltadesk.com' }).origin;
}

const zoneSchema = z.looseObject({ site: z.string().nullable() });

/**
 * Asks Deltadesk which zone has the program, as one may before signing in.
 *
 * @throws ConnectorError in Deltadesk's words for a key that it does not know; `bad_host` where another address serves the zone
 */
export async function checkZone(
  { site, key }: z.infer<typeof differencesCredentials>,
  allowPrivateHosts: boolean,
): Promise<void> {
  const http = createHttpClient({
    baseUrl: `${originOf(site, allowPrivateHosts)}/v2`,
    headers: {},
    secrets: [],
    rateLimiter: unlimited,
    publicOnly: !allowPrivateHosts,
    classify,
  });
  const { data } = await http.request({
    method: 'GET',
    route: '/zone',
    path: '/zone',
    query: { key },
    schema: zoneSchema,
  });
  if (data.site === null) return;
  const detail = `The program is in another zone of Deltadesk. Give the address ${data.site}.`;
  throw new ConnectorError({ kind: 'permanent', code: 'bad_host', detail });
}

const rowsPerPage = 200;

export function createDifferencesClient(
  credentials: z.infer<typeof differencesCredentials>,
  options: PsaOptions,
): DifferencesClient {
  const { key, secret } = credentials;
  const origin = originOf(credentials.site, options.allowPrivateHosts);
  const secrets = createSecrets([secret]);
  const shared = {
    baseUrl: `${origin}/v2`,
    headers: {},
    secrets,
    rateLimiter: options.rateLimiter,
    logger: options.logger,
    timeoutMs: options.timeoutMs,
    publicOnly: !options.allowPrivateHosts,
    classify,
  };
  const entrance = createHttpClient(shared);

  async function signIn(): Promise<Token> {
    const began = Date.now();
    const { data } = await entrance.request({
      method: 'POST',
      route: '/sign-in',
      path: '/sign-in',
      form: { grant: 'key', key, secret },
      schema: tokenSchema,
    });
    // A third of its life is left for calls that wait for their turn.
    return { access: data.token, renewAt: began + (data.holdsForSeconds * 1_000 * 2) / 3 };
  }

  const http = createHttpClient({
    ...shared,
    tokens: createTokens({
      identity: createHash('sha256')
        .update(JSON.stringify([origin, key, secret]))
        .digest('base64url'),
      scheme: 'Token',
      secrets,
      store: options.tokenStore,
      timeoutMs: options.timeoutMs,
      signIn,
    }),
  });

  const ask: DifferencesClient['ask'] = (method, wanted) => http.request({ ...wanted, method });

  return {
    ask,

    caseUrl: (no) => `${origin}/case/${encodeURIComponent(no)}`,

    async *list(path, schema, call, query) {
      const seen = new Set<string>();
      const disagreements: Disagreement[] = [];
      let counted: number | undefined;
      for (let from = 0; ; ) {
        const { data } = await ask('GET', {
          route: path,
          path,
          query: { ...query, from, take: rowsPerPage },
          schema: pageSchema,
          signal: call?.signal,
        });
        if (counted !== undefined && counted !== data.of)
          disagreements.push({ why: 'the number of rows changed while they were read' });
        counted = data.of;
        const rows = readRows(data.rows, schema, path);
        const fresh = rows.filter(({ id }) => !seen.has(id));
        for (const { id } of fresh) seen.add(id);
        const batch = handOver(fresh, path, call);
        if (batch.length > 0) yield batch;
        if (fresh.length < rows.length) disagreements.push(ignoresPage('a next page'));
        from += rows.length;
        if (fresh.length === 0 || from >= data.of) break;
      }
      if (disagreements.length === 0 && seen.size !== counted) disagreements.push(countDisagrees(seen.size, counted));
      if (disagreements.length === 0) return;
      const error = incomplete(path, disagreements);
      if (!call?.accept) throw error;
      call.accept(error.detail);
    },
  };
}
