import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { Banner } from '../../ui/Banner.tsx';
import { Button } from '../../ui/Button.tsx';
import { LinkButton } from '../../ui/LinkButton.tsx';
import { Actions } from '../../ui/Section.tsx';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import { terms } from '../../terms.ts';
import { useMay } from '../me/queries.ts';
import { psaConnectionsQuery, type PsaConnection } from './queries.ts';

/** A reading that lost far too many rows, and what a person may do with it. */
export function HeldRefresh({ connection }: { connection: PsaConnection }) {
  const { id, heldRefresh: held } = connection;
  const queryClient = useQueryClient();
  const isOperator = useMay('operate');
  const decide = useMutation({
    mutationFn: (decision: { refreshId: string; release: boolean }) => {
      const params = {
        path: { id, refreshId: decision.refreshId },
        header: { 'idempotency-key': crypto.randomUUID() },
      };
      return decision.release
        ? ask(api.POST('/v1/psa-connections/{id}/refreshes/{refreshId}/release', { params }))
        : ask(api.POST('/v1/psa-connections/{id}/refreshes/{refreshId}/discard', { params }));
    },
    onSuccess: (data, { release }) => {
      queryClient.setQueryData(keys.psaConnections.one(id), data);
      tell(release ? 'The reading is being shown' : 'The reading was discarded; the PSA is being read anew');
    },
    onError: tellProblem,
  });
  if (held === null) return null;
  return (
    <Banner tone="bad" title="A reading is held: far fewer rows came than before">
      <p>{terms.held}</p>
      <p>{held.words}</p>
      {isOperator && (
        <Actions>
          <Button onPress={() => decide.mutate({ refreshId: held.id, release: false })} isDisabled={decide.isPending}>
            Discard and read anew
          </Button>
          <Button onPress={() => decide.mutate({ refreshId: held.id, release: true })} isDisabled={decide.isPending}>
            Release: the rows are gone
          </Button>
        </Actions>
      )}
    </Banner>
  );
}

/** The readings of PSAs that are held, beside the runs that are: each leads to where it is released or discarded. */
export function HeldReadings() {
  const { data } = useQuery(psaConnectionsQuery);
  return (data?.items ?? []).map(
    ({ id, name, heldRefresh: held }) =>
      held && (
        <Banner
          key={id}
          tone="care"
          title={`A reading of ${name} is held`}
          action={
            <LinkButton to="/psa-connections/$id" params={{ id }}>
              Open
            </LinkButton>
          }
        >
          <p>{held.words}</p>
        </Banner>
      ),
  );
}
