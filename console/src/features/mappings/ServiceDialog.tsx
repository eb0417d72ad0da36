import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { Button } from '../../ui/Button.tsx';
import { ComboBox } from '../../ui/ComboBox.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { ProblemBanner } from '../../ui/ProblemBanner.tsx';
import { Radios } from '../../ui/Radios.tsx';
import { Select } from '../../ui/Select.tsx';
import { tell } from '../../ui/Toast.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import type { Integration } from '../integrations/state.ts';
import { EffectOfMapping } from './EffectOfMapping.tsx';
import styles from './mappings.module.css';
import { previewQuery, productsQuery, type Product, type Service, type ServiceWish } from './queries.ts';
import {
  capital,
  combineWords,
  effectInWords,
  fanOutWords,
  roundingWords,
  type Combine,
  type FanOut,
  type Rounding,
} from './words.ts';

interface Props {
  integration: Integration;
  service: Service;
  /** A product that was dropped on it. */
  added: Product | undefined;
  words: PsaWords;
  onClose: () => void;
}

type Chosen = Pick<Product, 'id' | 'productId' | 'name'>;

/** One service: its products and how it shares, what feeds them beside it, and what saving would touch. */
export function ServiceDialog({ integration, service, added, words, onClose }: Props) {
  const { id, psaConnectionId } = integration;
  const queryClient = useQueryClient();
  const [products, setProducts] = useState<readonly Chosen[]>(
    added && !service.products.some((product) => product.id === added.id)
      ? [...service.products, added]
      : service.products,
  );
  const [fanOut, setFanOut] = useState<FanOut>(service.fanOut ?? 'parts');
  const [rounding, setRounding] = useState<Rounding>(service.rounding ?? 'none');
  const [combine, setCombine] = useState<Combine | null>(null);
  const productIds = products.map((product) => product.id);
  const wish: ServiceWish = { productIds, fanOut, rounding, combine };
  const preview = useQuery(previewQuery(id, service.id, wish));
  const isPreviewed = preview.isSuccess && !preview.isPlaceholderData;
  const shown = preview.data;
  // The rule in force, when it is the same for every product.
  const inForce = [...new Set(Object.values(shown?.rules ?? {}))];
  const rule = inForce.length === 1 ? (inForce[0] ?? null) : null;
  const feeders = [...new Set(shown?.feeders.map(({ name }) => name))];

  const save = useMutation({
    mutationFn: async (asked: ServiceWish) => saveMapping(id, service, asked, rule),
    onSuccess: () => {
      tell(`${service.name} is mapped`, 'What it touches stands in Reconcile.');
      onClose();
    },
    onSettled: () => refresh(),
  });
  const unmap = useMutation({
    mutationFn: () =>
      ask(
        api.DELETE('/v1/integrations/{id}/services/{serviceId}/mapping', {
          params: { path: { id, serviceId: service.id }, query: { seen: service.version } },
        }),
      ),
    onSuccess: () => {
      tell(`${service.name} is no longer mapped`);
      onClose();
    },
    onSettled: () => refresh(),
  });
  const refresh = () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: keys.mappings.services(id) }),
      queryClient.invalidateQueries({ queryKey: keys.mappings.progress(id) }),
    ]);
  const isBusy = save.isPending || unmap.isPending;
  const failed = save.error ?? unmap.error;

  return (
    <Dialog
      title={`Map ${service.name}`}
      isOpen
      onClose={onClose}
      actions={
        <>
          {service.productIds !== null && (
            <Button onPress={() => unmap.mutate()} isDisabled={isBusy}>
              Unmap
            </Button>
          )}
          <Button onPress={onClose}>Cancel</Button>
          <Button
            look="main"
            isDisabled={isBusy || products.length === 0 || !isPreviewed}
            onPress={() => save.mutate(wish)}
          >
            Save
          </Button>
        </>
      }
    >
      {failed && <ProblemBanner error={failed} />}
      {products.length > 0 && (
        <ul className={styles['chosen']} aria-label={`Chosen ${words.product.many}`}>
          {products.map((product) => (
            <li key={product.id}>
              <span className={styles['two']} title={`${product.productId} · ${product.name}`}>
                <span className={styles['name']}>{product.productId}</span>
                <span className={styles['soft']}>{product.name}</span>
              </span>
              <Button
                look="icon"
                aria-label={`Remove ${product.productId}`}
                onPress={() => setProducts(products.filter((each) => each.id !== product.id))}
              >
                <Icon name="close" />
              </Button>
            </li>
          ))}
        </ul>
      )}
      <AddProduct
        key={products.length}
        psaConnectionId={psaConnectionId}
        words={words}
        isFirst={products.length === 0}
        chosen={productIds}
        onAdd={(product) => setProducts([...products, product])}
      />
      {products.length > 1 && (
        <Radios
          label={`One service, several ${words.product.many}`}
          choices={(['parts', 'alternatives'] as const).map((each) => ({
            id: each,
            name: fanOutWords[each].name,
            detail: `${fanOutWords[each].detail(words)} ${shown ? effectInWords(shown.fanOut[each]) : ''}`,
          }))}
          chosen={fanOut}
          onChoose={setFanOut}
        />
      )}
      {products.length > 0 && feeders.length > 0 && (
        <Radios
          label={`Several services, one ${words.product.one}`}
          description={`${feeders.join(', ')} ${feeders.length === 1 ? 'is' : 'are'} billed as the same. How do they combine? It holds for all of them.`}
          choices={(['add', 'highest', 'distinct'] as const).map((each) => ({
            id: each,
            name: combineWords[each].name,
            detail: `${combineWords[each].detail} ${shown ? effectInWords(shown.combine[each]) : ''}`,
          }))}
          chosen={combine ?? rule}
          onChoose={setCombine}
        />
      )}
      {products.length > 0 && (
        <Select
          label="Rounding"
          choices={(Object.keys(roundingWords) as Rounding[]).map((each) => ({ id: each, name: roundingWords[each] }))}
          chosen={rounding}
          onChoose={setRounding}
        />
      )}
      {preview.isError ? (
        <ProblemBanner error={preview.error} onRetry={() => void preview.refetch()} />
      ) : (
        <EffectOfMapping
          isCounted={service.seats !== null}
          effect={shown?.effect}
          isReading={!isPreviewed}
          isNothing={products.length === 0}
          words={words}
        />
      )}
    </Dialog>
  );
}

/**
 * A rule for how services combine is set against the one that was shown with the service. A product that the service is
 * not mapped to yet shows none, so it is mapped first.
 */
async function saveMapping(id: string, service: Service, wish: ServiceWish, rule: Combine | null): Promise<Service> {
  const { productIds, fanOut, rounding, combine } = wish;
  const put = (seen: string, more: { combine?: Combine } = {}) =>
    ask(
      api.PUT('/v1/integrations/{id}/services/{serviceId}/mapping', {
        params: { path: { id, serviceId: service.id }, query: { seen } },
        body: { productIds: [...productIds], fanOut, rounding, ...more },
      }),
    );
  const isSet = combine !== null && combine !== rule;
  const isKnown = productIds.every((productId) => productId in service.combine);
  if (!isSet) return put(service.version);
  if (isKnown || rule === null) return put(service.version, { combine });
  const mapped = await put(service.version);
  return put(mapped.version, { combine });
}

interface AddProps {
  psaConnectionId: string;
  words: PsaWords;
  isFirst: boolean;
  chosen: readonly string[];
  onAdd: (product: Product) => void;
}

function AddProduct({ psaConnectionId, words, isFirst, chosen, onAdd }: AddProps) {
  const [search, setSearch] = useState('');
  const found = useInfiniteQuery(productsQuery(psaConnectionId, search.trim()));
  const products = (found.data?.pages.flatMap(({ items }) => items) ?? []).filter(
    (product) => product.active && product.usableOnContract && !chosen.includes(product.id),
  );
  return (
    <ComboBox
      label={isFirst ? `${capital(words.product.one)}, by ${words.productId}` : `Another ${words.product.one}`}
      choices={products.map(({ id, productId, name }) => ({ id, name: productId, detail: name }))}
      onSearch={setSearch}
      onChoose={(id) => {
        const product = products.find((each) => each.id === id);
        if (product) onAdd(product);
      }}
      isLoading={found.isPending}
      nothing={`No ${words.product.one} that can be billed has this in its ${words.productId} or name.`}
      autoFocus={isFirst}
    />
  );
}
