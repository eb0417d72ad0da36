import { Link, useParams } from '@tanstack/react-router';
import { usePsaWords } from '../features/catalogue/queries.ts';
import type { Integration } from '../features/integrations/state.ts';
import { MappingFile } from '../features/mappingFile/MappingFile.tsx';
import { AccountBoard } from '../features/mappings/AccountBoard.tsx';
import { FurtherDetails } from '../features/mappings/FurtherDetails.tsx';
import { IntegrationPage } from '../features/mappings/IntegrationPage.tsx';
import styles from '../features/mappings/mappings.module.css';
import { NextStep } from '../features/mappings/NextStep.tsx';

export function AccountMapping() {
  const { id } = useParams({ from: '/shell/integrations/$id/accounts' });
  return (
    <IntegrationPage
      id={id}
      title="Account mapping"
      lead="Each customer is billed as what it is mapped to. Most seats first."
      actions={(integration, vendor) => <Actions integration={integration} vendor={vendor} />}
    >
      {(integration, vendor) => <AccountBoard key={id} integration={integration} vendor={vendor} />}
    </IntegrationPage>
  );
}

function Actions({ integration, vendor }: { integration: Integration; vendor: string }) {
  const words = usePsaWords(integration.psaConnectionId);
  const isBilling = integration.modules.includes('billing');
  return (
    <div className={styles['ways']}>
      <FurtherDetails words={words} vendor={vendor} />
      <MappingFile integration={integration} />
      {isBilling && integration.process.done && (
        <Link to="/integrations/$id/services" params={{ id: integration.id }}>
          Service mapping
        </Link>
      )}
      <NextStep
        integration={integration}
        step="mapAccounts"
        next={isBilling ? '/integrations/$id/services' : '/integrations/$id/review'}
      />
    </div>
  );
}
