/** What Temporal says of Schedules and of activities that somebody has paused. */
import type { ProcessKind } from './process/steps.ts';

export interface SeenSchedule {
  scheduleId: string;
  /** The integration that it syncs; null = it is the sweep's. */
  integrationId: string | null;
  /** Of which choice it was made (`revisionOf`). */
  revision: string | null;
  paused: boolean;
  /** ISO times, soonest first. */
  nextRuns: string[];
}

export interface PausedActivity {
  kind: ProcessKind;
  id: string;
  /** The name of the activity. */
  activity: string;
  /** An ISO time. */
  pausedAt: string;
}
