import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { api, ask } from '../api/client.ts';
import { keys } from '../api/keys.ts';
import type { Schema } from '../api/types.ts';
import { vendorsQuery } from '../features/catalogue/queries.ts';
import { holdKey } from '../features/integrationKeys/shownKey.ts';
import type { Integration } from '../features/integrations/state.ts';
import { useMay } from '../features/me/queries.ts';
import { usePsaConnectionName } from '../features/psaConnections/names.ts';
import { psaConnectionsQuery, type PsaConnection } from '../features/psaConnections/queries.ts';
import { Banner } from '../ui/Banner.tsx';
import { Button } from '../ui/Button.tsx';
import { Checkbox } from '../ui/Checkbox.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { LinkButton } from '../ui/LinkButton.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Page } from '../ui/Page.tsx';
import { ProblemBanner } from '../ui/ProblemBanner.tsx';
import { Radios } from '../ui/Radios.tsx';
import { Actions, Section, Soft } from '../ui/Section.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';

/** Before anything is made: whether the vendor can be connected, what for, and how its counts arrive. */
export function ConnectVendor() {
  const { vendor: id } = useParams({ from: '/shell/connect/$vendor' });
  const vendors = useQuery(vendorsQuery);
  const connections = useQuery(psaConnectionsQuery);
  const may = useMay('admin');
  const vendor = vendors.data?.items.find((each) => each.id === id);
  return (
    <Page title={vendor ? `Connect ${vendor.name}` : 'Connect a vendor'} lead={vendor?.support.text ?? ''}>
      <Loaded query={vendors} what="The vendors" loading={<Skeleton label="Reading the vendors …" />}>
        {() => (
          <Loaded query={connections} what="The PSA connections" loading={<Skeleton label="Reading your PSA …" />}>
            {({ items }) => {
              if (!vendor)
                return (
                  <EmptyState title="There is no such vendor" action={<Back />}>
                    Countersign does not know a vendor of this address.
                  </EmptyState>
                );
              if (!may)
                return (
                  <EmptyState title="Only an admin connects a vendor" action={<Back />}>
                    Ask an admin of your organization to do it.
                  </EmptyState>
                );
              if (items.length === 0)
                return (
                  <EmptyState
                    title="Connect your PSA first"
                    action={
                      <LinkButton to="/psa-connections/new" look="main">
                        Connect your PSA
                      </LinkButton>
                    }
                  >
                    What {vendor.name} counts is compared with what you bill there.
                  </EmptyState>
                );
              return <Questions vendor={vendor} connections={items} />;
            }}
          </Loaded>
        )}
      </Loaded>
    </Page>
  );
}

function Back() {
  return <LinkButton to="/integrations">Back to Integrations</LinkButton>;
}

interface QuestionsProps {
  vendor: Schema<'Vendor'>;
  connections: readonly PsaConnection[];
}

function Questions({ vendor, connections }: QuestionsProps) {
  const navigate = useNavigate();
  const connectionName = usePsaConnectionName();
  const queryClient = useQueryClient();
  const { eligibility } = vendor;
  // A vendor that asks nothing may be connected by anybody.
  const [isReseller, setReseller] = useState<'yes' | 'no' | null>(eligibility ? null : 'no');
  const [modules, setModules] = useState<readonly Integration['modules'][number][]>(['billing']);
  const [intake, setIntake] = useState<Integration['intake'] | null>(null);
  const [psaConnectionId, setConnection] = useState<string | null>(
    connections.length === 1 ? (connections[0]?.id ?? null) : null,
  );
  const [error, setError] = useState<unknown>();
  const [isAtWork, setAtWork] = useState(false);
  // No mutation of the query client: it would keep the answer, which holds the key.
  const connect = async () => {
    if (intake === null || psaConnectionId === null || isReseller === null) return;
    setAtWork(true);
    setError(undefined);
    try {
      const { integration, key } = await ask(
        api.POST('/v1/integrations', {
          params: { header: { 'idempotency-key': crypto.randomUUID() } },
          body: {
            vendor: vendor.id,
            psaConnectionId,
            intake,
            modules: [...modules],
            viaVirtualAdministrator: isReseller === 'yes',
          },
        }),
      );
      holdKey(integration.id, key);
      void queryClient.invalidateQueries({ queryKey: keys.integrations.all });
      void queryClient.invalidateQueries({ queryKey: keys.health.all });
      await navigate({ to: '/integrations/$id/connect', params: { id: integration.id }, replace: true });
    } catch (refused) {
      setError(refused);
      setAtWork(false);
    }
  };
  const open = [
    modules.length === 0 && 'choose billing, alerts or both',
    intake === null && 'choose how the counts arrive',
    psaConnectionId === null && 'choose your PSA',
  ].filter((each) => each !== false);
  return (
    <>
      {eligibility && (
        <Section title="Before you begin">
          <Radios
            label={eligibility.question}
            choices={[
              { id: 'no', name: 'No' },
              { id: 'yes', name: 'Yes' },
            ]}
            chosen={isReseller}
            onChoose={setReseller}
          />
          {isReseller === 'yes' && (
            <Banner tone="bad" title="This integration cannot be used">
              {eligibility.refusal}
            </Banner>
          )}
        </Section>
      )}
      {isReseller === 'no' && (
        <Section title={`What ${vendor.name} is connected for`}>
          {vendor.modules.map(({ module, title, text }) => (
            <Checkbox
              key={module}
              isChecked={modules.includes(module)}
              onChange={(isChecked) =>
                setModules((now) => (isChecked ? [...now, module] : now.filter((each) => each !== module)))
              }
            >
              <strong>{title}</strong>: {text}
            </Checkbox>
          ))}
          <Radios
            label="How the counts arrive"
            choices={vendor.intakes.map(({ intake: intakeId, title, text }) => ({
              id: intakeId,
              name: title,
              detail: text,
            }))}
            chosen={intake}
            onChoose={setIntake}
          />
          {connections.length > 1 && (
            <Radios
              label="The PSA that is compared with it"
              choices={connections.map(({ id, name }) => ({ id, name: connectionName(id) ?? name }))}
              chosen={psaConnectionId}
              onChoose={setConnection}
            />
          )}
          {error !== undefined && <ProblemBanner error={error} />}
          <Actions>
            <Button look="main" onPress={() => void connect()} isDisabled={open.length > 0 || isAtWork}>
              Connect
            </Button>
            {open.length > 0 && <Soft>Still to do: {open.join(', ')}.</Soft>}
          </Actions>
        </Section>
      )}
    </>
  );
}
