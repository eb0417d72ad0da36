import { useCallback } from 'react';
import {
  Text,
  UNSTABLE_Toast as AriaToast,
  UNSTABLE_ToastContent as ToastContent,
  UNSTABLE_ToastQueue as ToastQueue,
  UNSTABLE_ToastRegion as ToastRegion,
} from 'react-aria-components';
import { isProblem } from '../api/problem.ts';
import { Button } from './Button.tsx';
import { Icon } from './Icon.tsx';
import styles from './Toast.module.css';

interface Said {
  tone: 'good' | 'bad';
  title: string;
  detail?: string;
}

const shownMs = 6_000;
const queue = new ToastQueue<Said>({ maxVisibleToasts: 3 });

/** Tells that something was done. It goes by itself. */
export function tell(title: string, detail?: string): void {
  queue.add({ tone: 'good', title, ...(detail === undefined ? {} : { detail }) }, { timeout: shownMs });
}

const problems = new Set<string>();

/** Tells that something was refused, in the API's words. It stays until it is closed, or the page is left. */
export function tellProblem(error: unknown): void {
  const detail = isProblem(error) ? { detail: error.message } : {};
  problems.add(queue.add({ tone: 'bad', title: 'That did not work', ...detail }));
}

/** Called when a page is left: what was refused there is no longer to be heeded. */
export function forgetProblems(): void {
  for (const key of problems) queue.close(key);
  problems.clear();
}

/** Says how high the strip of toasts is: base.css ends the pages above it. */
function useRoomFor() {
  return useCallback((strip: HTMLElement | null) => {
    if (!strip) return undefined;
    const { style } = document.documentElement;
    const observer = new ResizeObserver(() => style.setProperty('--toasts', `${strip.offsetHeight}px`));
    observer.observe(strip);
    return () => {
      observer.disconnect();
      style.removeProperty('--toasts');
    };
  }, []);
}

export function Toasts() {
  const room = useRoomFor();
  return (
    <ToastRegion ref={room} queue={queue} className={styles['region'] ?? ''}>
      {({ toast }) => (
        <AriaToast toast={toast} className={`${styles['toast']} ${styles[toast.content.tone]}`}>
          <Icon name={toast.content.tone} className={styles['icon']} />
          <ToastContent className={styles['words'] ?? ''}>
            <Text slot="title" className={styles['title']}>
              {toast.content.title}
            </Text>
            {toast.content.detail !== undefined && <Text slot="description">{toast.content.detail}</Text>}
          </ToastContent>
          <Button slot="close" look="icon" aria-label="Close">
            <Icon name="close" />
          </Button>
        </AriaToast>
      )}
    </ToastRegion>
  );
}
