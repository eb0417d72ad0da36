import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import type { Schema } from '../../api/types.ts';
import { Button } from '../../ui/Button.tsx';
import { Checkbox } from '../../ui/Checkbox.tsx';
import { EmptyState } from '../../ui/EmptyState.tsx';
import { formatCount } from '../../ui/format.ts';
import { Loaded } from '../../ui/Loaded.tsx';
import { ProblemBanner } from '../../ui/ProblemBanner.tsx';
import { Actions, Section, Soft } from '../../ui/Section.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { TextField } from '../../ui/TextField.tsx';
import { tell } from '../../ui/Toast.tsx';
import { useMay } from '../me/queries.ts';
import styles from './CustomerPicker.module.css';
import { customersQuery } from './queries.ts';

type Customer = Schema<'VendorCustomer'>;

/** Which of the vendor's customers are synced. */
export function CustomerPicker({ integrationId, vendor }: { integrationId: string; vendor: Schema<'Vendor'> }) {
  const customers = useQuery(customersQuery(integrationId));
  return (
    <Section title="Choose the customers">
      <Loaded
        query={customers}
        what="The customers"
        loading={<Skeleton label={`Reading the customers of ${vendor.name} …`} rows={6} />}
      >
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState title="There are no customers">
              {vendor.name} has listed none. New ones are found by the next sync.
            </EmptyState>
          ) : (
            <Picker integrationId={integrationId} customers={items} />
          )
        }
      </Loaded>
    </Section>
  );
}

/** So many rows are shown at once; the search finds the others. */
const rowsAtOnce = 100;

function Picker({ integrationId, customers }: { integrationId: string; customers: readonly Customer[] }) {
  const queryClient = useQueryClient();
  const may = useMay('operate');
  const [search, setSearch] = useState('');
  const [most, setMost] = useState(rowsAtOnce);
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const free = useMemo(() => customers.filter(({ linked }) => !linked), [customers]);
  const found = useMemo(() => {
    // An ü may be one character or two.
    const plain = (text: string) => text.normalize('NFC').toLocaleLowerCase();
    const text = plain(search.trim());
    return customers.filter(({ name }) => plain(name).includes(text));
  }, [customers, search]);
  const shared = useMemo(() => sharedNames(customers), [customers]);
  const choosable = found.filter(({ linked }) => !linked);
  const isAll = choosable.length > 0 && choosable.every(({ id }) => picked.has(id));
  const link = useMutation({
    mutationFn: () =>
      ask(
        api.POST('/v1/integrations/{id}/customers/link', {
          params: { path: { id: integrationId }, header: { 'idempotency-key': crypto.randomUUID() } },
          body: picked.size === free.length ? { all: true } : { ids: [...picked] },
        }),
      ),
    onSuccess: () => {
      tell('The customers were linked');
      void queryClient.invalidateQueries({ queryKey: keys.integrations.one(integrationId) });
      void queryClient.invalidateQueries({ queryKey: keys.customers.of(integrationId) });
      void queryClient.invalidateQueries({ queryKey: keys.intake.of(integrationId) });
    },
  });
  const pick = (ids: readonly string[], isPicked: boolean) =>
    setPicked((now) => {
      const next = new Set(now);
      for (const id of ids) {
        if (isPicked) next.add(id);
        else next.delete(id);
      }
      return next;
    });
  return (
    <>
      <TextField label="Search customers" value={search} onChange={setSearch} type="search" />
      <div className={styles['frame']}>
        <div className={styles['all']}>
          <Checkbox
            isChecked={isAll}
            isDisabled={!may || choosable.length === 0}
            onChange={(isPicked) =>
              pick(
                choosable.map(({ id }) => id),
                isPicked,
              )
            }
          >
            {search.trim() === ''
              ? `Select all ${formatCount(choosable.length)} customers`
              : `Select the ${formatCount(choosable.length)} that fit`}
          </Checkbox>
        </div>
        <ul className={styles['list']} aria-label="Customers" tabIndex={0}>
          {found.slice(0, most).map(({ id, name, linked }) => (
            <li key={id}>
              <Checkbox
                isChecked={linked || picked.has(id)}
                isDisabled={linked || !may}
                onChange={(isPicked) => pick([id], isPicked)}
              >
                {name}
                {shared.has(lookOf(name)) && <span className={styles['soft']}>{` ID ${id}`}</span>}
                {linked && <span className={styles['soft']}> (linked)</span>}
              </Checkbox>
            </li>
          ))}
          {found.length === 0 && <li className={styles['soft']}>No customer has “{search}” in its name.</li>}
          {found.length > most && (
            <li>
              <Button look="quiet" onPress={() => setMost(most + rowsAtOnce)}>
                {`Show more of ${formatCount(found.length)}`}
              </Button>
            </li>
          )}
        </ul>
      </div>
      {link.error && <ProblemBanner error={link.error} />}
      <Actions>
        {may ? (
          <Button look="main" isDisabled={picked.size === 0 || link.isPending} onPress={() => link.mutate()}>
            Link selected customers
          </Button>
        ) : (
          <Soft>You may look, but not link: ask an operator or admin of your organization.</Soft>
        )}
        <span role="status">
          {formatCount(picked.size)} of {formatCount(free.length)} selected
        </span>
      </Actions>
    </>
  );
}

const lookOf = (name: string) => name.replace(/\s+/gu, ' ').trim().toLowerCase();

/** The names, as they look, that several customers have: those are told apart by their ids. */
function sharedNames(customers: readonly Customer[]): ReadonlySet<string> {
  const seen = new Set<string>();
  return new Set(
    customers.flatMap(({ name }) => (seen.has(lookOf(name)) ? [lookOf(name)] : (seen.add(lookOf(name)), []))),
  );
}
