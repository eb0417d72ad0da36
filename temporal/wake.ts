/** Wakes processes. The Signal `wake` is the only message to a workflow; it is sent after a fact was committed. */
import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import {
  factsCommitted,
  type Wakeable,
  workflowIdOf,
  workflowInputOf,
  workflowTaskQueue,
} from '../domain/process/ids.ts';
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
  sync: 'All open sync requests become one run. A blocked step tries again after the Signal `wake`. To stop syncs disconnect the integration, or pause its schedule in Countersign.',
  approveUsage: 'A write whose outcome is unknown is never repeated blindly: the line is read again first.',
  migrateToAlerts:
    'Billing goes on meanwhile. It may be left for weeks, and gone on with; a blocked step tries again after the Signal `wake`.',
  deliverAlert:
    'A ticket whose POST got no answer is looked for before it is ever sent again. A blocked step tries again after the Signal `wake`.',
  onboardCustomer:
    'Map or exclude the customer in Countersign; it then goes on by itself. A blocked step tries again after the Signal `wake`.',
  startOnboardings: 'It has nothing to wait for, and ends as soon as all are started.',
};

/** What whoever wants to stop a process by hand has to know. */
const comesBack =
  'Cancelled or terminated it loses nothing and comes back: what was decided and done stays in Countersign.';

/**
 * Makes the function that wakes processes. Wakes that come while one for the same process is under way are merged into one
 * that follows it: a wake says "look again", so a thousand at once say no more than one after the last of them. A flood of
 * Signals would cost a workflow a promise or twenty per Signal, all in one activation.
 *
 * @param eager a client over a worker's own connection: that worker then runs a new workflow at once, without the way
 *   through the task queue, which is most of what thousands of new customers cost the server
 * @returns a function that signals the process's workflow, and starts it if it is not open. It is slow while Temporal is away
 *   (2 to 4 s, measured), so no request waits for it; the sweep finds what it misses.
 */
export function createWaker(client: Client, eager?: Client): Wake {
  const underWay = new Map<string, { sent: Promise<void>; next?: Promise<void> }>();

  function send(processRef: Wakeable): Promise<void> {
    const workflowId = workflowIdOf(processRef.kind, processRef.id);
    const sent = start(eager, processRef).then((started) => (started ? undefined : signal(client, processRef)));
    const entry = { sent };
    underWay.set(workflowId, entry);
    const over = () => {
      if (underWay.get(workflowId) === entry) underWay.delete(workflowId);
    };
    sent.then(over, over);
    return sent;
  }

  return (processRef) => {
    const current = underWay.get(workflowIdOf(processRef.kind, processRef.id));
    if (!current) return send(processRef);
    // The wake under way may be handled before this fact was committed, so one more has to follow it.
    current.next ??= current.sent.then(
      () => send(processRef),
      () => send(processRef),
    );
    return current.next;
  };
}

/** Milliseconds after which an unanswered wake fails; the sweep finds what it misses. */
const maxWakeMs = 10_000;

/** @returns false when the workflow is open already or is not started eagerly, so that it has to be signalled */
async function start(eager: Client | undefined, processRef: Wakeable): Promise<boolean> {
  if (!eager || processRef.kind !== 'onboardCustomer') return false;
  try {
    await eager.connection.withDeadline(Date.now() + maxWakeMs, () =>
      eager.workflow.start(processRef.kind, { ...optionsOf(processRef), requestEagerStart: true }),
    );
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

async function signal(client: Client, processRef: Wakeable): Promise<void> {
  await client.connection.withDeadline(Date.now() + maxWakeMs, () =>
    client.workflow.signalWithStart(processRef.kind, {
      ...optionsOf(processRef),
      signal: 'wake',
      signalArgs: [factsCommitted],
    }),
  );
}

function optionsOf({ kind, id, organizationId, integrationId }: Wakeable) {
  return {
    workflowId: workflowIdOf(kind, id),
    taskQueue: workflowTaskQueue,
    args: [workflowInputOf(kind, id)],
    staticSummary: summaries[kind],
    staticDetails: `${details[kind]} ${comesBack}`,
    // New customers come in thousands: all other work passes them, and the fairness key lets other tenants' ones in between.
    ...(kind === 'onboardCustomer' && integrationId
      ? { priority: { priorityKey: 4, fairnessKey: integrationId } }
      : {}),
    typedSearchAttributes: [
      { key: searchAttributes.organizationId, value: organizationId },
      ...(integrationId
        ? [
            { key: searchAttributes.integrationId, value: integrationId },
            { key: searchAttributes.integrationIds, value: [integrationId] },
          ]
        : []),
      { key: searchAttributes.process, value: kind },
      { key: searchAttributes.blocked, value: false },
    ],
  };
}
