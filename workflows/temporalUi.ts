/** What the Temporal UI shows of a process: its current details, its memo and its search attributes. */
import { setCurrentDetails, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { describePause, stepLabels } from '../domain/process/labels.ts';
import { problemOf } from '../domain/process/problems.ts';
import type { ProcessView, StepView } from '../domain/process/steps.ts';
import { searchAttributes } from '../temporal/searchAttributes.ts';

/** Shows a process in the Temporal UI, and writes only what changed: each write is an event in the history. */
export class TemporalUi {
  private details = '';
  /** A run that continues another one has that one's search attributes: they are shown already. */
  private problem = workflowInfo().typedSearchAttributes.get(searchAttributes.problem) ?? '';

  show(view: ProcessView): void {
    const details = detailsOf(view);
    if (details !== this.details) setCurrentDetails(details);
    // The process's own problem only, and not that of a process it waits for: who searches for what is blocked shall
    // find what can be freed, and not everything that waits for it.
    const problem = view.steps.map((step) => step.problem).find(Boolean) ?? '';
    if (problem !== this.problem) {
      upsertSearchAttributes([
        { key: searchAttributes.blocked, value: problem !== '' },
        { key: searchAttributes.problem, value: problem || null },
      ]);
      upsertMemo({ problem: problem || null });
    }
    this.details = details;
    this.problem = problem;
  }
}

/** The "Current Details": first what happens now, then every step that is needed. */
function detailsOf(view: ProcessView): string {
  const needed = view.steps.filter((row) => row.state !== 'skipped');
  const now = needed.flatMap((row) => nowLine(row) ?? []);
  const about = view.about === undefined ? [] : [`For ${view.about}.\n`];
  return [...about, ...now, ...needed.map((row) => `- ${marks[row.state]} ${titleOf(row)}`)].join('\n');
}

const marks: Record<StepView['state'], string> = { done: '✓', skipped: '–', running: '▶', blocked: '✗', waiting: '·' };

const labelOf = (row: StepView) => stepLabels[row.step as keyof typeof stepLabels];
const titleOf = (row: StepView) => labelOf(row)?.title ?? row.step;

/** What a step is doing or waiting for; undefined when it has nothing to say. */
function nowLine(row: StepView): string | undefined {
  const title = titleOf(row);
  if (row.pausedUntil) return `**${title}**: ${describePause(row.step, row.pausedUntil)}\n`;
  if (row.state === 'running') return `**${title}**: at work\n`;
  if (row.state === 'blocked') {
    const { todo } = problemOf(row.problem ?? 'unknown', '');
    const when = row.retryInMs === undefined ? 'again' : 'at once';
    // A step that somebody else completes, and that a person is reminded of, is not tried by a wake.
    const again = row.remindInMs === undefined ? ` The Signal \`wake\` tries ${when}.` : '';
    return `**${title}: blocked (${row.problem ?? 'unknown'})**. ${todo}${again}\n`;
  }
  if (row.state !== 'waiting') return undefined;
  if (!row.waitsOn) return row.next ? `**${title}**: waits for ${labelOf(row)?.waitsFor ?? 'its turn'}\n` : undefined;
  const blocked = row.waitsOn.problem ? `, which is **blocked (${row.waitsOn.problem})**` : '';
  return `**${title}**: waits for workflow \`${row.waitsOn.workflowId}\`${blocked}\n`;
}
