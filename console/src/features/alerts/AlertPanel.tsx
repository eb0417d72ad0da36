import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { Banner } from '../../ui/Banner.tsx';
import { Button } from '../../ui/Button.tsx';
import { formatMany } from '../../ui/format.ts';
import { Loaded } from '../../ui/Loaded.tsx';
import { Facts, Soft } from '../../ui/Section.tsx';
import { SidePanel } from '../../ui/SidePanel.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { Steps } from '../steps/Steps.tsx';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import { When } from '../../ui/When.tsx';
import { usePsaWords, useVendorName, type PsaWords } from '../catalogue/queries.ts';
import type { Integration } from '../integrations/state.ts';
import { capital } from '../mappings/words.ts';
import { useMay } from '../me/queries.ts';
import { WhoMay } from '../me/WhoMay.tsx';
import styles from './alerts.module.css';
import { DismissDialog } from './DismissDialog.tsx';
import { useAlert, type AlertDetail } from './queries.ts';
import { TicketLink } from './TicketLink.tsx';
import {
  customerOf,
  doneOf,
  mayBeDismissed,
  mayBeRetried,
  meaningOf,
  priorityOf,
  sourceWords,
  stateWords,
  waitsFor,
} from './words.ts';

interface Props {
  id: string;
  integrations: readonly Integration[];
  onClose: () => void;
}

/** One alert: its ticket, why it is where it is, what was done about it, and what can be done. */
export function AlertPanel({ id, integrations, onClose }: Props) {
  const query = useAlert(id);
  const queryClient = useQueryClient();
  const may = useMay('operate');
  const [isDismissing, setDismissing] = useState(false);
  const changed = (data: AlertDetail) => {
    queryClient.setQueryData(keys.alerts.one(id), data);
    void queryClient.invalidateQueries({ queryKey: keys.alerts.lists });
    void queryClient.invalidateQueries({ queryKey: keys.health.all });
  };
  const retry = useMutation({
    mutationFn: () =>
      ask(
        api.POST('/v1/alerts/{id}/retry', {
          params: { path: { id }, header: { 'idempotency-key': crypto.randomUUID() } },
        }),
      ),
    onSuccess: (data) => {
      changed(data);
      tell('It is tried again');
    },
    onError: (error) => {
      tellProblem(error);
      void query.refetch();
    },
  });
  const { data } = query;
  return (
    <SidePanel
      title={data?.title ?? 'Alert'}
      state={data && <StatusWord tone={stateWords[data.state].tone}>{stateWords[data.state].word}</StatusWord>}
      onClose={onClose}
      actions={
        data &&
        may && (
          <>
            {mayBeDismissed(data) && <Button onPress={() => setDismissing(true)}>Dismiss …</Button>}
            {mayBeRetried(data) && (
              <Button look="main" isDisabled={retry.isPending} onPress={() => retry.mutate()}>
                Retry
              </Button>
            )}
          </>
        )
      }
    >
      <Loaded
        query={query}
        what="The details of this alert"
        loading={<Skeleton label="Reading the alert …" rows={8} />}
      >
        {(alert) => (
          <>
            <Details alert={alert} integration={integrations.find((each) => each.id === alert.integrationId)} />
            {isDismissing && (
              <DismissDialog
                alert={alert}
                onClose={() => setDismissing(false)}
                onDone={(dismissed) => {
                  setDismissing(false);
                  changed(dismissed);
                }}
              />
            )}
          </>
        )}
      </Loaded>
    </SidePanel>
  );
}

function Details({ alert, integration }: { alert: AlertDetail; integration: Integration | undefined }) {
  const words = usePsaWords(integration?.psaConnectionId);
  const vendorName = useVendorName();
  const vendor = integration ? vendorName(integration.vendor) : 'the vendor';
  const { id, state, reason, source, gatheredInto, process, history } = alert;
  const ticket = capital(words.ticket.one);
  const forAll = state === 'dead' ? reason?.of : undefined;
  return (
    <>
      {reason === null || (state !== 'dead' && state !== 'delivered') ? (
        <Soft>{waitsFor(alert, words) ?? reason?.detail ?? meaningOf(state, words)}</Soft>
      ) : (
        <Banner
          tone={state === 'dead' ? 'bad' : 'care'}
          title={state === 'dead' ? `It became no ${words.ticket.one}` : `Its ${words.ticket.one} was not found again`}
        >
          <p>{reason.detail}</p>
          {state === 'dead' && <WhatNow forAll={forAll} words={words} />}
        </Banner>
      )}
      {integration && (state === 'parked' || forAll === 'board') && (
        <p className={styles['links']}>
          {forAll === undefined && !isOnly(alert, 'board') && (
            <Link to="/integrations/$id/accounts" params={{ id: integration.id }}>
              Account mapping
            </Link>
          )}
          {!isOnly(alert, 'mapping') && (
            <Link to="/integrations/$id" params={{ id: integration.id }}>
              Choose the {words.board.one}
            </Link>
          )}
        </p>
      )}
      {integration && forAll === 'field' && (
        <p className={styles['links']}>
          <Link to="/psa-connections/$id" params={{ id: integration.psaConnectionId }}>
            Settings of the PSA connection
          </Link>
        </p>
      )}
      <Facts
        facts={[
          {
            name: ticket,
            value: gatheredInto === null ? <TicketLink alert={alert} /> : <Shared into={gatheredInto} />,
          },
          ...(alert.previousTicketId === null
            ? []
            : [{ name: `Follows the closed ${words.ticket.one}`, value: alert.previousTicketId }]),
          { name: `Customer in ${vendor}`, value: customerOf(alert) },
          { name: capital(words.account.one), value: alert.psaAccountName ?? alert.psaAccountId ?? '—' },
          ...(alert.serviceId === null ? [] : [{ name: 'Service', value: alert.serviceId }]),
          { name: 'Priority', value: priorityOf(alert.priority) },
          { name: 'Came', value: `${sourceWords[source](vendor)}, ${formatMany(alert.revision, 'time', 'times')}` },
          { name: 'First', value: <When at={alert.firstReceivedAt} /> },
          ...(alert.revision > 1 ? [{ name: 'Last', value: <When at={alert.receivedAt} /> }] : []),
          ...(alert.deliveredAt === null ? [] : [{ name: 'Delivered', value: <When at={alert.deliveredAt} /> }]),
          ...(alert.clearedAt === null ? [] : [{ name: 'Over since', value: <When at={alert.clearedAt} /> }]),
        ]}
      />
      {source === 'storm' && (
        <Link to="/alerts" search={{ gathered: id }}>
          The alerts that share this {words.ticket.one}
        </Link>
      )}
      {alert.description !== '' && <p className={styles['text']}>{alert.description}</p>}
      {process && state === 'delivering' && <Steps label="Steps of its delivery" steps={process.steps} />}
      {history.length > 0 && (
        <section className={styles['history']}>
          <h3>What was done</h3>
          <ol aria-label="What was done">
            {history.map(({ at, actorName, action }) => (
              <li key={`${at} ${action}`}>
                <span>
                  {doneOf(action, words)} <span className={styles['soft']}>({actorName})</span>
                </span>
                <span className={styles['soft']}>
                  <When at={at} />
                </span>
              </li>
            ))}
          </ol>
        </section>
      )}
      {process?.url != null && (
        <a href={process.url} target="_blank" rel="noreferrer">
          Its workflow in the Temporal UI
        </a>
      )}
    </>
  );
}

/** What is done about an alert that is not tried again by itself. */
function WhatNow({ forAll, words: { board } }: { forAll: 'board' | 'field' | undefined; words: PsaWords }) {
  if (forAll === 'field')
    return (
      <>
        <p>
          So no alert of this service is delivered meanwhile. Choose another value, and all of them follow; or make it
          usable in the PSA again.
        </p>
        <WhoMay to="choose another value, and retry or dismiss this alert">
          <p>Then press Retry, or dismiss this alert.</p>
        </WhoMay>
      </>
    );
  return forAll === 'board' ? (
    <>
      <p>
        The PSA refuses the {board.one} itself, so no alert of this service is delivered meanwhile. Make the {board.one}{' '}
        and its status, type and priorities usable in the PSA again, or choose another one; the other alerts then
        follow.
      </p>
      <WhoMay to={`choose another ${board.one}, and retry or dismiss this alert`}>
        <p>Then press Retry, or dismiss this alert.</p>
      </WhoMay>
    </>
  ) : (
    <WhoMay to="retry it when that is put right in the PSA, or dismiss it">
      <p>Put that right in the PSA, then press Retry; or dismiss the alert.</p>
    </WhoMay>
  );
}

const isOnly = ({ missing }: AlertDetail, what: AlertDetail['missing'][number]) =>
  missing.length === 1 && missing[0] === what;

function Shared({ into }: { into: string }) {
  return (
    <Link to="/alerts" search={{ alert: into }}>
      Shared with others
    </Link>
  );
}
