import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '@temporalio/worker';

/**
 * Which workflow code a worker runs: the bundle it is given, else the one that `npm run build` left beside the compiled
 * files, else (run from its sources) a bundle made now, which takes a second or two.
 *
 * @param given WORKFLOW_BUNDLE
 */
export function workflowCode(given: string | undefined): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  const built = fileURLToPath(new URL('../workflows.bundle.js', import.meta.url));
  const bundle = given ?? (existsSync(built) ? built : undefined);
  if (bundle !== undefined) return { workflowBundle: { codePath: bundle } };
  return { workflowsPath: fileURLToPath(new URL(`../workflows/index${extname(import.meta.url)}`, import.meta.url)) };
}
