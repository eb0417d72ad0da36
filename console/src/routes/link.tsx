import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { signInByLink } from '../api/signIn.ts';
import { enter } from '../features/me/enter.ts';
import { Button } from '../ui/Button.tsx';
import { ProblemBanner } from '../ui/ProblemBanner.tsx';
import { Door } from './door.tsx';

/** Signs in by a link that works once: its secret stands behind the # of the address, which no server sees. */
export function Link() {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const entering = useMutation({
    mutationFn: async (secret: string) => {
      await signInByLink(secret);
      await enter(queryClient);
    },
    onSuccess: () => navigate({ to: '/', replace: true }),
  });
  const { mutate } = entering;
  const taken = useRef('');
  const hash = useRouterState({ select: (state) => state.location.hash });
  useEffect(() => {
    if (hash !== '' && hash !== taken.current) {
      taken.current = hash;
      mutate(hash);
    }
    // Used up: it has no place in the history of the browser. Without one there is nothing to do here.
    void navigate(taken.current === '' ? { to: '/', replace: true } : { to: '/link', hash: '', replace: true });
  }, [hash, mutate, navigate]);
  return (
    <Door title="Sign in" lead={entering.error ? 'You are not signed in.' : 'Signing you in …'}>
      {entering.error && (
        <>
          <ProblemBanner error={entering.error} />
          <Button onPress={() => void navigate({ to: '/sign-in' })}>Sign in by e-mail and password</Button>
        </>
      )}
    </Door>
  );
}
