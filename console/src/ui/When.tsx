import { useSyncExternalStore } from 'react';
import { formatAge, formatTime, formatWholeTime } from './format.ts';

const everyMs = 30_000;
let now = new Date();

/** All times of a page move on together. */
function subscribe(listener: () => void): () => void {
  // While no time was shown, none moved on.
  moveOn();
  const timer = setInterval(() => {
    moveOn();
    listener();
  }, everyMs);
  return () => clearInterval(timer);
}

function moveOn(): void {
  if (Date.now() - now.getTime() >= everyMs / 2) now = new Date();
}

interface Props {
  /** As the API writes it. */
  at: string;
  /** `age`: how long ago, or how long until. */
  as?: 'time' | 'age';
}

/** A time in the person's zone; pointed at, it says the zone. */
export function When({ at, as = 'time' }: Props) {
  const seen = useSyncExternalStore(subscribe, () => now);
  const time = new Date(at);
  // A time that has just been read may be after the last tick.
  const from = as === 'age' && Math.abs(time.getTime() - seen.getTime()) < everyMs ? new Date() : seen;
  return (
    <time dateTime={at} title={formatWholeTime(time)}>
      {as === 'age' ? formatAge(time, from) : formatTime(time, from)}
    </time>
  );
}
