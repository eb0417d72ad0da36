import { FieldError, Input, Label, Text, TextField as AriaTextField, type TextFieldProps } from 'react-aria-components';
import styles from './Field.module.css';

interface Props extends Omit<TextFieldProps, 'className' | 'style' | 'children'> {
  label: string;
  description?: string;
  /** What is wrong with it, in words; shown while `isInvalid`. */
  error?: string | undefined;
  placeholder?: string;
}

export function TextField({ label, description, error, placeholder = '', ...props }: Props) {
  return (
    <AriaTextField {...props} className={styles['field'] ?? ''}>
      <Label className={styles['label']}>{label}</Label>
      <Input className={styles['input'] ?? ''} placeholder={placeholder} />
      {description && (
        <Text slot="description" className={styles['description']}>
          {description}
        </Text>
      )}
      <FieldError className={styles['error'] ?? ''}>{error}</FieldError>
    </AriaTextField>
  );
}
