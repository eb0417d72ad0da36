import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { ProblemBanner } from '../../ui/ProblemBanner.tsx';
import { SearchField } from '../../ui/SearchField.tsx';
import { Select } from '../../ui/Select.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { Steps } from '../steps/Steps.tsx';
import { usePsaWords } from '../catalogue/queries.ts';
import { useIntegrationName } from '../integrations/names.ts';
import type { Integration } from '../integrations/state.ts';
import { accountsQuery } from '../mappings/queries.ts';
import styles from './alerts.module.css';
import { useAlert } from './queries.ts';
import { TicketLink } from './TicketLink.tsx';
import { priorityWords } from './words.ts';

interface Props {
  /** Those that carry alerts. */
  integrations: readonly Integration[];
  onClose: () => void;
}

/** Sends a test alert of a customer, and shows how far it comes, stage by stage. */
export function TestAlertDialog({ integrations, onClose }: Props) {
  const [sent, setSent] = useState<{ id: string; integration: Integration }>();
  return (
    <Dialog
      title="Test alert"
      isOpen
      onClose={onClose}
      {...(sent ? { actions: <Button onPress={onClose}>Done</Button> } : {})}
    >
      {sent ? (
        <Stages {...sent} />
      ) : (
        <Ask integrations={integrations} onSent={(id, integration) => setSent({ id, integration })} />
      )}
    </Dialog>
  );
}

const priorities = priorityWords.map((name, at) => ({ id: String(at + 1), name }));

interface AskProps {
  integrations: readonly Integration[];
  onSent: (id: string, integration: Integration) => void;
}

function Ask({ integrations, onSent }: AskProps) {
  const [integrationId, setIntegrationId] = useState(integrations[0]?.id ?? '');
  const integration = integrations.find(({ id }) => id === integrationId);
  const [search, setSearch] = useState('');
  const [accountId, setAccountId] = useState<string | null>(null);
  const [priority, setPriority] = useState('1');
  const [error, setError] = useState<unknown>();
  const [isAtWork, setAtWork] = useState(false);
  const accounts = useInfiniteQuery(accountsQuery(integrationId, { search, hideMapped: false }));
  const found = accounts.data?.pages.flatMap(({ items }) => items) ?? [];
  const queryClient = useQueryClient();
  const integrationName = useIntegrationName();
  const words = usePsaWords(integration?.psaConnectionId);
  const send = async () => {
    if (accountId === null || !integration) return;
    setAtWork(true);
    setError(undefined);
    try {
      const alert = await ask(
        api.POST('/v1/integrations/{id}/test-alert', {
          params: { path: { id: integration.id }, header: { 'idempotency-key': crypto.randomUUID() } },
          body: { accountId, priority: Number(priority) },
        }),
      );
      queryClient.setQueryData(keys.alerts.one(alert.id), alert);
      void queryClient.invalidateQueries({ queryKey: keys.alerts.lists });
      onSent(alert.id, integration);
    } catch (refusal) {
      setError(refusal);
      setAtWork(false);
    }
  };
  return (
    <form
      className={styles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {error !== undefined && <ProblemBanner error={error} />}
      <p>
        It makes one {words.ticket.one} that says it is a test, the way every alert goes. Close the {words.ticket.one}{' '}
        afterwards.
      </p>
      {integrations.length > 1 && (
        <Select
          label="Integration"
          choices={integrations.map(({ id }) => ({ id, name: integrationName(id) ?? id }))}
          chosen={integrationId}
          onChoose={(id) => {
            setIntegrationId(id);
            setAccountId(null);
          }}
        />
      )}
      <SearchField
        key={integrationId}
        label="Find the customer"
        placeholder="A part of its name"
        onSearch={(text) => {
          setSearch(text);
          setAccountId(null);
        }}
      />
      <Select
        label="Customer"
        choices={found.map(({ id, name, psaAccountName }) => ({
          id,
          name: psaAccountName === null ? `${name} (not mapped: the test would be parked)` : name,
        }))}
        chosen={accountId}
        onChoose={setAccountId}
        placeholder={accounts.isPending ? 'Searching …' : found.length === 0 ? 'None has this in its name' : 'Choose'}
      />
      {accounts.isError && <ProblemBanner error={accounts.error} onRetry={() => void accounts.refetch()} />}
      <Select label="Priority" choices={priorities} chosen={priority} onChoose={setPriority} />
      <Button look="main" type="submit" isDisabled={accountId === null || isAtWork}>
        Send the test
      </Button>
    </form>
  );
}

const nothingWrong = { problem: null, statement: null, retryAt: null, trying: null };

function Stages({ id, integration }: { id: string; integration: Integration }) {
  const query = useAlert(id);
  const words = usePsaWords(integration.psaConnectionId);
  if (!query.data) return <Skeleton label="Reading the test …" />;
  const { ticketId, firstReceivedAt, stages } = query.data;
  const accepted = {
    ...nothingWrong,
    step: 'accepted',
    title: 'Accepted',
    state: 'done' as const,
    doneAt: firstReceivedAt,
  };
  return (
    <>
      <Steps label="Stages of the test" steps={[accepted, ...(stages ?? [])]} />
      {ticketId !== null && (
        <p>
          Its {words.ticket.one} is <TicketLink alert={query.data} />.
        </p>
      )}
      {query.isError && <ProblemBanner error={query.error} onRetry={() => void query.refetch()} />}
    </>
  );
}
