import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { api, ask } from '../api/client.ts';
import { keys } from '../api/keys.ts';
import type { Schema } from '../api/types.ts';
import { FieldsForm } from '../features/catalogue/FieldsForm.tsx';
import { psasQuery } from '../features/catalogue/queries.ts';
import { useMay } from '../features/me/queries.ts';
import { usePsaConnectionName } from '../features/psaConnections/names.ts';
import { psaConnectionQuery, type PsaConnection } from '../features/psaConnections/queries.ts';
import { HeldRefresh } from '../features/psaConnections/HeldRefresh.tsx';
import { RightsTable, rightsWord } from '../features/psaConnections/RightsTable.tsx';
import { SettingsOfPsa } from '../features/psaConnections/SettingsOfPsa.tsx';
import { Writing } from '../features/psaConnections/Writing.tsx';
import { Banner } from '../ui/Banner.tsx';
import { Button } from '../ui/Button.tsx';
import { LinkButton } from '../ui/LinkButton.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Page } from '../ui/Page.tsx';
import { Actions, Facts, Section, Soft } from '../ui/Section.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';
import { StatusWord } from '../ui/StatusWord.tsx';
import { Steps } from '../features/steps/Steps.tsx';
import { tell, tellProblem } from '../ui/Toast.tsx';
import { When } from '../ui/When.tsx';

/** A PSA connection: what it may do, what has been read, and how it is changed. */
export function PsaConnectionPage() {
  const { id } = useParams({ from: '/shell/psa-connections/$id' });
  const connection = useQuery(psaConnectionQuery(id));
  const psas = useQuery(psasQuery);
  const connectionName = usePsaConnectionName();
  return (
    <Page
      title={connectionName(id) ?? connection.data?.name ?? 'PSA connection'}
      lead="Your PSA: its rights, and what has been read from it."
    >
      <Loaded
        query={connection}
        what="The details of the PSA connection"
        loading={<Skeleton label="Reading the connection …" />}
      >
        {(data) => (
          <Loaded query={psas} what="The PSAs" loading={<Skeleton label="Reading what this PSA needs …" />}>
            {({ items }) => {
              const psa = items.find((each) => each.id === data.kind);
              return psa && <Connection connection={data} psa={psa} />;
            }}
          </Loaded>
        )}
      </Loaded>
    </Page>
  );
}

function Connection({ connection, psa }: { connection: PsaConnection; psa: Schema<'Psa'> }) {
  const { id, permissions, alertPermissions, process, refreshedAt } = connection;
  const queryClient = useQueryClient();
  const isOperator = useMay('operate');
  const isAdmin = useMay('admin');
  const shown = (data: PsaConnection) => queryClient.setQueryData(keys.psaConnections.one(id), data);
  const check = useMutation({
    mutationFn: () =>
      ask(
        api.POST('/v1/psa-connections/{id}/check', {
          params: { path: { id }, header: { 'idempotency-key': crypto.randomUUID() } },
        }),
      ),
    onSuccess: (data) => {
      shown(data);
      tell('Rights and data are being read again');
    },
    onError: tellProblem,
  });
  const rights = rightsWord(psa, 'billing', permissions);
  // When the rights had last been checked as new credentials were given; undefined = none were given here.
  const [givenAfter, setGivenAfter] = useState<string | null>();
  return (
    <>
      <Section title="Rights" aside={<StatusWord tone={rights.tone}>{rights.word}</StatusWord>}>
        {permissions !== null && permissions.auth !== 'ok' && (
          <Banner tone="bad" title={`${psa.name} does not accept the credentials`}>
            {Object.values(permissions.capabilities)[0]?.evidence}
          </Banner>
        )}
        <Asking connection={connection} psa={psa} />
        <RightsTable psa={psa} module="billing" checked={permissions} />
        {alertPermissions !== null && <RightsTable psa={psa} module="alerts" checked={alertPermissions} />}
        <Actions>
          {isOperator && (
            <Button onPress={() => check.mutate()} isDisabled={check.isPending}>
              Check again
            </Button>
          )}
          {permissions?.auth === 'ok' && (
            <LinkButton to="/integrations" look="main">
              Go on to the vendors
            </LinkButton>
          )}
        </Actions>
      </Section>

      <Section title="What has been read">
        <HeldRefresh connection={connection} />
        <Facts
          facts={[
            { name: 'Data as of', value: refreshedAt === null ? 'Nothing read yet' : <When at={refreshedAt} /> },
            {
              name: 'Rows that could not be read',
              value: connection.unread.total === 0 ? 'None' : connection.unread.total,
            },
          ]}
        />
        {connection.pause && <Soft>It asked for a pause: {connection.pause.why}</Soft>}
        <Steps label={`Steps of reading ${connection.name}`} steps={process.steps} />
      </Section>

      <Section
        title="Writing"
        aside={
          <StatusWord tone={connection.writesEnabled ? 'good' : 'quiet'}>
            {connection.writesEnabled ? 'On' : 'Off'}
          </StatusWord>
        }
      >
        <Writing connection={connection} psa={psa} />
      </Section>
      {isAdmin && (
        <Section title="Settings">
          <SettingsOfPsa connection={connection} psa={psa} />
        </Section>
      )}
      {isAdmin && (
        <Section
          title="New credentials"
          {...(givenAfter === undefined ? {} : { aside: <Answer connection={connection} givenAfter={givenAfter} /> })}
        >
          <Soft>The old ones are replaced, and the new ones are tried at once. Nothing else changes.</Soft>
          <FieldsForm
            fields={psa.credentials}
            submit="Give new credentials"
            onSubmit={async (credentials) => {
              const body = { kind: psa.id, credentials };
              shown(await ask(api.PUT('/v1/psa-connections/{id}/credentials', { params: { path: { id } }, body })));
              setGivenAfter(connection.permissionsAt);
              tell(
                'The new credentials were saved',
                `${psa.name} is asked with them now. What it answers stands under Rights.`,
              );
            }}
          />
        </Section>
      )}
    </>
  );
}

const sentence = (words: string) => (words.endsWith('.') ? words : `${words}.`);

/** What has become of the asking: under way, failed and made again, or come to a stop. */
function Asking({ connection: { permissions, process }, psa }: { connection: PsaConnection; psa: Schema<'Psa'> }) {
  const step = process.steps.find(({ state }) => state === 'running' || state === 'blocked');
  if (!step) return null;
  if (step.problem)
    return permissions !== null && permissions.auth !== 'ok' ? null : (
      <Banner tone="bad" title={`${step.title}: ${step.problem.what}`}>
        {step.problem.todo}
        {step.problem.code === 'unreachable' && ' If the address was mistyped, give new credentials below.'}
        {step.retryAt !== null && (
          <>
            {' '}
            It is tried again <When at={step.retryAt} as="age" />.
          </>
        )}
      </Banner>
    );
  if (step.trying)
    return (
      <Banner tone="care" title={`${psa.name} could not be asked: attempt ${step.trying.attempt} failed`}>
        {sentence(step.trying.what)} It is tried again by itself
        {step.trying.againAt !== null && (
          <>
            {' '}
            (<When at={step.trying.againAt} as="age" />)
          </>
        )}
        . If the address or a key was mistyped, give new credentials below.
      </Banner>
    );
  return permissions === null ? (
    <p role="status">
      <StatusWord tone="busy">{`${psa.name} is being asked`}</StatusWord>
    </p>
  ) : null;
}

/** What the PSA has said to the credentials that were given on this page. */
function Answer({
  connection: { permissions, permissionsAt, process },
  givenAfter,
}: {
  connection: PsaConnection;
  givenAfter: string | null;
}) {
  const isTrying = process.steps.some(({ trying }) => trying !== null);
  if (permissionsAt === givenAfter || permissions === null)
    return (
      <StatusWord tone={isTrying ? 'care' : 'busy'}>
        {isTrying ? 'No answer yet: see Rights' : 'They are being tried'}
      </StatusWord>
    );
  return permissions.auth === 'ok' ? (
    <StatusWord tone="good">They work</StatusWord>
  ) : (
    <StatusWord tone="bad">Refused: see Rights</StatusWord>
  );
}
