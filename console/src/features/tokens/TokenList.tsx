import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { DownloadButton } from '../../ui/LinkButton.tsx';
import { Actions, Section, Soft } from '../../ui/Section.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import { When } from '../../ui/When.tsx';
import { useMay } from '../me/queries.ts';
import styles from '../members/MemberList.module.css';
import { NewTokenDialog } from './NewTokenDialog.tsx';
import { tokensQuery, type ApiToken } from './queries.ts';
import { scopeWords } from './scopes.ts';

/** The tokens of programs: what each may do, when it was last used, when it ends; an admin makes and revokes them. */
export function TokenList() {
  const tokens = useQuery(tokensQuery);
  const may = useMay('admin');
  const [isMaking, setMaking] = useState(false);
  return (
    <Section
      title="Tokens"
      aside={
        <Actions>
          {may && <Button onPress={() => setMaking(true)}>Make a token …</Button>}
          <DownloadButton path="/v1/tokens.csv">Download CSV</DownloadButton>
        </Actions>
      }
    >
      <Soft>A program asks the API with a token. Each is shown once, when it is made.</Soft>
      <Loaded query={tokens} what="The tokens" loading={<Skeleton label="Reading the tokens …" rows={3} />}>
        {({ items }) =>
          items.length === 0 ? (
            <Soft>There is none.</Soft>
          ) : (
            <ul className={styles['list']} aria-label="Tokens">
              {items
                .toSorted((one, other) => other.createdAt.localeCompare(one.createdAt))
                .map((token) => (
                  <Row key={token.id} token={token} may={may} />
                ))}
            </ul>
          )
        }
      </Loaded>
      {isMaking && <NewTokenDialog onClose={() => setMaking(false)} />}
    </Section>
  );
}

function Row({
  token: { id, name, scopes, createdAt, createdBy, lastUsedAt, expiresAt },
  may,
}: {
  token: ApiToken;
  may: boolean;
}) {
  const queryClient = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const revoke = useMutation({
    mutationFn: () => ask(api.DELETE('/v1/tokens/{id}', { params: { path: { id } } })),
    onSuccess: () => tell(`The token ${name} was revoked`),
    onError: tellProblem,
    onSettled: () => {
      setAsking(false);
      return queryClient.invalidateQueries({ queryKey: keys.tokens.all });
    },
  });
  const isOver = expiresAt !== null && Date.parse(expiresAt) <= Date.now();
  return (
    <li className={styles['row']} aria-label={name}>
      <div className={styles['who']}>
        <span className={styles['name']}>{name}</span>
        <div className={styles['soft']}>
          {scopes.map((scope) => scopeWords[scope].name).join(', ')}, made <When at={createdAt} />
          {createdBy !== null && ` by ${createdBy}`};{' '}
          {lastUsedAt === null ? (
            'never used'
          ) : (
            <>
              used <When at={lastUsedAt} as="age" />
            </>
          )}
        </div>
      </div>
      {isOver ? (
        <StatusWord tone="quiet">Has expired</StatusWord>
      ) : (
        <span className={styles['soft']}>
          {expiresAt === null ? (
            'Does not expire'
          ) : (
            <>
              until <When at={expiresAt} />
            </>
          )}
        </span>
      )}
      {may && (
        <div className={styles['act']}>
          <Button look="quiet" aria-label={`Revoke ${name} …`} onPress={() => setAsking(true)}>
            Revoke …
          </Button>
        </div>
      )}
      <Dialog
        title={`Revoke ${name}?`}
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        actions={
          <>
            <Button onPress={() => setAsking(false)}>Not now</Button>
            <Button look="danger" isDisabled={revoke.isPending} onPress={() => revoke.mutate()}>
              Revoke
            </Button>
          </>
        }
      >
        <p>A program that has this token is refused from its next request on. It cannot be brought back.</p>
      </Dialog>
    </li>
  );
}
