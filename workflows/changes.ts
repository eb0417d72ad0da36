/** What this code does otherwise than code whose workflow runs may still be open: their histories have to replay. */
import { patched } from '@temporalio/workflow';

/**
 * Says of one workflow run which changes it has. It is made at the run's first moment, because `patched` may be asked only
 * there.
 *
 * Hazard: a query that is answered while a local activity ends splits the workflow task in two, and the marker of a patch that
 * is asked for after it lies in the second. A replay reaches that place before the SDK has read the marker, so `patched` says
 * no, and the run is stuck for good ("no corresponding change command"; seen in one of 160 runs, with
 * `has_query_responses && have_pending_la_resolutions` in managed_run.rs of the SDK's core).
 */
export class Changes {
  /** A change that comes later gets a line like this one, with its own day. */
  private readonly hasAllUntil27November = patched('until-2026-11-27');

  /** Whether the run has a change that was made before `until-2026-11-27`. Older runs have to ask where they always did. */
  has(change: string): boolean {
    return this.hasAllUntil27November || patched(change);
  }
}
