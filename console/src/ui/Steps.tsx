import type { Schema } from '../api/types.ts';
import { StatusWord, type Tone } from './StatusWord.tsx';
import styles from './Steps.module.css';
import { When } from './When.tsx';

type Step = Schema<'Process'>['steps'][number];

const states: Record<Step['state'], { tone: Tone; word: string }> = {
  done: { tone: 'good', word: 'Done' },
  running: { tone: 'busy', word: 'At work' },
  waiting: { tone: 'waiting', word: 'Waits' },
  blocked: { tone: 'bad', word: 'Blocked' },
  skipped: { tone: 'quiet', word: 'Not needed' },
};

/** The steps of a process, in order, each with its state and, when it is blocked, what happened and what to do. */
export function Steps({ label, steps }: { label: string; steps: readonly Step[] }) {
  const needed = steps.filter(({ state }) => state !== 'skipped');
  return (
    <ol className={styles['steps']} aria-label={label}>
      {needed.map((step) => (
        <li key={step.step} className={styles['step']}>
          <span className={styles['title']}>{step.title}</span>
          <StatusWord tone={states[step.state].tone}>{states[step.state].word}</StatusWord>
          {step.problem && (
            <p className={styles['problem']}>
              {step.problem.what} {step.problem.todo}
              {step.retryAt !== null && (
                <>
                  {' '}
                  Tried again <When at={step.retryAt} />.
                </>
              )}
            </p>
          )}
        </li>
      ))}
    </ol>
  );
}
