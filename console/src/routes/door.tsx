import { useEffect, type ReactNode } from 'react';
import styles from './door.module.css';

interface Props {
  /** Of the tab. */
  title: string;
  lead: string;
  children: ReactNode;
}

/** A page before somebody is signed in. */
export function Door({ title, lead, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Countersign`;
  }, [title]);
  return (
    <main className={styles['page']}>
      <div className={styles['box']}>
        <h1>Countersign</h1>
        <p className={styles['lead']}>{lead}</p>
        {children}
      </div>
    </main>
  );
}
