import styles from './Skeleton.module.css';

/** The place of what is being read. @param props.rows how many lines it will be about */
export function Skeleton({ label, rows = 4 }: { label: string; rows?: number }) {
  return (
    <div role="status" className={styles['skeleton']}>
      <span className={styles['label']}>{label}</span>
      {Array.from({ length: rows }, (_, row) => (
        <span key={row} className={styles['line']} aria-hidden="true" />
      ))}
    </div>
  );
}
