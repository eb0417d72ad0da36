import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '@temporalio/worker';

/**
 * Returns the workflow code that a worker runs: the given bundle, else the bundle that `npm run build` left beside the
 * compiled files, else (when run from the sources) a bundle made now, which takes a second or two.
 *
 * @param given WORKFLOW_BUNDLE
 */
export function workflowCode(given: string | undefined): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  const built = fileURLToPath(new URL('../workflows.bundle.js', import.meta.url));
  const bundle = given ?? (existsSync(built) ? built : undefined);
  if (bundle !== undefined) return { workflowBundle: { codePath: bundle } };
  return { workflowsPath: fileURLToPath(new URL(`../workflows/index${extname(import.meta.url)}`, import.meta.url)) };
}
