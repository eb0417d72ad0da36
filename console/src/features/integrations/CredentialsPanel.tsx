import { useQueryClient } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { paths } from '../../api/schema.ts';
import type { Schema } from '../../api/types.ts';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { Section, Soft } from '../../ui/Section.tsx';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { tell } from '../../ui/Toast.tsx';
import { CredentialsForm } from '../catalogue/CredentialsForm.tsx';
import { useMay } from '../me/queries.ts';

type Body = paths['/v1/integrations/{id}/vendor-credentials']['put']['requestBody']['content']['application/json'];

interface Props {
  integrationId: string;
  vendor: Schema<'Vendor'>;
  title: string;
  /** True while given credentials are being tried. */
  isTrying?: boolean;
}

/** Asks for the credentials with which Countersign reads from the vendor; they are tried at once. */
export function CredentialsPanel({ integrationId, vendor, title, isTrying = false }: Props) {
  const queryClient = useQueryClient();
  const may = useMay('admin');
  if (!may)
    return <EmptyState title="Only an admin gives credentials">Ask an admin of your organization to do it.</EmptyState>;
  return (
    <Section
      title={title}
      {...(isTrying ? { aside: <StatusWord tone="busy">{`${vendor.name} is being asked`}</StatusWord> } : {})}
    >
      <Soft>They are encrypted, never shown again, and tried at once.</Soft>
      <CredentialsForm
        fields={vendor.credentials}
        submit="Give credentials"
        onSubmit={async (credentials, more) => {
          // The vendor's own list of fields says which they are, and the API checks them by the schema that made the list.
          const body = { ...credentials, ...more } as unknown as Body;
          await ask(
            api.PUT('/v1/integrations/{id}/vendor-credentials', { params: { path: { id: integrationId } }, body }),
          );
          tell('The credentials were saved', `${vendor.name} is asked with them now. A refusal is told on this page.`);
          void queryClient.invalidateQueries({ queryKey: keys.integrations.one(integrationId) });
          void queryClient.invalidateQueries({ queryKey: keys.health.all });
        }}
      />
    </Section>
  );
}
