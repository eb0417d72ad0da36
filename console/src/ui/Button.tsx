import { Button as AriaButton, type ButtonProps } from 'react-aria-components';
import styles from './Button.module.css';

interface Props extends Omit<ButtonProps, 'className' | 'style'> {
  /**
   * `main` is what the page is for, at most one; `quiet` has no border; `icon` is square, and needs an aria-label; `refresh`
   * is pink, and belongs to the Refresh button alone.
   */
  look?: 'plain' | 'main' | 'quiet' | 'danger' | 'icon' | 'refresh';
  /** In the top bar: on a narrow screen only the icon is shown, and the text stands in a `span`. */
  inBar?: boolean;
}

export function Button({ look = 'plain', inBar = false, ...props }: Props) {
  return <AriaButton {...props} className={`${styles['button']} ${styles[look]} ${inBar ? styles['bar'] : ''}`} />;
}
