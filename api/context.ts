/** The dependencies and the caller of every route, and how a route commits a change and wakes processes. */
import type { Wakeable } from '../domain/process/ids.ts';
import type { Context } from 'hono';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Actor, Command } from '../commands/actor.ts';
import { transactAgain, type Database } from '../db/client.ts';
import type { Encryption } from '../db/encryption.ts';
import type { Environment } from '../environment.ts';
import type { TemporalState } from '../temporal/client.ts';
import type { Wake } from '../temporal/wake.ts';
import type { BodyLimit } from './middleware/bodyLimit.ts';
import type { Sessions } from './signIn/sessions.ts';

export interface ApiDependencies {
  db: Database;
  encryption: Encryption;
  environment: Environment;
  logger: Logger;
  wake: Wake;
  temporalState: () => Promise<TemporalState>;
  metrics: Registry;
  /** Aborted when the process is about to end: streams end then. */
  stopping?: AbortSignal;
}

export type Scope = 'read' | 'operate' | 'admin';

/** The caller, as the bearer token or the session says: the same for every route. */
export interface Caller {
  organizationId: string;
  scopes: Scope[];
  /** The name in the audit: `token:<id>` or `person:<id>`. */
  actor: string;
  /** Who is signed in; undefined for a token. */
  person?: { id: string; name: string; email: string };
}

export interface ApiEnv {
  Variables: { requestId: string; caller: Caller; deps: ApiDependencies; sessions: Sessions; bodyLimit?: BodyLimit };
}

/** The caller as the `Actor` of a command. */
export function actorFrom(caller: Caller): Actor {
  return { organizationId: caller.organizationId, name: caller.actor };
}

/**
 * Runs a command in one transaction, and then wakes the processes that it names. The wake is never awaited: while Temporal is
 * away it takes seconds, and the change is safe without it.
 *
 * @throws Refusal, or whatever else the command throws; then nothing is changed and no process is woken
 */
export async function runAs<Input, Changed>(
  deps: ApiDependencies,
  actor: Actor,
  command: Command<Input, Changed>,
  input: Input,
) {
  const changed = await transactAgain(deps.db, (tx) => command(tx, actor, input));
  wakeAll(deps, changed.toWake);
  return changed;
}

/** Runs a command as the caller of the request. */
export async function runCommand<Input, Changed>(
  { var: { deps, caller } }: Pick<Context<ApiEnv>, 'var'>,
  command: Command<Input, Changed>,
  input: Input,
) {
  return runAs(deps, actorFrom(caller), command, input);
}

/** Wakes processes whose facts are committed. */
export function wakeAll(deps: ApiDependencies, wakeables: readonly Wakeable[]): void {
  for (const ref of wakeables) {
    deps.wake(ref).catch((error: unknown) => deps.logger.warn({ err: error, ...ref }, 'not woken; the sweep will'));
  }
}
