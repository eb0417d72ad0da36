import { InvitationList } from '../features/invitations/InvitationList.tsx';
import { PasswordForm } from '../features/me/PasswordForm.tsx';
import { MemberList } from '../features/members/MemberList.tsx';
import { Page } from '../ui/Page.tsx';

export function Settings() {
  return (
    <Page title="Settings">
      <MemberList />
      <InvitationList />
      <PasswordForm />
    </Page>
  );
}
