import { isProblem } from '../api/problem.ts';
import { Banner } from './Banner.tsx';
import styles from './Banner.module.css';
import { Button } from './Button.tsx';

/** What the API refused, in its own words; `onRetry` asks again. */
export function ProblemBanner({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const problem = isProblem(error) ? error : undefined;
  return (
    <Banner
      tone="bad"
      title={problem?.title ?? 'Something went wrong on this page'}
      action={onRetry && <Button onPress={onRetry}>Try again</Button>}
    >
      <p>{problem?.message ?? 'Load the page again. If it stays so, report it with what you did.'}</p>
      {problem?.fields.map(({ field, message }) => (
        <p key={field}>
          {field}: {message}
        </p>
      ))}
      {problem?.requestId !== undefined && <p className={styles['small']}>Request {problem.requestId}</p>}
    </Banner>
  );
}
