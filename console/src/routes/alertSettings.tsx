import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { alertSettingsQuery } from '../features/alertSettings/queries.ts';
import { SettingsForm } from '../features/alertSettings/SettingsForm.tsx';
import type { Integration } from '../features/integrations/state.ts';
import { IntegrationPage } from '../features/mappings/IntegrationPage.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { LinkButton } from '../ui/LinkButton.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';

/** How an integration's alerts become tickets. */
export function AlertSettingsPage() {
  const { id } = useParams({ from: '/shell/integrations/$id/alerts' });
  return (
    <IntegrationPage
      id={id}
      title="Alert settings"
      lead="What is written of an alert, and when alerts share one."
      actions={() => (
        <>
          <LinkButton to="/integrations/$id" params={{ id }}>
            Rights, and where they go
          </LinkButton>
          <LinkButton to="/alerts" search={{ integration: id }}>
            Its alerts
          </LinkButton>
        </>
      )}
    >
      {(integration) =>
        integration.modules.includes('alerts') ? (
          <Settings integration={integration} />
        ) : (
          <EmptyState title="It carries no alerts">Its own page can migrate it to alerts.</EmptyState>
        )
      }
    </IntegrationPage>
  );
}

function Settings({ integration }: { integration: Integration }) {
  const query = useQuery(alertSettingsQuery(integration.id));
  return (
    <Loaded query={query} what="The alert settings" loading={<Skeleton label="Reading the settings …" rows={9} />}>
      {(settings) => <SettingsForm integration={integration} settings={settings} />}
    </Loaded>
  );
}
