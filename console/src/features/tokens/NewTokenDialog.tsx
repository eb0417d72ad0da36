import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { Banner } from '../../ui/Banner.tsx';
import { Button } from '../../ui/Button.tsx';
import { CopyText } from '../../ui/CopyText.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { ProblemBanner } from '../../ui/ProblemBanner.tsx';
import { Radios } from '../../ui/Radios.tsx';
import { Select } from '../../ui/Select.tsx';
import { TextField } from '../../ui/TextField.tsx';
import styles from '../me/SignInForm.module.css';
import { scopeChoices } from './scopes.ts';

const lives = [
  { id: '30', name: '30 days' },
  { id: '90', name: '90 days' },
  { id: '365', name: 'A year' },
  { id: 'never', name: 'It does not expire' },
] as const;

/** Makes a token, and shows it: this once, and nowhere else. */
export function NewTokenDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [scope, setScope] = useState<(typeof scopeChoices)[number]['id']>('read');
  const [life, setLife] = useState<(typeof lives)[number]['id']>('365');
  const [made, setMade] = useState<{ name: string; secret: string | undefined }>();
  const [error, setError] = useState<unknown>();
  const [isAtWork, setAtWork] = useState(false);
  const queryClient = useQueryClient();
  // No mutation of the query client: it would keep the answer, which holds the token.
  const make = async () => {
    setAtWork(true);
    setError(undefined);
    try {
      const { apiToken, secret } = await ask(
        api.POST('/v1/tokens', {
          params: { header: { 'idempotency-key': crypto.randomUUID() } },
          body: { name: name.trim(), scope, lifeDays: life === 'never' ? null : Number(life) },
        }),
      );
      setMade({ name: apiToken.name, secret });
      void queryClient.invalidateQueries({ queryKey: keys.tokens.all });
    } catch (refusal) {
      setError(refusal);
    }
    setAtWork(false);
  };
  if (made)
    return (
      <Dialog title={`The token ${made.name}`} isOpen actions={<Button onPress={onClose}>Done</Button>}>
        {made.secret === undefined ? (
          <p>It was made by an earlier request, whose answer was lost. Revoke it, and make another one.</p>
        ) : (
          <>
            <CopyText label="Token" what="token" value={made.secret} />
            <Banner tone="care" title="Save this token in a secure place now">
              It is shown only this once. A lost token is revoked, and another one is made.
            </Banner>
          </>
        )}
      </Dialog>
    );
  return (
    <Dialog title="Make a token" isOpen onClose={onClose}>
      <form
        className={styles['form']}
        onSubmit={(event) => {
          event.preventDefault();
          void make();
        }}
      >
        {error !== undefined && <ProblemBanner error={error} />}
        <TextField
          label="Name"
          description="What it is for: the audit names it so."
          autoComplete="off"
          maxLength={100}
          autoFocus
          value={name}
          onChange={setName}
        />
        <Radios label="What it may do" choices={scopeChoices} chosen={scope} onChoose={setScope} />
        <Select label="How long" choices={lives} chosen={life} onChoose={setLife} />
        <Button look="main" type="submit" isDisabled={isAtWork || name.trim() === ''}>
          {isAtWork ? 'Making the token …' : 'Make the token'}
        </Button>
      </form>
    </Dialog>
  );
}
