import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { lazyRouteComponent } from '../../lazyRouteComponent.ts';
import { Suspense, useState } from 'react';
import { Button } from '../../ui/Button.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { RowList } from '../../ui/RowList.tsx';
import { SearchField } from '../../ui/SearchField.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { Switch } from '../../ui/Switch.tsx';
import { useNarrow } from '../../ui/useNarrow.ts';
import { formatMany } from '../../ui/format.ts';
import { usePsaWords } from '../catalogue/queries.ts';
import { healthQuery } from '../integrationHealth/queries.ts';
import type { Integration } from '../integrations/state.ts';
import { useMay } from '../me/queries.ts';
import { AccountRow, Named } from './AccountRow.tsx';
import { useDecide } from './decide.ts';
import styles from './mappings.module.css';
import { accountsQuery, moreOf, progressQuery, targetsQuery, type Account, type Target } from './queries.ts';
import { accountsLeft, calledOf, capital, targetDetail } from './words.ts';

const kind = 'application/x-countersign-psa-account';
const rowHeight = 36;
const narrowRowHeight = 80;

// Loaded when they are first opened: a page may weigh only so much.
const MapToDialog = lazyRouteComponent(() => import('./MapToDialog.tsx'), 'MapToDialog');
const ExcludeDialog = lazyRouteComponent(() => import('./ExcludeDialog.tsx'), 'ExcludeDialog');

/** PSA accounts left, vendor accounts right: dragging one onto the other maps it, and so does *Map to…* on its row. */
export function AccountBoard({ integration, vendor }: { integration: Integration; vendor: string }) {
  const { id } = integration;
  const words = usePsaWords(integration.psaConnectionId);
  const mayMap = useMay('operate') && integration.disconnectedAt === null;
  const isNarrow = useNarrow();
  const [hideMapped, setHideMapped] = useState(false);
  const [psaSearch, setPsaSearch] = useState('');
  const [search, setSearch] = useState('');
  const [mapping, setMapping] = useState<Account>();
  const [excluding, setExcluding] = useState<Account>();
  const targets = useInfiniteQuery(targetsQuery(id, { search: psaSearch, hideMapped }));
  const accounts = useInfiniteQuery(accountsQuery(id, { search, hideMapped }));
  const { decide, undo, last, isBusy } = useDecide(id);
  const nameOfTarget = (targetId: string) => {
    const target = targets.data?.pages.flatMap(({ items }) => items).find((each) => each.id === targetId);
    return target ? calledOf(target) : targetId;
  };

  return (
    <>
      <div className={styles['left']}>
        <Left integrationId={id} psaConnectionId={integration.psaConnectionId} />
        <Switch isSelected={hideMapped} onChange={setHideMapped}>
          Hide mapped
        </Switch>
      </div>
      <div className={styles['last']}>
        {mayMap && (
          <Button onPress={undo} isDisabled={last === undefined || isBusy}>
            <Icon name="undo" />
            Undo
          </Button>
        )}
        <span role="status">{last?.words ?? ''}</span>
      </div>
      <div className={styles['board']}>
        <section className={styles['side']} aria-label={`${capital(words.account.many)} in the PSA`}>
          <SearchField
            label={`Search ${words.account.many}`}
            placeholder="Name or code, from two characters"
            onSearch={setPsaSearch}
          />
          <Loaded
            query={targets}
            what={`The ${words.account.many}`}
            loading={<Skeleton label={`Reading the ${words.account.many} …`} rows={9} />}
          >
            {({ pages }) => (
              <div className={styles['list']}>
                <RowList<Target>
                  label={`${capital(words.account.many)} in the PSA`}
                  rows={pages.flatMap(({ items }) => items)}
                  nameOf={calledOf}
                  rowHeight={rowHeight}
                  {...moreOf(targets)}
                  dragging={mayMap ? { kind, isSource: true } : undefined}
                  empty={
                    psaSearch !== ''
                      ? `No ${words.account.one} has “${psaSearch}” in its name or code.`
                      : hideMapped
                        ? `Every ${words.account.one} is mapped.`
                        : `The PSA has no ${words.account.one}.`
                  }
                >
                  {(target) => <TargetRow target={target} />}
                </RowList>
              </div>
            )}
          </Loaded>
        </section>
        <section className={styles['side']} aria-label={`Customers of ${vendor}`}>
          <SearchField
            label={`Search customers of ${vendor}`}
            placeholder="Name, from two characters"
            onSearch={setSearch}
          />
          <Loaded
            query={accounts}
            what="The customers"
            loading={<Skeleton label={`Reading the customers of ${vendor} …`} rows={9} />}
          >
            {({ pages }) => (
              <div className={styles['list']}>
                <RowList<Account>
                  label={`Customers of ${vendor}`}
                  rows={pages.flatMap(({ items }) => items)}
                  nameOf={calledOf}
                  rowHeight={isNarrow ? narrowRowHeight : rowHeight}
                  {...moreOf(accounts)}
                  dragging={
                    mayMap
                      ? {
                          kind,
                          takes: ({ excluded }) => !excluded,
                          onDrop: (to, account) =>
                            decide(account, { do: 'map', to: { id: to, name: nameOfTarget(to) } }),
                        }
                      : undefined
                  }
                  empty={
                    search !== ''
                      ? `No customer of ${vendor} has “${search}” in its name.`
                      : hideMapped
                        ? 'Every customer is mapped. Nothing is left.'
                        : `No customer of ${vendor} is linked yet. Link customers first, in the steps of connecting ${vendor}.`
                  }
                >
                  {(account) => (
                    <AccountRow
                      account={account}
                      vendor={vendor}
                      mayMap={mayMap}
                      onMapTo={() => setMapping(account)}
                      onMap={(to) => decide(account, { do: 'map', to })}
                      onUnmap={() => decide(account, { do: 'unmap' })}
                      onExclude={() => setExcluding(account)}
                      onInclude={() => decide(account, { do: 'include' })}
                    />
                  )}
                </RowList>
              </div>
            )}
          </Loaded>
        </section>
      </div>
      <Suspense>
        {mapping && (
          <MapToDialog
            integrationId={id}
            account={mapping}
            words={words}
            onClose={() => setMapping(undefined)}
            onMap={(to) => {
              decide(mapping, { do: 'map', to });
              setMapping(undefined);
            }}
          />
        )}
        {excluding && (
          <ExcludeDialog
            account={excluding}
            onClose={() => setExcluding(undefined)}
            onExclude={(reason) => {
              decide(excluding, { do: 'exclude', reason });
              setExcluding(undefined);
            }}
          />
        )}
      </Suspense>
    </>
  );
}

function Left({ integrationId, psaConnectionId }: { integrationId: string; psaConnectionId: string }) {
  const progress = useQuery(progressQuery(integrationId));
  const words = usePsaWords(psaConnectionId);
  const health = useQuery(healthQuery).data?.items.find((each) => each.integrationId === integrationId);
  const waiting = health?.customersWaiting ?? 0;
  return (
    <div className={styles['leftWords']}>
      <p role="status">{progress.data ? accountsLeft(progress.data, words) : ''}</p>
      {waiting > 0 && (
        <p>
          {`${formatMany(waiting, 'of them came', 'of them came')} after the integration was connected and also `}
          {waiting === 1 ? 'waits' : 'wait'} on <Link to="/new-customers">New customers</Link>.
        </p>
      )}
    </div>
  );
}

function TargetRow({ target }: { target: Target }) {
  const detail = targetDetail(target);
  return (
    <span className={styles['psa']} title={`${target.name}${detail === '' ? '' : ` · ${detail}`}`}>
      <Named name={target.name} apart={target.apart} />
      {!target.active && <span className={styles['mark']}>inactive</span>}
      {target.prospect && <span className={styles['mark']}>prospect</span>}
      {target.mapped > 0 && <span className={styles['mark']}>{`${target.mapped} mapped`}</span>}
    </span>
  );
}
