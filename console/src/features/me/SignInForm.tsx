import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Form } from 'react-aria-components';
import { api, ask } from '../../api/client.ts';
import { isProblem } from '../../api/problem.ts';
import { openSession } from '../../api/session.ts';
import { Button } from '../../ui/Button.tsx';
import { ProblemBanner } from '../../ui/ProblemBanner.tsx';
import { TextField } from '../../ui/TextField.tsx';
import { meQuery } from './queries.ts';
import styles from './SignInForm.module.css';

/** Asks who somebody is by a token, and keeps it if the API knows it. */
export function SignInForm({ onDone }: { onDone: () => void }) {
  const [token, setToken] = useState('');
  const queryClient = useQueryClient();
  const signIn = useMutation({
    mutationFn: (given: string) => ask(api.GET('/v1/me', { headers: { authorization: `Bearer ${given}` } })),
    onSuccess: (me, given) => {
      queryClient.setQueryData(meQuery.queryKey, me);
      openSession(given);
      onDone();
    },
  });
  const isRefused = isProblem(signIn.error) && signIn.error.status === 401;
  return (
    <Form
      className={styles['form'] ?? ''}
      onSubmit={(event) => {
        event.preventDefault();
        const given = token.trim();
        if (given !== '') signIn.mutate(given);
      }}
    >
      <TextField
        label="Token"
        type="password"
        autoComplete="off"
        autoFocus
        value={token}
        onChange={(value) => {
          setToken(value);
          signIn.reset();
        }}
        isInvalid={isRefused}
        error="This token is not known, or it was revoked."
        description="It begins with cs_. An admin makes one with npm run admin -- token. It is forgotten when you close this tab."
      />
      {signIn.error && !isRefused && <ProblemBanner error={signIn.error} />}
      <Button look="main" type="submit" isDisabled={signIn.isPending}>
        {signIn.isPending ? 'Signing in …' : 'Sign in'}
      </Button>
    </Form>
  );
}
