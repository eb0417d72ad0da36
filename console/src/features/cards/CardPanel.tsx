import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { api, ask } from '../../api/client.ts';
import { keys } from '../../api/keys.ts';
import { Banner } from '../../ui/Banner.tsx';
import { Button } from '../../ui/Button.tsx';
import { formatCount } from '../../ui/format.ts';
import { LinkButton } from '../../ui/LinkButton.tsx';
import { Loaded } from '../../ui/Loaded.tsx';
import { Radios } from '../../ui/Radios.tsx';
import { SidePanel } from '../../ui/SidePanel.tsx';
import { Skeleton } from '../../ui/Skeleton.tsx';
import { StatusWord } from '../../ui/StatusWord.tsx';
import { tell, tellProblem } from '../../ui/Toast.tsx';
import { usePsaWords, type PsaWords } from '../catalogue/queries.ts';
import { useMay } from '../me/queries.ts';
import { isLeftToPerson, useWrittenTo } from '../psaConnections/queries.ts';
import { useDecideCard } from './decide.ts';
import { DismissDialog } from './DismissDialog.tsx';
import { Explanation } from './Explanation.tsx';
import { cardQuery, isBeingWritten, showChanged, type CardDetail } from './queries.ts';
import { RuleDialog } from './RuleDialog.tsx';
import { meaningOfCard, nameOfCard, stateOfCard } from './words.ts';

/** One card, explained, and what can be done about it. */
export function CardPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const query = useQuery(cardQuery(id));
  const card = query.data;
  const mayOperate = useMay('operate');
  const words = usePsaWords(card?.psaConnectionId);
  const state = card && stateOfCard(card);
  const queryClient = useQueryClient();
  const isWriting = isBeingWritten(card);
  const wasWriting = useRef(false);
  useEffect(() => {
    // What became of it is in the list and the sums, too.
    if (wasWriting.current && !isWriting) showChanged(queryClient);
    wasWriting.current = isWriting;
  }, [isWriting, queryClient]);
  return (
    <SidePanel
      title={card ? nameOfCard(card) : 'A card'}
      state={state && <StatusWord tone={state.tone}>{state.word}</StatusWord>}
      onClose={onClose}
      actions={card && mayOperate && <CardActions card={card} words={words} />}
    >
      <Loaded query={query} what="The card" loading={<Skeleton label="Reading the card …" rows={10} />}>
        {(read) => (
          <>
            {meaningOfCard(read) !== undefined && <p>{meaningOfCard(read)}</p>}
            {read.pending?.state === 'todo' && <Todo card={read} />}
            {mayOperate && read.lines.length > 1 && <PickLine card={read} words={words} />}
            <Explanation card={read} words={words} />
          </>
        )}
      </Loaded>
    </SidePanel>
  );
}

/** What becomes of a to-do, and when. */
function Todo({ card }: { card: CardDetail }) {
  const writtenTo = useWrittenTo(card.psaConnectionId);
  const isOn = writtenTo?.writesEnabled === true;
  const mayOperate = useMay('operate');
  if (writtenTo && card.pending && isLeftToPerson(writtenTo, card.pending.to))
    return (
      <Banner title="It is on the to-do list">
        <p>
          A line that should go to 0 is left to a person, as the settings of the PSA connection say. End it in the PSA,
          or set it to 0 there, and its next read ticks it off.
        </p>
      </Banner>
    );
  return (
    <Banner title="It is on the to-do list">
      <p>
        It was approved while writing to the PSA was off. Make the change in the PSA, and its next read ticks it off.{' '}
        {isOn
          ? `Writing is on again, but this to-do is not written by that: nobody has looked at its numbers since. ${mayOperate ? 'Approve the card again, and it is written as it is now; the to-do is then replaced.' : 'Somebody has to approve the card again.'}`
          : 'Turning writing on does not write it, because nobody would have looked at its numbers at that moment: the card is then approved again.'}
      </p>
    </Banner>
  );
}

function CardActions({ card, words }: { card: CardDetail; words: PsaWords }) {
  const [asks, setAsks] = useState<'dismiss' | 'rule'>();
  const decide = useDecideCard(card);
  const { write, pending, dismissal } = card;
  const done = () => setAsks(undefined);
  const writtenTo = useWrittenTo(card.psaConnectionId);
  const writes = writtenTo && write ? writtenTo.writesEnabled && !isLeftToPerson(writtenTo, write.to) : undefined;
  // Of a to-do the same approval again is one only when it is written this time, or its numbers are others.
  const isOther = pending?.from !== write?.from || pending?.to !== write?.to;
  const isApprovable = !pending || (pending.state === 'todo' && (writes === true || isOther));
  return (
    <>
      {!dismissal?.reviewed && (
        <Button
          key="dismiss"
          onPress={() => (dismissal ? decide.mutate({ do: 'undismiss' }) : setAsks('dismiss'))}
          isDisabled={decide.isPending}
        >
          {dismissal ? 'Bring it back' : 'Dismiss …'}
        </Button>
      )}
      {(dismissal ? dismissal.reviewed : card.kind !== 'no_change') && (
        // One button for both, so that the focus stays on it.
        <Button key="review" onPress={() => decide.mutate({ do: dismissal ? 'undismiss' : 'review' })}>
          {dismissal ? 'Not reviewed after all' : 'Reviewed, no change'}
        </Button>
      )}
      <Button onPress={() => setAsks('rule')}>
        {card.explanation.rule ? 'Change the rule …' : 'Adjust by a rule …'}
      </Button>
      {pending && (
        <LinkButton to="/approvals/$id" params={{ id: pending.approvalId }}>
          {pending.state === 'todo' ? 'Show the to-do' : 'Show the write'}
        </LinkButton>
      )}
      {card.approvable && write && isApprovable && writtenTo && writes !== undefined && (
        <Approve card={card} write={write} writesEnabled={writtenTo.writesEnabled} writes={writes} />
      )}
      {asks === 'dismiss' && (
        <DismissDialog
          what={nameOfCard(card)}
          isBusy={decide.isPending}
          onDismiss={(dismissal) => decide.mutate({ do: 'dismiss', dismissal }, { onSuccess: done })}
          onClose={done}
        />
      )}
      {asks === 'rule' && (
        <RuleDialog
          card={card}
          words={words}
          isBusy={decide.isPending}
          onRule={(rule) => decide.mutate({ do: 'rule', rule }, { onSuccess: done })}
          onClose={done}
        />
      )}
    </>
  );
}

interface ApproveProps {
  card: CardDetail;
  write: NonNullable<CardDetail['write']>;
  writesEnabled: boolean;
  /** Whether approving writes to the PSA, or makes a to-do. */
  writes: boolean;
}

/** Sends exactly what the card shows: where it shows something else by now, nothing is written, and both are told. */
function Approve({ card, write, writesEnabled, writes }: ApproveProps) {
  const queryClient = useQueryClient();
  const approve = useMutation({
    mutationFn: () =>
      ask(api.POST('/v1/approvals', { body: { cards: [{ cardId: card.id, ...write }], writesEnabled } })),
    onSuccess: ({ approval }) => {
      tell(
        approval.state === 'todo' ? 'It is on the to-do list' : 'Approved',
        approval.state === 'todo'
          ? 'Make the change in the PSA, and the next read ticks it off.'
          : 'It is being written. The card says what became of it.',
      );
      void queryClient.invalidateQueries({ queryKey: keys.cards.one(card.id) });
      showChanged(queryClient);
    },
    onError: (error) => {
      tellProblem(error);
      void queryClient.invalidateQueries({ queryKey: keys.psaConnections.one(card.psaConnectionId) });
      showChanged(queryClient);
    },
  });
  return (
    <Button look="main" onPress={() => approve.mutate()} isDisabled={approve.isPending}>
      {`${writes ? 'Approve' : 'Put on the to-do list:'} ${formatCount(write.from)} → ${formatCount(write.to)}`}
    </Button>
  );
}

/** Several lines bill the product: a person says which one takes the difference. */
function PickLine({ card, words }: { card: CardDetail; words: PsaWords }) {
  const decide = useDecideCard(card);
  const asked = decide.isPending && decide.variables.do === 'pick' ? decide.variables.lineId : card.pickedLineId;
  return (
    <Radios
      label={`Which ${words.line.one} takes the difference`}
      description={`The choice is remembered until that ${words.line.one} ends.`}
      chosen={asked}
      onChoose={(lineId) => decide.mutate({ do: 'pick', lineId })}
      choices={card.lines.map(({ lineId, agreementName, quantity }) => ({
        id: lineId,
        name: `${agreementName}, ${formatCount(quantity)}`,
        detail: `${words.line.one} ${lineId}`,
      }))}
    />
  );
}
