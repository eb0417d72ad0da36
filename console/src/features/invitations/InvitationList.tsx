import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { Button } from '../../ui/Button.tsx';
import { DownloadButton } from '../../ui/LinkButton.tsx';
import { Section, Soft } from '../../ui/Section.tsx';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import { When } from '../../ui/When.tsx';
import { useMay } from '../me/queries.ts';
import styles from '../members/MemberList.module.css';
import { roles } from '../members/roles.ts';
import { invitationsQuery, type Invitation } from './queries.ts';

/** Who was invited and has not come yet; nothing when there is nobody. */
export function InvitationList() {
  const items = useQuery(invitationsQuery).data?.items ?? [];
  const mayChange = useMay('admin');
  if (items.length === 0) return undefined;
  return (
    <Section title="Invited" aside={<DownloadButton path="/v1/invitations.csv">Download CSV</DownloadButton>}>
      <Soft>Whoever does not find the link any more is invited again: that makes a new one.</Soft>
      <ul className={styles['list']} aria-label="Invited">
        {items.map((invitation) => (
          <Row key={invitation.id} invitation={invitation} mayChange={mayChange} />
        ))}
      </ul>
    </Section>
  );
}

function Row({ invitation, mayChange }: { invitation: Invitation; mayChange: boolean }) {
  const { id, email, role, invitedBy, createdAt, expiresAt } = invitation;
  const queryClient = useQueryClient();
  const withdraw = useMutation({
    mutationFn: () => ask(api.DELETE('/v1/invitations/{id}', { params: { path: { id } } })),
    onSuccess: () => tell(`The invitation of ${email} was withdrawn`),
    onError: tellProblem,
    onSettled: () => queryClient.invalidateQueries({ queryKey: keys.invitations.all }),
  });
  const isOver = Date.parse(expiresAt) < Date.now();
  return (
    <li className={styles['row']}>
      <div className={styles['who']}>
        <span className={styles['name']}>{email}</span>
        <div className={styles['soft']}>
          {roles[role].name}, invited by {invitedBy}, <When at={createdAt} />
        </div>
      </div>
      {isOver ? (
        <StatusWord tone="quiet">Has expired</StatusWord>
      ) : (
        <span className={styles['soft']}>
          until <When at={expiresAt} />
        </span>
      )}
      {mayChange && (
        <div className={styles['act']}>
          <Button
            look="quiet"
            aria-label={`Withdraw the invitation of ${email}`}
            isDisabled={withdraw.isPending}
            onPress={() => withdraw.mutate()}
          >
            Withdraw
          </Button>
        </div>
      )}
    </li>
  );
}
