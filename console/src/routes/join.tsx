import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { readInvitation } from '../api/signIn.ts';
import { JoinForm } from '../features/me/JoinForm.tsx';
import { roles } from '../features/members/roles.ts';
import { Button } from '../ui/Button.tsx';
import { ProblemBanner } from '../ui/ProblemBanner.tsx';
import { Door } from './door.tsx';

/** Accepts an invitation: the secret of its link stands behind the # of the address, which no server sees. */
export function Join() {
  const navigate = useNavigate();
  const [secret] = useState(() => window.location.hash.slice(1));
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['invitation', secret],
    queryFn: () => readInvitation(secret),
    gcTime: 0,
  });
  if (isPending) return <Door title="Join" lead="Reading the invitation …" children={undefined} />;
  if (!data)
    return (
      <Door title="Join" lead="This invitation does not work.">
        <ProblemBanner error={error} onRetry={() => void refetch()} />
        <Button onPress={() => void navigate({ to: '/sign-in' })}>Sign in</Button>
      </Door>
    );
  return (
    <Door title="Join" lead={`You are invited to ${data.organization}, as ${roles[data.role].name.toLowerCase()}.`}>
      <JoinForm secret={secret} invitation={data} onDone={() => void navigate({ to: '/' })} />
    </Door>
  );
}
