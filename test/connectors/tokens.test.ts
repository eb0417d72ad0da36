/** Tokens that end, against a server that signs in with a form and lets a refresh token be used once (invariants 5 and 6). */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ConnectorError } from '../../connectors/errors.ts';
import { createHttpClient } from '../../connectors/http.ts';
import type { RateLimiter } from '../../connectors/rateLimiter.ts';
import { createSecrets } from '../../connectors/secrets.ts';
import { createTokens, signInWithForm, type TokenStore } from '../../connectors/tokens.ts';
import { recordingRateLimiter, schema, serve } from './httpCall.ts';
import { json, recordingLogger, type Asked } from './httpServer.ts';

const password = 'pass/word & more';

/** A PSA that gives tokens. `lifeSeconds` is what it says, and it ends a token when the test says so. */
async function tokenServer(lifeSeconds = 3_600) {
  const ended = new Set<string>();
  const acted: string[] = [];
  const signIns: Record<string, string>[] = [];
  let given = 0;
  let refresh: string | undefined;
  const last = () => `access+${given}`;
  /** What becomes of the next calls that have a token, whatever it is: true = refused. */
  let refusals: boolean[] = [];
  function signIn(asked: Asked) {
    const form = Object.fromEntries(new URLSearchParams(asked.body));
    signIns.push(form);
    const isForm = asked.headers['content-type']?.startsWith('application/x-www-form-urlencoded');
    const isGood =
      form['grant_type'] === 'refresh_token' ? form['refresh_token'] === refresh : form['password'] === password;
    if (!isForm || !isGood) return { status: 400, body: { error: 'invalid_grant', said: asked.body } };
    given++;
    refresh = `refresh+${given}`;
    return { status: 200, body: { access_token: last(), expires_in: String(lifeSeconds), refresh_token: refresh } };
  }
  const server = await serve((asked, response) => {
    if (asked.url === '/token') {
      const { status, body } = signIn(asked);
      // Signing in takes its time, so that two workers do it at once.
      return void setTimeout(() => json(response, status, body), 30);
    }
    const token = asked.headers.authorization?.replace(/^Bearer /, '') ?? '';
    if (refusals.shift() || token !== last() || ended.has(token))
      return json(response, 401, { message: `The token ${token} has ended.` });
    if (asked.url === '/refuses') return json(response, 400, { message: `No: ${token}, ${refresh}, ${password}` });
    if (asked.method === 'POST') acted.push(asked.body);
    json(response, 200, { ok: true });
  });
  return {
    ...server,
    acted,
    signIns,
    end: () => ended.add(last()),
    lose: () => void (refresh = 'another'),
    refuse: (...next: boolean[]) => void (refusals = next),
  };
}

/** One worker's client. */
function worker(url: string, of: { store?: TokenStore; secret?: string; enter?: RateLimiter['enter'] } = {}) {
  const secrets = createSecrets([password]);
  const logger = recordingLogger();
  const shared = {
    baseUrl: url,
    headers: {},
    secrets,
    rateLimiter: { ...recordingRateLimiter(), ...(of.enter ? { enter: of.enter } : {}) },
    logger,
  };
  const signingIn = createHttpClient(shared);
  const tokens = createTokens({
    identity: 'acme',
    secrets,
    store: of.store,
    timeoutMs: 5_000,
    signIn: async (refresh) =>
      signInWithForm(
        signingIn,
        { path: '/token', route: '/token' },
        refresh === undefined
          ? { grant_type: 'password', password: of.secret ?? password }
          : { grant_type: 'refresh_token', refresh_token: refresh },
      ),
  });
  const http = createHttpClient({ ...shared, tokens });
  return {
    logger,
    read: async (path = '/rows') => http.request({ method: 'GET', path, route: path, schema }),
    write: async (claim: () => Promise<number>) =>
      http.request({ method: 'POST', path: '/rows', route: '/rows', body: { by: 1 }, schema, sendBefore: claim }),
  };
}

const errorOf = async (call: Promise<unknown>): Promise<ConnectorError> => {
  const error = await call.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(ConnectorError);
  return error as ConnectorError;
};

/** A claim as PostgreSQL gives it: once until it is given back. */
function claims() {
  const made: string[] = [];
  let isHeld = false;
  return {
    made,
    release: () => void (isHeld = false),
    claim: async () => {
      if (isHeld) return 0;
      isHeld = true;
      made.push('claim');
      return Date.now() + 5_000;
    },
  };
}

test('signing in sends a form, once for many calls; a read whose token has ended signs in again and asks once more', async () => {
  const server = await tokenServer();
  const { read } = worker(server.url);
  await Promise.all([read(), read(), read()]);
  expect(server.signIns).toEqual([{ grant_type: 'password', password }]);
  server.end();
  await read();
  expect(server.signIns.at(-1)).toMatchObject({ grant_type: 'refresh_token' });
  expect(server.signIns).toHaveLength(2);
});

test('a token that ends during a claimed POST: nothing is sent twice under one claim, and the claim can be given back', async () => {
  const server = await tokenServer();
  const { read, write } = worker(server.url);
  await read();
  const line = claims();
  // It ends after the write was claimed, before it arrives.
  const failed = await errorOf(
    write(async () => {
      server.end();
      return line.claim();
    }),
  );
  expect(failed).toMatchObject({ kind: 'transient', code: 'token_ended', mayHaveActed: false });
  expect(server.asked.filter(({ method, url }) => method === 'POST' && url === '/rows')).toHaveLength(1);
  expect(server.acted).toEqual([]);
  line.release();
  await write(line.claim);
  expect(line.made).toHaveLength(2);
  expect(server.acted).toHaveLength(1);
});

test('a token that ends soon is replaced before the write is claimed, however long that takes', async () => {
  const server = await tokenServer(0.3);
  const { read, write } = worker(server.url);
  await read();
  await new Promise((resolve) => void setTimeout(resolve, 250));
  const order: string[] = [];
  await write(async () => {
    order.push(`claimed after ${server.signIns.length} tokens`);
    return Date.now() + 1_000;
  });
  expect(order).toEqual(['claimed after 2 tokens']);
  expect(server.acted).toHaveLength(1);
});

test('a PSA that bears one call at a time: signing in is a call of its own, and every place is left, also after a failure', async () => {
  const server = await tokenServer();
  let places = 1;
  const order: string[] = [];
  const { read, write } = worker(server.url, {
    enter: async () => {
      if (places-- === 0) throw new Error('A second call at once would wait for the first one for ever.');
      order.push('in');
      return async () => {
        places++;
        order.push('out');
      };
    },
  });
  await read();
  await errorOf(read('/refuses'));
  await write(async () => {
    order.push('claim');
    return Date.now() + 5_000;
  });
  expect(places).toBe(1);
  // Signing in, two reads, and a write that is claimed when nothing is left to wait for.
  expect(order.join(' ')).toBe('in out in out in out in claim out');
});

test('signing in that fails says that nothing was written, and wrong credentials are a matter for a person', async () => {
  const server = await tokenServer();
  const line = claims();
  const refused = await errorOf(worker(server.url, { secret: 'wrong' }).write(line.claim));
  expect(refused).toMatchObject({ kind: 'permanent', code: 'bad_credentials', mayHaveActed: false });
  const away = await serve((_asked, response) => json(response, 503, {}));
  expect(await errorOf(worker(away.url).write(line.claim))).toMatchObject({ code: 'upstream', mayHaveActed: false });
  expect(line.made).toEqual([]);
});

test('a PSA that refuses every token has wrong credentials, and is not asked for ever', async () => {
  const server = await serve((asked, response) =>
    asked.url === '/token' ? json(response, 200, { access_token: 'good' }) : json(response, 401, { message: 'no' }),
  );
  expect(await errorOf(worker(server.url).read())).toMatchObject({ kind: 'permanent', code: 'bad_credentials' });
  // Each of the two was signed in for, and asked with once.
  expect(server.asked.map(({ url }) => url)).toEqual(['/token', '/rows', '/token', '/rows']);
});

test('one brand-new token that is refused says nothing of the credentials: a read asks with another', async () => {
  const server = await tokenServer();
  server.refuse(true);
  await worker(server.url).read();
  expect(server.signIns).toHaveLength(2);
});

test('a write whose brand-new token is refused gives its claim back, and is sent with another', async () => {
  const server = await tokenServer();
  const { write } = worker(server.url);
  const line = claims();
  server.refuse(true);
  expect(await errorOf(write(line.claim))).toMatchObject({ kind: 'transient', code: 'token_ended' });
  line.release();
  await write(line.claim);
  expect(server.acted).toHaveLength(1);
});

test('a token that was accepted once may end under calls that took it while it was new', async () => {
  const server = await tokenServer();
  const { read } = worker(server.url);
  server.refuse(false, true, true);
  await Promise.all([read(), read(), read()]);
  expect(server.signIns).toHaveLength(2);
});

test('a refresh token that is worth nothing any more leads back to the credentials', async () => {
  const server = await tokenServer();
  const { read } = worker(server.url);
  await read();
  server.lose();
  server.end();
  await read();
  expect(server.signIns.map(({ grant_type }) => grant_type)).toEqual(['password', 'refresh_token', 'password']);
});

test('tokens that came at run time are redacted: new ones, old ones, and as a form writes them', async () => {
  const server = await tokenServer();
  const { read, logger } = worker(server.url);
  await read();
  server.end();
  const { detail } = await errorOf(read('/refuses'));
  expect(detail).toContain('No: [redacted], [redacted], [redacted]');
  const secrets = createSecrets([password]);
  secrets.add('access+1');
  expect(secrets.redact('access+1 access%2B1 pass%2Fword+%26+more')).toBe('[redacted] [redacted] [redacted]');
  expect(JSON.stringify(logger.lines)).not.toMatch(/access\+|refresh\+|pass/);
});

test('two workers that share a store use each refresh token once', async () => {
  const server = await tokenServer();
  let kept: Awaited<ReturnType<TokenStore['read']>>;
  let claimed = false;
  const store: TokenStore = {
    read: async () => kept,
    claim: async (generation) => {
      if (claimed || kept?.generation !== generation) return false;
      return (claimed = true);
    },
    store: async (_generation, token) => {
      claimed = false;
      return (kept = { token, generation: z.string().parse(token.access) });
    },
    release: async () => void (claimed = false),
  };
  const two = [worker(server.url, { store }), worker(server.url, { store })];
  for (let round = 0; round < 3; round++) {
    await Promise.all(two.flatMap(({ read }) => [read(), read()]));
    server.end();
  }
  expect(server.signIns.map(({ grant_type }) => grant_type)).toEqual(['password', 'refresh_token', 'refresh_token']);
});
