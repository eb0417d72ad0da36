/** Writes what the Temporal UI shows about a process: its current details, its memo and its search attributes. */
import { setCurrentDetails, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { describePause, stepLabels } from '../domain/process/labels.ts';
import { problemOf } from '../domain/process/problems.ts';
import type { ProcessView, StepView } from '../domain/process/steps.ts';
import { searchAttributes } from '../temporal/searchAttributes.ts';

/** Shows a process in the Temporal UI. It writes only what changed, because each write is an event in the history. */
export class TemporalUi {
  private details = '';
  /** A workflow run that continues another one inherits its search attributes, so these need not be written again. */
  private problem = workflowInfo().typedSearchAttributes.get(searchAttributes.problem) ?? '';

  show(view: ProcessView): void {
    const details = detailsOf(view);
    if (details !== this.details) setCurrentDetails(details);
    // Only the process's own problem, not that of a process it waits for: a search for blocked processes shall find those
    // that can be freed, and not all that wait for them.
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

/** The text of "Current Details": first what happens now, then all steps that the process needs. */
function detailsOf(view: ProcessView): string {
  const needed = view.steps.filter((row) => row.state !== 'skipped');
  const now = needed.flatMap((row) => nowLine(row) ?? []);
  const about = view.about === undefined ? [] : [`For ${view.about}.\n`];
  return [...about, ...linesOf(view), ...now, ...needed.map((row) => `- ${marks[row.state]} ${titleOf(row)}`)].join(
    '\n',
  );
}

/** How far an approval is: `Lines: 1 applied, 1 uncertain.` */
function linesOf({ lines }: ProcessView): string[] {
  const counts = Object.entries(lines ?? {}).map(([state, count]) => `${count} ${state}`);
  return counts.length === 0 ? [] : [`Lines: ${counts.toSorted().join(', ')}.\n`];
}

const marks: Record<StepView['state'], string> = { done: '✓', skipped: '–', running: '▶', blocked: '✗', waiting: '·' };

const labelOf = (row: StepView) => stepLabels[row.step as keyof typeof stepLabels];
const titleOf = (row: StepView) => labelOf(row)?.title ?? row.step;

/** What a step is doing or waiting for; undefined for a step that does neither now. */
function nowLine(row: StepView): string | undefined {
  const title = titleOf(row);
  if (row.pausedUntil) return `**${title}**: ${describePause(row.step, row.pausedUntil)}\n`;
  if (row.state === 'running') return `**${title}**: at work\n`;
  if (row.state === 'blocked') {
    const { todo } = problemOf(row.problem ?? 'unknown', '');
    const when = row.retryInMs === undefined ? 'again' : 'at once';
    // A step with reminders is completed by a person, so a wake does not try it.
    const again = row.remindInMs === undefined ? ` The Signal \`wake\` tries ${when}.` : '';
    return `**${title}: blocked (${row.problem ?? 'unknown'})**. ${todo}${again}\n`;
  }
  if (row.state !== 'waiting') return undefined;
  if (!row.waitsOn) return row.next ? `**${title}**: waits for ${labelOf(row)?.waitsFor ?? 'its turn'}\n` : undefined;
  const blocked = row.waitsOn.problem ? `, which is **blocked (${row.waitsOn.problem})**` : '';
  return `**${title}**: waits for workflow \`${row.waitsOn.workflowId}\`${blocked}\n`;
}
