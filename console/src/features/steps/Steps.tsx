import type { Schema } from '../../api/types.ts';
import { StatusWord, type Tone } from '../../ui/StatusWord.tsx';
import { When } from '../../ui/When.tsx';
import { WhoMay } from '../me/WhoMay.tsx';
import styles from './Steps.module.css';

export type Step = Schema<'Process'>['steps'][number];

const states: Record<Step['state'], { tone: Tone; word: string }> = {
  done: { tone: 'good', word: 'Done' },
  running: { tone: 'busy', word: 'At work' },
  waiting: { tone: 'waiting', word: 'Waits' },
  blocked: { tone: 'bad', word: 'Blocked' },
  skipped: { tone: 'quiet', word: 'Not needed' },
};

/**
 * What is wrong with a step and what to do, for whoever does the billing: without the request, the route and the Signal that the API and
 * the Temporal UI name beside it. null = nothing is wrong.
 */
export function saidOf({ problem, statement }: Step): string | null {
  if (!problem) return statement;
  return problem.code === 'bad_credentials'
    ? 'Give new credentials on the page of the connection; the step then tries again by itself.'
    : problem.todo;
}

/** Credentials are given by an admin alone. */
export const scopeOf = ({ problem }: Step) => (problem?.code === 'bad_credentials' ? 'admin' : 'operate');

/** The steps of a process, in order, each with its state and, when something is wrong, what to do. */
export function Steps({ label, steps }: { label: string; steps: readonly Step[] }) {
  const needed = steps.filter(({ state }) => state !== 'skipped');
  return (
    <ol className={styles['steps']} aria-label={label}>
      {needed.map((step) => (
        <li key={step.step} className={styles['step']}>
          <span className={styles['title']}>{step.title}</span>
          <StatusWord tone={states[step.state].tone}>{states[step.state].word}</StatusWord>
          {step.trying && (
            <div className={styles['problem']}>
              <p>
                Attempt {step.trying.attempt} failed: {step.trying.what}
              </p>
              <p>
                It is tried again by itself
                {step.trying.againAt !== null && (
                  <>
                    : <When at={step.trying.againAt} as="age" />
                  </>
                )}
                .
              </p>
            </div>
          )}
          {saidOf(step) !== null && (
            <div className={styles['problem']}>
              {step.problem && <p>{step.problem.what}</p>}
              <p>{saidOf(step)}</p>
              {step.problem && <WhoMay scope={scopeOf(step)} to="do that" />}
              {step.retryAt !== null && (
                <p>
                  It is tried again at <When at={step.retryAt} />.
                </p>
              )}
            </div>
          )}
        </li>
      ))}
    </ol>
  );
}
