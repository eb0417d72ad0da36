import { FieldError, Label, Text, TextArea as AriaTextArea, TextField as AriaTextField } from 'react-aria-components';
import styles from './Field.module.css';

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  description?: string;
  /** What is wrong with it, in words. */
  error?: string | undefined;
  rows?: number;
}

/** A text of several lines. */
export function TextArea({ label, description, error, rows = 6, ...props }: Props) {
  return (
    <AriaTextField {...props} isInvalid={error !== undefined} className={styles['field'] ?? ''}>
      <Label className={styles['label']}>{label}</Label>
      <AriaTextArea className={`${styles['input']} ${styles['area']}`} rows={rows} />
      {description !== undefined && (
        <Text slot="description" className={styles['description']}>
          {description}
        </Text>
      )}
      <FieldError className={styles['error'] ?? ''}>{error}</FieldError>
    </AriaTextField>
  );
}
