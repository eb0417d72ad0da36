import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { signInByLink } from '../api/signIn.ts';
import { enter } from '../features/me/enter.ts';
import { Button } from '../ui/Button.tsx';
import { ProblemBanner } from '../ui/ProblemBanner.tsx';
import { AlreadyIn } from './alreadyIn.tsx';
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
    // Whoever opens a link a second time is mostly signed in by the first.
    onError: () => enter(queryClient).catch(() => undefined),
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
  if (!entering.error) return <Door title="Sign in" lead="Signing you in …" children={undefined} />;
  return (
    <AlreadyIn
      title="Sign in"
      what="This link did nothing: it works once, and for half an hour"
      instead="ask for a new link"
    >
      <Door title="Sign in" lead="This link did not sign you in.">
        <ProblemBanner error={entering.error} />
        <Button onPress={() => void navigate({ to: '/sign-in' })}>Sign in by e-mail and password</Button>
      </Door>
    </AlreadyIn>
  );
}
