/** What is said of an alert's delivery: how far a test has come, and what a dead alert waits for. */
import type { z } from '@hono/zod-openapi';
import type { NamedAlert } from '../../db/queries/alerts.ts';
import { titleOfStep } from '../../domain/process/labels.ts';
import { describeStop } from '../../domain/process/stops.ts';
import type { stepSchema } from './process.ts';

type Step = z.input<typeof stepSchema>;
const told = ['resolveAccount', 'writeTicket', 'settleTicket'] as const;

/** What health and the Temporal UI say of a dead alert; null = it is not dead. */
export function statementOf({ id, state, reason }: NamedAlert): string | null {
  if (state !== 'dead') return null;
  const { title, what } = describeStop({
    code: 'refused',
    id,
    reason: reason?.code ?? 'unexpected',
    status: reason?.status ?? null,
    forAll: reason?.of ?? null,
  });
  return `${title}. ${what}`;
}

/**
 * How far a test alert has come: the steps of its delivery, with the one at which it came to a stop. Its ticket has to be found again,
 * too, which no other alert shows.
 *
 * @param steps as they are, none before the delivery has begun
 * @returns null for an alert that is no test
 */
export function stagesOf(alert: NamedAlert, steps: readonly Step[]): Step[] | null {
  const { source, state, reason, ticketId } = alert;
  if (source !== 'test') return null;
  // An alert that leaves its delivery has the rest of its steps skipped: the first of those is where it came to a stop.
  const isOut = state === 'dead' || state === 'parked' || state === 'dismissed';
  const stages = told.map((step): Step => {
    const stage = steps.find((each) => each.step === step) ?? notBegun(step);
    if (step !== 'settleTicket') return ticketId === null ? stage : { ...stage, state: 'done' };
    if (state !== 'delivered') return stage;
    return reason === null ? { ...stage, state: 'done' } : stopped(stage, reason, null);
  });
  const stop = isOut ? stages.find((stage) => stage.state !== 'done') : undefined;
  return stages.map((stage): Step => {
    if (stage === stop && reason) return stopped(stage, reason, statementOf(alert));
    // Steps that are not needed are not shown, but a stage that was not reached is.
    return isOut && stage.state === 'skipped' ? { ...stage, state: 'waiting' } : stage;
  });
}

function notBegun(step: string): Step {
  const nothing = { problem: null, statement: null, retryAt: null, trying: null, doneAt: null };
  return { step, title: titleOfStep(step), state: 'waiting', ...nothing };
}

function stopped(stage: Step, { code, detail }: { code: string; detail: string }, statement: string | null): Step {
  return { ...stage, state: 'blocked', problem: { code, what: detail, todo: statement ?? '' }, statement };
}
