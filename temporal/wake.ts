/** Waking a process: the one message there is, sent after the fact it tells of has been committed. */
import type { Client } from '@temporalio/client';
import { workflowIdOf, workflowInputOf, workflowTaskQueue, type ProcessKind } from '../domain/process.ts';
import { searchAttributes } from './searchAttributes.ts';

/** Whom to wake; the ids become search attributes. */
export interface Wakeable {
  kind: ProcessKind;
  id: string;
  organizationId: string;
  integrationId: string | null;
}

export type Wake = (process: Wakeable) => Promise<void>;

const summaries: Record<ProcessKind, string> = {
  connect: 'Connects an integration, step by step as in the guide',
  refreshPsa: 'Reads companies, products, agreements and lines from the PSA',
  sync: 'Reads usage from the vendor and makes it visible, all or nothing',
  approveUsage: 'Writes approved quantities to the PSA, each once',
};

const details: Record<ProcessKind, string> = {
  connect:
    'A step that waits for a person is completed in Countersign. A blocked step tries again after the Signal `wake`.',
  refreshPsa: 'One refresh serves everybody who waits for it. A blocked step tries again after the Signal `wake`.',
  sync: 'All open sync requests become one run. A blocked step tries again after the Signal `wake`.',
  approveUsage: 'A write whose outcome is unknown is never repeated blindly: the line is read again first.',
};

/**
 * @returns a function that signals the process's workflow, starting it if it is not open. Slow while Temporal is away
 *   (2 to 4 s, measured), so nobody awaits it in a caller's way; what it misses the sweep finds.
 */
export function createWaker(client: Client): Wake {
  return async ({ kind, id, organizationId, integrationId }) => {
    await client.connection.withDeadline(Date.now() + 10_000, () =>
      client.workflow.signalWithStart(kind, {
        workflowId: workflowIdOf(kind, id),
        taskQueue: workflowTaskQueue,
        args: [workflowInputOf(kind, id)],
        signal: 'wake',
        staticSummary: summaries[kind],
        staticDetails: details[kind],
        typedSearchAttributes: [
          { key: searchAttributes.organizationId, value: organizationId },
          ...(integrationId ? [{ key: searchAttributes.integrationId, value: integrationId }] : []),
          { key: searchAttributes.process, value: kind },
          { key: searchAttributes.blocked, value: false },
        ],
      }),
    );
  };
}
