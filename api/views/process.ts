/** A process as the API shows it: steps in words, what they wait for, and where to look in the Temporal UI. */
import { z } from '@hono/zod-openapi';
import { namesOfActors } from '../../commands/seen.ts';
import type { Queryable } from '../../db/client.ts';
import type { ProcessRef } from '../../db/queries/process.ts';
import type { StepRow } from '../../db/queries/processView.ts';
import { workflowIdOf } from '../../domain/process/ids.ts';
import { stepLabels, titleOfStep } from '../../domain/process/labels.ts';
import { isFinished, type ProcessKind, type StepName } from '../../domain/process/steps.ts';
import type { ApiDependencies } from '../context.ts';
import { isoDate, isoDateOrNull } from '../define.ts';
import { sayKnown, todoOf } from '../statement.ts';

/** A step, with what is said of it. */
export const stepSchema = z.object({
  step: z.string(),
  title: z.string(),
  state: z.enum(['waiting', 'running', 'blocked', 'done', 'skipped']),
  problem: z.object({ code: z.string(), what: z.string(), todo: z.string() }).nullable(),
  /** What is wrong with it, in the words of the Temporal UI: since when, the status and the route, and what to do; null = nothing. */
  statement: z.string().nullable(),
  retryAt: isoDateOrNull,
  /** Of a step at work: its last attempt, which failed and is made again by itself. A union for the reason given at `approvalSchema`. */
  trying: z.union([
    z.object({
      attempt: z.int(),
      what: z.string(),
      /** When the next attempt begins, or began; null = it is not known. */
      againAt: z.iso.datetime().nullable(),
    }),
    z.null(),
  ]),
  doneAt: isoDateOrNull,
});

export const processSchema = z
  .object({
    workflowId: z.string(),
    /** The address of the workflow in the Temporal UI. */
    url: z.string().nullable(),
    done: z.boolean(),
    /** What the first unfinished step waits for, as a sentence. */
    waitsFor: z.string().nullable(),
    steps: z.array(stepSchema),
  })
  .openapi('Process');

/** Why a connection is not called now; null = there is no pause. A union for the reason given at `approvalSchema`. */
export const pauseSchema = z.union([
  z
    .object({
      until: isoDate,
      /** What the other side answered. */
      why: z.string(),
    })
    .openapi('Pause'),
  z.null(),
]);

/** A read of incomplete lists that a person accepted; null = the lists were whole. A union for the reason given at `approvalSchema`. */
export const incompleteSchema = z.union([
  z
    .object({
      /** An actor of the audit. */
      by: z.string(),
      byName: z.string(),
      at: z.iso.datetime(),
      /** What was wrong with each list; only the first ones of `count`. */
      lists: z.array(z.string()),
      count: z.int(),
    })
    .openapi('IncompleteRead'),
  z.null(),
]);

/** Reads the names of those who accepted incomplete lists. @returns a function that shows a row with the name */
export async function createIncompleteViewer<Read extends { by: string }>(
  db: Queryable,
  rows: readonly { incomplete: Read | null }[],
) {
  const names = await namesOfActors(
    db,
    rows.flatMap(({ incomplete }) => (incomplete ? [incomplete.by] : [])),
  );
  return <T extends { incomplete: Read | null }>(row: T) => {
    const { incomplete } = row;
    return { ...row, incomplete: incomplete && { ...incomplete, byName: names.get(incomplete.by) ?? incomplete.by } };
  };
}

const exampleStep = (step: StepName, state: 'waiting' | 'done' | 'skipped') => ({
  step,
  title: stepLabels[step].title,
  state,
  problem: null,
  statement: null,
  retryAt: null,
  trying: null,
  doneAt: state === 'done' ? '2026-11-23T09:00:00.000Z' : null,
});

/** A process for examples, with one step done and one waiting. */
export function exampleProcess(kind: ProcessKind, id: string, done: StepName, waiting: StepName) {
  const workflowId = workflowIdOf(kind, id);
  return {
    workflowId,
    url: `https://temporal.example/namespaces/default/workflows/${encodeURIComponent(workflowId)}`,
    done: false,
    waitsFor: `${stepLabels[waiting].title}: waits for ${stepLabels[waiting].waitsFor}`,
    steps: [exampleStep(done, 'done'), exampleStep(waiting, 'waiting')],
  };
}

export function processView(deps: ApiDependencies, ref: ProcessRef, steps: readonly StepRow[]) {
  const workflowId = workflowIdOf(ref.kind, ref.id);
  const { TEMPORAL_UI_URL: ui, TEMPORAL_NAMESPACE: namespace } = deps.environment;
  const next = steps.find((row) => !isFinished(row.state));
  return {
    workflowId,
    url: ui ? `${ui}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}` : null,
    done: steps.length > 0 && !next,
    waitsFor: next ? waitsFor(deps, next) : null,
    steps: steps.map((row) => ({
      ...row,
      title: titleOfStep(row.step),
      problem: row.problem && { ...row.problem, todo: todoOf(deps.environment, row.facts) },
      statement: statementOf(deps, row),
    })),
  };
}

function waitsFor({ environment }: ApiDependencies, row: StepRow): string {
  const { title, words } = sayKnown(environment, row.facts);
  return `${title}: ${words}`;
}

/** null = the step is finished, at work without trouble, or has not had its turn. */
function statementOf({ environment }: ApiDependencies, row: StepRow): string | null {
  if (isFinished(row.state)) return null;
  const { words, code } = sayKnown(environment, row.facts);
  return code !== undefined || row.pausing ? words : null;
}
