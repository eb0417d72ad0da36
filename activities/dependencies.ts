import type { Logger } from 'pino';
import type { PsaAdapter } from '../connectors/psa.ts';
import type { VendorAdapter } from '../connectors/vendor.ts';
import type { Database } from '../db/client.ts';
import type { Encryption } from '../db/encryption.ts';
import type { PausedActivity, SeenSchedule } from '../domain/temporalSays.ts';
import type { WantedSchedule } from '../domain/schedule.ts';
import type { Environment } from '../environment.ts';
import type { Wake } from '../temporal/wake.ts';

/** What the activities need to run; one worker process has one. */
export interface Dependencies {
  db: Database;
  encryption: Encryption;
  environment: Environment;
  logger: Logger;
  /** Wakes a process after its fact was committed; a failure is logged and left to the sweep. */
  wake: Wake;
  connectors: Connectors;
  /** Makes Temporal's Schedules match the wanted ones: recreates missing ones, replaces changed ones. */
  ensureSchedules: (wanted: readonly WantedSchedule[]) => Promise<void>;
  /** Reads in Temporal which Schedules there are, and what somebody has paused there. */
  readTemporal: () => Promise<{ schedules: SeenSchedule[]; pausedActivities: PausedActivity[] }>;
}

/** Adapters of stored connections, with their credentials, rate limiter and settings. */
export interface Connectors {
  /** @throws ConnectorError permanent when the credentials cannot be read or used */
  vendorOf(integrationId: string): Promise<VendorAdapter>;
  psaOf(psaConnectionId: string): Promise<PsaAdapter>;
}
