/** Finds processes that wait, but whose workflow somebody has terminated. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { workflowIdOf } from '../domain/process/ids.ts';
import type { ProcessKind } from '../domain/process/steps.ts';

/**
 * @param unfinished processes that have something left to do
 * @returns those of them whose workflow is not open
 * @throws Error when Temporal does not answer
 */
export async function findMissing<Ref extends { kind: ProcessKind; id: string }>(
  client: Client,
  unfinished: readonly Ref[],
): Promise<Ref[]> {
  const open = new Set<string>();
  for await (const { workflowId } of client.workflow.list({ query: "ExecutionStatus = 'Running'", pageSize: 1000 }))
    open.add(workflowId);
  const missing: Ref[] = [];
  for (const ref of unfinished) {
    const workflowId = workflowIdOf(ref.kind, ref.id);
    // The list lags behind: what has just been terminated is in it, and what was just started is not.
    if (!open.has(workflowId) && !(await isOpen(client, workflowId))) missing.push(ref);
  }
  return missing;
}

async function isOpen(client: Client, workflowId: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
