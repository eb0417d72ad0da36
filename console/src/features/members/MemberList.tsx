import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { DownloadButton } from '../../ui/LinkButton.tsx';
import { Actions, Section, Soft } from '../../ui/Section.tsx';
import { Select } from '../../ui/Select.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import { When } from '../../ui/When.tsx';
import { InviteDialog } from '../invitations/InviteDialog.tsx';
import { meQuery, useMay } from '../me/queries.ts';
import styles from './MemberList.module.css';
import { membersQuery, type Member } from './queries.ts';
import { roleChoices, roles, type Role } from './roles.ts';

/** Who belongs to the organization; an admin changes roles, removes and invites. */
export function MemberList() {
  const members = useQuery(membersQuery);
  const mayChange = useMay('admin');
  const [isInviting, setInviting] = useState(false);
  return (
    <Section
      title="Members"
      aside={
        <Actions>
          {mayChange && <Button onPress={() => setInviting(true)}>Invite somebody</Button>}
          <DownloadButton path="/v1/members.csv">Download CSV</DownloadButton>
        </Actions>
      }
    >
      <Soft>{roleChoices.map(({ id, name }) => `${name}: ${roles[id].may}.`).join(' ')}</Soft>
      <Loaded query={members} what="The members" loading={<Skeleton label="Reading the members …" rows={3} />}>
        {({ items }) =>
          items.length === 0 ? (
            <p className={styles['soft']}>Nobody yet: whoever you invite stands here.</p>
          ) : (
            <ul className={styles['list']} aria-label="Members">
              {items.map((member) => (
                <MemberRow key={member.id} member={member} mayChange={mayChange} />
              ))}
            </ul>
          )
        }
      </Loaded>
      {isInviting && <InviteDialog onClose={() => setInviting(false)} />}
    </Section>
  );
}

function MemberRow({ member, mayChange }: { member: Member; mayChange: boolean }) {
  const queryClient = useQueryClient();
  const [isRemoving, setRemoving] = useState(false);
  const isMe = useQuery(meQuery).data?.person?.id === member.id;
  const params = { path: { id: member.id } };
  const readAgain = () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: keys.members.all }),
      queryClient.invalidateQueries({ queryKey: keys.me.all }),
    ]);
  const change = useMutation({
    mutationFn: (role: Role) => ask(api.PUT('/v1/members/{id}', { params, body: { role } })),
    onSuccess: ({ name, role }) => tell(`${name} is ${roles[role].name.toLowerCase()} now`),
    onError: tellProblem,
    onSettled: readAgain,
  });
  const remove = useMutation({
    mutationFn: () => ask(api.DELETE('/v1/members/{id}', { params })),
    onSuccess: ({ name }) => tell(`${name} was removed`),
    onError: tellProblem,
    onSettled: () => {
      setRemoving(false);
      return readAgain();
    },
  });
  return (
    <li className={styles['row']}>
      <div className={styles['who']}>
        <span className={styles['name']}>{member.name}</span> {isMe && <span className={styles['soft']}>(you)</span>}
        <div className={styles['soft']}>
          {member.email}, since <When at={member.joinedAt} />
        </div>
      </div>
      {mayChange ? (
        <>
          <Select
            label={`Role of ${member.name}`}
            isLabelHidden
            choices={roleChoices}
            chosen={member.role}
            onChoose={(role) => role !== member.role && change.mutate(role)}
          />
          <div className={styles['act']}>
            <Button look="quiet" aria-label={`Remove ${member.name}`} onPress={() => setRemoving(true)}>
              Remove
            </Button>
          </div>
        </>
      ) : (
        <span>{roles[member.role].name}</span>
      )}
      <Dialog
        title={`Remove ${member.name}?`}
        isOpen={isRemoving}
        onClose={() => setRemoving(false)}
        actions={
          <>
            <Button onPress={() => setRemoving(false)}>Not now</Button>
            <Button look="danger" isDisabled={remove.isPending} onPress={() => remove.mutate()}>
              Remove
            </Button>
          </>
        }
      >
        <p>
          {isMe ? 'You are' : `${member.name} is`} signed out at once, everywhere. What {isMe ? 'you' : 'they'} have
          changed stays, and the audit goes on naming {isMe ? 'you' : 'them'}.
        </p>
      </Dialog>
    </li>
  );
}
