import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Form } from 'react-aria-components';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { isProblem } from '../../api/problem.ts';
import { Button } from '../../ui/Button.tsx';
import { CopyText } from '../../ui/CopyText.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { ProblemBanner } from '../../ui/ProblemBanner.tsx';
import { Select } from '../../ui/Select.tsx';
import { TextField } from '../../ui/TextField.tsx';
import styles from '../me/SignInForm.module.css';
import { roleChoices, roles, type Role } from '../members/roles.ts';

/** Invites somebody, and shows the link: this once, and nowhere else. */
export function InviteDialog({ onClose }: { onClose: () => void }) {
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<Role>('operator');
  const queryClient = useQueryClient();
  const inviting = useMutation({
    mutationFn: () => ask(api.POST('/v1/invitations', { body: { email: email.trim(), role } })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: keys.invitations.all }),
    // What was answered is forgotten with the dialog.
    gcTime: 0,
  });
  if (inviting.data) {
    const { invitation, link } = inviting.data;
    return (
      <Dialog title={`Give this link to ${invitation.email}`} isOpen actions={<Button onPress={onClose}>Done</Button>}>
        <p>
          It is shown this once. It works once, within three days, and makes whoever opens it a member: send it to{' '}
          {invitation.email} alone.
        </p>
        {link !== undefined && <CopyText label="Link" what="link" value={link} />}
      </Dialog>
    );
  }
  const isRefused = isProblem(inviting.error) && inviting.error.fields.some(({ field }) => field === 'email');
  return (
    <Dialog title="Invite somebody" isOpen onClose={onClose}>
      <Form
        className={styles['form'] ?? ''}
        onSubmit={(event) => {
          event.preventDefault();
          inviting.mutate();
        }}
      >
        <TextField
          label="E-mail"
          autoComplete="off"
          autoFocus
          value={email}
          onChange={(value) => {
            setEmail(value);
            inviting.reset();
          }}
          isInvalid={isRefused}
          error="This is no e-mail address."
        />
        <Select label="Role" choices={roleChoices} chosen={role} onChoose={setRole} />
        <p>
          {roles[role].name}: {roles[role].may}.
        </p>
        {inviting.error && !isRefused && <ProblemBanner error={inviting.error} />}
        <Button look="main" type="submit" isDisabled={inviting.isPending || email.trim() === ''}>
          {inviting.isPending ? 'Making the link …' : 'Make a link'}
        </Button>
      </Form>
    </Dialog>
  );
}
