import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { Button } from '../../ui/Button.tsx';
import { formatCount, formatMany } from '../../ui/format.ts';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import { usePreview } from '../approvals/usePreview.ts';
import { summaryQuery } from '../summary/queries.ts';
import styles from './cards.module.css';
import type { Dismissal } from './decide.ts';
import { DismissDialog } from './DismissDialog.tsx';
import { countsQuery, showChanged, type Card } from './queries.ts';
import { filterOf, type CardSearch } from './search.ts';

interface Props {
  search: CardSearch;
  /** The PSA whose cards are approved; undefined = there are several, and none is chosen. */
  psaConnectionId: string | undefined;
  chosen: ReadonlyMap<string, Card>;
  shown: readonly Card[];
  onChoose: (cards: readonly Card[]) => void;
}

/** As many cards as the API dismisses in one request. */
const mostAtOnce = 1_000;

/** What can be done about the selected cards, or about all that match. */
export function ActionBar({ search, psaConnectionId, chosen, shown, onChoose }: Props) {
  const counts = useQuery(countsQuery(search)).data;
  const ready = counts?.states.find(({ state }) => state === 'ready')?.cards ?? 0;
  const connections = useQuery(summaryQuery).data?.connections ?? [];
  const preview = usePreview();
  const [isDismissing, setDismissing] = useState(false);
  const queryClient = useQueryClient();
  const cards = [...chosen.values()];
  const dismiss = useMutation({
    mutationFn: (dismissal: Dismissal) =>
      ask(
        api.POST('/v1/cards/dismiss', {
          body: { ...dismissal, cardIds: cards.map(({ id }) => id).slice(0, mostAtOnce) },
        }),
      ),
    onSuccess: ({ dismissed }) => {
      tell(`${formatMany(dismissed, 'card', 'cards')} dismissed`);
      setDismissing(false);
      onChoose([]);
      showChanged(queryClient);
    },
    onError: tellProblem,
  });
  const of = cards[0]?.psaConnectionId ?? psaConnectionId;
  const isSeveral = cards.some((card) => card.psaConnectionId !== of);
  if (cards.length > 0) {
    return (
      <div className={styles['bar']}>
        <p role="status">
          {formatMany(cards.length, 'card', 'cards')} selected
          {isSeveral ? ', of several PSAs: approve those of one at a time' : ''}.
        </p>
        <Button look="quiet" onPress={() => onChoose([])}>
          Select none
        </Button>
        <Button onPress={() => setDismissing(true)}>Dismiss …</Button>
        <Button
          look="main"
          isDisabled={isSeveral || of === undefined || preview.isPending}
          onPress={() =>
            of !== undefined && preview.mutate({ psaConnectionId: of, filter: { cardIds: cards.map(({ id }) => id) } })
          }
        >
          Preview the selected …
        </Button>
        {isDismissing && (
          <DismissDialog
            what={formatMany(cards.length, 'card', 'cards')}
            isBusy={dismiss.isPending}
            onDismiss={(dismissal) => dismiss.mutate(dismissal)}
            onClose={() => setDismissing(false)}
          />
        )}
      </div>
    );
  }
  // What is shown here may be none of what is approved at once.
  const isWritten = connections.some((each) => each.psaConnectionId === psaConnectionId && each.writesEnabled);
  // A to-do is approved again once writing is on; before, that would make the same to-do.
  const isOpen = search.show === undefined || (search.show === 'todo' && isWritten);
  const isBulk =
    isOpen && search.kind === undefined && search.found === undefined && (search.state ?? 'ready') === 'ready';
  // Of no card nothing is said: the list says why there is none.
  if (!isBulk || !counts || counts.total === 0) return null;
  return (
    <div className={styles['bar']}>
      <p>
        {ready === 0
          ? 'None of these can be approved at once.'
          : `${formatMany(ready, 'card matches and is', 'cards match and are')} ready. Approving begins with a preview of the exact changes.`}
      </p>
      {shown.length > 0 && (
        <Button look="quiet" onPress={() => onChoose(shown)}>
          Select the {formatCount(shown.length)} shown
        </Button>
      )}
      <Button
        look="main"
        isDisabled={ready === 0 || psaConnectionId === undefined || preview.isPending}
        onPress={() => psaConnectionId !== undefined && preview.mutate({ psaConnectionId, filter: filterOf(search) })}
      >
        Preview all that match …
      </Button>
    </div>
  );
}
