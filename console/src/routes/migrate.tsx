import { useParams } from '@tanstack/react-router';
import { IntegrationPage } from '../features/mappings/IntegrationPage.tsx';
import { Migration } from '../features/migration/Migration.tsx';
import { LinkButton } from '../ui/LinkButton.tsx';

export function Migrate() {
  const { id } = useParams({ from: '/shell/integrations/$id/migrate' });
  return (
    <IntegrationPage
      id={id}
      title="Migrate to alerts"
      lead="From billing to billing and alerts; billing goes on meanwhile."
      actions={() => (
        <LinkButton to="/integrations/$id" params={{ id }}>
          Configure
        </LinkButton>
      )}
    >
      {(integration, vendor) => <Migration integration={integration} vendor={vendor} />}
    </IntegrationPage>
  );
}
