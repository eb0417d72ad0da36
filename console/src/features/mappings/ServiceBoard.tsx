import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { lazyRouteComponent } from '../../lazyRouteComponent.ts';
import { Suspense, useState } from 'react';
import { Button } from '../../ui/Button.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { RowList } from '../../ui/RowList.tsx';
import { SearchField } from '../../ui/SearchField.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { useNarrow } from '../../ui/useNarrow.ts';
import { formatMany } from '../../ui/format.ts';
import { usePsaWords } from '../catalogue/queries.ts';
import type { Integration } from '../integrations/state.ts';
import { useMay } from '../me/queries.ts';
import styles from './mappings.module.css';
import { moreOf, productsQuery, progressQuery, servicesQuery, type Product, type Service } from './queries.ts';
import { NothingCounted } from './NothingCounted.tsx';
import { capital, formatSeats, fanOutWords, notCounted, servicesLeft } from './words.ts';

const kind = 'application/x-countersign-psa-product';

// Loaded when it is first opened: a page may weigh only so much.
const ServiceDialog = lazyRouteComponent(() => import('./ServiceDialog.tsx'), 'ServiceDialog');

/** What is edited: a service, and the product that was dropped on it. */
interface Editing {
  serviceId: string;
  added: Product | undefined;
}

/** PSA products left, services right. Nothing is saved before a person has seen what it touches. */
export function ServiceBoard({ integration, vendor }: { integration: Integration; vendor: string }) {
  const { id, psaConnectionId } = integration;
  const words = usePsaWords(psaConnectionId);
  const mayMap = useMay('operate') && integration.disconnectedAt === null;
  const isNarrow = useNarrow();
  const [search, setSearch] = useState('');
  const [editing, setEditing] = useState<Editing>();
  const products = useInfiniteQuery(productsQuery(psaConnectionId, search));
  const services = useQuery(servicesQuery(id));
  const progress = useQuery(progressQuery(id));
  const edited = services.data?.items.find((service) => service.id === editing?.serviceId);
  const listed = products.data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <>
      <p role="status">{progress.data ? servicesLeft(progress.data) : ''}</p>
      {services.data && services.data.items.every(({ seats }) => seats === null) && (
        <NothingCounted integration={integration} />
      )}
      <div className={styles['board']}>
        <section className={styles['side']} aria-label={`${capital(words.product.many)} in the PSA`}>
          <SearchField
            label={`Search by ${words.productId}`}
            placeholder={`${words.productId} or name, from two characters`}
            onSearch={setSearch}
          />
          <Loaded
            query={products}
            what={`The ${words.product.many}`}
            loading={<Skeleton label={`Reading the ${words.product.many} …`} rows={9} />}
          >
            {() => (
              <div className={styles['list']}>
                <RowList<Product>
                  label={`${capital(words.product.many)} in the PSA`}
                  rows={listed}
                  nameOf={({ productId }) => productId}
                  rowHeight={52}
                  {...moreOf(products)}
                  dragging={mayMap ? { kind, isSource: true } : undefined}
                  empty={
                    search === ''
                      ? `The PSA has no ${words.product.one}.`
                      : `No ${words.product.one} has “${search}” in its ${words.productId} or name.`
                  }
                >
                  {(product) => <ProductRow product={product} />}
                </RowList>
              </div>
            )}
          </Loaded>
        </section>
        <section className={styles['side']} aria-label={`Services of ${vendor}`}>
          <h2 className={styles['title']}>Services of {vendor}</h2>
          <Loaded
            query={services}
            what="The services"
            loading={<Skeleton label={`Reading the services of ${vendor} …`} rows={8} />}
          >
            {({ items }) => (
              <div className={styles['list']}>
                <RowList<Service>
                  label={`Services of ${vendor}`}
                  rows={items.toSorted((a, b) => (b.seats ?? -1) - (a.seats ?? -1))}
                  nameOf={({ name }) => name}
                  rowHeight={isNarrow ? 84 : 52}
                  dragging={
                    mayMap
                      ? {
                          kind,
                          onDrop: (productId, service) =>
                            setEditing({
                              serviceId: service.id,
                              added: listed.find((product) => product.id === productId),
                            }),
                        }
                      : undefined
                  }
                  empty={`${vendor} has named no service yet. They appear with the first counts.`}
                >
                  {(service) => (
                    <ServiceRow
                      service={service}
                      mayMap={mayMap}
                      onMap={() => setEditing({ serviceId: service.id, added: undefined })}
                    />
                  )}
                </RowList>
              </div>
            )}
          </Loaded>
        </section>
      </div>
      <Suspense>
        {editing && edited && (
          <ServiceDialog
            integration={integration}
            service={edited}
            added={editing.added}
            words={words}
            onClose={() => setEditing(undefined)}
          />
        )}
      </Suspense>
    </>
  );
}

function ProductRow({ product: { productId, name, active, usableOnContract } }: { product: Product }) {
  return (
    <span className={styles['psa']} title={`${productId} · ${name}`}>
      <span className={styles['two']}>
        <span className={styles['name']}>{productId}</span>
        <span className={styles['soft']}>{name}</span>
      </span>
      {!active && <span className={styles['mark']}>inactive</span>}
      {active && !usableOnContract && <span className={styles['mark']}>bundle</span>}
    </span>
  );
}

function ServiceRow({ service, mayMap, onMap }: { service: Service; mayMap: boolean; onMap: () => void }) {
  const { name, seats, customers, productIds, products, fanOut } = service;
  const names = products.map(({ productId }) => productId).join(fanOut === 'alternatives' ? ' or ' : ' and ');
  return (
    <div className={styles['account']}>
      <span className={styles['two']} title={name}>
        <span className={styles['name']}>{name}</span>
        {service.description !== name && <span className={styles['soft']}>{service.description}</span>}
      </span>
      <span className={styles['seats']}>
        {seats === null ? (
          <span className={styles['unit']}>{notCounted}</span>
        ) : (
          <>
            {formatSeats(seats)}
            <span className={styles['unit']}> seats</span>
            <br />
            <span className={styles['unit']}>{formatMany(customers, 'customer', 'customers')}</span>
          </>
        )}
      </span>
      {productIds === null ? (
        <span className={styles['target']}>
          <span className={styles['soft']}>Not mapped</span>
        </span>
      ) : (
        <span className={styles['target']} title={names}>
          <Icon name="arrow" className={styles['arrow']} />
          <span className={styles['as']}>{names}</span>
          {productIds.length > 1 && fanOut !== null && (
            <span className={styles['mark']}>{fanOutWords[fanOut].name}</span>
          )}
        </span>
      )}
      {mayMap && (
        <span className={styles['buttons']}>
          <Button onPress={onMap} aria-label={`${productIds === null ? 'Map' : 'Change'} ${name}…`}>
            {productIds === null ? 'Map …' : 'Change …'}
          </Button>
        </span>
      )}
    </div>
  );
}
