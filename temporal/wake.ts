/** Waking a process: the one message there is, sent after the fact it tells of has been committed. */
import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { type Wakeable, workflowIdOf, workflowInputOf, workflowTaskQueue } from '../domain/process/ids.ts';
import type { ProcessKind } from '../domain/process/steps.ts';
import { searchAttributes } from './searchAttributes.ts';

export type Wake = (process: Wakeable) => Promise<void>;

const summaries: Record<ProcessKind, string> = {
  connect: 'Connects an integration, step by step as in the guide',
  refreshPsa: 'Reads companies, products, agreements and lines from the PSA',
  sync: 'Reads usage from the vendor and makes it visible, all or nothing',
  approveUsage: 'Writes approved quantities to the PSA, each once',
  migrateToAlerts: 'Adds alerts to an integration that carries billing, as in the guide',
  deliverAlert: 'Makes one alert one ticket in the PSA',
  onboardCustomer: 'Takes a new customer from being found to its first card',
  startOnboardings: 'Starts the workflows of new customers, some at a time',
};

const details: Record<ProcessKind, string> = {
  connect:
    'A step that waits for a person is completed in Countersign. A blocked step tries again after the Signal `wake`.',
  refreshPsa: 'One refresh serves everybody who waits for it. A blocked step tries again after the Signal `wake`.',
  sync: 'All open sync requests become one run. A blocked step tries again after the Signal `wake`.',
  approveUsage: 'A write whose outcome is unknown is never repeated blindly: the line is read again first.',
  migrateToAlerts:
    'Billing goes on meanwhile. It may be left for weeks, and gone on with; a blocked step tries again after the Signal `wake`.',
  deliverAlert:
    'A ticket whose POST got no answer is looked for before it is ever sent again. A blocked step tries again after the Signal `wake`.',
  onboardCustomer:
    'Map or exclude the customer in Countersign; it then goes on by itself. A blocked step tries again after the Signal `wake`.',
  startOnboardings: 'It has nothing to wait for, and ends as soon as all are started.',
};

/**
 * Wakes that come while one for the same process is on its way become one that follows it: a wake says "look again",
 * so a thousand at once say no more than one after the last of them. A flood would cost a workflow a promise or twenty
 * per Signal, all in one activation.
 *
 * @param eager a client over a worker's own connection: a workflow that is new is then run by that worker at once, without
 *   the way through the task queue, which is most of what thousands of new customers cost the server
 * @returns a function that signals the process's workflow, starting it if it is not open. Slow while Temporal is away
 *   (2 to 4 s, measured), so nobody awaits it in a caller's way; what it misses the sweep finds.
 */
export function createWaker(client: Client, eager?: Client): Wake {
  const underWay = new Map<string, { sent: Promise<void>; next?: Promise<void> }>();

  function send(process: Wakeable): Promise<void> {
    const workflowId = workflowIdOf(process.kind, process.id);
    const sent = start(eager, process).then((started) => (started ? undefined : signal(client, process)));
    const entry = { sent };
    underWay.set(workflowId, entry);
    const over = () => {
      if (underWay.get(workflowId) === entry) underWay.delete(workflowId);
    };
    sent.then(over, over);
    return sent;
  }

  return (process) => {
    const current = underWay.get(workflowIdOf(process.kind, process.id));
    if (!current) return send(process);
    // The one on its way may have been looked at before this fact was committed, so it does not count for it.
    current.next ??= current.sent.then(
      () => send(process),
      () => send(process),
    );
    return current.next;
  };
}

/** A wake that is not answered fails after this, in milliseconds: what it misses the sweep finds. */
const maxWakeMs = 10_000;

/** @returns false when it is open already, or one cannot start it so: it has to be signalled */
async function start(eager: Client | undefined, process: Wakeable): Promise<boolean> {
  if (!eager || process.kind !== 'onboardCustomer') return false;
  try {
    await eager.connection.withDeadline(Date.now() + maxWakeMs, () =>
      eager.workflow.start(process.kind, { ...optionsOf(process), requestEagerStart: true }),
    );
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

async function signal(client: Client, process: Wakeable): Promise<void> {
  await client.connection.withDeadline(Date.now() + maxWakeMs, () =>
    client.workflow.signalWithStart(process.kind, { ...optionsOf(process), signal: 'wake' }),
  );
}

function optionsOf({ kind, id, organizationId, integrationId }: Wakeable) {
  return {
    workflowId: workflowIdOf(kind, id),
    taskQueue: workflowTaskQueue,
    args: [workflowInputOf(kind, id)],
    staticSummary: summaries[kind],
    staticDetails: details[kind],
    // Whoever starts thousands lets all others pass, and other tenants’ between them.
    ...(kind === 'onboardCustomer' && integrationId
      ? { priority: { priorityKey: 4, fairnessKey: integrationId } }
      : {}),
    typedSearchAttributes: [
      { key: searchAttributes.organizationId, value: organizationId },
      ...(integrationId ? [{ key: searchAttributes.integrationId, value: integrationId }] : []),
      { key: searchAttributes.process, value: kind },
      { key: searchAttributes.blocked, value: false },
    ],
  };
}
