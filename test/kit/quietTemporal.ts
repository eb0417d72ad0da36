import { DefaultLogger, Runtime } from '@temporalio/worker';

let quiet = false;

/** Workers in a test's own process say only errors. Once per process: there is one Runtime, and test files share it. */
export function quietTemporal(): void {
  if (quiet) return;
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
  });
  quiet = true;
}
