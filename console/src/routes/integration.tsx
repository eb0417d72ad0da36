import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { BoardPanel } from '../features/alertSettings/BoardPanel.tsx';
import { useVendor, type Vendor } from '../features/catalogue/queries.ts';
import { healthQuery, type Health } from '../features/integrationHealth/queries.ts';
import { Waits } from '../features/integrationHealth/Waits.tsx';
import { Keys } from '../features/integrationKeys/Keys.tsx';
import { CredentialsPanel } from '../features/integrations/CredentialsPanel.tsx';
import { CountsHint } from '../features/integrations/CountsHint.tsx';
import { mappingPages, nextOf } from '../features/integrations/nextOf.ts';
import { useIntegrationTitle } from '../features/integrations/names.ts';
import { intakeQuery } from '../features/integrations/queries.ts';
import { Reconnection } from '../features/integrations/Reconnection.tsx';
import { moduleWords, wordOf, type Integration } from '../features/integrations/state.ts';
import { useIntegration } from '../features/integrations/useIntegration.ts';
import { useMay } from '../features/me/queries.ts';
import { usePsaConnectionName } from '../features/psaConnections/names.ts';
import { RemindersSection } from '../features/reminders/Reminders.tsx';
import { ScheduleSection } from '../features/schedule/ScheduleForm.tsx';
import { SyncNow } from '../features/syncs/SyncNow.tsx';
import { Banner } from '../ui/Banner.tsx';
import { formatCount } from '../ui/format.ts';
import { LinkButton } from '../ui/LinkButton.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Page } from '../ui/Page.tsx';
import { Actions, Facts, Section, Soft } from '../ui/Section.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';
import { StatusWord } from '../ui/StatusWord.tsx';
import { When } from '../ui/When.tsx';

/** An integration's own page: how it is, and everything of it that can be changed. */
export function IntegrationPage() {
  const { id } = useParams({ from: '/shell/integrations/$id' });
  const integration = useIntegration(id);
  const health = useQuery(healthQuery);
  const vendor = useVendor(integration.data?.vendor);
  const integrationTitle = useIntegrationTitle();
  const title = integrationTitle(id) ?? vendor?.name ?? 'Integration';
  return (
    <Page title={title} lead={title === vendor?.name ? (integration.data?.vendorName ?? '') : ''}>
      <Loaded
        query={integration}
        what="The details of this integration"
        loading={<Skeleton label="Reading the integration …" rows={8} />}
      >
        {(data) =>
          vendor && (
            <Configure
              integration={data}
              vendor={vendor}
              health={health.data?.items.find(({ integrationId }) => integrationId === id)}
            />
          )
        }
      </Loaded>
    </Page>
  );
}

interface Props {
  integration: Integration;
  vendor: Vendor;
  /** Absent while it is being read, and of a disconnected integration. */
  health: Health | undefined;
}

function Configure({ integration, vendor, health }: Props) {
  const { id, intake, modules, disconnectedAt, process, migration } = integration;
  const isAdmin = useMay('admin');
  const isConnected = disconnectedAt === null;
  return (
    <>
      <Overview integration={integration} vendor={vendor} health={health} />
      {isConnected && (
        <Section title="Mapping">
          <Soft>Which customer is billed as which account, and which service as which product.</Soft>
          <Actions>
            <LinkButton to={mappingPages.accounts} params={{ id }}>
              Update Account Mapping
            </LinkButton>
            {modules.includes('billing') && (
              <LinkButton to={mappingPages.services} params={{ id }}>
                Update Service Mapping
              </LinkButton>
            )}
          </Actions>
        </Section>
      )}
      {isConnected && process.done && (!modules.includes('alerts') || migration?.done === false) && (
        <Section title="Alerts">
          <Soft>
            {migration?.done === false
              ? 'The migration to billing and alerts is under way.'
              : `Alerts of ${vendor.name} can become tickets, too; billing goes on as it is.`}
          </Soft>
          <Actions>
            <LinkButton to={mappingPages.migrate} params={{ id }}>
              Migrate to alerts
            </LinkButton>
          </Actions>
        </Section>
      )}
      {isConnected && modules.includes('billing') && (
        <Section title="Is there something to do every month?">
          <Soft>{vendor.intakes.find((each) => each.intake === intake)?.everyMonth}</Soft>
        </Section>
      )}
      {isConnected && <ScheduleSection integrationId={id} />}
      {isConnected && <RemindersSection integrationId={id} />}
      {isConnected && intake === 'push' && <Keys integrationId={id} vendor={vendor.name} />}
      {isConnected && intake === 'pull' && <Credentials integration={integration} vendor={vendor} health={health} />}
      {isConnected && modules.includes('alerts') && (
        <Section title="Alert settings">
          <Soft>What is written of an alert, and when alerts share one.</Soft>
          <Actions>
            <LinkButton to="/integrations/$id/alerts" params={{ id }}>
              Change alert settings
            </LinkButton>
          </Actions>
        </Section>
      )}
      {isConnected && modules.includes('alerts') && process.steps.length > 0 && (
        <BoardPanel integration={integration} />
      )}
      {isAdmin && <Reconnection integration={integration} vendor={vendor.name} />}
    </>
  );
}

function Overview({ integration, vendor, health }: Props) {
  const { id, psaConnectionId, intake, modules, disconnectedAt, process } = integration;
  const connectionName = usePsaConnectionName();
  const linked = useQuery(intakeQuery(id)).data?.linked;
  const state = wordOf(integration, health);
  const arrives = vendor.intakes.find((each) => each.intake === intake);
  const at = (time: string | null | undefined, none: string): ReactNode =>
    time == null ? (
      none
    ) : (
      <>
        <When at={time} /> (<When at={time} as="age" />)
      </>
    );
  return (
    <Section title="How it is" aside={<StatusWord tone={state.tone}>{state.word}</StatusWord>}>
      <Facts
        facts={[
          { name: 'Modules', value: modules.map((module) => moduleWords[module]).join(', ') },
          { name: 'Counts', value: arrives?.title ?? '' },
          {
            name: 'PSA',
            value: (
              <Link to="/psa-connections/$id" params={{ id: psaConnectionId }}>
                {connectionName(psaConnectionId) ?? 'PSA connection'}
              </Link>
            ),
          },
          { name: 'Linked customers', value: linked === undefined ? '…' : formatCount(linked) },
          ...(health
            ? [
                { name: 'Last success', value: at(health.dataAsOf, 'None yet') },
                { name: 'Next run', value: at(health.nextSyncAt, 'Only when somebody asks for it') },
              ]
            : []),
        ]}
      />
      <CountsHint integration={integration} />
      {health && <Waits integration={integration} health={health} vendor={vendor.name} />}
      {disconnectedAt === null && (
        <Actions>
          {process.done ? (
            <SyncNow integrationId={id} />
          ) : (
            <LinkButton to="/integrations/$id/connect" params={{ id }} look="main">
              Go on connecting
            </LinkButton>
          )}
          {!process.done && <Soft>{nextOf(integration).what}</Soft>}
          <Link to="/runs" search={{ integration: id }}>
            Runs
          </Link>
        </Actions>
      )}
    </Section>
  );
}

/** How old the credentials are, and new ones. */
function Credentials({ integration, vendor, health }: Props) {
  const mine = health?.credentials.find(({ of }) => of === 'vendor');
  return (
    <>
      {mine && (
        <Section title="Credentials">
          <Facts
            facts={[
              { name: 'Given', value: <When at={mine.givenAt} /> },
              { name: 'Age', value: `${formatCount(mine.ageDays)} ${mine.ageDays === 1 ? 'day' : 'days'}` },
              { name: 'Expire on', value: mine.expireOn ?? 'Not known' },
            ]}
          />
          {mine.warning !== null && <Banner tone="care" title={mine.warning} />}
        </Section>
      )}
      <CredentialsPanel integrationId={integration.id} vendor={vendor} title="New credentials" />
    </>
  );
}
