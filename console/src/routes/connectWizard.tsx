import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { psasQuery, useVendor, type Vendor } from '../features/catalogue/queries.ts';
import { Instructions } from '../features/catalogue/Instructions.tsx';
import { BoardPanel } from '../features/alertSettings/BoardPanel.tsx';
import { CustomerPicker } from '../features/customers/CustomerPicker.tsx';
import { EnablePanel } from '../features/integrationKeys/EnablePanel.tsx';
import { CredentialsPanel } from '../features/integrations/CredentialsPanel.tsx';
import { useIntegrationTitle } from '../features/integrations/names.ts';
import { nextOf } from '../features/integrations/nextOf.ts';
import { intakeQuery } from '../features/integrations/queries.ts';
import type { Integration } from '../features/integrations/state.ts';
import { useIntegration } from '../features/integrations/useIntegration.ts';
import { useRetry } from '../features/integrations/useRetry.ts';
import { useMay } from '../features/me/queries.ts';
import { WhoMay } from '../features/me/WhoMay.tsx';
import { psaConnectionQuery } from '../features/psaConnections/queries.ts';
import { Banner } from '../ui/Banner.tsx';
import { Button } from '../ui/Button.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { formatCount } from '../ui/format.ts';
import { Icon } from '../ui/Icon.tsx';
import { AwayButton, LinkButton } from '../ui/LinkButton.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Page } from '../ui/Page.tsx';
import { Actions, Section, Soft } from '../ui/Section.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';
import { StatusWord } from '../ui/StatusWord.tsx';
import { saidOf, scopeOf, Steps } from '../features/steps/Steps.tsx';
import { When } from '../ui/When.tsx';
import styles from './connectWizard.module.css';

type Step = Integration['process']['steps'][number];

/**
 * From the key to the mapping. It shows the steps of the process as they are, so that it goes on wherever it is opened:
 * nothing of it is kept in the page but a key that was just made.
 */
export function ConnectWizard() {
  const { id } = useParams({ from: '/shell/integrations/$id/connect' });
  const integration = useIntegration(id);
  const vendor = useVendor(integration.data?.vendor);
  const integrationTitle = useIntegrationTitle();
  return (
    <Page
      title={vendor ? `Connect ${integrationTitle(id) ?? vendor.name}` : 'Connect'}
      lead="You can close this page and go on later, here or on another machine."
      actions={
        <LinkButton to="/integrations/$id" params={{ id }}>
          Configure
        </LinkButton>
      }
    >
      <Loaded
        query={integration}
        what="The details of this integration"
        loading={<Skeleton label="Reading how far it is …" rows={8} />}
      >
        {(data) =>
          data.disconnectedAt === null ? (
            vendor && <Wizard integration={data} vendor={vendor} />
          ) : (
            <EmptyState
              title="This integration is disconnected"
              action={
                <LinkButton to="/integrations/$id" params={{ id }}>
                  To the integration
                </LinkButton>
              }
            >
              Its mappings are kept. It is connected again on its own page.
            </EmptyState>
          )
        }
      </Loaded>
    </Page>
  );
}

function Wizard({ integration, vendor }: { integration: Integration; vendor: Vendor }) {
  const { process } = integration;
  const open = process.steps.find(({ state }) => state !== 'done' && state !== 'skipped');
  return (
    <div className={styles['wizard']}>
      <aside className={styles['steps']}>
        <Section title="Steps">
          <Steps label={`Steps of connecting ${vendor.name}`} steps={process.steps} />
        </Section>
      </aside>
      <div className={styles['now']}>
        {integration.intake === 'push' && <News integration={integration} vendor={vendor} />}
        {open?.problem && <Blocked integrationId={integration.id} step={open} />}
        <Panel integration={integration} vendor={vendor} step={open?.step} />
        <Next integration={integration} />
      </div>
    </div>
  );
}

/** What a person does now. */
function Panel({ integration, vendor, step }: { integration: Integration; vendor: Vendor; step: string | undefined }) {
  const { id, intake, process } = integration;
  const isTrying = process.steps.some((each) => each.step === 'verifyCredentials' && each.state === 'running');
  switch (step) {
    case 'issueKey':
    case 'enable':
      return <EnablePanel integrationId={id} vendor={vendor} />;
    case 'credentials':
    case 'verifyCredentials':
      return (
        <CredentialsPanel
          integrationId={id}
          vendor={vendor}
          title={`How Countersign reads from ${vendor.name}`}
          isTrying={isTrying}
        />
      );
    case 'linkCustomers':
      return intake === 'push' ? <LinkThere vendor={vendor} /> : <CustomerPicker integrationId={id} vendor={vendor} />;
    case 'checkPermissions':
    case 'chooseBoard':
      return <BoardPanel integration={integration} />;
    case 'psa':
    case 'matchExactly':
      return <ReadingPsa psaConnectionId={integration.psaConnectionId} />;
    default:
      return null;
  }
}

/** With push the customers are chosen in the vendor's own pages. */
function LinkThere({ vendor }: { vendor: Vendor }) {
  return (
    <Section title={`Choose the customers in the ${vendor.portal.name}`}>
      <Instructions steps={vendor.portal.link} />
      <Actions>
        <AwayButton href={vendor.portal.url} look="main">
          Open Portal
        </AwayButton>
        <StatusWord tone="waiting">{`Waits for the first customers from ${vendor.name}`}</StatusWord>
      </Actions>
    </Section>
  );
}

/** What the vendor did in its own pages, as it happens. */
function News({ integration, vendor }: { integration: Integration; vendor: Vendor }) {
  const intake = useQuery(intakeQuery(integration.id)).data;
  const doneAt = (step: string) => integration.process.steps.find((each) => each.step === step)?.doneAt ?? null;
  const enabledAt = doneAt('enable');
  const linkedAt = doneAt('linkCustomers');
  const linked = intake?.linked ?? 0;
  const news = [
    enabledAt !== null && { what: `${vendor.name} has accepted the key`, at: enabledAt },
    linkedAt !== null &&
      linked > 0 && {
        what: `${formatCount(linked)} ${linked === 1 ? 'customer is' : 'customers are'} linked in the ${vendor.portal.name}`,
        at: linkedAt,
      },
  ].filter((each) => each !== false);
  return (
    <div role="status" className={styles['news']} aria-label={`What happened in the ${vendor.portal.name}`}>
      {news.map(({ what, at }) => (
        <p key={what}>
          <Icon name="good" />
          <span>
            {what}{' '}
            <span className={styles['soft']}>
              <When at={at} />
            </span>
          </span>
        </p>
      ))}
    </div>
  );
}

function Blocked({ integrationId, step }: { integrationId: string; step: Step }) {
  const retry = useRetry(integrationId);
  const may = useMay('operate');
  return (
    <Banner
      tone="bad"
      title={`${step.title}: ${step.problem?.what ?? ''}`}
      action={
        may && (
          <Button onPress={() => retry.mutate(step.step)} isDisabled={retry.isPending}>
            Try again
          </Button>
        )
      }
    >
      <p>{saidOf(step)}</p>
      <WhoMay scope={scopeOf(step)} to="do that" />
    </Banner>
  );
}

/** The PSA is read before anything can be mapped to it. */
function ReadingPsa({ psaConnectionId }: { psaConnectionId: string }) {
  const connection = useQuery(psaConnectionQuery(psaConnectionId));
  const psas = useQuery(psasQuery).data?.items ?? [];
  return (
    <Loaded
      query={connection}
      what="The details of the PSA connection"
      loading={<Skeleton label="Reading your PSA …" />}
    >
      {({ name, kind, process }) => (
        <Section title={`${psas.find(({ id }) => id === kind)?.name ?? name} is being read`}>
          <Soft>Accounts with equal names are matched by themselves afterwards.</Soft>
          <Steps label={`Steps of reading ${name}`} steps={process.steps} />
          <Actions>
            <LinkButton to="/psa-connections/$id" params={{ id: psaConnectionId }}>
              To the PSA connection
            </LinkButton>
          </Actions>
        </Section>
      )}
    </Loaded>
  );
}

/** Next, as the guide allows it, with the reason when it does not. */
function Next({ integration }: { integration: Integration }) {
  const next = nextOf(integration);
  return (
    <Section title="Next">
      <Soft>{next.what}</Soft>
      <Actions>
        {next.to === null ? (
          <Button look="main" isDisabled>
            Next
          </Button>
        ) : (
          <LinkButton to={next.to} params={{ id: integration.id }} look="main">
            Next
          </LinkButton>
        )}
      </Actions>
    </Section>
  );
}
