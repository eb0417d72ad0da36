/**
 * Follows what goes on in the organizations whose pages are open at this api.
 *
 * An api looks at PostgreSQL once a second, with one statement for all these organizations, and reads an organization anew
 * only when its mark has changed; whoever follows it gets the same text. So a further follower costs no further look and no
 * connection, any number of api processes tell the same, and nothing depends on a session: `LISTEN` needs one, which a
 * transaction pooler (PgBouncer) does not give, and a lost notification would still have to be found by looking.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isDatabaseAway } from '../db/client.ts';
import { readMarks } from '../db/queries/live.ts';
import type { ApiDependencies } from './context.ts';
import { ApiProblem } from './problem.ts';
import { takePicture, type Picture } from './views/live.ts';

const lookEveryMs = 1_000;
/** What changes by time alone (data that becomes stale, a pause that ends) is seen after this at the latest. */
const pictureLastsMs = 30_000;

/** One open stream. */
export interface Follower {
  /**
   * Waits for what is newer than `known`. A follower that is slow gets only the newest.
   *
   * @returns undefined when there was none within `ms`
   * @throws ApiProblem when the stream has to end, with the reason
   */
  next(known: string | undefined, ms: number): Promise<Picture | undefined>;
  leave(): void;
}

interface Watched {
  mark?: string;
  picture?: Picture;
  takenAt: number;
  followers: Set<() => void>;
}

export interface LiveNews {
  /** @throws ApiProblem 429 when the organization has as many streams open at this api as it may */
  follow(organizationId: string): Follower;
}

/** @param deps.stopping aborted when the process is about to end: then every stream ends, and its page asks another api */
export function createLiveNews(deps: ApiDependencies): LiveNews {
  const watched = new Map<string, Watched>();
  let looking = false;
  let soon = new AbortController();
  let failure: ApiProblem | undefined;

  const wakeAll = () => {
    for (const { followers } of watched.values()) for (const wake of followers) wake();
  };
  deps.stopping?.addEventListener('abort', wakeAll);

  async function look(): Promise<void> {
    const marks = await readMarks(deps.db, [...watched.keys()]);
    for (const [organizationId, mark] of marks) {
      const of = watched.get(organizationId);
      if (!of || (of.mark === mark && performance.now() - of.takenAt < pictureLastsMs)) continue;
      const picture = await takePicture(deps, organizationId);
      Object.assign(of, { mark, picture, takenAt: performance.now() });
      for (const wake of of.followers) wake();
    }
  }

  async function keepLooking(): Promise<void> {
    if (looking) return;
    looking = true;
    while (watched.size > 0 && !deps.stopping?.aborted) {
      soon = new AbortController();
      try {
        await look();
        failure = undefined;
      } catch (error) {
        deps.logger.error({ err: error }, 'what goes on cannot be read; its streams end, and are opened again');
        failure = isDatabaseAway(error)
          ? new ApiProblem(503, 'database-unavailable', 'The database does not answer. Follow again in a moment.')
          : new ApiProblem(500, 'internal', 'The stream broke. Follow again in a moment.');
        wakeAll();
      }
      await delay(lookEveryMs, undefined, { signal: soon.signal, ref: false }).catch(() => undefined);
    }
    looking = false;
  }

  return {
    follow(organizationId) {
      const of = watched.get(organizationId) ?? { takenAt: 0, followers: new Set() };
      const most = deps.environment.EVENT_STREAMS;
      if (of.followers.size >= most)
        throw new ApiProblem(
          429,
          'too-many-streams',
          `Your organization has ${most} event streams open here, and may have no more. Close one first.`,
          { headers: { 'retry-after': '30' } },
        );
      let wake: () => void = () => undefined;
      const follower = () => wake();
      of.followers.add(follower);
      watched.set(organizationId, of);
      failure = undefined;
      // The first one of an organization need not wait for the next look.
      if (!of.picture) soon.abort();
      void keepLooking();
      return {
        async next(known, ms) {
          for (const end = performance.now() + ms; ; ) {
            if (deps.stopping?.aborted)
              throw new ApiProblem(503, 'stopping', 'This api is being stopped. Follow again; another one answers.');
            if (failure) throw failure;
            if (of.picture && of.picture.id !== known) return of.picture;
            const left = end - performance.now();
            if (left <= 0) return undefined;
            const ended = new AbortController();
            await Promise.race([
              new Promise<void>((resolve) => (wake = resolve)),
              delay(left, undefined, { signal: ended.signal }).catch(() => undefined),
            ]);
            ended.abort();
          }
        },
        leave() {
          of.followers.delete(follower);
          if (of.followers.size === 0 && watched.get(organizationId) === of) watched.delete(organizationId);
          wake();
        },
      };
    },
  };
}
