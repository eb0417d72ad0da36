import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { Banner } from '../../ui/Banner.tsx';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { LinkButton } from '../../ui/LinkButton.tsx';
import { Actions, Section, Soft } from '../../ui/Section.tsx';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { Steps } from '../steps/Steps.tsx';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import { Instructions } from '../catalogue/Instructions.tsx';
import { useVendor } from '../catalogue/queries.ts';
import { BoardPanel } from '../alertSettings/BoardPanel.tsx';
import { useNow } from '../integrationHealth/live.ts';
import type { Integration } from '../integrations/state.ts';
import { useMay } from '../me/queries.ts';

interface Props {
  integration: Integration;
  vendor: string;
}

/** From billing to billing and alerts: how far it is, and what a person does now. Billing goes on meanwhile. */
export function Migration({ integration: read, vendor }: Props) {
  // It is moved from the vendor's side as well, so it is shown as it goes on.
  const integration = useNow(read);
  const { migration, modules } = integration;
  if (migration === null || !modules.includes('alerts')) {
    return modules.includes('alerts') ? (
      <EmptyState title="Alerts are connected already">
        This integration has carried billing and alerts since it was connected: there is nothing to migrate.
      </EmptyState>
    ) : (
      <Begin integration={integration} vendor={vendor} />
    );
  }
  const open = migration.steps.find(({ state }) => state !== 'done' && state !== 'skipped');
  return (
    <>
      <Section
        title="Migration to alerts"
        aside={
          migration.done ? (
            <StatusWord tone="good">Done</StatusWord>
          ) : (
            <StatusWord tone={open?.state === 'blocked' ? 'bad' : 'waiting'}>Under way</StatusWord>
          )
        }
      >
        <Steps label={`Steps of migrating ${vendor} to alerts`} steps={migration.steps} />
        {migration.done && <Soft>Alerts of {vendor} become tickets now. Billing is as it was.</Soft>}
      </Section>
      {!migration.done && <Now integration={integration} vendor={vendor} />}
      {isWaiting(migration, 'chooseBoard') && <BoardPanel integration={integration} />}
      {!migration.done && <Abandon integrationId={integration.id} />}
    </>
  );
}

const isWaiting = ({ steps }: NonNullable<Integration['migration']>, name: string) =>
  steps.some(({ step, state }) => step === name && state !== 'done' && state !== 'skipped');

/** What a person does now, and where. */
function Now({ integration, vendor }: Props) {
  const { id, migration } = integration;
  const portal = useVendor(integration.vendor)?.portal;
  if (migration === null) return null;
  if (isWaiting(migration, 'linkCustomers'))
    return (
      <Section title={`Next, in ${vendor}`}>
        <Instructions steps={portal?.link ?? []} />
        <Soft>Choose the customers whose alerts you want. What you did there shows up here by itself.</Soft>
        <Actions>
          <LinkButton to="/integrations/$id/accounts" params={{ id }}>
            Update Account Mapping
          </LinkButton>
        </Actions>
      </Section>
    );
  if (isWaiting(migration, 'updateAccountMapping'))
    return (
      <Section title="Next: map the accounts">
        <Soft>
          The customers that were linked for alerts may be more than those that are billed. An alert of a customer that
          is not mapped is kept until it is. When you are done, press Back To Overview.
        </Soft>
        <Actions>
          <LinkButton to="/integrations/$id/accounts" params={{ id }} look="main">
            Update Account Mapping
          </LinkButton>
        </Actions>
      </Section>
    );
  if (isWaiting(migration, 'updateCounts'))
    return (
      <Section title={integration.intake === 'push' ? `Next, in ${vendor}` : 'Next: the counts'}>
        <Soft>
          {integration.intake === 'push'
            ? `The accounts are mapped. ${portal?.updateCounts ?? ''} Then the migration is done.`
            : 'The accounts are mapped. The counts are being read; Sync Status shows it.'}
        </Soft>
        <Actions>
          <LinkButton to="/integrations/$id/accounts" params={{ id }}>
            Update Account Mapping
          </LinkButton>
        </Actions>
      </Section>
    );
  return null;
}

function Begin({ integration, vendor }: Props) {
  const portal = useVendor(integration.vendor)?.portal;
  const queryClient = useQueryClient();
  const may = useMay('admin');
  const begin = useMutation({
    mutationFn: () =>
      ask(
        api.POST('/v1/integrations/{id}/migration', {
          params: { path: { id: integration.id }, header: { 'idempotency-key': crypto.randomUUID() } },
        }),
      ),
    onSuccess: () => {
      tell('The migration has begun', 'Alerts are accepted from now on.');
      void queryClient.invalidateQueries({ queryKey: keys.integrations.all });
    },
    onError: tellProblem,
  });
  const canBegin = integration.process.done && integration.disconnectedAt === null;
  return (
    <Section title="Alerts are not connected yet">
      <Soft>
        {integration.intake === 'push'
          ? `${portal?.migrate ?? ''} This page then goes on by itself.`
          : `Alerts of ${vendor} become tickets in your PSA. Billing goes on as it is.`}
      </Soft>
      {!canBegin && (
        <Banner title="Not yet">
          {integration.disconnectedAt === null
            ? 'Finish connecting the integration first.'
            : 'The integration is disconnected. Connect it again first.'}
        </Banner>
      )}
      {may ? (
        <Actions>
          <Button
            look={integration.intake === 'push' ? 'plain' : 'main'}
            isDisabled={!canBegin || begin.isPending}
            onPress={() => begin.mutate()}
          >
            Migrate to Alerts
          </Button>
        </Actions>
      ) : (
        <Soft>Only an admin of your organization can begin it here.</Soft>
      )}
    </Section>
  );
}

function Abandon({ integrationId }: { integrationId: string }) {
  const [isOpen, setOpen] = useState(false);
  const queryClient = useQueryClient();
  const may = useMay('admin');
  const abandon = useMutation({
    mutationFn: () =>
      ask(
        api.POST('/v1/integrations/{id}/migration/abandon', {
          params: { path: { id: integrationId }, header: { 'idempotency-key': crypto.randomUUID() } },
        }),
      ),
    onSuccess: () => {
      setOpen(false);
      tell('It is billing only again', 'Mappings and counts are as they were.');
      void queryClient.invalidateQueries({ queryKey: keys.integrations.all });
    },
    onError: tellProblem,
  });
  if (!may) return null;
  return (
    <div>
      <Button look="quiet" onPress={() => setOpen(true)}>
        Back to billing only …
      </Button>
      <Dialog
        title="Back to billing only"
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        actions={
          <>
            <Button onPress={() => setOpen(false)}>Go on migrating</Button>
            <Button look="danger" isDisabled={abandon.isPending} onPress={() => abandon.mutate()}>
              Back to billing only
            </Button>
          </>
        }
      >
        <p>
          Alerts that nobody was told of are dismissed, and no more are taken. Mappings and counts stay as they are.
        </p>
      </Dialog>
    </div>
  );
}
