import { DefaultLogger, Runtime } from '@temporalio/worker';

let quiet = false;

/** Makes Temporal workers in this process log errors only. It acts once, because test files of a process share one Runtime. */
export function quietTemporal(): void {
  if (quiet) return;
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
  });
  quiet = true;
}
