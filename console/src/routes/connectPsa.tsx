import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, ask } from '../api/client.ts';
import { keys } from '../api/keys.ts';
import type { Schema } from '../api/types.ts';
import { FieldsForm } from '../features/catalogue/FieldsForm.tsx';
import { psasQuery } from '../features/catalogue/queries.ts';
import { useMay } from '../features/me/queries.ts';
import { Banner } from '../ui/Banner.tsx';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Loaded } from '../ui/Loaded.tsx';
import { Page } from '../ui/Page.tsx';
import { Radios } from '../ui/Radios.tsx';
import { Section, Soft } from '../ui/Section.tsx';
import { Skeleton } from '../ui/Skeleton.tsx';
import { TextField } from '../ui/TextField.tsx';

/** The first thing to do: connect the PSA. */
export function ConnectPsa() {
  const psas = useQuery(psasQuery);
  const [chosen, setChosen] = useState<string | null>(null);
  return (
    <Page
      title="Connect your PSA"
      lead="Countersign reads it, and writes nothing to it until you turn writing on and approve a change."
    >
      <Loaded query={psas} what="The PSAs" loading={<Skeleton label="Reading which PSAs there are …" />}>
        {({ items }) => {
          const psa = items.find(({ id }) => id === chosen) ?? (items.length === 1 ? items[0] : undefined);
          return (
            <>
              {items.length > 1 && (
                <Section title="Which PSA do you use?">
                  <Radios
                    label="Your PSA"
                    choices={items.map(({ id, name }) => ({ id, name }))}
                    chosen={chosen}
                    onChoose={setChosen}
                  />
                </Section>
              )}
              {psa && <Credentials key={psa.id} psa={psa} />}
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

function Credentials({ psa }: { psa: Schema<'Psa'> }) {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const may = useMay('admin');
  const [name, setName] = useState(psa.name);
  if (!may)
    return (
      <EmptyState title="Only an admin connects the PSA">
        Ask an admin of your organization to do it; you will see it here then.
      </EmptyState>
    );
  if (psa.missing !== null)
    return (
      <Banner tone="care" title={`${psa.name} cannot be connected yet`}>
        {psa.missing}
      </Banner>
    );
  const connect = async (credentials: Record<string, unknown>) => {
    const { id } = await ask(
      api.POST('/v1/psa-connections', {
        params: { header: { 'idempotency-key': crypto.randomUUID() } },
        body: { kind: psa.id, name, credentials },
      }),
    );
    await queryClient.invalidateQueries({ queryKey: keys.psaConnections.all });
    await navigate({ to: '/psa-connections/$id', params: { id } });
  };
  return (
    <Section title={psa.name}>
      <Soft>
        The credentials are encrypted, never shown again, and tried at once. Their rights are set in {psa.rightsAt}.
      </Soft>
      <FieldsForm fields={psa.credentials} submit={`Connect ${psa.name}`} onSubmit={connect}>
        <TextField
          label="Name in Countersign"
          description="How this connection is called here."
          value={name}
          onChange={setName}
          isRequired
        />
      </FieldsForm>
    </Section>
  );
}
