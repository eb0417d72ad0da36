import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Actions, Section, Soft } from '../../ui/Section.tsx';
import { Select } from '../../ui/Select.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import { When } from '../../ui/When.tsx';
import { useMay } from '../me/queries.ts';
import { KeyOnce } from './KeyOnce.tsx';
import styles from './Keys.module.css';

const keysQuery = (integrationId: string) =>
  queryOptions({
    queryKey: keys.integrationKeys.of(integrationId),
    queryFn: ({ signal }) =>
      ask(api.GET('/v1/integrations/{id}/keys', { params: { path: { id: integrationId } }, signal })),
  });

const overlaps = [
  { id: '0', name: 'Stops at once' },
  { id: '24', name: 'Works for another day' },
  { id: '168', name: 'Works for another week' },
] as const;

/** The keys with which the vendor sends: their last use, and how they are replaced. */
export function Keys({ integrationId, vendor }: { integrationId: string; vendor: string }) {
  const query = useQuery(keysQuery(integrationId));
  const queryClient = useQueryClient();
  const may = useMay('admin');
  const [isAsking, setAsking] = useState(false);
  const [overlap, setOverlap] = useState<(typeof overlaps)[number]['id']>('24');
  const [made, setMade] = useState<string>();
  const [isAtWork, setAtWork] = useState(false);
  useEffect(() => () => setMade(undefined), []);
  const reread = () => queryClient.invalidateQueries({ queryKey: keys.integrationKeys.of(integrationId) });
  // No mutation of the query client: it would keep the answer, which holds the key.
  const rotate = async () => {
    setAtWork(true);
    try {
      const issued = await ask(
        api.POST('/v1/integrations/{id}/key', {
          params: { path: { id: integrationId }, header: { 'idempotency-key': crypto.randomUUID() } },
          body: { overlapHours: Number(overlap) },
        }),
      );
      setMade(issued.key);
      setAsking(false);
      void reread();
    } catch (error) {
      tellProblem(error);
    }
    setAtWork(false);
  };
  const revoke = useMutation({
    mutationFn: (keyId: string) =>
      ask(api.DELETE('/v1/integrations/{id}/keys/{keyId}', { params: { path: { id: integrationId, keyId } } })),
    onSuccess: () => {
      tell('The key was revoked');
      void reread();
    },
    onError: tellProblem,
  });
  return (
    <Section title="Keys">
      <Soft>{vendor} sends with a key of this integration. Countersign keeps no key that could be shown again.</Soft>
      {made !== undefined && <KeyOnce value={made} />}
      <Loaded query={query} what="The keys" loading={<Skeleton label="Reading the keys …" rows={2} />}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState title="There is no key">{vendor} cannot send before one was made.</EmptyState>
          ) : (
            <ul className={styles['keys']} aria-label="Keys">
              {items.map((key) => {
                const isOver =
                  key.revokedAt !== null || (key.expiresAt !== null && Date.parse(key.expiresAt) <= Date.now());
                return (
                  <li key={key.id}>
                    <StatusWord tone={isOver ? 'quiet' : 'good'}>{isOver ? 'Over' : 'In force'}</StatusWord>
                    <span>
                      Made <When at={key.createdAt} />
                    </span>
                    <span>
                      {key.lastUsedAt === null ? (
                        'Never used'
                      ) : (
                        <>
                          Last used <When at={key.lastUsedAt} as="age" />
                        </>
                      )}
                    </span>
                    <span>
                      {!isOver && key.expiresAt !== null && (
                        <>
                          Ends <When at={key.expiresAt} />
                        </>
                      )}
                    </span>
                    {may && !isOver ? (
                      <Button onPress={() => revoke.mutate(key.id)} isDisabled={revoke.isPending}>
                        Revoke
                      </Button>
                    ) : (
                      <span />
                    )}
                  </li>
                );
              })}
            </ul>
          )
        }
      </Loaded>
      {may && (
        <Actions>
          <Button onPress={() => setAsking(true)}>Make a new key …</Button>
        </Actions>
      )}
      <Dialog
        title="Make a new key"
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        actions={
          <>
            <Button onPress={() => setAsking(false)}>Not now</Button>
            <Button look="main" onPress={() => void rotate()} isDisabled={isAtWork}>
              Make it
            </Button>
          </>
        }
      >
        <p>The new key is shown once. Paste it where the old one stands now.</p>
        <Select label="The old key" choices={overlaps} chosen={overlap} onChoose={setOverlap} />
      </Dialog>
    </Section>
  );
}
