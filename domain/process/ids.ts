/** Ids of processes and of their workflows, and the `Wakeable` that says which process to wake. */
import type { ProcessKind } from './steps.ts';

const workflowPrefixes: Record<ProcessKind, string> = {
  connect: 'connect',
  refreshPsa: 'psa',
  sync: 'sync',
  approveUsage: 'approve',
  migrateToAlerts: 'migrate',
  deliverAlert: 'alert',
  onboardCustomer: 'onboard',
  startOnboardings: 'onboardings',
};

/** The workflow id of a process: made from the business id, so that a second start joins the workflow that is open. */
export function workflowIdOf(kind: ProcessKind, id: string): string {
  return `${workflowPrefixes[kind]}/${id}`;
}

/** The process that a workflow drives; undefined for a workflow that drives none (the sweep). */
export function processOfWorkflow(workflowId: string): { kind: ProcessKind; id: string } | undefined {
  const slash = workflowId.indexOf('/');
  const prefix = workflowId.slice(0, slash);
  for (const kind of Object.keys(workflowPrefixes) as ProcessKind[])
    if (workflowPrefixes[kind] === prefix) return { kind, id: workflowId.slice(slash + 1) };
  return undefined;
}

/** The input with which a process's workflow is started: its business id, under the name of what the id identifies. */
export function workflowInputOf(kind: ProcessKind, id: string) {
  switch (kind) {
    case 'connect':
    case 'sync':
    case 'migrateToAlerts':
    case 'startOnboardings':
      return { integrationId: id };
    case 'refreshPsa':
      return { psaConnectionId: id };
    case 'approveUsage':
      return { batchId: id };
    case 'deliverAlert':
      return { alertRowId: id };
    case 'onboardCustomer':
      return onboardingOf(id);
  }
}

/** A part of the input of each workflow; vendors' own ids may be any text. */
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The business id in the input with which a workflow was started: what `workflowInputOf` made of it.
 *
 * @param input whatever the workflow was started with: anybody may start one in the Temporal UI
 * @returns undefined when the input is not one of this kind
 */
export function businessIdOf(kind: ProcessKind, input: unknown): string | undefined {
  const given = new Map(typeof input === 'object' && input !== null ? Object.entries(input) : []);
  const ids: string[] = [];
  for (const name of inputNames(kind)) {
    const id: unknown = given.get(name);
    if (typeof id !== 'string' || id === '' || (name !== 'vendorAccountId' && !uuid.test(id))) return undefined;
    ids.push(id);
  }
  return ids.join('/');
}

const inputNames = (kind: ProcessKind) => Object.keys(workflowInputOf(kind, '/'));

/**
 * What is said to somebody who starts a workflow by hand, with an input that is not the workflow's.
 *
 * @param kind the process that has the same input
 */
export function wrongInput(kind: ProcessKind, workflow: string = kind): string {
  const example = Object.fromEntries(inputNames(kind).map((name) => [name, '<id>']));
  return `The input of ${workflow} is like ${JSON.stringify(example)}, and this workflow was started with something else. Nothing was done. Countersign starts its workflows itself; to make one look again send the Signal wake.`;
}

/** The business id of a customer's onboarding. An integration's id has no slash; a vendor's own id may have some. */
export function onboardingId({ integrationId, vendorAccountId }: OnboardingKey): string {
  return `${integrationId}/${vendorAccountId}`;
}

/** Splits the business id that `onboardingId` made. */
export function onboardingOf(id: string): OnboardingKey {
  const slash = id.indexOf('/');
  return { integrationId: id.slice(0, slash), vendorAccountId: id.slice(slash + 1) };
}

export interface OnboardingKey {
  integrationId: string;
  vendorAccountId: string;
}

/** The Temporal task queue of all workflows and of short activities. */
export const workflowTaskQueue = 'countersign';
/** The task queue of long pulls, so that they have their own activity slots. */
export const bulkTaskQueue = 'countersign-bulk';

/** A process to wake once the change that concerns it is committed; its ids become search attributes of the workflow. */
export interface Wakeable {
  kind: ProcessKind;
  id: string;
  organizationId: string;
  /** null where the process belongs to a PSA connection, and so to all its integrations. */
  integrationId: string | null;
}

interface OwnIds {
  id: string;
  organizationId: string;
}

const ofIntegration =
  <K extends 'connect' | 'sync' | 'migrateToAlerts' | 'startOnboardings'>(kind: K) =>
  ({ id, organizationId }: OwnIds) => ({ kind, id, organizationId, integrationId: id });

export const connectProcess = ofIntegration('connect');
export const syncProcess = ofIntegration('sync');
export const migrationProcess = ofIntegration('migrateToAlerts');
/** The process that starts an integration's onboardings, some at a time. */
export const startOnboardingsProcess = ofIntegration('startOnboardings');

/** @param integration the integration of the customer */
export function onboardingProcess(integration: OwnIds, vendorAccountId: string) {
  const id = onboardingId({ integrationId: integration.id, vendorAccountId });
  return {
    kind: 'onboardCustomer' as const,
    id,
    organizationId: integration.organizationId,
    integrationId: integration.id,
  };
}

export function deliveryProcess({ id, organizationId, integrationId }: OwnIds & { integrationId: string }) {
  return { kind: 'deliverAlert' as const, id, organizationId, integrationId };
}

/** @param connection the PSA connection whose data is read */
export function refreshProcess({ id, organizationId }: OwnIds) {
  return { kind: 'refreshPsa' as const, id, organizationId, integrationId: null };
}

/** @param batch the batch of approved writes */
export function approvalProcess({ id, organizationId }: OwnIds) {
  return { kind: 'approveUsage' as const, id, organizationId, integrationId: null };
}

/**
 * What Countersign says with its own `wake`: that facts were committed. A person who sends `wake` from the Temporal UI says nothing,
 * or anything else, and so asks for another try where a process waits for a person.
 */
export const factsCommitted = 'Facts were committed.';
