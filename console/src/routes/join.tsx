import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { readInvitation } from '../api/signIn.ts';
import { enter } from '../features/me/enter.ts';
import { JoinForm } from '../features/me/JoinForm.tsx';
import { roles } from '../features/members/roles.ts';
import { Button } from '../ui/Button.tsx';
import { ProblemBanner } from '../ui/ProblemBanner.tsx';
import { AlreadyIn } from './alreadyIn.tsx';
import { Door } from './door.tsx';

/** Accepts an invitation: the secret of its link stands behind the # of the address, which no server sees. */
export function Join() {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const [secret] = useState(() => window.location.hash.slice(1));
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['invitation', secret],
    queryFn: () =>
      readInvitation(secret).catch(async (error: unknown) => {
        // Whoever opens an invitation a second time is mostly signed in by the first.
        await enter(queryClient).catch(() => undefined);
        throw error;
      }),
    gcTime: 0,
  });
  if (isPending) return <Door title="Join" lead="Reading the invitation …" children={undefined} />;
  if (!data)
    return (
      <AlreadyIn
        title="Join"
        what="This invitation did nothing: it was used already, or has expired"
        instead="ask for a new invitation"
      >
        <Door title="Join" lead="This invitation does not work.">
          <ProblemBanner error={error} onRetry={() => void refetch()} />
          <Button onPress={() => void navigate({ to: '/sign-in' })}>Sign in</Button>
        </Door>
      </AlreadyIn>
    );
  return (
    <Door title="Join" lead={`You are invited to ${data.organization}, as ${roles[data.role].name.toLowerCase()}.`}>
      <JoinForm secret={secret} invitation={data} onDone={() => void navigate({ to: '/' })} />
    </Door>
  );
}
