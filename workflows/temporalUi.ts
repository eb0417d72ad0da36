/** Writes what the Temporal UI shows about a process: its current details, its memo and its search attributes. */
import { log, setCurrentDetails, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { describeRetrying, titleOfStep } from '../domain/process/labels.ts';
import type { Whose } from '../domain/process/remedies.ts';
import { sayStep, waitsForBlocked as waitsForOther } from '../domain/process/statement.ts';
import type { ProcessView, StepView } from '../domain/process/steps.ts';
import { describeStop } from '../domain/process/stops.ts';
import { searchAttributes } from '../temporal/searchAttributes.ts';
import type { Changes } from './changes.ts';

/** Shows a process in the Temporal UI. It writes only what changed, because each write is an event in the history. */
export class TemporalUi {
  private readonly changes: Changes;
  private details = '';
  private whose = '';
  private integrationIds = workflowInfo().typedSearchAttributes.get(searchAttributes.integrationIds)?.join() ?? '';
  private integrationId = workflowInfo().typedSearchAttributes.get(searchAttributes.integrationId);
  /** A workflow run that continues another one inherits its search attributes, so these need not be written again. */
  private problem = workflowInfo().typedSearchAttributes.get(searchAttributes.problem) ?? '';

  constructor(changes: Changes) {
    this.changes = changes;
  }

  show(view: ProcessView): void {
    const details = detailsOf(view);
    if (details !== this.details) setCurrentDetails(details);
    this.showWhose(view.whose);
    this.showIntegrations(view.integrationIds);
    // A process that waits for a blocked one has a problem of its own name, so that a search finds all that keeps an
    // integration from going on, and one for another problem only what can be freed.
    const problem =
      view.steps.map((step) => step.problem).find(Boolean) ??
      view.stops?.[0]?.code ??
      (this.waitsForBlocked(view) ? waitsForOther : this.isRetrying(view) ? 'retrying' : '');
    if (problem !== this.problem) {
      this.tell(problem, view);
      upsertSearchAttributes([
        { key: searchAttributes.blocked, value: problem !== '' && problem !== 'retrying' },
        { key: searchAttributes.problem, value: problem || null },
      ]);
      upsertMemo({ problem: problem || null });
    }
    this.details = details;
    this.problem = problem;
  }

  /** Writes the one line of the log that says that the process is blocked, held, refused or free again. */
  private tell(problem: string, { steps, whose }: ProcessView): void {
    const step = steps.find((row) => row.problem === problem)?.step;
    const ids = { integrationId: whose?.integrationId, psaConnectionId: whose?.psaConnectionId };
    if (problem === '') log.info('freed', { ...ids, problem: this.problem });
    else if (problem === waitsForOther) log.info('waits for a blocked process', ids);
    else log.warn(ofItsOwn.has(problem) ? problem : 'blocked', { ...ids, step, problem });
  }

  /** Keeps in the memo whose the process is, as its list of workflows and its page show it. */
  private showWhose(whose: Whose | undefined): void {
    if (whose === undefined) return;
    const { organization, vendor, psa } = whose;
    const memo = { organization, ...(vendor === undefined ? {} : { vendor }), ...(psa === undefined ? {} : { psa }) };
    const text = JSON.stringify(whose);
    if (text === this.whose) return;
    this.whose = text;
    // A run that continues another one has its memo.
    const { memo: kept } = workflowInfo();
    const isKept = Object.entries(memo).every(([name, value]) => kept?.[name] === value);
    if (!isKept && this.changes.has('whose-in-memo')) upsertMemo(memo);
    // A PSA's refresh, whose connection is used by one integration more or less than before.
    if (whose.integrationId !== this.integrationId && this.changes.has('integration-of-refresh')) {
      this.integrationId = whose.integrationId;
      upsertSearchAttributes([{ key: searchAttributes.integrationId, value: whose.integrationId ?? null }]);
    }
  }

  /** Lets a search for any of the integrations find the process. */
  private showIntegrations(ids: readonly string[] | undefined): void {
    const text = ids?.join();
    if (!ids || text === undefined || text === this.integrationIds || !this.changes.has('integrations')) return;
    this.integrationIds = text;
    upsertSearchAttributes([{ key: searchAttributes.integrationIds, value: ids.length > 0 ? [...ids] : null }]);
  }

  private waitsForBlocked({ steps }: ProcessView): boolean {
    return steps.some(({ waitsOn }) => waitsOn?.problem !== undefined) && this.changes.has(waitsForOther);
  }

  private isRetrying({ steps, timing }: ProcessView): boolean {
    return (
      steps.some((step) => describeRetrying(step.failing, timing.retryingShownMs)) && this.changes.has('show-retrying')
    );
  }
}

/** Problems that are what is said of the process. */
const ofItsOwn = new Set(['held', 'refused', 'retrying']);

/** The text of "Current Details": first what happens now, then all steps that the process needs. */
function detailsOf(view: ProcessView): string {
  const needed = view.steps.filter((row) => row.state !== 'skipped');
  const now = needed.flatMap((row) => nowLine(row, view) ?? []);
  return [
    ...whoseLines(view),
    ...linesOf(view),
    ...stopLines(view),
    ...now,
    ...needed.map((row) => `- ${marks[row.state]} ${titleOfStep(row.step)}`),
  ].join('\n');
}

/** Whose the process is: the organization, and the names of its connections; of a customer the id, and where it is shown. */
function whoseLines({ whose, about }: ProcessView): string[] {
  const { vendor, psa, integrationId } = whose ?? {};
  const connections = [...(vendor === undefined ? [] : [vendor]), ...(psa === undefined ? [] : [`PSA "${psa}"`])];
  const lines = whose ? [`${[`**${whose.organization}**`, ...connections].join(' · ')}\n`] : [];
  if (about === undefined) return lines;
  const id = about.replace(/^vendor account /, '');
  const at = integrationId && ` (\`/v1/integrations/${integrationId}/accounts/${encodeURIComponent(id)}\` shows it)`;
  return [...lines, `For ${about}${at ?? ''}.\n`];
}

/** How far an approval is: `Lines: 1 applied, 1 uncertain.` */
function linesOf({ lines }: ProcessView): string[] {
  const counts = Object.entries(lines ?? {}).map(([state, count]) => `${count} ${state}`);
  return counts.length === 0 ? [] : [`Lines: ${counts.toSorted().join(', ')}.\n`];
}

/** What waits for a person, one line each. */
function stopLines({ stops, consoleAt }: ProcessView): string[] {
  return (stops ?? []).map((stop) => {
    const { title, what, how } = describeStop(stop, consoleAt);
    return `**${title}: blocked (${stop.code})**. ${what} ${how}\n`;
  });
}

const marks: Record<StepView['state'], string> = { done: '✓', skipped: '–', running: '▶', blocked: '✗', waiting: '·' };

/** What is said of a step that works or waits now; undefined for one that does neither. */
function nowLine(row: StepView, { whose, timing, stops }: ProcessView): string | undefined {
  if (row.state === 'done' || row.state === 'skipped') return undefined;
  if (row.state === 'waiting' && !row.waitsOn && !row.next) return undefined;
  // What is held is said already, with the requests that release and discard it.
  if (row.problem === 'held' && stops) return undefined;
  const { title, words } = sayStep(row, whose, timing.retryingShownMs);
  return `**${title}**: ${words}\n`;
}
