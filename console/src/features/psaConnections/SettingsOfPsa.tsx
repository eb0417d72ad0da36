import { useQuery, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';
import { Loaded } from '../../ui/Loaded.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { tell } from '../../ui/Toast.tsx';
import { FieldsForm } from '../catalogue/FieldsForm.tsx';
import { ticketFieldsQuery, type PsaConnection } from './queries.ts';

/** What is set for one connection, with the values that its PSA offers for the fields of tickets. */
export function SettingsOfPsa({ connection, psa }: { connection: PsaConnection; psa: Schema<'Psa'> }) {
  const { id, settings } = connection;
  const queryClient = useQueryClient();
  const offered = useQuery(ticketFieldsQuery(id));
  return (
    <Loaded query={offered} what="The settings" loading={<Skeleton label="Reading the settings …" rows={4} />}>
      {({ items }) => (
        <FieldsForm
          fields={psa.settings.map((field) => withOffered(field, items, settings[field.name]))}
          given={settings}
          submit="Save settings"
          onSubmit={async (body) => {
            const data = await ask(api.PUT('/v1/psa-connections/{id}/settings', { params: { path: { id } }, body }));
            queryClient.setQueryData(keys.psaConnections.one(id), data);
            // The preview of a ticket shows them.
            void queryClient.invalidateQueries({ queryKey: keys.ticketFields.of(id) });
            void queryClient.invalidateQueries({ queryKey: keys.alertSettings.all });
            tell('The settings were saved');
          }}
        />
      )}
    </Loaded>
  );
}

/** A field whose values are the PSA's, with those that were read, the one that is set, and none. */
function withOffered(
  field: Schema<'Field'>,
  items: readonly Schema<'TicketField'>[],
  set: string | number | undefined,
): Schema<'Field'> {
  if (field.ofTickets !== 'listed') return field;
  const choices = items.find(({ name }) => name === field.name)?.choices ?? null;
  const id = String(set ?? '');
  const gone = id !== '' && !choices?.some((choice) => choice.id === id);
  return {
    ...field,
    where:
      choices === null
        ? `${field.where} Check Permissions of an integration with alerts reads which there are.`
        : field.where,
    choices: [
      // A blank is sent as nothing is.
      { id: ' ', name: 'What the PSA fills in by itself' },
      ...(choices ?? []),
      ...(gone ? [{ id, name: `${id} (not offered any more)` }] : []),
    ],
  };
}
