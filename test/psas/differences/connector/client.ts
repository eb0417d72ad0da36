/** Deltadesk's API: signing in with a form, tokens that hold for 30 seconds, pages, and business faults with status 500. */
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
import { handOver, readRows } from '../../../../connectors/rows.ts';
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
  // A token that has ended passes: the next attempt signs in.
  if (status === 401) return { kind: 'transient', code: 'upstream', detail };
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

/** A token is not used for its last seconds: a call may wait for its turn before it is sent. */
const spareMs = 8_000;
const rowsPerPage = 200;

export function createDifferencesClient(
  credentials: z.infer<typeof differencesCredentials>,
  options: PsaOptions,
): DifferencesClient {
  const origin = originOf(credentials.site, options.allowPrivateHosts);
  const http = createHttpClient({
    baseUrl: `${origin}/v2`,
    headers: {},
    secrets: [credentials.secret],
    rateLimiter: options.rateLimiter,
    logger: options.logger,
    timeoutMs: options.timeoutMs,
    publicOnly: !options.allowPrivateHosts,
    classify,
  });
  let held: { token: string; until: number } | undefined;
  let signingIn: Promise<{ token: string; until: number }> | undefined;

  async function signIn(): Promise<{ token: string; until: number }> {
    await options.rateLimiter.take();
    const { key, secret } = credentials;
    const began = Date.now();
    const answer = await fetch(`${origin}/v2/sign-in`, {
      method: 'POST',
      body: new URLSearchParams({ grant: 'key', key, secret }),
      redirect: 'manual',
      signal: AbortSignal.timeout(options.timeoutMs),
    }).catch((cause: unknown) => {
      throw new ConnectorError({ kind: 'transient', code: 'network', detail: 'POST /sign-in failed', cause });
    });
    const text = await answer.text();
    const refused = classify({ status: answer.status, text, headers: answer.headers });
    if (refused) throw new ConnectorError({ ...refused, detail: `POST /sign-in: ${refused.detail ?? ''}` });
    const parsed = tokenSchema.safeParse(jsonIn(text));
    if (!answer.ok || !parsed.success) {
      const detail = `POST /sign-in answered ${answer.status}`;
      if (answer.status !== 429) throw new ConnectorError({ kind: 'transient', code: 'upstream', detail });
      const retryAfterMs = 1_000;
      await options.rateLimiter.throttled(retryAfterMs, detail);
      throw new ConnectorError({ kind: 'throttled', code: 'throttled', detail, retryAfterMs });
    }
    const { token, holdsForSeconds } = parsed.data;
    return { token, until: began + holdsForSeconds * 1_000 };
  }

  /** Signs in again when the token ends soon; several calls at once sign in once. */
  async function token(): Promise<string> {
    const life = held ? held.until - Date.now() : 0;
    if (held && life > spareMs) return held.token;
    signingIn ??= signIn().finally(() => (signingIn = undefined));
    held = await signingIn;
    return held.token;
  }

  async function ask<T>(method: HttpRequest<T>['method'], wanted: Wanted<T>): Promise<HttpAnswer<T>> {
    const used = await token();
    try {
      return await http.request({ ...wanted, method, headers: { authorization: `Token ${used}` } });
    } catch (error) {
      if (error instanceof ConnectorError && error.status === 401 && held?.token === used) held = undefined;
      throw error;
    }
  }

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
