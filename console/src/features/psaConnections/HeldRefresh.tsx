import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { Banner } from '../../ui/Banner.tsx';
import { Button } from '../../ui/Button.tsx';
import { LinkButton } from '../../ui/LinkButton.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Actions } from '../../ui/Section.tsx';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import { terms } from '../../terms.ts';
import { WhoMay } from '../me/WhoMay.tsx';
import { usePsaConnectionName } from './names.ts';
import { psaConnectionsQuery, type PsaConnection } from './queries.ts';

/** A reading that lost far too many rows, and what a person may do with it. */
export function HeldRefresh({ connection }: { connection: PsaConnection }) {
  const { id, heldRefresh: held } = connection;
  const queryClient = useQueryClient();
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
    onSettled: () => setAsked(undefined),
  });
  const [asked, setAsked] = useState<'release' | 'discard'>();
  if (held === null) return null;
  const way = asked && ways[asked];
  return (
    <Banner tone="bad" title="A reading is held: far fewer rows came than before">
      <p>{terms.held}</p>
      <p>{held.words}</p>
      <p>Until somebody decides, the rows from before are shown.</p>
      <WhoMay to="release or discard it">
        <Actions>
          <Button onPress={() => setAsked('discard')}>Discard and read anew …</Button>
          <Button onPress={() => setAsked('release')}>Release …</Button>
        </Actions>
      </WhoMay>
      {way && (
        <Dialog
          title={way.title}
          isOpen
          onClose={() => setAsked(undefined)}
          actions={
            <>
              <Button onPress={() => setAsked(undefined)}>Not now</Button>
              <Button
                look={asked === 'release' ? 'danger' : 'main'}
                onPress={() => decide.mutate({ refreshId: held.id, release: asked === 'release' })}
                isDisabled={decide.isPending}
              >
                {way.does}
              </Button>
            </>
          }
        >
          <p>{way.then}</p>
        </Dialog>
      )}
    </Banner>
  );
}

/** The readings of PSAs that are held, beside the runs that are: each leads to where it is released or discarded. */
export function HeldReadings() {
  const { data } = useQuery(psaConnectionsQuery);
  const connectionName = usePsaConnectionName();
  return (data?.items ?? []).map(
    ({ id, name, heldRefresh: held }) =>
      held && (
        <Banner
          key={id}
          tone="care"
          title={`A reading of ${connectionName(id) ?? name} is held`}
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
const ways = {
  release: {
    title: 'Are the rows really gone from the PSA?',
    does: 'Release: they are gone',
    then: 'What came is shown then, and the rows that did not come are removed: their cards and lines with them. Release it only after you have looked in the PSA.',
  },
  discard: {
    title: 'Discard this reading?',
    does: 'Discard and read anew',
    then: 'What came is thrown away, the rows from before stay as they are, and the PSA is read anew.',
  },
} as const;
