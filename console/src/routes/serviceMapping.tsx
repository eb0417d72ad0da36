import { Link, useParams } from '@tanstack/react-router';
import { usePsaWords } from '../features/catalogue/queries.ts';
import type { Integration } from '../features/integrations/state.ts';
import { FurtherDetails } from '../features/mappings/FurtherDetails.tsx';
import { IntegrationPage } from '../features/mappings/IntegrationPage.tsx';
import styles from '../features/mappings/mappings.module.css';
import { NextStep } from '../features/mappings/NextStep.tsx';
import { ServiceBoard } from '../features/mappings/ServiceBoard.tsx';

export function ServiceMapping() {
  const { id } = useParams({ from: '/shell/integrations/$id/services' });
  return (
    <IntegrationPage
      id={id}
      title="Service mapping"
      lead="Each service is billed as the products it is mapped to."
      actions={(integration, vendor) => <Actions integration={integration} vendor={vendor} />}
    >
      {(integration, vendor) => <ServiceBoard key={id} integration={integration} vendor={vendor} />}
    </IntegrationPage>
  );
}

function Actions({ integration, vendor }: { integration: Integration; vendor: string }) {
  const words = usePsaWords(integration.psaConnectionId);
  return (
    <div className={styles['ways']}>
      <FurtherDetails words={words} vendor={vendor} />
      <Link to="/integrations/$id/accounts" params={{ id: integration.id }}>
        Account mapping
      </Link>
      <NextStep integration={integration} step="mapServices" next="/integrations/$id/review" />
    </div>
  );
}
