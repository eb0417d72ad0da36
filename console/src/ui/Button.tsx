import { useRef } from 'react';
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

/**
 * The second click of a double click is no second press: it would do the same once more, or press what stands there by
 * then. The browser counts the clicks (`detail`), also where the page has moved on between them.
 */
export function Button({ look = 'plain', inBar = false, onPress, ...props }: Props) {
  const isAgain = useRef(false);
  return (
    <AriaButton
      {...props}
      onClickCapture={(event) => {
        isAgain.current = event.detail > 1;
        // A form is sent by the click itself.
        if (isAgain.current) event.preventDefault();
      }}
      onPress={(event) => {
        // The press of a key comes before its click.
        if (event.pointerType === 'keyboard' || !isAgain.current) onPress?.(event);
      }}
      className={`${styles['button']} ${styles[look]} ${inBar ? styles['bar'] : ''}`}
    />
  );
}
