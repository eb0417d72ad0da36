import { Button as AriaButton, type ButtonProps } from 'react-aria-components';
import styles from './Button.module.css';

interface Props extends Omit<ButtonProps, 'className' | 'style'> {
  /** `main` is what the page is for, at most one; `quiet` has no border; `icon` is square, and needs an aria-label. */
  look?: 'plain' | 'main' | 'quiet' | 'danger' | 'icon';
}

export function Button({ look = 'plain', ...props }: Props) {
  return <AriaButton {...props} className={`${styles['button']} ${styles[look]}`} />;
}
