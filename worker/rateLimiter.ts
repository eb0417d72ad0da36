/** A connection's limits, shared by all workers through rows: a rate, rates of single routes, and how many calls are under way at once. */
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { maxWaitMs, type RateLimiter } from '../connectors/rateLimiter.ts';
import { ConnectorError } from '../connectors/errors.ts';
import type { Database } from '../db/client.ts';
import { leavePlace, takePlace, type Place } from '../db/queries/callPlace.ts';
import { postponeCalls, takePermits } from '../db/queries/rateLimit.ts';

/** What one connection bears. */
export interface ConnectionLimits {
  callsPerSecond: number;
  /** Calls per second of single routes, which count towards `callsPerSecond`, too. */
  perRoute?: Readonly<Record<string, number>> | undefined;
  /** The most calls at once; absent = any number. */
  concurrency?: number | undefined;
  /** Milliseconds after which a call is over in any case: then the worker that began it was killed. */
  longestCallMs: number;
}

/** @param connection name of the rate limiter: one per vendor account or PSA connection */
export function createRateLimiter(db: Database, connection: string, limits: ConnectionLimits): RateLimiter {
  const { callsPerSecond, perRoute = {}, concurrency, longestCallMs } = limits;
  const ofAll = createRate(db, connection, callsPerSecond);
  const ofRoutes = new Map(
    Object.entries(perRoute).map(([route, rate]) => [route, createRate(db, `${connection}${route}`, rate)]),
  );
  return {
    async take(route, signal) {
      await ofRoutes.get(route)?.take(signal);
      await ofAll.take(signal);
    },
    async throttled(pauseMs, why) {
      ofAll.forget();
      await postponeCalls(db, connection, pauseMs, why);
    },
    ...(concurrency === undefined
      ? {}
      : { enter: createEntrance(db, connection, { places: concurrency, longestCallMs }) }),
  };
}

/** Milliseconds after which it is asked again whether a place is free. */
const askAgainMs = 50;

/** Lets so many calls be under way at once. */
function createEntrance(db: Database, connection: string, of: { places: number; longestCallMs: number }) {
  // The calls of this process queue for its places, so that no more of them ask than can be let in.
  const queue = pLimit(of.places);

  return (signal?: AbortSignal): Promise<() => Promise<void>> =>
    new Promise((entered, refused) => {
      void queue(async () => {
        try {
          const place = await untilFree(signal);
          await new Promise<void>((over) => {
            entered(async () => {
              // Without PostgreSQL the place is free when the longest call would be over.
              await leavePlace(db, connection, place).catch(() => undefined);
              over();
            });
          });
        } catch (error) {
          refused(error);
        }
      });
    });

  async function untilFree(signal: AbortSignal | undefined): Promise<Place> {
    for (;;) {
      signal?.throwIfAborted();
      const place = await takePlace(db, connection, of);
      if (place) return place;
      await delay(askAgainMs, undefined, signal ? { signal } : {});
    }
  }
}

/**
 * Takes about a second's worth of permits at once and hands them out at the rate, so that a call needs no database
 * round trip of its own. When no call was made for a second, the permits may be used at once: a customer that is read
 * by itself needs few calls.
 *
 * @param name of its row
 */
function createRate(db: Database, name: string, callsPerSecond: number) {
  const batch = Math.max(1, Math.floor(callsPerSecond));
  let left = 0;
  let nextAt = 0;
  let gapMs = 0;
  // Callers queue, so that two of them do not both fetch a batch of permits.
  const oneByOne = pLimit(1);

  async function permit(): Promise<number> {
    if (left === 0) {
      const taken = await takePermits(db, name, { callsPerSecond, permits: batch, maxWaitMs });
      if ('pausedMs' in taken) throw paused(taken);
      const { delayMs } = taken;
      nextAt = performance.now() + delayMs;
      left = batch;
      gapMs = delayMs > 0 ? 1000 / callsPerSecond : 0;
    }
    left--;
    const at = nextAt;
    nextAt += gapMs;
    return at;
  }

  return {
    async take(signal: AbortSignal | undefined): Promise<void> {
      const waitMs = (await oneByOne(permit)) - performance.now();
      if (waitMs > 0) await delay(waitMs, undefined, signal ? { signal } : {});
      signal?.throwIfAborted();
    },
    /** Gives up the permits in hand. */
    forget: () => void (left = 0),
  };
}

function paused({ pausedMs, why }: { pausedMs: number; why: string }): ConnectorError {
  return new ConnectorError({
    kind: 'throttled',
    code: 'throttled',
    detail: `Nothing was asked: the other side wants a pause. ${why}`,
    retryAfterMs: pausedMs,
  });
}
