import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { meQuery } from '../features/me/queries.ts';
import { Banner } from '../ui/Banner.tsx';
import { Button } from '../ui/Button.tsx';
import { Door } from './door.tsx';

interface Props {
  title: string;
  /** Why the link that was opened did nothing. */
  what: string;
  /** How somebody else gets in. */
  instead: string;
  /** For whoever is not signed in. */
  children: ReactNode;
}

/** A link that works once was opened again: whoever is signed in already is told so, and led on. */
export function AlreadyIn({ title, what, instead, children }: Props) {
  const navigate = useNavigate();
  const me = useQuery({ ...meQuery, enabled: false }).data;
  if (!me) return children;
  return (
    <Door title={title} lead="You are signed in already.">
      <Banner title={what}>
        <p>
          This browser was signed in before{me.person ? `, as ${me.person.name}` : ''}, and still is. For somebody else,
          sign out first, and {instead}.
        </p>
      </Banner>
      <Button look="main" onPress={() => void navigate({ to: '/' })}>
        Go to Countersign
      </Button>
    </Door>
  );
}
