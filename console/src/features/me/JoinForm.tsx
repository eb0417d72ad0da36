import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Form } from 'react-aria-components';
import { isProblem } from '../../api/problem.ts';
import { join, type InvitationShown } from '../../api/signIn.ts';
import { Button } from '../../ui/Button.tsx';
import { ProblemBanner } from '../../ui/ProblemBanner.tsx';
import { TextField } from '../../ui/TextField.tsx';
import { enter } from './enter.ts';
import styles from './SignInForm.module.css';

interface Props {
  secret: string;
  invitation: InvitationShown;
  onDone: () => void;
}

/** Accepts an invitation: a new person sets name and password, somebody who has a password gives it. */
export function JoinForm({ secret, invitation, onDone }: Props) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const queryClient = useQueryClient();
  const { email, hasPassword } = invitation;
  const joining = useMutation({
    mutationFn: async () => {
      await join({ secret, name: hasPassword ? email : name, password });
      await enter(queryClient);
    },
    onSuccess: onDone,
  });
  const problem = isProblem(joining.error) ? joining.error : undefined;
  const errorOf = (field: string) => problem?.fields.find((each) => each.field === field)?.message;
  const isAboutField = errorOf('name') !== undefined || errorOf('password') !== undefined;
  return (
    <Form
      className={styles['form'] ?? ''}
      onSubmit={(event) => {
        event.preventDefault();
        joining.mutate();
      }}
    >
      {/* Read-only: a password manager keeps the password under it. */}
      <TextField label="E-mail" type="email" autoComplete="username" value={email} isReadOnly />
      {!hasPassword && (
        <TextField
          label="Your name"
          autoComplete="name"
          autoFocus
          value={name}
          onChange={(value) => {
            setName(value);
            joining.reset();
          }}
          description="It stands beside what you change."
          isInvalid={errorOf('name') !== undefined}
          error={errorOf('name')}
        />
      )}
      <TextField
        label="Password"
        type="password"
        autoComplete={hasPassword ? 'current-password' : 'new-password'}
        autoFocus={hasPassword}
        value={password}
        onChange={(value) => {
          setPassword(value);
          joining.reset();
        }}
        description={hasPassword ? 'You sign in here already: the password that you have.' : 'At least 12 characters.'}
        isInvalid={errorOf('password') !== undefined}
        error={errorOf('password')}
      />
      {joining.error && !isAboutField && <ProblemBanner error={joining.error} />}
      <Button look="main" type="submit" isDisabled={joining.isPending || password === ''}>
        {joining.isPending ? 'Joining …' : 'Join'}
      </Button>
    </Form>
  );
}
