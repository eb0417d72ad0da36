import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect } from 'react';
import { forgetShown } from '../features/integrationHealth/live.ts';
import { SignInForm } from '../features/me/SignInForm.tsx';
import styles from './signIn.module.css';

export function SignIn() {
  const navigate = useNavigate();
  const { next } = useSearch({ from: '/sign-in' });
  useEffect(() => {
    document.title = 'Sign in · Countersign';
  }, []);
  return (
    <main className={styles['page']}>
      <div className={styles['box']}>
        <h1>Countersign</h1>
        <p className={styles['lead']}>Counts in, sign-off out.</p>
        <SignInForm
          onDone={() => {
            forgetShown();
            void navigate({ href: next ?? '/' });
          }}
        />
      </div>
    </main>
  );
}
