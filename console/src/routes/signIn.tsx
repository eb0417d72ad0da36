import { useNavigate, useSearch } from '@tanstack/react-router';
import { SignInForm } from '../features/me/SignInForm.tsx';
import { Door } from './door.tsx';

export function SignIn() {
  const navigate = useNavigate();
  const { next } = useSearch({ from: '/sign-in' });
  return (
    <Door title="Sign in" lead="Counts in, sign-off out.">
      <SignInForm onDone={() => void navigate({ href: next ?? '/' })} />
    </Door>
  );
}
