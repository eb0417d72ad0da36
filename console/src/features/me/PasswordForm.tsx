import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Form } from 'react-aria-components';
import { isProblem } from '../../api/problem.ts';
import { setPassword } from '../../api/signIn.ts';
import { Button } from '../../ui/Button.tsx';
import { ProblemBanner } from '../../ui/ProblemBanner.tsx';
import { Section, Soft } from '../../ui/Section.tsx';
import { TextField } from '../../ui/TextField.tsx';
import { tell } from '../../ui/Toast.tsx';
import { meQuery } from './queries.ts';
import styles from './SignInForm.module.css';

/** Sets one's own password. */
export function PasswordForm() {
  const person = useQuery(meQuery).data?.person;
  const [current, setCurrent] = useState('');
  const [password, setNew] = useState('');
  const setting = useMutation({
    mutationFn: () => setPassword({ current: current === '' ? null : current, password }),
    onSuccess: () => {
      tell('Your password was set', 'Your other sessions have ended.');
      setCurrent('');
      setNew('');
    },
  });
  if (!person) return undefined;
  const problem = isProblem(setting.error) ? setting.error : undefined;
  const errorOf = (field: string) => problem?.fields.find((each) => each.field === field)?.message;
  const field = (name: 'current' | 'password', value: string, onChange: (value: string) => void) => ({
    type: 'password' as const,
    value,
    onChange: (given: string) => {
      onChange(given);
      setting.reset();
    },
    isInvalid: errorOf(name) !== undefined,
    error: errorOf(name),
  });
  return (
    <Section title="Your password">
      <Soft>You sign in as {person.email}.</Soft>
      <Form
        className={`${styles['form']} ${styles['narrow']}`}
        onSubmit={(event) => {
          event.preventDefault();
          setting.mutate();
        }}
      >
        <TextField
          label="Present password"
          autoComplete="current-password"
          description="Leave it empty if you have just signed in by a link."
          {...field('current', current, setCurrent)}
        />
        <TextField
          label="New password"
          autoComplete="new-password"
          description="At least 12 characters. Your other sessions end."
          {...field('password', password, setNew)}
        />
        {problem?.fields.length === 0 && <ProblemBanner error={problem} />}
        <Button type="submit" isDisabled={setting.isPending || password === ''}>
          Set password
        </Button>
      </Form>
    </Section>
  );
}
