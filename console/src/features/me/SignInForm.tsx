import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Form } from 'react-aria-components';
import { isProblem } from '../../api/problem.ts';
import { signIn } from '../../api/signIn.ts';
import { Button } from '../../ui/Button.tsx';
import { ProblemBanner } from '../../ui/ProblemBanner.tsx';
import { TextField } from '../../ui/TextField.tsx';
import { enter } from './enter.ts';
import styles from './SignInForm.module.css';

/** Asks who somebody is by e-mail and password. `onDone` is called with the session open, and who it is known. */
export function SignInForm({ onDone }: { onDone?: () => void }) {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const queryClient = useQueryClient();
  const entering = useMutation({
    mutationFn: async (given: { email: string; password: string }) => {
      await signIn(given);
      await enter(queryClient);
    },
    onSuccess: () => onDone?.(),
  });
  const refused =
    isProblem(entering.error) && entering.error.code === 'wrong-password' ? entering.error.message : undefined;
  return (
    <Form
      className={styles['form'] ?? ''}
      onSubmit={(event) => {
        event.preventDefault();
        if (email !== '' && password !== '') entering.mutate({ email, password });
      }}
    >
      <TextField label="E-mail" type="email" autoComplete="username" autoFocus value={email} onChange={setEmail} />
      <TextField
        label="Password"
        type="password"
        autoComplete="current-password"
        value={password}
        onChange={(value) => {
          setPassword(value);
          entering.reset();
        }}
        isInvalid={refused !== undefined}
        error={refused}
      />
      {entering.error && refused === undefined && <ProblemBanner error={entering.error} />}
      <Button look="main" type="submit" isDisabled={entering.isPending}>
        {entering.isPending ? 'Signing in …' : 'Sign in'}
      </Button>
    </Form>
  );
}
