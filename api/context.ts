/** What every route works with. */
import type { Wakeable } from '../domain/process/ids.ts';
import type { Context } from 'hono';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Actor, Command } from '../commands/actor.ts';
import type { Database, Transaction } from '../db/client.ts';
import type { Encryption } from '../db/encryption.ts';
import type { Environment } from '../environment.ts';
import type { Wake } from '../temporal/wake.ts';

export interface ApiDependencies {
  db: Database;
  encryption: Encryption;
  environment: Environment;
  logger: Logger;
  wake: Wake;
  isTemporalReady: () => Promise<boolean>;
  metrics: Registry;
}

export type Scope = 'read' | 'operate' | 'admin';

/** Who asks: from the bearer token. */
export interface Caller {
  tokenId: string;
  organizationId: string;
  scopes: Scope[];
}

export interface ApiEnv {
  Variables: { requestId: string; caller: Caller; deps: ApiDependencies };
}

/** The actor of a caller's changes, for the audit. */
export function actorOf(caller: Caller): string {
  return `token:${caller.tokenId}`;
}

/** A caller as commands know whoever makes a change. */
export function actorFrom(caller: Caller): Actor {
  return { organizationId: caller.organizationId, name: actorOf(caller) };
}

/**
 * Runs a command in one transaction, and then wakes whom it names. The wake is never awaited: while Temporal is away it takes
 * seconds, and the change is safe without it.
 *
 * @throws Refusal and whatever else the command throws; nothing is changed then, and nobody woken
 */
export async function runAs<Input, Changed>(
  deps: ApiDependencies,
  actor: Actor,
  command: Command<Input, Changed>,
  input: Input,
) {
  const changed = await deps.db.transaction((tx) => command(tx, actor, input));
  wakeAll(deps, changed.toWake);
  return changed;
}

/** The same as the caller of a request. */
export async function runCommand<Input, Changed>(
  { var: { deps, caller } }: Pick<Context<ApiEnv>, 'var'>,
  command: Command<Input, Changed>,
  input: Input,
) {
  return runAs(deps, actorFrom(caller), command, input);
}

/**
 * Commits a change and then wakes what it concerns. The wake is never awaited: while Temporal is away it takes seconds,
 * and the fact is safe without it.
 *
 * @param wakeables read after the commit, so that the change may add whom it concerns
 */
export async function commitAndWake<T>(
  deps: ApiDependencies,
  wakeables: readonly Wakeable[],
  change: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const result = await deps.db.transaction(change);
  wakeAll(deps, wakeables);
  return result;
}

/** Wakes processes whose facts are committed. */
export function wakeAll(deps: ApiDependencies, wakeables: readonly Wakeable[]): void {
  for (const ref of wakeables) {
    deps.wake(ref).catch((error: unknown) => deps.logger.warn({ err: error, ...ref }, 'not woken; the sweep will'));
  }
}
