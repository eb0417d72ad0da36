import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ComboBox } from '../../ui/ComboBox.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { ProblemBanner } from '../../ui/ProblemBanner.tsx';
import type { Choice } from '../../ui/Select.tsx';
import type { PsaWords } from '../catalogue/queries.ts';
import { searchOf, suggestionsQuery, targetsQuery, type Account } from './queries.ts';
import { calledOf, capital, targetDetail } from './words.ts';

interface Props {
  integrationId: string;
  account: Pick<Account, 'id' | 'name' | 'apart'>;
  words: PsaWords;
  onMap: (to: { id: string; name: string }) => void;
  onClose: () => void;
}

/** *Map to…*: the nearest names and why, and everything else by typing. What is chosen is mapped at once. */
export function MapToDialog({ integrationId, account, words, onMap, onClose }: Props) {
  const [search, setSearch] = useState('');
  const isSearching = 'search' in searchOf(search);
  const nearest = useQuery(suggestionsQuery(integrationId, account.id));
  const found = useInfiniteQuery({
    ...targetsQuery(integrationId, { search: search.trim(), hideMapped: false }),
    enabled: isSearching,
  });
  const choices: Choice[] = isSearching
    ? (found.data?.pages.flatMap(({ items }) => items) ?? []).map((target) => ({
        id: target.id,
        name: calledOf(target),
        detail: targetDetail(target),
      }))
    : (nearest.data?.items ?? []).map((near) => ({
        id: near.id,
        name: calledOf(near),
        detail: `Near: ${near.reason}`,
      }));
  const asked = isSearching ? found : nearest;
  // Only active ones are suggested: one of the same name that is not is told, rather than that there is none.
  const isNoneNear = nearest.data?.items.length === 0;
  const named = useInfiniteQuery({
    ...targetsQuery(integrationId, { search: account.name, hideMapped: false }),
    enabled: isNoneNear,
  });
  const inactive = named.data?.pages
    .flatMap(({ items }) => items)
    .find(({ name, active }) => !active && name.toLowerCase() === account.name.toLowerCase());
  return (
    <Dialog title={`Map ${calledOf(account)} to …`} isOpen onClose={onClose}>
      <ComboBox
        label={`${capital(words.account.one)} in the PSA`}
        description={`The nearest names stand first, with the reason. Type to find any other ${words.account.one}.`}
        choices={choices}
        onSearch={setSearch}
        onChoose={(id) => {
          const to = choices.find((choice) => choice.id === id);
          if (to) onMap(to);
        }}
        isLoading={asked.isPending}
        nothing={
          isSearching
            ? `No ${words.account.one} has this in its name.`
            : inactive
              ? `There is a ${words.account.one} of this name, but it is inactive in the PSA. Type its name to choose it all the same.`
              : 'No name is near to it. Type a part of the name you look for.'
        }
        autoFocus
      />
      {asked.isError && <ProblemBanner error={asked.error} onRetry={() => void asked.refetch()} />}
    </Dialog>
  );
}
