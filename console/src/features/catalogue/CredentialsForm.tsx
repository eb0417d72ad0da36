import { useState } from 'react';
import type { Schema } from '../../api/types.ts';
import { today } from '../../ui/DayField.tsx';
import { TextField } from '../../ui/TextField.tsx';
import { FieldsForm, type Values } from './FieldsForm.tsx';

interface Props {
  fields: readonly Schema<'Field'>[];
  submit: string;
  /** @param more the day on which they expire, if it was given */
  onSubmit: (credentials: Values, more: { expiresOn?: string }) => Promise<unknown>;
}

/** Asks for credentials, and for the day on which they end: there is a warning before. */
export function CredentialsForm({ onSubmit, ...rest }: Props) {
  const [expiresOn, setExpiresOn] = useState('');
  return (
    <FieldsForm {...rest} onSubmit={(values) => onSubmit(values, expiresOn === '' ? {} : { expiresOn })}>
      <TextField
        label="Expires on"
        description="If you know the day: there is a warning before. Otherwise leave it empty."
        type="date"
        value={expiresOn}
        onChange={setExpiresOn}
        isInvalid={expiresOn !== '' && expiresOn < today()}
        error="That day is past."
      />
    </FieldsForm>
  );
}
