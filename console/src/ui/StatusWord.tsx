import { Icon, type IconName } from './Icon.tsx';
import styles from './StatusWord.module.css';

export type Tone = 'good' | 'care' | 'bad' | 'busy' | 'waiting' | 'quiet' | 'held';

const icons: Record<Tone, IconName> = {
  good: 'good',
  care: 'care',
  bad: 'bad',
  busy: 'busy',
  waiting: 'waiting',
  quiet: 'quiet',
  held: 'held',
};

/** A state: its word, with an icon beside its colour. */
export function StatusWord({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span className={`${styles['status']} ${styles[tone]}`}>
      <Icon name={icons[tone]} className={tone === 'busy' ? styles['turning'] : undefined} />
      {children}
    </span>
  );
}
