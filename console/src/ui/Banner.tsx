import type { ReactNode } from 'react';
import styles from './Banner.module.css';
import { Icon, type IconName } from './Icon.tsx';

type Tone = 'plain' | 'care' | 'bad';

const icons: Record<Tone, IconName> = { plain: 'waiting', care: 'care', bad: 'bad' };

interface Props {
  tone?: Tone;
  title: string;
  children?: ReactNode;
  /** A button. */
  action?: ReactNode;
}

/** Something to know before the rest of the page. What is urgent is read out at once. */
export function Banner({ tone = 'plain', title, children, action }: Props) {
  return (
    <div className={`${styles['banner']} ${styles[tone]}`} role={tone === 'bad' ? 'alert' : 'status'}>
      <Icon name={icons[tone]} className={styles['icon']} />
      <div className={styles['words']}>
        <p className={styles['title']}>{title}</p>
        {children}
      </div>
      {action}
    </div>
  );
}
