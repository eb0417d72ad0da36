/** How far a test alert has come, from its steps. */
import type { Schema } from '../../api/types.ts';
import type { PsaWords } from '../catalogue/queries.ts';
import type { AlertDetail } from './queries.ts';

type Stage = Schema<'Process'>['steps'][number];

const still = { problem: null, statement: null, retryAt: null, trying: null, doneAt: null };

/** The stages of a test: accepted, its customer known to the PSA, its ticket made, and found again by its reference. */
export function stagesOf(alert: AlertDetail, { account, ticket }: PsaWords): Stage[] {
  const { state, reason, ticketId, firstReceivedAt, process } = alert;
  const titles = {
    resolveAccount: `Its ${account.one} found`,
    writeTicket: `The ${ticket.one} made`,
    settleTicket: `The ${ticket.one} found again, by its reference`,
  };
  // An alert that leaves its delivery has the rest of its steps skipped: the first of those is where it came to a stop.
  const isOut = state === 'dead' || state === 'parked' || state === 'dismissed';
  const reached = { resolveAccount: ticketId !== null, writeTicket: ticketId !== null, settleTicket: false };
  const stages = (['resolveAccount', 'writeTicket', 'settleTicket'] as const).map((step): Stage => {
    const found = process?.steps.find((each) => each.step === step);
    const isDone = found?.state === 'done' || reached[step];
    const plain = { ...still, ...found, step, title: titles[step] };
    if (step === 'settleTicket' && state === 'delivered')
      return reason === null ? { ...plain, state: 'done' } : { ...plain, state: 'blocked', problem: problemOf(reason) };
    return { ...plain, state: isDone ? 'done' : (found?.state ?? 'waiting') };
  });
  const stop = isOut ? stages.find((stage) => stage.state !== 'done') : undefined;
  return [
    { ...still, step: 'accepted', title: 'Accepted', state: 'done', doneAt: firstReceivedAt },
    ...stages.map((stage): Stage => {
      if (stage === stop && reason) return { ...stage, state: 'blocked', problem: problemOf(reason) };
      // Steps that are not needed are not shown, but a stage that was not reached is.
      return isOut && stage.state === 'skipped' ? { ...stage, state: 'waiting' } : stage;
    }),
  ];
}

const problemOf = ({ code, detail }: NonNullable<AlertDetail['reason']>) => ({ code, what: detail, todo: '' });
