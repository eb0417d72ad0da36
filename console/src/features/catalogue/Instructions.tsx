import styles from './Instructions.module.css';

/** What to do elsewhere, in order. */
export function Instructions({ steps }: { steps: readonly string[] }) {
  return (
    <ol className={styles['steps']}>
      {steps.map((step) => (
        <li key={step}>{step}</li>
      ))}
    </ol>
  );
}
