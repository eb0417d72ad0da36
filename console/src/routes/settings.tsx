import { RefusedPosts } from '../features/intake/RefusedPosts.tsx';
import { InvitationList } from '../features/invitations/InvitationList.tsx';
import { PasswordForm } from '../features/me/PasswordForm.tsx';
import { MemberList } from '../features/members/MemberList.tsx';
import { ConnectionSettings } from '../features/psaConnections/ConnectionSettings.tsx';
import { TokenList } from '../features/tokens/TokenList.tsx';
import { Page } from '../ui/Page.tsx';

export function Settings() {
  return (
    <Page title="Settings">
      <MemberList />
      <InvitationList />
      <ConnectionSettings />
      <TokenList />
      <RefusedPosts />
      <PasswordForm />
    </Page>
  );
}
