import { Switch as AriaSwitch } from 'react-aria-components';
import styles from './Switch.module.css';

interface Props {
  children: string;
  isSelected: boolean;
  onChange: (isSelected: boolean) => void;
}

/** On or off, at once. */
export function Switch({ children, ...props }: Props) {
  return (
    <AriaSwitch {...props} className={styles['switch'] ?? ''}>
      <span className={styles['track']} aria-hidden="true" />
      {children}
    </AriaSwitch>
  );
}
