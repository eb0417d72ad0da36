import { useState, type ReactNode } from 'react';
import { isProblem } from '../../api/problem.ts';
import type { Schema } from '../../api/types.ts';
import { Button } from '../../ui/Button.tsx';
import { ProblemBanner } from '../../ui/ProblemBanner.tsx';
import { Actions, Soft } from '../../ui/Section.tsx';
import { Select } from '../../ui/Select.tsx';
import { TextField } from '../../ui/TextField.tsx';
import styles from './FieldsForm.module.css';

export type Values = Record<string, string | number>;

interface Props {
  fields: readonly Schema<'Field'>[];
  /** What the button says. */
  submit: string;
  /** @throws Problem: it is shown at its fields, and what was typed stays */
  onSubmit: (values: Values) => Promise<unknown>;
  /** Values that hold now. */
  given?: Values;
  /** Further fields, below those of the list. */
  children?: ReactNode;
}

/** A form made of the fields that `/v1/psas` and `/v1/vendors` list. Secrets are gone from it once they were taken. */
export function FieldsForm({ fields, submit, onSubmit, given = {}, children }: Props) {
  const preset = Object.fromEntries(
    fields.map(({ name, default: usual }) => [name, String(given[name] ?? usual ?? '')]),
  );
  const [typed, setTyped] = useState<Record<string, string>>(preset);
  const [error, setError] = useState<unknown>();
  const [isAtWork, setAtWork] = useState(false);
  const [wasTried, setTried] = useState(false);
  const wrong = isProblem(error) ? error.fields : [];
  const isMissing = ({ name, required }: Schema<'Field'>) => required && (typed[name] ?? '').trim() === '';
  const refusalOf = (name: string) => wrong.find(({ field }) => field === name || field.endsWith(`.${name}`))?.message;
  const errorOf = (field: Schema<'Field'>) =>
    wasTried && isMissing(field) ? 'This is needed.' : refusalOf(field.name);
  // What is chosen from a list has no place for a refusal of its own.
  const isElsewhere =
    error !== undefined && !fields.some(({ name, choices }) => choices === null && refusalOf(name) !== undefined);
  return (
    <form
      className={styles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (fields.some(isMissing)) return;
        setAtWork(true);
        setError(undefined);
        onSubmit(valuesOf(fields, typed))
          .then(() => {
            setTried(false);
            setTyped((now) => ({
              ...now,
              ...Object.fromEntries(fields.flatMap(({ name, secret }) => (secret ? [[name, '']] : []))),
            }));
          }, setError)
          .finally(() => setAtWork(false));
      }}
    >
      {isElsewhere && <ProblemBanner error={error} />}
      {fields.map((field) =>
        field.choices ? (
          <div key={field.name}>
            <Select
              label={field.label}
              choices={field.choices}
              chosen={typed[field.name] || field.choices.find(({ id }) => id.trim() === '')?.id || null}
              onChoose={(value) => setTyped((now) => ({ ...now, [field.name]: value }))}
            />
            <Soft>{field.where}</Soft>
          </div>
        ) : (
          <TextField
            key={field.name}
            label={field.label}
            description={field.where}
            placeholder={field.sample ?? ''}
            type={field.secret ? 'password' : 'text'}
            inputMode={field.type === 'number' ? 'numeric' : 'text'}
            autoComplete={field.secret ? 'new-password' : 'off'}
            isRequired={field.required}
            validationBehavior="aria"
            value={typed[field.name] ?? ''}
            onChange={(value) => setTyped((now) => ({ ...now, [field.name]: value }))}
            {...(errorOf(field) === undefined ? {} : { isInvalid: true, error: errorOf(field) })}
          />
        ),
      )}
      {children}
      <Actions>
        <Button look="main" type="submit" isDisabled={isAtWork}>
          {submit}
        </Button>
      </Actions>
    </form>
  );
}

/** What is left empty is not sent, and what is no number is sent as it is, so that the API says what is wrong with it. */
function valuesOf(fields: Props['fields'], typed: Record<string, string>): Values {
  return Object.fromEntries(
    fields.flatMap(({ name, type }) => {
      const value = (typed[name] ?? '').trim();
      if (value === '') return [];
      return [[name, type === 'number' && Number.isFinite(Number(value)) ? Number(value) : value]];
    }),
  );
}
